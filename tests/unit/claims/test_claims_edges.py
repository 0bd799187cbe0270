"""Edges that decide money and that no example of the rules happens to touch: EL1, EL2, EL5, LI2, OT2."""

from datetime import date

from services.claims.domain.claim.deadlines import safe_send_on
from services.claims.domain.refunds.surrender import young_enough
from services.claims.domain.register.licence import Licence
from services.claims.domain.register.vehicle import Ending
from services.claims.domain.statement.window import claimable_range, newer_licence
from tests.unit.claims.builders import RECORDER, licence, nz, reading, record, recorder, vehicle
from tests.unit.claims.judging import FOLLOWING, POLICY, READINGS, assessed, of_rule

ISSUED = nz(2026, 3, 1)


def test_EL2_the_agencys_anniversary_day_is_no_working_day() -> None:
    """Wellington's, kept in Palmerston North: Monday 19 January 2026.  Auckland's a week later is a working day there."""
    assert safe_send_on(date(2026, 1, 20), 1) == date(2026, 1, 16)
    assert safe_send_on(date(2026, 1, 27), 1) == date(2026, 1, 26)


def test_EL1_only_a_licence_issued_later_is_newer_on_another_recorder() -> None:
    def beside(issued_month: int) -> Licence | None:
        other = licence("L9", start=0, end=1_000, issued_at=nz(2026, issued_month, 1), name="before")
        whole = record([licence(), other], READINGS, recorders=[recorder(), recorder(name="before")])
        return newer_licence(licence(), whole)

    assert beside(2) is None
    newer = beside(4)
    assert newer is not None and newer.number == "L9"


def test_EL1_EL5_a_sale_before_the_licence_was_bought_is_another_owners() -> None:
    sold = vehicle(Ending(kind="sold", at=nz(2026, 2, 1), recorder_id=RECORDER, reading=3_000))
    found = assessed(vehicle_record=record([licence()], (reading(nz(2026, 2, 1), 3_000), *READINGS), of=sold))
    assert of_rule(found, "EL1")[0].outcome == "fail", "no newer licence, and the vehicle has not left"
    assert of_rule(found, "EL5")[0].outcome == "pass"


def test_EL1_what_an_exemption_ended_is_claimed_with_a_warning_and_needs_no_newer_licence() -> None:
    exempt = vehicle(Ending(kind="exempt", at=nz(2026, 3, 6)))
    found = assessed(vehicle_record=record([licence()], READINGS, of=exempt))
    (ended,) = of_rule(found, "EL1")
    assert (ended.outcome, "exemption" in ended.reason) == ("warn", True)


def test_LI2_an_event_at_the_very_instant_of_the_issue_ends_the_licence() -> None:
    gone = vehicle(Ending(kind="sold", at=ISSUED, recorder_id=RECORDER, reading=4_000))
    window = claimable_range(licence(), record([licence(), FOLLOWING], READINGS, of=gone), ())
    assert (window.cause, window.empty) == ("sale", True)


def test_OT2_a_licence_issued_on_29_february_counts_from_the_28th() -> None:
    paper = licence(issued_at=nz(2024, 2, 29))
    last = date(2024 + POLICY.surrender_years, 2, 28)
    assert young_enough(paper, last, POLICY).outcome == "pass"
    assert young_enough(paper, date(last.year, 3, 1), POLICY).outcome == "fail"
