"""Licences, their windows, recorders and who speaks for a vehicle: rules LI1-LI4, VE1, VE2, VE4, EL5, s 86."""

from datetime import date, datetime
from itertools import combinations
from uuid import uuid5

import pytest

from services.claims.domain.register.licence import (
    InvalidLicence,
    UnusedAsked,
    VehicleRecord,
    check_licence,
    normalise_number,
)
from services.claims.domain.register.recorder import Point, timeline, unwrapped
from services.claims.domain.register.vehicle import (
    Assignment,
    Coupling,
    DeviceSpan,
    Ending,
    InvalidPlate,
    Vehicle,
    device_spans,
    normalise_plate,
)
from services.claims.domain.statement.window import claimable_range, newer_licence
from tests.unit.claims.builders import (
    NAMESPACE,
    RECORDER,
    VEHICLE,
    licence,
    ms,
    nz,
    reading,
    record,
    recorder,
    vehicle,
)

RISES = (date(2018, 10, 1), date(2019, 7, 1), date(2020, 7, 1))
TRUCK = uuid5(NAMESPACE, "truck")


def test_LI1_an_end_not_after_the_start_is_refused() -> None:
    for end in (4000, 3999):
        with pytest.raises(InvalidLicence) as caught:
            check_licence(licence(start=4000, end=end), recorder())
        assert caught.value.field == "end_reading"


def test_LI1_an_ordinary_licence_covers_whole_units() -> None:
    check_licence(licence(start=4250, end=6250, units=2), recorder())
    for wrong in (licence(start=4250, end=6000), licence(start=4250, end=6250, units=3)):
        with pytest.raises(InvalidLicence, match="unit"):
            check_licence(wrong, recorder())


def test_VE2_a_unit_on_a_mile_recorder_is_621_miles() -> None:
    check_licence(licence(start=100, end=100 + 2 * 621), recorder("mi"))
    with pytest.raises(InvalidLicence):
        check_licence(licence(start=100, end=1100), recorder("mi"))


def test_LI1_an_additional_licence_may_cover_any_journey() -> None:
    check_licence(licence(start=100, end=387, kind="additional"), recorder())


@pytest.mark.parametrize("field", ["gross_cents", "credit_cents", "fee_cents"])
def test_LI5_amounts_below_zero_are_refused(field: str) -> None:
    money = {"gross_cents": 7600, "credit_cents": 0, "fee_cents": 0, field: -1}
    with pytest.raises(InvalidLicence) as caught:
        check_licence(licence(**money), recorder())  # type: ignore[arg-type]
    assert caught.value.field == field


def test_LI4_numbers_are_compared_by_their_letters_and_digits() -> None:
    assert normalise_number(" ruc 0012-345 ") == normalise_number("RUC0012345") == "RUC0012345"
    with pytest.raises(InvalidLicence):
        normalise_number(" - ")


def apart(whole: VehicleRecord) -> bool:
    """No two claimable ranges have kilometres in common (rule LI4)."""
    windows = [claimable_range(one, whole, RISES) for one in whole.licences]
    return all(max(one.start, two.start) >= min(one.end, two.end) for one, two in combinations(windows, 2))


def test_LI1_a_range_is_used_up_at_its_end_reading() -> None:
    window = claimable_range(licence(), record([licence()]), RISES)
    assert (window.start, window.end, window.until_ms, window.cause) == (4000, 5000, None, "used_up")
    assert window.from_ms == ms(nz(2026, 3, 1))


def test_LI3_an_overlapping_licence_ends_the_older_range_at_its_start() -> None:
    newer = licence("L2", start=4250, end=6250, issued_at=nz(2026, 4, 1))
    whole = record([newer, licence()])
    window = claimable_range(licence(), whole, RISES)
    assert (window.end, window.cause, window.caused_by) == (4250, "overlap", "licence L2, which starts at 4250")
    assert claimable_range(newer, whole, RISES).end == 6250
    assert apart(whole)


def test_LI3_a_following_licence_ends_nothing() -> None:
    newer = licence("L2", start=5000, end=6000, issued_at=nz(2026, 4, 1))
    assert claimable_range(licence(), record([licence(), newer]), RISES).cause == "used_up"


def test_LI3_an_earlier_range_entered_later_ends_nothing() -> None:
    backfilled = licence("L0", start=3000, end=4000, issued_at=nz(2026, 4, 1))
    assert claimable_range(licence(), record([licence(), backfilled]), RISES).cause == "used_up"


def test_LI1_an_additional_licence_ends_no_other_and_claims_nothing() -> None:
    extra = licence("X", start=4100, end=4300, issued_at=nz(2026, 4, 1), kind="additional")
    whole = record([licence(), extra])
    assert claimable_range(licence(), whole, RISES).end == 5000
    assert claimable_range(extra, whole, RISES).empty
    assert apart(whole)


def test_LI1_an_H_licence_replaces_the_D_licence_from_its_start() -> None:
    permit = licence("H1", start=4400, end=5400, issued_at=nz(2026, 4, 1), kind="H")
    assert claimable_range(licence(), record([licence(), permit]), RISES).end == 4400


def test_LI4_ranges_bought_at_the_same_instant_never_both_keep_common_metres() -> None:
    twin = licence("L0", start=4500, end=5500)
    whole = record([licence(), twin])
    ends = {one.number: claimable_range(one, whole, RISES).end for one in (licence(), twin)}
    assert ends == {"L1": 4500, "L0": 5500}
    assert apart(whole)


def test_LI4_the_same_range_typed_twice_under_another_number_keeps_it_once() -> None:
    again = licence("L1b")
    whole = record([licence(), again])
    windows = [claimable_range(one, whole, RISES) for one in (licence(), again)]
    assert [window.empty for window in windows] == [True, False]


def test_EL5_a_sale_ends_the_range_at_the_sale_reading() -> None:
    sold = vehicle(Ending(kind="sold", at=nz(2026, 5, 1), recorder_id=RECORDER, reading=4700))
    window = claimable_range(licence(), record([licence()], of=sold), RISES)
    assert (window.end, window.cause, window.until_ms) == (4700, "sale", ms(nz(2026, 5, 1)))


def test_EL5_a_sale_behind_the_end_or_before_the_issue_ends_nothing() -> None:
    after = vehicle(Ending(kind="sold", at=nz(2026, 5, 1), recorder_id=RECORDER, reading=5100))
    before = vehicle(Ending(kind="sold", at=nz(2025, 5, 1), recorder_id=RECORDER, reading=3000))
    for sold in (after, before):
        assert claimable_range(licence(), record([licence()], of=sold), RISES).cause == "used_up"


def test_LI2_a_surrender_ends_the_range() -> None:
    given_back = licence(surrendered=Ending(kind="deregistered", at=nz(2026, 5, 1), recorder_id=RECORDER, reading=4200))
    window = claimable_range(given_back, record([given_back]), RISES)
    assert (window.end, window.cause) == (4200, "surrender")


def test_LI2_an_exemption_ends_the_range_at_its_instant_unless_it_was_used_up_before() -> None:
    exempt = vehicle(Ending(kind="exempt", at=nz(2026, 5, 1)))
    running = claimable_range(licence(), record([licence()], [reading(nz(2026, 4, 1), 4500)], of=exempt), RISES)
    assert (running.cause, running.until_ms, running.end) == ("exemption", ms(nz(2026, 5, 1)), 5000)
    used = claimable_range(licence(), record([licence()], [reading(nz(2026, 4, 1), 5000)], of=exempt), RISES)
    assert (used.cause, used.until_ms) == ("used_up", None)


@pytest.mark.parametrize(
    ("until", "cause"), [(nz(2026, 2, 1), "used_up"), (nz(2026, 3, 1), "used_up"), (nz(2026, 3, 1, 1), "exemption")]
)
def test_VE5_LI2_an_exemption_that_was_over_at_the_issue_ends_nothing(until: datetime, cause: str) -> None:
    exempt = vehicle(Ending(kind="exempt", at=nz(2026, 1, 1), until=until))
    window = claimable_range(licence(), record([licence()], of=exempt), RISES)
    assert (window.cause, window.empty) == (cause, cause == "exemption"), "issued while it was exempt, it never begins"


def test_LI3_a_heavy_licence_ends_one_month_after_a_rate_rise() -> None:
    heavy = vehicle(gross_kg=23_000)
    bought = licence(issued_at=nz(2019, 6, 1))
    window = claimable_range(bought, record([bought], of=heavy), RISES)
    assert (window.cause, window.until_ms) == ("rate_rise", ms(nz(2019, 8, 1)))


@pytest.mark.parametrize(
    ("of", "paper_kg", "cause"),
    [
        (vehicle(ruc_type="14"), None, "rate_rise"),
        (vehicle(ruc_type="1"), None, "rate_rise"),
        (vehicle(powered=False), None, "rate_rise"),
        (vehicle(powered=False), 3_000, "rate_rise"),
        (vehicle(), 23_000, "rate_rise"),
        (vehicle(gross_kg=3_050), 9_000, "rate_rise"),
        (vehicle(gross_kg=9_000), 3_050, "rate_rise"),
        (vehicle(), 3_500, "used_up"),
        (vehicle(gross_kg=3_050), 3_050, "used_up"),
    ],
)
def test_LI3_a_vehicle_is_heavy_by_its_own_weight_or_the_licences_and_where_neither_is_known(
    of: Vehicle, paper_kg: int | None, cause: str
) -> None:
    bought = licence(issued_at=nz(2019, 6, 1), gross_kg=paper_kg)
    window = claimable_range(bought, record([bought], of=of), RISES)
    assert window.cause == cause
    assert ("its weight is not known" in window.caused_by) == (of.gross_kg is None and paper_kg is None)


def test_LI3_light_licences_and_those_bought_on_the_day_of_the_rise_live_on() -> None:
    light = licence(issued_at=nz(2019, 6, 1))
    assert claimable_range(light, record([light], of=vehicle(gross_kg=3_500)), RISES).cause == "used_up"
    that_day = licence(issued_at=nz(2020, 7, 1, 9))
    assert claimable_range(that_day, record([that_day], of=vehicle(gross_kg=9_000)), RISES).cause == "used_up"


def test_VE2_a_changed_recorder_ends_the_range_at_its_last_actual_reading() -> None:
    old = recorder(removed_at=nz(2026, 5, 2))
    new = recorder(name="second")
    following = licence("L2", start=0, end=1000, issued_at=nz(2026, 5, 2), name="second")
    whole = record([licence(), following], [reading(nz(2026, 5, 2), 4600)], recorders=[old, new])
    window = claimable_range(licence(), whole, RISES)
    assert (window.end, window.cause) == (4600, "recorder_change")
    assert newer_licence(licence(), whole) == following
    assert claimable_range(following, whole, RISES).cause == "used_up"


def test_EL1_a_newer_licence_reaches_further_or_is_bought_later_on_another_recorder() -> None:
    older = licence("L0", start=3000, end=4000, issued_at=nz(2026, 4, 1))
    extra = licence("X", start=5000, end=6000, kind="additional", issued_at=nz(2026, 4, 1))
    assert newer_licence(licence(), record([licence(), older, extra])) is None
    following = licence("L2", start=5000, end=6000)
    assert newer_licence(licence(), record([licence(), following])) == following


def test_VE2_readings_are_put_in_order_and_rollovers_added() -> None:
    readings = [reading(nz(2026, 3, d), value) for d, value in ((4, 40), (1, 99_700), (3, 99_990), (6, 300))]
    line = timeline(recorder(rollover_at=100_000), readings)
    assert [point.units for point in line.points] == [99_700, 99_990, 100_040, 100_300]
    assert line.conflicts == ()
    assert unwrapped(line, 250, nz(2026, 3, 6)) == 100_250
    assert unwrapped(line, 99_800, nz(2026, 3, 2)) == 99_800


def test_VE2_a_falling_reading_without_rollover_is_a_conflict_and_neither_is_used() -> None:
    readings = [reading(nz(2026, 3, d), value) for d, value in ((1, 100), (2, 900), (3, 200), (4, 300))]
    line = timeline(recorder(), readings)
    assert line.points == (Point(ms(nz(2026, 3, 1)), 100), Point(ms(nz(2026, 3, 4)), 300))
    assert len(line.conflicts) == 1


def test_VE2_a_far_fall_is_no_rollover() -> None:
    line = timeline(recorder(rollover_at=100_000), [reading(nz(2026, 3, 1), 80_000), reading(nz(2026, 3, 2), 60_000)])
    assert line.points == ()
    assert len(line.conflicts) == 1


def test_VE2_two_values_at_one_instant_contradict_and_equal_ones_count_once() -> None:
    at = nz(2026, 3, 1)
    assert timeline(recorder(), [reading(at, 100), reading(at, 101)]).points == ()
    assert timeline(recorder(), [reading(at, 100), reading(at, 100)]).points == (Point(ms(at), 100),)


def test_DI3_estimates_and_other_recorders_are_no_points() -> None:
    line = timeline(recorder(), [reading(nz(2026, 3, 1), 1, actual=False), reading(nz(2026, 3, 1), 2, name="other")])
    assert line.points == ()


def test_VE4_two_primary_devices_at_once_are_nobodys() -> None:
    both = [
        Assignment(device="d1", vehicle_id=VEHICLE, from_at=nz(2026, 3, 1)),
        Assignment(device="d2", vehicle_id=VEHICLE, from_at=nz(2026, 3, 5), until_at=nz(2026, 3, 6)),
    ]
    spans = device_spans(VEHICLE, ms(nz(2026, 3, 1)), ms(nz(2026, 3, 9)), both, ())
    assert spans == (
        DeviceSpan(ms(nz(2026, 3, 1)), ms(nz(2026, 3, 5)), "d1"),
        DeviceSpan(ms(nz(2026, 3, 6)), ms(nz(2026, 3, 9)), "d1"),
    )


def test_VE1_a_trailers_own_device_wins_over_the_towing_vehicles() -> None:
    assignments = [
        Assignment(device="own", vehicle_id=VEHICLE, from_at=nz(2026, 3, 3)),
        Assignment(device="truck", vehicle_id=TRUCK, from_at=nz(2026, 1, 1)),
    ]
    couplings = [Coupling(trailer_id=VEHICLE, towing_id=TRUCK, from_at=nz(2026, 3, 2))]
    spans = device_spans(VEHICLE, ms(nz(2026, 3, 1)), ms(nz(2026, 3, 5)), assignments, couplings)
    assert spans == (
        DeviceSpan(ms(nz(2026, 3, 2)), ms(nz(2026, 3, 3)), "truck", towed=True),
        DeviceSpan(ms(nz(2026, 3, 3)), ms(nz(2026, 3, 5)), "own"),
    )


def test_VE1_VE4_where_two_own_devices_disagree_the_towing_vehicles_does_not_decide() -> None:
    """The database forbids it; an answer would be a guess all the same."""
    assignments = [
        Assignment(device="one", vehicle_id=VEHICLE, from_at=nz(2026, 3, 3), until_at=nz(2026, 3, 5)),
        Assignment(device="two", vehicle_id=VEHICLE, from_at=nz(2026, 3, 3), until_at=nz(2026, 3, 5)),
        Assignment(device="truck", vehicle_id=TRUCK, from_at=nz(2026, 1, 1)),
    ]
    couplings = [Coupling(trailer_id=VEHICLE, towing_id=TRUCK, from_at=nz(2026, 3, 2))]
    spans = device_spans(VEHICLE, ms(nz(2026, 3, 2)), ms(nz(2026, 3, 6)), assignments, couplings)
    assert spans == (
        DeviceSpan(ms(nz(2026, 3, 2)), ms(nz(2026, 3, 3)), "truck", towed=True),
        DeviceSpan(ms(nz(2026, 3, 5)), ms(nz(2026, 3, 6)), "truck", towed=True),
    )


def test_VE1_a_trailer_said_to_be_behind_two_trucks_is_behind_none() -> None:
    other = uuid5(NAMESPACE, "other truck")
    assignments = [
        Assignment(device=name, vehicle_id=which, from_at=nz(2026, 1, 1))
        for name, which in (("a", TRUCK), ("b", other))
    ]
    couplings = [Coupling(trailer_id=VEHICLE, towing_id=which, from_at=nz(2026, 3, 2)) for which in (TRUCK, other)]
    assert device_spans(VEHICLE, ms(nz(2026, 3, 1)), ms(nz(2026, 3, 5)), assignments, couplings) == ()


@pytest.mark.parametrize(("text", "plate"), [("abc 123", "ABC123"), ("E560P", "E560P"), ("a-1", "A1")])
def test_VE1_plates_are_one_to_six_letters_and_digits(text: str, plate: str) -> None:
    assert normalise_plate(text) == plate


@pytest.mark.parametrize("text", ["", "ABCDEFG", "AB*1"])
def test_VE1_other_plates_are_refused(text: str) -> None:
    with pytest.raises(InvalidPlate):
        normalise_plate(text)


@pytest.mark.parametrize(
    ("kind", "cause"), [("recorder_change", "recorder_change"), ("cancelled_vehicle", "deregistration")]
)
def test_OT3_OT4_no_claim_reaches_into_what_is_asked_for_as_unused(kind: str, cause: str) -> None:
    asked = UnusedAsked(
        application_id=uuid5(NAMESPACE, "a"), kind=kind, from_reading=4_300, on=date(2026, 4, 1), decided=False
    )  # type: ignore[arg-type]
    given = licence(unused_asked=asked)
    readings = [reading(nz(2026, 3, 1), 4_000), reading(nz(2026, 4, 2), 4_600)]
    removed = [recorder(removed_at=nz(2026, 4, 3))]
    window = claimable_range(given, record([given], readings, recorders=removed), RISES)
    assert (window.start, window.end, window.cause) == (4_000, 4_300, cause)


def test_VE2_OT2_a_surrender_beyond_a_turn_of_the_display_reads_as_the_display_showed() -> None:
    at = nz(2026, 4, 1)
    given = licence(
        start=99_500, end=109_500, gross_cents=76_000,
        surrendered=Ending(kind="surrendered", at=at, recorder_id=RECORDER, reading=100_500),
    )  # fmt: skip
    readings = [reading(nz(2026, 3, 1), 99_500), reading(nz(2026, 3, 20), 400), reading(at, 500)]
    whole = record([given], readings, recorders=[recorder(rollover_at=100_000)])
    line = whole.timeline_of(given)
    assert ([point.units for point in line.points], line.conflicts) == ([99_500, 100_400, 100_500], ())
    assert claimable_range(given, whole, RISES).end == 100_500


def test_VE2_OT3_what_is_asked_for_as_unused_lies_on_the_recorders_series() -> None:
    asked = UnusedAsked(
        application_id=uuid5(NAMESPACE, "a"),
        kind="recorder_change",
        from_reading=800,
        on=date(2026, 4, 1),
        decided=True,
    )
    given = licence(start=500, end=1_500, unused_asked=asked)
    readings = [reading(nz(2026, 2, 1), 99_000), reading(nz(2026, 3, 1), 500), reading(nz(2026, 4, 2), 1_600)]
    window = claimable_range(given, record([given], readings, recorders=[recorder(rollover_at=100_000)]), RISES)
    assert (window.start, window.end) == (100_500, 100_800)
