"""What late binding joins: rules LI2, EL5, VE1, VE2, VE4, revisions, evidence and speed."""

from dataclasses import replace
from datetime import date

from msgspec.structs import replace as changed

from services.claims.domain.register.vehicle import Assignment, Coupling, Ending
from services.claims.domain.statement.statement import evidence_period
from shared.contracts.device_day import Reading
from tests.unit.claims.builders import (
    KM,
    NAMESPACE,
    RECORDER,
    VEHICLE,
    days_from,
    device_day,
    licence,
    ms,
    nz,
    reading,
    record,
    recorder,
    run,
    statement_of,
    uuid5,
    vehicle,
)

TRUCK = uuid5(NAMESPACE, "truck")
BOTH_ENDS = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 11), 5000))
"""Actual readings at both ends of the licence 4000-5000, ten NZ days apart."""


def test_LI2_metres_before_the_issue_are_uncovered_and_close_with_the_rest() -> None:
    bought = licence(issued_at=nz(2026, 3, 2, 10))
    days = [device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12))]
    found = statement_of(bought, record([bought], BOTH_ENDS), *days)
    assert (found.totals.uncovered_mm, found.totals.off_road_mm) == (50 * KM, 50 * KM)
    assert found.totals.counted_mm == 1000 * KM


def test_LI2_a_segment_across_a_boundary_is_cut_in_proportion_floored_and_the_rest_unknown() -> None:
    bought = licence(issued_at=nz(2026, 3, 2, 9))
    days = [device_day(date(2026, 3, 2), run("off_road", 10 * KM + 1, 8, 11))]
    found = statement_of(bought, record([bought], BOTH_ENDS), *days)
    assert found.totals.uncovered_mm == (10 * KM + 1) // 3
    assert found.totals.off_road_mm == (10 * KM + 1) * 2 // 3
    cut = dict(found.totals.unknown_by_basis).get("boundary_cut", 0)
    assert cut + found.totals.off_road_mm + found.totals.uncovered_mm == 10 * KM + 1


def test_LI2_a_day_not_settled_gives_nothing_where_a_boundary_lies_inside_it() -> None:
    bought = licence(issued_at=nz(2026, 3, 2, 10))
    days = [device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), settled=False)]
    found = statement_of(bought, record([bought], BOTH_ENDS), *days)
    assert found.totals.off_road_mm == 0
    assert found.unsettled_days == 1


def test_LI2_travel_after_the_sale_does_not_count() -> None:
    sold = vehicle(Ending(kind="sold", at=nz(2026, 3, 6), recorder_id=RECORDER, reading=4400))
    days = days_from(date(2026, 3, 1), 10, run("off_road", 50 * KM, 8, 12))
    found = statement_of(licence(), record([licence()], BOTH_ENDS, of=sold), *days)
    assert found.window.cause == "sale"
    assert found.recorder_mm == 400 * KM
    assert found.totals.off_road_mm == 250 * KM
    assert found.last_day == date(2026, 3, 5)


def test_EL5_a_sale_without_reading_ends_at_its_instant() -> None:
    sold = vehicle(Ending(kind="sold", at=nz(2026, 3, 6)))
    days = days_from(date(2026, 3, 1), 10, run("off_road", 100 * KM, 8, 12))
    found = statement_of(licence(), record([licence()], BOTH_ENDS, of=sold), *days)
    assert found.end.ms == ms(nz(2026, 3, 6))
    assert found.recorder_mm == 500 * KM
    assert found.totals.counted_mm == 500 * KM
    assert found.totals.off_road_mm == 499 * KM  # one display unit of the band


def test_VE1_a_trailer_takes_the_towing_vehicles_days_while_coupled_else_nothing() -> None:
    couplings = [Coupling(trailer_id=VEHICLE, towing_id=TRUCK, from_at=nz(2026, 3, 2), until_at=nz(2026, 3, 3, 10))]
    assignments = [Assignment(device="truck", vehicle_id=TRUCK, from_at=nz(2020, 1, 1))]
    days = [device_day(date(2026, 3, day), run("off_road", 100 * KM, 8, 12), device="truck") for day in (1, 2, 3, 4)]
    found = statement_of(licence(), record([licence()], BOTH_ENDS, assignments=assignments, couplings=couplings), *days)
    assert found.totals.off_road_mm == 150 * KM
    assert found.totals.unknown_mm == 850 * KM
    assert all(span.towed for span in found.spans)
    assert any(text.startswith("no device spoke") for text in found.incidents)


def test_VE1_the_same_road_counts_for_truck_and_trailer() -> None:
    couplings = [Coupling(trailer_id=VEHICLE, towing_id=TRUCK, from_at=nz(2026, 3, 1))]
    assignments = [Assignment(device="truck", vehicle_id=TRUCK, from_at=nz(2020, 1, 1))]
    days = [device_day(date(2026, 3, 1), run("off_road", 100 * KM, 8, 12), device="truck")]
    trailer = statement_of(
        licence(), record([licence()], BOTH_ENDS, assignments=assignments, couplings=couplings), *days
    )
    own = [Assignment(device="truck", vehicle_id=VEHICLE, from_at=nz(2020, 1, 1))]
    truck = statement_of(licence(), record([licence()], BOTH_ENDS, assignments=own), *days)
    assert trailer.totals == truck.totals


def test_VE4_only_the_primary_device_counts() -> None:
    assignments = [
        Assignment(device="d1", vehicle_id=VEHICLE, from_at=nz(2020, 1, 1)),
        Assignment(device="d2", vehicle_id=VEHICLE, from_at=nz(2020, 1, 1), primary=False),
    ]
    days = [device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), device=name) for name in ("d1", "d2")]
    found = statement_of(licence(), record([licence()], BOTH_ENDS, assignments=assignments), *days)
    assert found.totals.off_road_mm == 100 * KM


def test_VE4_a_changed_device_cuts_the_day_by_its_segments() -> None:
    assignments = [
        Assignment(device="d1", vehicle_id=VEHICLE, from_at=nz(2020, 1, 1), until_at=nz(2026, 3, 2, 10)),
        Assignment(device="d2", vehicle_id=VEHICLE, from_at=nz(2026, 3, 2, 10)),
    ]
    days = [device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), device=name) for name in ("d1", "d2")]
    found = statement_of(licence(), record([licence()], BOTH_ENDS, assignments=assignments), *days)
    assert found.totals.off_road_mm == 100 * KM
    assert found.lines[0].devices == ("d1", "d2")


def test_VE2_a_mile_recorder_counts_621_miles_a_unit_and_floors_once() -> None:
    bought = licence(start=1000, end=1621)
    readings = (reading(nz(2026, 3, 1), 1000), reading(nz(2026, 3, 11), 1621))
    days = [device_day(date(2026, 3, 2), run("off_road", 2000 * KM, 8, 12))]
    found = statement_of(bought, record([bought], readings, recorders=[recorder("mi")]), *days)
    assert found.recorder_mm == 621 * 1_609_344
    assert found.totals.off_road_mm == 621 * 1_609_344
    assert found.claimable_km == 999


def test_VE2_a_rollover_inside_the_licence_is_counted_through() -> None:
    bought = licence(start=99_500, end=100_500)
    readings = (reading(nz(2026, 3, 1), 99_500), reading(nz(2026, 3, 5), 99_990), reading(nz(2026, 3, 11), 500))
    days = days_from(date(2026, 3, 1), 10, run("off_road", 100 * KM, 8, 12))
    found = statement_of(bought, record([bought], readings, recorders=[recorder(rollover_at=100_000)]), *days)
    assert found.recorder_mm == 1000 * KM
    assert found.totals.counted_mm == 1000 * KM


def test_the_highest_revision_of_a_device_day_counts_whatever_the_order() -> None:
    old = device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), rev=1)
    new = device_day(date(2026, 3, 2), run("off_road", 70 * KM, 8, 12), rev=2)
    for days in ([old, new], [new, old]):
        found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
        assert found.totals.off_road_mm == 70 * KM
        assert [one.rev for one in found.stands_on] == [2]


def test_the_hash_names_the_content_not_the_revision() -> None:
    one = device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), rev=1)
    again = device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), rev=9)
    other = device_day(date(2026, 3, 2), run("off_road", 100 * KM - 1, 8, 12), rev=9)
    hashes = [statement_of(licence(), record([licence()], BOTH_ENDS), day).hash for day in (one, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64


def test_days_of_other_devices_and_other_times_are_ignored() -> None:
    days = [
        device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12), device="stranger"),
        device_day(date(2026, 2, 2), run("off_road", 100 * KM, 8, 12)),
        device_day(date(2026, 3, 20), run("off_road", 100 * KM, 8, 12)),
    ]
    found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    assert found.lines == ()
    assert found.totals.unknown_mm == 1000 * KM
    assert (found.first_day, found.last_day) == (None, None)


def test_evidence_period_spans_the_readings_round_the_range() -> None:
    readings = (reading(nz(2026, 2, 20), 3900), reading(nz(2026, 3, 15), 5050))
    period = evidence_period(licence(), record([licence()], readings), (), ms(nz(2027, 1, 1)))
    assert (period.from_ms, period.until_ms) == (ms(nz(2026, 2, 20)), ms(nz(2026, 3, 15)))
    assert [name for name, _, _ in period.device_days] == ["d1"]


def test_evidence_period_of_a_running_licence_ends_now() -> None:
    period = evidence_period(licence(), record([licence()], [reading(nz(2026, 3, 1), 4000)]), (), ms(nz(2026, 3, 9)))
    assert (period.from_ms, period.until_ms) == (ms(nz(2026, 3, 1)), ms(nz(2026, 3, 9)))


def test_an_additional_licence_has_nothing_in_its_statement() -> None:
    extra = licence(kind="additional")
    days = [device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12))]
    found = statement_of(extra, record([extra], BOTH_ENDS), *days)
    assert found.window.empty
    assert found.totals.counted_mm == found.recorder_mm == 0


def test_contradicting_readings_are_named_and_not_used() -> None:
    readings = (*BOTH_ENDS, reading(nz(2026, 3, 4), 4900), reading(nz(2026, 3, 6), 4300))
    found = statement_of(licence(), record([licence()], readings))
    assert [conflict.text for conflict in found.conflicts] == ["4300 on 2026-03-06 is below 4900 on 2026-03-04"]
    assert len(found.stretches) == 1


def test_evidence_names_road_sets_and_schemes_of_the_days_used() -> None:
    one = device_day(date(2026, 3, 2), run("off_road", 100 * KM, 8, 12))
    found = statement_of(licence(), record([licence()], BOTH_ENDS), one)
    assert (found.road_sets, found.schemes) == (("roads1",), (1,))
    assert found.covered_ms == found.engine_on_ms > 0


def test_an_hourly_odometer_places_a_boundary_inside_a_day() -> None:
    readings = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 11), 5100))
    day = device_day(date(2026, 3, 2), run("off_road", 1100 * KM, 8, 12), odometer=(0, 1100 * KM))
    base = day.segments[0].start_ms
    points = (Reading(base, 0), Reading(base + 3_600_000, 1000 * KM), Reading(base + 4 * 3_600_000, 1100 * KM))
    hourly = changed(day, readings=points)
    found = statement_of(licence(), record([licence()], readings), hourly)
    assert found.end.ms == base + 3_600_000


def test_statements_do_not_depend_on_what_lies_behind_the_end() -> None:
    days = days_from(date(2026, 3, 1), 10, run("off_road", 100 * KM, 8, 12))
    later = days_from(date(2026, 3, 11), 5, run("off_road", 100 * KM, 8, 12))
    whole = record([licence()], BOTH_ENDS)
    assert statement_of(licence(), whole, *days) == statement_of(licence(), whole, *days, *later)


def test_replacing_the_licence_changes_the_hash() -> None:
    days = days_from(date(2026, 3, 1), 2, run("off_road", 100 * KM, 8, 12))
    one = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    later = replace(licence(), issued_at=nz(2026, 3, 2))
    assert one.hash != statement_of(later, record([later], BOTH_ENDS), *days).hash
