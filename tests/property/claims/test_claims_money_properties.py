"""Kilometres and cents neither appear nor vanish on their way from statements to claims, sheets and disclosures (rules EL3,
CL7, DI7, LI5)."""

from collections import Counter
from datetime import date, timedelta
from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from services.claims.application.claim.claim_request import LineShown, totals
from services.claims.domain.claim.disclosure import Settled, Shown, over_claim
from services.claims.domain.claim.line_life import LineAccount, LineState
from services.claims.domain.claim.second_application import EarlierLine, before_it, left_km, standing_km
from services.claims.domain.claim.sheets import ClaimLine, pack
from services.claims.domain.rates import Rate, estimate_cents
from tests.unit.claims.builders import CLAIMANT, NAMESPACE, nz

rates = st.builds(Rate, cents=st.integers(1, 100_000), units=st.integers(1, 50), source=st.just("paid"))


@st.composite
def claim_lines(draw: st.DrawFn) -> list[ClaimLine]:
    count = draw(st.integers(0, 40))
    return [
        ClaimLine(
            licence_id=uuid5(NAMESPACE, f"line {number}"),
            claimant_id=CLAIMANT,
            plate=draw(st.sampled_from(["A1", "B2", "C3", "D4"])),
            licence_number=f"RUC {number}",
            distance_km=draw(st.integers(1, 20_000)),
            estimate_cents=draw(st.one_of(st.none(), st.integers(0, 200_000))),
            reason_code=2,
        )
        for number in range(count)
    ]


@given(claim_lines(), st.integers(1, 12), st.integers(0, 4_000))
def test_EL3_packing_a_claim_into_sheets_loses_and_doubles_no_line(
    lines: list[ClaimLine], rows: int, least: int
) -> None:
    sheets = pack(lines, rows, least)
    packed = [line for sheet in sheets for line in sheet.lines]
    assert Counter(line.licence_id for line in packed) == Counter(line.licence_id for line in lines)
    assert sum(line.distance_km for line in packed) == sum(line.distance_km for line in lines)
    assert sum(sheet.known_cents for sheet in sheets) == sum(line.estimate_cents or 0 for line in lines)
    assert all(1 <= len(sheet.lines) <= rows for sheet in sheets)


def shown(number: int, off_road_mm: int, rate: Rate | None) -> LineShown:
    km = off_road_mm // 1_000_000
    return LineShown(
        licence_id=uuid5(NAMESPACE, f"line {number}"), number=f"RUC {number}", plate="A1", statement_hash="", claimable_km=km,
        off_road_mm=off_road_mm, rate=None, estimate_cents=estimate_cents(km, rate), eligible=True, findings=(),
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 10**10), st.one_of(st.none(), rates), st.integers(0, 3)), max_size=20))
def test_CL3_licences_claimed_apart_come_to_what_they_come_to_together(
    parts: list[tuple[int, Rate | None, int]],
) -> None:
    lines = [shown(number, mm, rate) for number, (mm, rate, _) in enumerate(parts)]
    groups = [tuple(line for line, part in zip(lines, parts, strict=True) if part[2] == one) for one in range(4)]
    together, apart = totals(tuple(lines)), [totals(group) for group in groups]
    for what in ("licences", "claimable_km", "off_road_mm"):
        assert together[what] == sum(one[what] or 0 for one in apart)
    cents = [one["estimate_cents"] for one in apart]
    unknown = any(rate is None for _, rate, _ in parts)
    assert together["estimate_cents"] == (None if unknown else sum(one or 0 for one in cents))
    assert together["claimable_km"] == sum(mm // 1_000_000 for mm, _, _ in parts), "floored once a licence (rule DI7)"


def today(km: int, rate: Rate) -> Shown:
    return Shown(km=km, rate=rate, grounds=())


@given(st.integers(0, 10**6), st.integers(0, 10**6), rates)
def test_CL7_what_is_disclosed_and_what_stands_are_what_was_claimed(claimed: int, now: int, rate: Rate) -> None:
    found = over_claim(LineAccount(claimed_km=claimed), estimate_cents(claimed, rate), today(now, rate), Settled())
    if found is None:
        assert now >= claimed
        return
    assert found.claimed_km - found.now_km == claimed - now > 0
    too_much = (estimate_cents(claimed, rate) or 0) - (estimate_cents(now, rate) or 0)
    assert found.cents is not None
    assert too_much <= found.cents <= too_much + 1, "rounded against us, by less than a cent for each side's own floor"


money = st.sampled_from(["declined", "accepted", "cut", "paid", "set_off", "recovered", "partly"])


def became(claimed: int, how: str) -> LineAccount:
    """A line of so many kilometres at a cent each."""
    line = LineAccount(claimed_km=claimed)
    if how == "pending":
        return line
    if how == "declined":
        return line.after("declined", None, None)
    if how == "cut":
        return line.after("accepted", claimed // 2, claimed // 2)
    line = line.after("accepted", claimed, claimed)
    steps: list[LineState] = ["paid", "recovered"] if how in {"recovered", "partly"} else [how]  # type: ignore[list-item]
    for kind in steps if how != "accepted" else ():
        line = line.after(kind, None, claimed // 3 if (how, kind) == ("partly", "recovered") else claimed)
    return line


@given(
    st.lists(st.tuples(st.integers(0, 3_000), money | st.just("pending")), min_size=1, max_size=6),
    st.integers(0, 3_000),
)
def test_CL5_EL4_however_often_the_agency_agrees_no_kilometre_stands_in_two_claims(
    applications: list[tuple[int, str]], now: int
) -> None:
    """Each application holds what the statement of its day shows beyond those before it; then the statement changes, and what is
    disclosed in all of them is what stands too much."""
    lines: list[EarlierLine] = []
    for number, (shown_km, how) in enumerate(applications):
        much = left_km(shown_km, lines)
        assert standing_km(lines) + much <= max(shown_km, standing_km(lines)), (
            "a new claim reaches no further than its statement"
        )
        if much < 1:
            continue
        at = nz(2026, 5, 1) + timedelta(days=number)
        lines.append(
            EarlierLine(
                claim_id=uuid5(NAMESPACE, f"claim {number}"), number=f"RUCOR-{number:06d}", lodged_at=at, lodged_on=date(2026, 5, 1),
                account=became(much, how), estimate_cents=None, consent=None,
            )
        )  # fmt: skip
    rate = Rate(cents=1_000, units=1, source="paid")
    owed = [
        over_claim(line.account, None, today(left_km(now, before_it(lines, line.claim_id)), rate), Settled())
        for line in lines
    ]
    assert sum(one.owed_km for one in owed if one is not None) == max(0, standing_km(lines) - now)
