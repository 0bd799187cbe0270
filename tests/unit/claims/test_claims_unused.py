"""The unused distance of a licence: readings, rollovers, estimates, and what a claim must know of it (rules OT2, OT3, VE2, EL4)."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from services.claims.domain.findings import Waiver
from services.claims.domain.rates import Rate
from services.claims.domain.refunds.cancelled import check_cancelled
from services.claims.domain.refunds.recorder_change import (
    Estimate,
    OwnEstimate,
    check_successor,
    covers_all_days,
    credited_since,
    larger,
)
from services.claims.domain.refunds.surrender import still_held
from services.claims.domain.refunds.unused import (
    RefundedPart,
    divide,
    not_refunded,
    of_distance,
    on_licence,
    reads_true,
    unused_apart,
    unused_from,
)
from services.claims.domain.register.licence import Licence, UnusedAsked
from services.claims.domain.register.vehicle import Ending
from tests.unit.claims.builders import RECORDER, licence, nz, reading, record, recorder, vehicle

TODAY = date(2026, 6, 1)
PAID = Rate(cents=7600, units=1, source="paid")


def test_OT2_the_pages_750_km_and_the_cent_between() -> None:
    assert divide(1000, 750, PAID, "km").unused_cents == 57_00
    odd = divide(1000, 333, Rate(cents=7601, units=1, source="paid"), "km")
    assert (odd.used_cents, odd.unused_cents, odd.remainder_cents) == (5069, 2531, 1)
    miles = divide(621, 621, PAID, "mi")
    assert (miles.unused_cents, miles.remainder_cents) == (76_00, 0), "621 miles cost what 1000 km do"


def test_VE2_a_display_that_started_again_from_0_is_read_on_the_licences_own_scale() -> None:
    paper = licence(start=999_500, end=1_000_500)
    known = record(
        [paper],
        [reading(nz(2026, 3, 1), 999_500), reading(nz(2026, 4, 1), 100)],
        recorders=[recorder(rollover_at=1_000_000)],
    )
    shown = on_licence(paper, known, 150, nz(2026, 5, 1))
    assert shown == 1_000_150
    assert unused_from(paper, "km", shown, PAID).distance == 350
    assert reads_true("OT2", paper, known, 150, nz(2026, 5, 1), TODAY, "s") == []
    (below,) = reads_true("OT2", paper, known, 50, nz(2026, 5, 1), TODAY, "s")
    assert "below 1000100" in below.reason


def test_OT2_before_the_start_all_is_unused_and_beyond_the_end_nothing() -> None:
    paper = licence(start=4_000, end=5_000)
    assert unused_from(paper, "km", 3_000, PAID).cents == 76_00
    assert unused_from(paper, "km", 5_200, PAID).distance == 0
    assert unused_from(paper, "km", 4_500, None).cents is None


def test_OT2_a_reading_of_the_future_or_above_a_later_one_is_refused() -> None:
    paper = licence()
    known = record([paper], [reading(nz(2026, 5, 1), 4_300)])
    late = reads_true("OT2", paper, known, 4_400, nz(2026, 7, 1), TODAY, "s")
    assert ["yet to come" in one.reason for one in late] == [True]
    above = reads_true("OT2", paper, known, 4_400, nz(2026, 4, 1), TODAY, "s")
    assert ["above 4300" in one.reason for one in above] == [True]


@pytest.mark.parametrize(
    ("kind", "words"),
    [("off_road", "claimed as off road"), ("unused", "asked for"), ("credit", "credited when licence")],
)
def test_OT2_what_was_refunded_in_any_way_is_not_refunded_again(kind: str, words: str) -> None:
    unused = unused_from(licence(start=4_000, end=5_000), "km", 4_250, PAID)
    part = RefundedPart(kind=kind, start=4_900, end=5_000, source_id=UUID(int=1), reference="X")  # type: ignore[arg-type]
    found = not_refunded("OT2", unused, [part])
    assert (found.outcome, words in found.reason) == ("fail", True)
    touching = replace(part, start=4_000, end=4_250)
    assert not_refunded("OT2", unused, [touching]).outcome == ("warn" if kind == "off_road" else "pass")


def test_OT2_an_additional_licence_has_nothing_to_give_back() -> None:
    assert of_distance("OT2", licence(kind="additional")).outcome == "fail"


def test_OT2_an_exemption_that_was_over_when_the_licence_was_bought_hinders_nothing() -> None:
    paper, at = licence(), nz(2026, 5, 1)
    over = vehicle(Ending(kind="exempt", at=nz(2026, 1, 1), until=nz(2026, 2, 1)))
    assert still_held(paper, record([paper], of=over), at, at.date()) == []
    stands = vehicle(Ending(kind="exempt", at=nz(2026, 4, 1)))
    assert still_held(paper, record([paper], of=stands), at, at.date())[0].outcome == "fail"


def test_OT2_sold_cancelled_or_on_another_recorder_is_not_surrendered() -> None:
    paper = licence()
    at = nz(2026, 5, 1)
    sold = record([paper], of=vehicle(Ending(kind="sold", at=nz(2026, 4, 1))))
    assert "not yours to surrender" in still_held(paper, sold, at, at.date())[0].reason
    gone = record([paper], of=vehicle(Ending(kind="deregistered", at=nz(2026, 4, 1))))
    assert "apply as a cancelled vehicle" in still_held(paper, gone, at, at.date())[0].reason
    off = record([paper], recorders=[recorder(removed_at=nz(2026, 4, 1))])
    assert "change of hubodometer" in still_held(paper, off, at, at.date())[0].reason
    stale = still_held(paper, record([paper]), at, TODAY)
    assert [(one.outcome, "present one" in one.reason) for one in stale] == [("warn", True)]


def test_OT3_of_two_estimates_the_one_that_leaves_less_unused() -> None:
    ours = Estimate(
        last_reading=100, last_read_on=TODAY, since_mm=50_000_000, until_on=TODAY, unit="km"
    )  # fmt: skip
    assert larger(ours, None) is ours
    assert larger(ours, OwnEstimate(reading=149, calculation="c")) is ours
    higher = OwnEstimate(reading=151, calculation="c")
    assert larger(ours, higher) is higher
    assert larger(None, higher) is higher
    assert covers_all_days(ours, 0) == []
    assert "on 3 days" in covers_all_days(ours, 3)[0].reason


def test_OT3_the_new_recorder_follows_the_old_and_the_replacement_runs_on_it() -> None:
    old, new = recorder(removed_at=nz(2026, 5, 1)), replace(recorder(name="new"), fitted_at=nz(2026, 5, 1))
    paper, replacement = licence(), licence(number="L2", name="new", start=0, end=1000)
    known = record([paper, replacement], recorders=[old, new])
    assert check_successor(paper, known, new, replacement) == []
    still = record([paper, replacement], recorders=[recorder(), new])
    assert "still on the vehicle" in check_successor(paper, still, new, replacement)[0].reason
    assert "another one of the same vehicle" in check_successor(paper, known, old, None)[0].reason
    assert "must run on the new recorder" in check_successor(paper, known, new, licence(number="L3"))[0].reason
    assert "another distance licence" in check_successor(paper, known, None, paper)[0].reason


def test_OT3_OT2_a_credit_for_nothing_of_the_new_recorder_is_for_what_the_one_before_had_left() -> None:
    old, new = recorder(removed_at=nz(2026, 5, 1)), replace(recorder(name="new"), fitted_at=nz(2026, 5, 1))
    paper, first = licence(), replace(licence(number="L2", name="new", start=0, end=1000), issued_at=nz(2026, 5, 1))

    def told(*bought: Licence) -> int:
        return len(credited_since("OT2", paper, record([paper, *bought], recorders=[old, new])))

    assert told(first) == 0
    assert told(replace(first, credit_cents=1)) == 1
    then = replace(licence(number="L3", name="new", start=900, end=1900), issued_at=nz(2026, 5, 9), credit_cents=1)
    assert told(first, then) == 0, "for what the first one had left"
    assert told(first, replace(then, start_reading=1000, end_reading=2000)) == 1, "nothing was left of that"
    assert (
        credited_since("OT2", paper, record([paper, replace(first, credit_cents=1)], recorders=[recorder(), new])) == []
    )


def test_OT4_only_after_the_cancellation_and_on_its_recorder() -> None:
    paper = licence()
    assert [one.outcome for one in check_cancelled(paper, vehicle(), "exported")] == ["fail"]
    gone = Ending(kind="deregistered", at=nz(2026, 5, 1), recorder_id=RECORDER, reading=4_200)
    assert [one.outcome for one in check_cancelled(paper, vehicle(gone), "destroyed")] == ["pass"]
    assert [one.outcome for one in check_cancelled(paper, vehicle(gone), None)] == ["fail", "pass"]
    other = replace(gone, recorder_id=UUID(int=9))
    assert "another recorder's" in check_cancelled(paper, vehicle(other), "cancelled")[0].reason


def test_EL4_a_claim_waits_for_an_undecided_surrender_unless_a_person_decides() -> None:
    asked = UnusedAsked(application_id=UUID(int=7), kind="surrender", from_reading=4_200, on=TODAY, decided=False)
    assert unused_apart(licence(), []) == []
    (waiting,) = unused_apart(licence(unused_asked=asked), [])
    assert (waiting.rule, waiting.outcome, waiting.waiting) == ("EL4", "fail", True)
    waiver = Waiver(
        rule="EL4", reason="two years end", actor="R Hill", at=nz(2026, 6, 1), covers=frozenset(waiting.waivable)
    )
    (later,) = unused_apart(licence(unused_asked=replace(asked, from_reading=4_300)), [waiver])
    assert later.outcome == "fail", "another surrender asks again"
    (waived,) = unused_apart(licence(unused_asked=asked), [waiver])
    assert (waived.outcome, "R Hill decided to go on" in waived.reason) == ("warn", True)
    (granted,) = unused_apart(licence(unused_asked=replace(asked, decided=True)), [])
    assert (granted.rule, granted.outcome, "ask before claiming" in granted.reason) == ("OT2", "warn", True)
    (beside,) = unused_apart(licence(unused_asked=replace(asked, kind="recorder_change")), [])
    assert (beside.rule, beside.outcome) == ("OT3", "warn")
