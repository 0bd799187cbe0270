"""The ten situations that a licence can be in, and their documented outcomes (rules EL1-EL6, LI3, LI7)."""

from dataclasses import replace
from datetime import date

from services.claims.domain.claim.eligibility import ClaimedMark
from services.claims.domain.register.vehicle import Ending
from tests.unit.claims.builders import (
    KM,
    RECORDER,
    days_from,
    licence,
    nz,
    reading,
    record,
    recorder,
    run,
    vehicle,
)
from tests.unit.claims.judging import (
    DAYS,
    READINGS,
    USUAL,
    assessed,
    failing,
    of_rule,
    warning,
)

# the ten situations of the sample fleet


def test_situation_claimable() -> None:
    found = assessed()
    assert (found.state, found.eligible, failing(found), warning(found)) == ("claimable", True, set(), set())
    assert (found.claimable_km, found.estimate_cents) == (400, 3040)


def test_situation_running_EL1() -> None:
    found = assessed(vehicle_record=record([licence()], READINGS[:1]))
    assert (found.state, found.eligible) == ("running", False)
    assert {"EL1", "DI3"} <= failing(found)


def test_situation_no_newer_licence_EL1() -> None:
    found = assessed(vehicle_record=record([licence()], READINGS))
    assert (found.state, found.eligible, failing(found)) == ("not_claimable", False, {"EL1"})
    assert "no newer licence" in of_rule(found, "EL1")[0].reason


def test_situation_too_old_EL2() -> None:
    found = assessed(context=replace(USUAL, today=date(2028, 3, 1)))
    assert (found.state, found.eligible, failing(found)) == ("not_claimable", False, {"EL2"})
    assert found.latest_receipt_on == date(2028, 2, 29)


def test_situation_under_20_dollars_EL3_warns_the_licence_alone() -> None:
    days = days_from(date(2026, 3, 1), 10, run("public_road", 75 * KM, 7, 9), run("off_road", 20 * KM, 9, 12))
    found = assessed(days=days)
    assert (found.state, found.eligible, warning(found)) == ("claimable", True, {"EL3"})
    assert "$15.20 alone is under $20.00" in of_rule(found, "EL3")[0].reason


def test_situation_overlapped_EL1_warns_and_the_range_ends_at_the_overlap() -> None:
    newer = licence("L2", start=4250, end=6250, issued_at=nz(2026, 3, 4), units=2, gross_cents=9800, credit_cents=5700)
    readings = (READINGS[0], reading(nz(2026, 3, 4), 4250))
    days = days_from(date(2026, 3, 1), 10, run("off_road", 80 * KM, 9, 12))
    found = assessed(vehicle_record=record([licence(), newer], readings), days=days)
    assert (found.state, found.eligible, warning(found)) == ("claimable", True, {"EL1", "EL3"})
    assert found.claimable_km == 240
    assert "ended by licence L2, which starts at 4250" in of_rule(found, "EL1")[0].reason


def test_situation_recorder_changed_EL1_warns_and_wants_a_new_licence() -> None:
    old, new = recorder(removed_at=nz(2026, 3, 6)), recorder(name="second")
    readings = (READINGS[0], reading(nz(2026, 3, 6), 4500))
    following = licence("L2", start=0, end=1000, issued_at=nz(2026, 3, 6), name="second")
    days = days_from(date(2026, 3, 1), 10, run("off_road", 90 * KM, 9, 12))
    found = assessed(vehicle_record=record([licence(), following], readings, recorders=[old, new]), days=days)
    assert (found.state, found.claimable_km, warning(found)) == ("claimable", 450, {"EL1"})
    alone = assessed(vehicle_record=record([licence()], readings, recorders=[old, new]), days=days)
    assert (alone.state, failing(alone)) == ("not_claimable", {"EL1"})


def test_situation_sold_EL1_passes_without_newer_licence_and_EL5_warns() -> None:
    sold = vehicle(Ending(kind="sold", at=nz(2026, 3, 6), recorder_id=RECORDER, reading=4500))
    days = days_from(date(2026, 3, 1), 5, run("off_road", 95 * KM, 9, 12))
    found = assessed(vehicle_record=record([licence()], READINGS[:1], of=sold), days=days)
    assert (found.state, found.claimable_km, warning(found)) == ("claimable", 475, {"EL5"})
    assert of_rule(found, "EL1")[0].outcome == "pass"


def test_situation_claimed_outside_LI7_blocks() -> None:
    mark = ClaimedMark(where="outside", reference="paper form 17", on=date(2026, 4, 1))
    found = assessed(context=replace(USUAL, mark=mark))
    assert (found.state, found.eligible, failing(found)) == ("claimed_outside", False, {"EL4"})
    assert "paper form 17" in of_rule(found, "EL4")[0].reason


def test_situation_coverage_gap_EL6_warns_with_kilometres_and_dollars() -> None:
    found = assessed(days=DAYS[:7])
    assert (found.state, found.eligible, warning(found)) == ("claimable", True, {"EL6"})
    unknown = next(finding for finding in of_rule(found, "EL6") if finding.outcome == "warn")
    assert unknown.reason == "335.000 km (33.5 %) of 1000.000 km are unknown, more than 10 %: up to $25.46 forgone"
    assert found.unknown_estimate_cents == 2546
