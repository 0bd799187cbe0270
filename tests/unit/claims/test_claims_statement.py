"""Statements by late binding: rules DI1-DI3, DI6, DI7."""

from datetime import date, timedelta

from tests.unit.claims.builders import (
    KM,
    NAMESPACE,
    days_from,
    device_day,
    licence,
    ms,
    nz,
    reading,
    record,
    run,
    statement_of,
    uuid5,
)

TRUCK = uuid5(NAMESPACE, "truck")
BOTH_ENDS = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 11), 5000))
"""Actual readings at both ends of the licence 4000-5000, ten NZ days apart."""


def test_DI1_gps_below_recorder_leaves_off_road_and_makes_the_lack_unknown() -> None:
    days = days_from(date(2026, 3, 1), 10, run("public_road", 50 * KM, 8, 10), run("off_road", 40 * KM, 10, 12))
    found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    assert found.recorder_mm == 1000 * KM
    assert (found.totals.public_mm, found.totals.off_road_mm) == (500 * KM, 400 * KM)
    assert found.totals.unknown_by_basis == (("recorder_lack", 100 * KM),)
    assert found.totals.counted_mm == found.recorder_mm
    assert found.lack_mm == 100 * KM
    assert len(found.lines) == 10


def test_DI1_gps_above_recorder_scales_every_part_and_floors_off_road() -> None:
    days = [device_day(date(2026, 3, 2), run("public_road", 700 * KM, 8, 10), run("off_road", 333 * KM + 1, 10, 12))]
    found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    gps = 1033 * KM + 1
    assert found.totals.off_road_mm == (333 * KM + 1) * 1000 * KM // gps
    assert found.totals.counted_mm == 1000 * KM
    assert dict(found.totals.unknown_by_basis) == {"scaling_rest": found.rest_mm}
    assert 0 < found.rest_mm < 3


def test_DI1_within_one_display_unit_gps_stands_and_a_neighbour_gives_what_it_lacks() -> None:
    readings = (*BOTH_ENDS, reading(nz(2026, 3, 3), 4200))
    days = [
        device_day(date(2026, 3, 2), run("off_road", 200 * KM + 700_000, 8, 12)),
        device_day(date(2026, 3, 5), run("public_road", 790 * KM, 8, 12)),
    ]
    found = statement_of(licence(), record([licence()], readings), *days)
    assert found.totals.off_road_mm == 200 * KM + 700_000
    assert [stretch.rule for stretch in found.stretches] == ["within_display", "lack"]
    assert found.totals.counted_mm == 1000 * KM


def test_DI1_within_one_display_unit_but_no_later_lack_is_scaled_since_the_ends_are_exact() -> None:
    readings = (*BOTH_ENDS, reading(nz(2026, 3, 3), 4200))
    days = [
        device_day(date(2026, 3, 2), run("off_road", 200 * KM + 700_000, 8, 12)),
        device_day(date(2026, 3, 5), run("public_road", 800 * KM, 8, 12)),
    ]
    found = statement_of(licence(), record([licence()], readings), *days)
    assert found.totals.off_road_mm == 200 * KM
    assert found.totals.counted_mm == 1000 * KM


def test_DI1_a_still_recorder_makes_everything_zero_beyond_a_display_unit() -> None:
    readings = (*BOTH_ENDS, reading(nz(2026, 3, 2), 4100), reading(nz(2026, 3, 3), 4100))
    days = [
        device_day(date(2026, 3, 2), run("off_road", 3 * KM, 8, 12)),
        device_day(date(2026, 3, 5), run("public_road", 100 * KM, 8, 12)),
    ]
    found = statement_of(licence(), record([licence()], readings), *days)
    assert found.totals.off_road_mm == 0
    assert "still" in {stretch.rule for stretch in found.stretches}
    assert found.totals.counted_mm == 1000 * KM


def test_DI1_carried_metres_lie_outside_the_share_and_gaps_count_nothing_beside_a_recorder() -> None:
    days = [
        device_day(
            date(2026, 3, 2),
            run("off_road", 100 * KM, 8, 9),
            run("carried", 300 * KM, 9, 12),
            run("unknown", 50 * KM, 12, 13, kind="gap", basis="gap"),
        )
    ]
    found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    assert (found.totals.off_road_mm, found.totals.carried_mm) == (100 * KM, 300 * KM)
    assert found.totals.unknown_mm == 900 * KM
    assert found.totals.share_mm == found.recorder_mm


def test_DI2_a_running_licence_closes_on_the_devices_odometer_and_says_so() -> None:
    readings = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 3), 4100))
    days = [
        device_day(date(2026, 3, 2), run("off_road", 90 * KM, 8, 12), odometer=(0, 100 * KM)),
        device_day(date(2026, 3, 5), run("off_road", 60 * KM, 8, 12), odometer=(100 * KM, 150 * KM)),
    ]
    found = statement_of(licence(), record([licence()], readings), *days)
    assert found.closed_on == ("legal_recorder", "device_odometer")
    assert found.recorder_mm is None
    assert found.totals.off_road_mm == 90 * KM + 50 * KM
    assert found.end.located == "open"
    assert found.missing == ("an actual reading of recorder H-recorder at or beyond 5000",)


def test_DI2_states_the_drift_against_the_devices_odometer() -> None:
    days = [device_day(date(2026, 3, 2), run("off_road", 900 * KM, 8, 12), odometer=(0, 985 * KM))]
    found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    assert found.drift_mm == -15 * KM


def test_DI2_without_any_odometer_or_reading_the_gps_stands_and_is_not_claimable() -> None:
    found = statement_of(licence(), record([licence()]), device_day(date(2026, 3, 2), run("off_road", 9 * KM, 8, 12)))
    assert found.closed_on == ("gps",)
    assert found.totals.off_road_mm == 9 * KM
    assert len(found.missing) == 2


def test_DI2_lack_of_a_day_without_legal_recorder_is_booked_on_that_day() -> None:
    days = [device_day(date(2026, 3, 5), run("off_road", 60 * KM, 8, 12), odometer=(100 * KM, 170 * KM))]
    found = statement_of(licence(), record([licence()], [reading(nz(2026, 3, 1), 4000)]), *days)
    assert found.lines[0].amounts.unknown_by_basis == (("recorder_lack", 10 * KM),)
    assert found.lack_mm == 0


def test_DI3_an_estimated_reading_closes_nothing() -> None:
    readings = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 11), 5000, actual=False))
    found = statement_of(licence(), record([licence()], readings))
    assert found.recorder_mm is None
    assert found.missing


def test_DI3_metres_inside_the_drift_band_of_an_interpolated_boundary_are_unknown() -> None:
    readings = (reading(nz(2026, 3, 1), 3900), reading(nz(2026, 3, 6), 4100), reading(nz(2026, 3, 11), 5000))
    days = days_from(date(2026, 3, 1), 4, run("off_road", 50 * KM, 8, 13))
    found = statement_of(
        licence(), record([licence()], readings), *days, device_day(date(2026, 3, 7), run("off_road", 900 * KM, 8, 13))
    )
    # 100 km of 200 lie beyond the start; GPS agrees with the recorder, so the band is one display unit on either side
    assert found.start.located == "interpolated"
    assert found.totals.off_road_mm == 999 * KM
    assert dict(found.totals.unknown_by_basis)["drift_band"] == KM
    assert found.totals.counted_mm == found.recorder_mm == 1000 * KM


def test_DI3_the_band_is_as_wide_as_what_the_devices_missed() -> None:
    readings = (reading(nz(2026, 3, 1), 3900), reading(nz(2026, 3, 6), 4100), reading(nz(2026, 3, 11), 5000))
    days = days_from(date(2026, 3, 1), 4, run("off_road", 40 * KM, 8, 13))
    found = statement_of(licence(), record([licence()], readings), *days)
    # 40 of 200 km were never seen: the start may lie 40 km (and a display unit) further back than where it is put
    assert found.start.band_ms is not None
    assert found.start.ms is not None
    assert found.start.band_ms[0] < found.start.ms < found.start.band_ms[1]
    assert dict(found.totals.unknown_by_basis)["drift_band"] == 21 * KM
    assert found.totals.off_road_mm == (80 - 21) * KM


def test_DI3_the_band_is_as_wide_as_what_the_devices_counted_too_much() -> None:
    readings = (reading(nz(2026, 3, 1), 3900), reading(nz(2026, 3, 6), 4100), reading(nz(2026, 3, 11), 5000))
    days = days_from(date(2026, 3, 1), 4, run("off_road", 60 * KM, 8, 13))
    found = statement_of(licence(), record([licence()], readings), *days)
    # 240 km were seen of 200: the 40 may lie before the start, which is then reached after 140 km, else after 100; and a
    # display unit on either side.  12 km in an hour
    assert found.start.band_ms == (ms(nz(2026, 3, 2, 11, 15)), ms(nz(2026, 3, 3, 9, 45)))
    assert found.start.ms == ms(nz(2026, 3, 2, 13))


def test_DI3_a_reading_beyond_the_end_places_the_end_by_the_devices_odometer() -> None:
    readings = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 11), 5100))
    days = [
        device_day(date(2026, 3, 2), run("public_road", 900 * KM, 8, 12), odometer=(0, 1000 * KM)),
        device_day(date(2026, 3, 5), run("off_road", 100 * KM, 8, 12), odometer=(1000 * KM, 1100 * KM)),
    ]
    found = statement_of(licence(), record([licence()], readings), *days)
    assert found.end.located == "interpolated"
    assert found.end.ms == ms(nz(2026, 3, 2, 12))
    assert found.totals.off_road_mm == 0
    assert found.totals.counted_mm == 1000 * KM


def test_DI7_kilometres_are_floored_once_for_the_whole_licence() -> None:
    days = days_from(date(2026, 3, 1), 10, run("off_road", 999_999, 8, 12))
    found = statement_of(licence(), record([licence()], BOTH_ENDS), *days)
    assert found.totals.off_road_mm == 9_999_990
    assert found.claimable_km == 9


def test_DI6_lines_are_nz_days_also_where_one_has_25_hours() -> None:
    on = date(2026, 4, 5)
    readings = (reading(nz(2026, 4, 4), 4000), reading(nz(2026, 4, 7), 5000))
    found = statement_of(
        licence(issued_at=nz(2026, 4, 4)),
        record([licence(issued_at=nz(2026, 4, 4))], readings),
        device_day(on, run("off_road", 10 * KM, 23.5, 24.9)),
        device_day(on + timedelta(days=1), run("off_road", 20 * KM, 0.1, 1)),
    )
    assert [(line.on, line.amounts.off_road_mm) for line in found.lines] == [
        (on, 10 * KM),
        (on + timedelta(days=1), 20 * KM),
    ]
