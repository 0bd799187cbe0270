"""What a lodged line would not be given today: kilometres, money, or anything at all (rule CL7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.claim.disclosure import (
    Closed,
    Ground,
    OverClaim,
    Settled,
    Shown,
    findings_of,
    grounds_against,
    letter,
    over_claim,
    settled_by,
)
from services.claims.domain.claim.line_life import LineAccount
from services.claims.domain.findings import Finding, Outcome
from services.claims.domain.rates import Rate, estimate_cents

PENDING = LineAccount(claimed_km=560)
ACCEPTED = PENDING.after("accepted", 560, 4_256)
LODGED = 4_256
UNREAD = Ground("DI3", "missing: an actual reading at or beyond 46000")
NOTHING = Settled()


def rate(cents: int) -> Rate:
    return Rate(cents=cents, units=1, source="table")


def shown(km: int, cents: int | None = 7_600, *grounds: Ground) -> Shown:
    return Shown(km=km, rate=None if cents is None else rate(cents), grounds=grounds)


def found(line: LineAccount, now: Shown, settled: Settled = NOTHING, lodged: int | None = LODGED) -> OverClaim:
    much = over_claim(line, lodged, now, settled)
    assert much is not None
    return much


def closed(*told: OverClaim) -> Settled:
    """As a review reads disclosures that a person closed."""
    return settled_by(Closed(one, 0) for one in told)


def words(much: OverClaim) -> str:
    return letter("RUCOR-000001", "L1", "ABC123", much)


def test_CL7_an_over_claim_is_told_in_kilometres_and_dollars_rounded_against_the_claimant() -> None:
    much = found(PENDING, shown(500))
    assert (much.claimed_km, much.now_km, much.owed_km, much.cents) == (560, 500, 60, 456)
    assert (much.claimed_cents, much.now_cents, much.settled_cents) == (4_256, 3_800, 0)
    assert found(PENDING, shown(559, 7_601), lodged=560 * 7_601 // 1_000).cents == 8
    assert over_claim(PENDING, LODGED, shown(560), NOTHING) is None
    assert over_claim(PENDING, LODGED, shown(700), NOTHING) is None, (
        "never more than was claimed: a late top-up is impossible (rule EL4)"
    )
    assert found(PENDING, shown(500, None), lodged=None).cents is None
    assert "60 km, worth $4.56" in words(much)


def test_CL7_what_was_told_and_settled_is_not_owed_again_and_the_letter_says_so() -> None:
    settled = Settled(km=60, cents=456)
    assert over_claim(PENDING, LODGED, shown(500), settled) is None
    more = found(PENDING, shown(490), settled)
    assert (more.owed_km, more.cents) == (10, 76)
    assert (
        "70 km were claimed in error. 60 km of them have been settled before. 10 km, worth $0.76, are still owed"
        in words(more)
    )


def test_CL7_nothing_is_owed_of_what_the_agency_declined_cut_or_took_back() -> None:
    assert over_claim(PENDING.after("declined", None, None), LODGED, shown(420, 4_900, UNREAD), NOTHING) is None
    assert over_claim(PENDING.after("accepted", 420, 3_192), LODGED, shown(420), NOTHING) is None
    gone = ACCEPTED.after("paid", None, 4_256).after("recovered", None, 4_256)
    assert over_claim(gone, LODGED, shown(420, 4_900, UNREAD), NOTHING) is None
    part = ACCEPTED.after("paid", None, 4_256).after("recovered", None, 1_064)
    assert over_claim(part, LODGED, shown(420), NOTHING) is None, "140 km were taken back"
    assert found(part, shown(400), Settled(km=140, cents=1_064)).owed_km == 20, "one repayment on record twice is one"


@pytest.mark.parametrize("lodged", [LODGED, None])
def test_CL7_what_was_settled_before_the_agency_left_it_out_of_what_it_accepted_settles_nothing_else(
    lodged: int | None,
) -> None:
    told = found(PENDING, shown(420), lodged=lodged)
    assert over_claim(PENDING, lodged, shown(420), closed(told)) is None
    cut = PENDING.after("accepted", 420, 3_192)
    assert over_claim(cut, lodged, shown(420), closed(told)) is None
    more = found(cut, shown(350), closed(told), lodged)
    assert (more.owed_km, more.settled_km, more.cents, more.settled_cents) == (70, 0, 532, 0)
    assert over_claim(cut, lodged, shown(350), closed(told, more)) is None
    least = found(cut, shown(280), closed(told, more), lodged)
    assert (least.owed_km, least.settled_km, least.cents) == (70, 70, 532)
    some = PENDING.after("accepted", 500, 3_800)
    assert over_claim(some, lodged, shown(420), closed(told)) is None, "80 km of those that were told are still settled"
    assert found(some, shown(350), closed(told), lodged).owed_km == 70


def test_CL7_what_is_repaid_besides_what_the_agency_took_back_is_not_asked_for_again() -> None:
    part = ACCEPTED.after("paid", None, 4_256).after("recovered", None, 1_064)
    told = found(part, shown(400))
    assert (told.owed_km, told.settled_km) == (20, 140)
    assert over_claim(part, LODGED, shown(400), closed(told)) is None
    assert found(part, shown(390), closed(told)).owed_km == 10


def test_CL7_LI5_a_rate_that_turns_out_lower_is_told_in_cents_though_the_kilometres_stand() -> None:
    much = found(PENDING, shown(560, 4_900))
    assert (much.owed_km, much.claimed_cents, much.now_cents, much.cents) == (0, 4_256, 2_744, 1_512)
    assert (
        "claimed at $42.56. At the rate that we know today 560 km of them are worth $27.44. Still owed: $15.12."
        in words(much)
    )
    assert over_claim(PENDING, LODGED, shown(560, 9_900), NOTHING) is None, "a higher one asks for nothing (rule EL4)"
    both = found(PENDING, shown(420, 4_900))
    assert (both.owed_km, both.cents) == (140, 4_256 - 420 * 49 // 10)
    assert found(PENDING, shown(420, 9_900)).cents == 1_064, "nor makes up for kilometres"


def test_CL7_LI5_a_rate_that_is_not_known_any_more_is_told_as_unknown_and_once() -> None:
    much = found(PENDING, shown(560, None))
    assert (much.claimed_cents, much.now_cents, much.cents) == (4_256, None, None)
    assert "an amount we cannot state" in words(much)
    assert over_claim(PENDING, LODGED, shown(560, None), closed(much)) is None
    assert found(PENDING, shown(560, 4_900), closed(much)).cents == 1_512, "known at last, and less than was claimed"
    assert over_claim(PENDING, None, shown(560, None), NOTHING) is None, "it was not known at lodging either"
    assert found(PENDING, shown(0, None)).cents == 4_256, "nothing is worth nothing at any rate"


def test_CL7_LI5_where_the_agency_already_gave_less_only_the_rest_is_owed() -> None:
    cheaper = PENDING.after("accepted", 560, 2_744)
    assert over_claim(cheaper, LODGED, shown(560, 4_900), NOTHING) is None, "it took the right rate by itself"
    assert found(cheaper, shown(560, 3_800)).cents == 2_744 - 2_128


def test_CL7_a_rule_that_would_refuse_the_line_today_is_told_though_its_kilometres_stand() -> None:
    much = found(PENDING, shown(560, 7_600, UNREAD))
    assert (much.owed_km, much.cents, much.grounds) == (0, 0, (UNREAD,))
    assert "does not stand any more (rule DI3): missing: an actual reading at or beyond 46000." in words(much)
    assert "repaid" not in words(much)
    assert over_claim(PENDING, LODGED, shown(560, 7_600, UNREAD), closed(much)) is None, (
        "told, and settled with the Agency"
    )
    other = Ground("DI3", "missing: an actual reading at or below 45000")
    assert found(PENDING, shown(560, 7_600, UNREAD, other), closed(much)).grounds == (other,)
    (finding,) = findings_of("L1", "d1", much)
    assert (finding.rule, finding.outcome) == ("DI3", "fail")
    assert "licence L1: would be refused today: missing: an actual reading" in finding.reason


@pytest.mark.parametrize(
    ("rule", "outcome", "told"),
    [
        *((rule, "fail", 1) for rule in ("DI3", "EL1", "EL5", "EL6", "LI1", "LI4", "VE2")),
        *((rule, "fail", 0) for rule in ("CL1", "EL2", "EL4", "VE5")),
        ("EL6", "warn", 0),
        ("LI5", "unknown", 0),
    ],
)
def test_CL7_every_hard_finding_is_a_ground_but_for_what_is_told_otherwise(
    rule: str, outcome: Outcome, told: int
) -> None:
    finding = Finding(rule=rule, outcome=outcome, reason="r", source="s")
    assert grounds_against([finding]) == (Ground(rule, "r"),) * told


KM = st.integers(0, 700)
CENTS = st.none() | st.integers(0, 9_999)


@given(st.integers(1, 600), CENTS, KM, CENTS, st.booleans(), KM, CENTS)
def test_CL7_no_cent_appears_or_vanishes_and_what_a_person_closed_is_not_asked_for_again(
    claimed: int, before: int | None, km: int, now: int | None, unread: bool, later_km: int, later: int | None
) -> None:
    line = LineAccount(claimed_km=claimed)
    lodged = None if before is None else estimate_cents(claimed, rate(before))
    first = over_claim(line, lodged, shown(km, now, *([UNREAD] if unread else [])), NOTHING)
    if first is None:
        assert km >= claimed and not unread
        return
    if first.cents is not None:
        assert first.claimed_cents == (first.now_cents or 0) + first.cents
    settled = closed(first)
    assert over_claim(line, lodged, shown(km, now, *first.grounds), settled) is None
    second = over_claim(line, lodged, shown(later_km, later), settled)
    if before is not None and second is not None and second.cents and first.cents is not None:
        assert first.cents + second.cents == (second.claimed_cents or 0) - (second.now_cents or 0)
