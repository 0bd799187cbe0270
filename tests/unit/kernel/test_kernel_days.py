"""Rules DI1, DI4, DI6 and EL6: what a device-day holds."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from services.classifier.domain.closed import close_day
from services.classifier.domain.device_day import DayOutcome, classify_days, totals_of
from services.classifier.domain.scheme import V1
from services.classifier.roads.dataset import RoadSet
from shared.contracts.device_day import Reading
from shared.contracts.pings import Pings, concat
from shared.nz_days import bounds_ms, day_of
from tests.unit.kernel.world import NOON_MS, Drive, drive, to_pings


def one_day(pings: Pings, roads: RoadSet) -> DayOutcome:
    (day,) = classify_days(pings, None, roads)
    return day


def driven_mm(day: DayOutcome) -> int:
    return sum(total.mm for total in day.totals)


def track_drive(start_ms: int = NOON_MS) -> Drive:
    return drive([(0, 500), (0, 2900)], 6.0, 10.0, start_ms)


def test_DI4_identical_fixes_count_once(district: RoadSet) -> None:
    pings = to_pings(track_drive())
    again = replace(pings, received_ms=pings.received_ms + 5_000)
    assert one_day(concat([pings, again, pings]), district) == one_day(pings, district)


def test_DI4_two_contents_at_one_instant_count_neither_and_raise_an_incident(district: RoadSet) -> None:
    pings = to_pings(track_drive())
    row = pings.take(np.array([20]))
    other = replace(row, lat_e6=row.lat_e6 + 400)
    day = one_day(concat([pings, other]), district)
    without = one_day(pings.take(np.arange(len(pings)) != 20), district)
    assert day.totals == without.totals
    assert day.incidents == ("1 fixes: two contents at one instant",)
    assert one_day(concat([other, pings]), district) == day


def test_labels_come_before_distance(district: RoadSet) -> None:
    """0/0, invalid, inaccurate and impossible fixes change no millimetre beyond their absence."""
    pings = to_pings(track_drive())
    bad = pings.take(np.array([10, 20, 30, 38]))
    ts = bad.ts_ms + 3_000
    lat, valid, accuracy = bad.lat_e6.copy(), bad.valid.copy(), bad.accuracy_mm.copy()
    lat[0], valid[1], accuracy[2] = 0, 0, 500_000
    lat[3] += 30_000
    lng = bad.lng_e6.copy()
    lng[0] = 0
    day = one_day(
        concat([pings, replace(bad, ts_ms=ts, lat_e6=lat, lng_e6=lng, valid=valid, accuracy_mm=accuracy)]), district
    )
    assert day.totals == one_day(pings, district).totals
    assert set(day.incidents) == {
        "1 fixes: invalid", "1 fixes: no position (0/0)", "1 fixes: inaccurate", "1 fixes: implausible jump",
    }  # fmt: skip


def test_a_jump_at_the_end_of_what_is_known_adds_no_metre(district: RoadSet) -> None:
    pings = to_pings(track_drive())
    last = pings.take(np.array([40]))
    far = replace(last, ts_ms=last.ts_ms + 3_000, lat_e6=last.lat_e6 + 30_000)
    assert one_day(concat([pings, far]), district).totals == one_day(pings, district).totals


def test_parked_drift_counts_nothing(district: RoadSet) -> None:
    n = 3_600
    rng = np.random.default_rng(3)
    wander = np.cumsum(rng.normal(0, 0.8, (2, n)), axis=1) * 0.3
    parked = Drive(
        NOON_MS + np.arange(n) * 1000, 900 + wander[0], 900 + wander[1], np.zeros(n), np.zeros(n), np.zeros(n)
    )
    assert driven_mm(one_day(to_pings(parked, noise_m=2.0), district)) == 0


def test_DI1_the_stretch_runs_between_the_first_and_last_usable_reading(district: RoadSet) -> None:
    pings = to_pings(track_drive(), odometer=10_000.0)
    odometer = pings.odometer_mm.copy()
    odometer[:5], odometer[-4:] = -1, -1
    day = one_day(replace(pings, odometer_mm=odometer), district)
    assert (day.first_reading, day.last_reading) == (
        Reading(int(pings.ts_ms[5]), 10_300_000),
        Reading(int(pings.ts_ms[-5]), int(pings.odometer_mm[-5])),
    )
    assert day.display_unit_mm == 10_000
    assert {total.in_stretch for total in day.totals} == {True, False}
    assert len(day.readings) == 2


def test_DI1_a_reading_that_falls_back_is_not_used(district: RoadSet) -> None:
    pings = to_pings(track_drive(), odometer=10_000.0)
    odometer = pings.odometer_mm.copy()
    odometer[7], odometer[15] = 0, 9_999_999_000
    day = one_day(replace(pings, odometer_mm=odometer), district)
    assert (day.first_reading, day.last_reading) == (
        one_day(pings, district).first_reading,
        one_day(pings, district).last_reading,
    )
    assert day.incidents == ("2 odometer readings fell back or jumped, and are not used",)


@pytest.mark.parametrize("unit_m", [1.0, 100.0, 1000.0, 1609.344])
def test_the_display_unit_shows_in_the_readings(district: RoadSet, unit_m: float) -> None:
    path = drive([(-5000, 0), (5000, 0), (-5000, 0), (5000, 0)], 23.3, 10.0)
    day = one_day(to_pings(path, odometer=41_234.0, unit_m=unit_m), district)
    assert day.display_unit_mm == round(unit_m * 1000)


def test_DI1_gps_above_the_odometer_is_scaled_down_and_the_rest_is_unknown(district: RoadSet) -> None:
    path = track_drive()
    slow = Drive(path.t_ms, path.x, path.y, path.speed, path.heading, path.odometer_m * 0.9)
    closed = close_day(one_day(to_pings(slow, odometer=70_000.0), district))
    assert closed.closure.rule == "scaled_down"
    assert sum(part.mm for part in closed.segments) == closed.closure.recorder_mm
    off = sum(part.mm for part in closed.segments if part.surface == "off_road")
    assert 0.89 * 2_400_000 < off <= closed.closure.recorder_mm


def test_DI1_a_lack_is_a_segment_of_its_own_and_off_road_stays(district: RoadSet) -> None:
    path = track_drive()
    fast = Drive(path.t_ms, path.x, path.y, path.speed, path.heading, path.odometer_m * 1.2)
    day = one_day(to_pings(fast, odometer=70_000.0), district)
    closed = close_day(day)
    lack = [part for part in closed.segments if part.basis == "recorder_lack"]
    assert [part.surface for part in lack] == ["unknown"]
    assert sum(part.mm for part in closed.segments) == closed.closure.recorder_mm
    before = sum(part.mm for part in day.segments if part.surface == "off_road")
    assert sum(part.mm for part in closed.segments if part.surface == "off_road") == before


def test_DI6_a_leg_over_midnight_is_split_by_time_to_the_millimetre(district: RoadSet) -> None:
    _, midnight = bounds_ms(day_of(NOON_MS))
    pings = to_pings(track_drive(midnight - 203_700), odometer=10_000.0)
    first, second = classify_days(pings, None, district)
    assert (first.day, second.day) == (day_of(NOON_MS), day_of(NOON_MS) + 1)
    assert max(part.end_ms for part in first.segments) == midnight == min(part.start_ms for part in second.segments)
    assert first.last_reading == second.first_reading
    assert first.last_reading is not None
    assert first.last_reading.ts_ms == midnight
    noon = one_day(to_pings(track_drive(), odometer=10_000.0), district)
    assert abs(driven_mm(first) + driven_mm(second) - driven_mm(noon)) <= 1


@pytest.mark.parametrize(("start", "hours"), [("2026-04-04T11:30:00", 25), ("2026-09-26T12:30:00", 23)])
def test_DI6_days_of_23_and_25_hours(district: RoadSet, start: str, hours: int) -> None:
    """A fix every half hour from before the day until after it: the day holds the fixes of exactly its hours."""
    first_ms = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp() * 1000)
    day = day_of(first_ms + 43_200_000)
    low, high = bounds_ms(day)
    assert high - low == hours * 3_600_000
    path = drive([(0, 500), (0, 505)], 0.05, 1.0)
    n = 56
    slow = Drive(first_ms - 1_800_000 + np.arange(n) * 1_800_000, *(np.resize(c, n) for c in (path.x, path.y)),
                 np.zeros(n), np.zeros(n), np.zeros(n))  # fmt: skip
    outcome = {one.day: one for one in classify_days(to_pings(slow), None, district)}[day]
    assert outcome.fixes == hours * 2
    assert low <= outcome.first_fix_ms < low + 1_800_000


def test_a_day_depends_only_on_its_fixes_and_the_gap_limit_around_it(district: RoadSet) -> None:
    _, midnight = bounds_ms(day_of(NOON_MS))
    pings = to_pings(track_drive(midnight - 203_700), odometer=10_000.0)
    day = day_of(NOON_MS)
    near = pings.ts_ms < midnight + V1.gap_limit_ms
    key = pings.keys[0]
    whole = classify_days(pings, [(key, day)], district)
    assert classify_days(pings.take(near), [(key, day)], district) == whole
    assert len(whole) == 1


def test_wanted_days_without_fixes_come_back_empty(district: RoadSet) -> None:
    pings = to_pings(track_drive())
    nobody = ("t", "nobody")
    outcomes = classify_days(pings, [(pings.keys[0], day_of(NOON_MS) + 3), (nobody, 20_000)], district)
    assert [(one.key, one.day, one.totals, one.fixes) for one in outcomes] == [
        (pings.keys[0], day_of(NOON_MS) + 3, (), 0),
        (nobody, 20_000, (), 0),
    ]


def test_EL6_engine_time_and_its_covered_part(district: RoadSet) -> None:
    pings = to_pings(track_drive(), odometer=10_000.0)
    span = int(pings.ts_ms[-1] - pings.ts_ms[0])
    day = one_day(pings, district)
    assert (day.engine_on_ms, day.covered_ms) == (span, span)
    silent = one_day(replace(pings, odometer_mm=np.full(len(pings), -1)), district)
    assert (silent.engine_on_ms, silent.covered_ms) == (span, 0)


def test_totals_are_the_sums_of_the_segments_and_a_revision_carries_them(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(0, 2000), (0, 0), (3000, 0)], 9.0, 7.0), noise_m=4.0), district)
    assert day.totals == totals_of(day.segments)
    settled, unsettled = day.revision(7, True, "set"), day.revision(7, False, "set")
    assert settled.segments == day.segments
    assert (unsettled.segments, unsettled.totals, unsettled.road_set) == ((), day.totals, "set")
