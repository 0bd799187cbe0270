"""Rules SU1-SU8: what a metre is."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings, concat
from tests.unit.kernel.world import NOON_MS, Drive, drive, road_set, to_pings


def one_day(pings: Pings, roads: RoadSet) -> DayOutcome:
    (day,) = classify_days(pings, None, roads)
    return day


def metres(day: DayOutcome) -> Counter[tuple[str, str]]:
    """Metres by (surface, basis)."""
    sums: Counter[tuple[str, str]] = Counter()
    for total in day.totals:
        sums[total.surface, total.basis] += total.mm
    return Counter({what: mm / 1000.0 for what, mm in sums.items()})


def test_SU1_within_the_corridor_of_a_public_road(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(-4000, 0), (4000, 0)], 20.0, 10.0), noise_m=3.0), district)
    assert [part.surface for part in day.segments] == ["public_road"]
    assert day.segments[0].mm == pytest.approx(8_000_000, rel=0.01)
    assert "River Road" in day.segments[0].why


def test_SU1_drift_of_a_minute_beside_a_public_road_claims_nothing(district: RoadSet) -> None:
    path = drive([(-4000, 0), (4000, 0)], 24.0, 1.0)
    path.y[100:160] += 45.0
    day = one_day(to_pings(path, noise_m=1.0), district)
    assert {total.surface for total in day.totals} == {"public_road"}


def test_SU2_service_way_without_owner_is_unknown(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(2000, 150), (2000, 1000), (2000, 150)], 6.0, 10.0), noise_m=2.0), district)
    assert metres(day)["unknown", "unknown_way"] > 1_500.0
    assert not any(surface == "off_road" for surface, _ in metres(day))


def test_SU3_private_track_is_off_road_and_says_which(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(0, 500), (0, 2900)], 6.0, 10.0), noise_m=3.0), district)
    assert metres(day)["off_road", "private_road"] == pytest.approx(2_400.0, rel=0.01)
    assert any("Ridge Track" in part.why and "highway=track" in part.why for part in day.segments)


def test_SU4_clear_of_every_way_is_off_road(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(-1000, 900), (-1000, 1500), (-400, 1500)], 5.0, 10.0), noise_m=3.0), district)
    assert metres(day)["off_road", "no_road"] == pytest.approx(1_200.0, rel=0.02)


def test_SU4_moving_as_on_a_road_is_a_probable_missing_road(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(-4000, 1500), (-1000, 1500)], 22.0, 5.0)), district)
    assert metres(day)["unknown", "like_a_road"] > 2_900.0
    assert not any(surface == "off_road" for surface, _ in metres(day))


def test_SU5_outside_coverage_is_unknown(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(0, 9_000), (0, 10_000)], 5.0, 10.0)), district)
    assert set(metres(day)) == {("unknown", "outside_coverage")}


def test_SU6_a_private_track_within_error_of_a_public_road_is_not_claimed(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(-2900, 12), (-1600, 12)], 12.0, 5.0), accuracy_m=8.0, noise_m=4.0), district)
    assert not any(surface == "off_road" for surface, _ in metres(day))


def test_SU8_a_ferry_carries(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(6000, 0), (7500, 0)], 8.0, 10.0)), district)
    assert set(metres(day)) == {("carried", "carried")}
    assert {part.kind for part in day.segments} == {"carried"}


def test_SU8_moving_with_the_ignition_off_is_carried(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(0, 600), (0, 2500)], 10.0, 10.0), ignition=0), district)
    assert set(metres(day)) == {("carried", "carried")}


def test_SU8_a_wrong_ignition_wire_does_not_carry_while_the_odometer_turns(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(0, 600), (0, 2500)], 8.0, 10.0), ignition=0, odometer=70_000.0), district)
    assert metres(day)["off_road", "private_road"] > 1_700.0


def test_SU8_a_still_odometer_is_carried_only_beyond_one_display_unit(district: RoadSet) -> None:
    ride = drive([(-4000, 0), (4000, 0)], 20.0, 10.0)
    still = Drive(ride.t_ms, ride.x, ride.y, ride.speed, ride.heading, np.zeros(len(ride.t_ms)))
    carried = one_day(to_pings(still, odometer=81_234.0), district)
    assert set(metres(carried)) == {("carried", "carried")}
    short = drive([(-4000, 0), (-3100, 0)], 20.0, 10.0)
    short.odometer_m[:] = 0.0
    kept = one_day(to_pings(short, odometer=81_000.0, unit_m=1000.0), district)
    assert set(metres(kept)) == {("public_road", "mapped_public")}


def test_boundary_legs_count_only_what_is_certain(district: RoadSet) -> None:
    """From the track onto the road at sparse fixes: never more than was driven on the track."""
    for offset in range(0, 300, 25):
        path = drive([(0, 1500 + offset), (0, 0), (2500, 0)], 10.0, 30.0)
        off = sum(mm for (surface, _), mm in metres(one_day(to_pings(path), district)).items() if surface == "off_road")
        assert 1500 + offset - 60 < off <= 1500 + offset + 5


def test_a_crossing_between_two_fixes_is_not_counted_whole(district: RoadSet) -> None:
    path = drive([(500, 600), (500, -600)], 20.0, 30.0)
    day = one_day(to_pings(path), district)
    off = sum(mm for (surface, _), mm in metres(day).items() if surface == "off_road")
    assert off < 1_200.0 - 10.0


def test_a_gap_counts_what_the_odometer_proves(district: RoadSet) -> None:
    path = drive([(0, 2000), (0, 2600)], 2.0, 300.0)
    with_odometer = metres(one_day(to_pings(path, odometer=5_001.0), district))
    assert 500.0 < with_odometer["off_road", "odometer_bound"] <= 600.0
    far = drive([(0, 300), (0, 1000), (0, 300)], 4.0, 350.0)
    without = metres(one_day(to_pings(far), district))
    assert without["off_road", "odometer_bound"] <= 10.0


def test_a_farm_road_of_a_named_class_is_private_where_access_says_so(tmp_path: Path) -> None:
    ways = [(9, {"highway": "unclassified", "access": "private"}, [(0, 0), (0, 2000)])]
    day = one_day(to_pings(drive([(0, 100), (0, 1900)], 12.0, 10.0)), road_set(tmp_path, ways))
    assert metres(day)["off_road", "private_road"] > 1_700.0


def test_two_devices_do_not_touch_each_other(district: RoadSet) -> None:
    track = to_pings(drive([(0, 500), (0, 2900)], 6.0, 10.0), device="a")
    road = to_pings(drive([(-4000, 0), (4000, 0)], 20.0, 10.0, NOON_MS), device="b")
    together = {day.key: day for day in classify_days(concat([track, road]), None, district)}
    assert together["t", "a"] == one_day(track, district)
    assert together["t", "b"] == one_day(road, district)
