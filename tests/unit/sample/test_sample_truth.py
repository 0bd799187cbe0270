"""The truth adds up, belongs to the true paths, and is measured on the ellipsoid."""

import csv
from collections import defaultdict

import numpy as np
import pytest

from deploy.demo.sample import geometry
from deploy.demo.sample.plan import KINDS
from shared.nz_days import bounds_ms, from_ordinal
from tests.unit.sample.conftest import Made


def _mm(text: str) -> int:
    whole, _, rest = text.partition(".")
    assert len(rest) == 3
    return int(whole) * 1000 + int(rest)


def _rows(made: Made, name: str) -> list[dict[str, str]]:
    with (made.sample.folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["truth.csv", "truth_devices.csv"])
def test_surfaces_sum_to_the_total(made: Made, name: str) -> None:
    rows = _rows(made, name)
    assert rows
    for row in rows:
        assert _mm(row["total_m"]) == _mm(row["off_m"]) + _mm(row["on_m"]) + _mm(row["unknown_owner_m"])


def test_days_sum_to_the_devices(made: Made) -> None:
    columns = ("total_m", "off_m", "on_m", "unknown_owner_m", "carried_m")
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(columns))
    for row in _rows(made, "truth.csv"):
        sums[row["device_id"]] = [a + _mm(row[c]) for a, c in zip(sums[row["device_id"]], columns, strict=True)]
    devices = _rows(made, "truth_devices.csv")
    assert len(devices) == 12
    for row in devices:
        assert sums[row["device_id"]] == [_mm(row[c]) for c in columns]


def test_DI6_every_nz_day_of_the_fortnight_has_a_row_until_the_sale(made: Made) -> None:
    days: dict[str, list[str]] = defaultdict(list)
    for row in _rows(made, "truth.csv"):
        days[row["device_id"]].append(row["day"])
    fortnight = [str(from_ordinal(made.first_day + i)) for i in range(14)]
    sold = made.driven["ute-4"].vehicle
    for device, seen in days.items():
        assert seen == (fortnight[: sold.last_day + 1] if device == sold.device.device_id else fortnight)


def test_couriers_never_leave_the_road_and_one_takes_the_ferry(made: Made) -> None:
    couriers = {row["device_id"]: row for row in _rows(made, "truth_devices.csv") if row["kind"] == "courier"}
    assert len(couriers) == 2
    assert all(_mm(row["off_m"]) == 0 for row in couriers.values())
    assert _mm(couriers["Courier 1"]["carried_m"]) > 10_000_000
    assert _mm(couriers["Courier 2"]["carried_m"]) == 0


def test_DI6_a_trip_over_midnight_is_split_between_two_days(made: Made) -> None:
    driven = made.driven["stock-truck"]
    midnight = bounds_ms(made.first_day + driven.vehicle.night_day)[1]
    speed = float(np.interp(midnight, driven.track.t_ms, driven.track.speed_mps))
    hour = np.array([midnight - 1_800_000.0, midnight, midnight + 1_800_000.0])
    before, after = np.diff(driven.track.driven_m(hour))
    assert before > 1_000
    assert after > 1_000 or speed > 0


def test_lengths_are_those_of_the_ellipsoid(made: Made) -> None:
    """Against straight lines through earth-centred coordinates: another formula altogether."""
    track = made.driven["ute-1"].track
    xy = track.xy[:20_000]
    lat, lng = (np.radians(c) for c in geometry.to_degrees(xy))
    a, e2 = 6_378_137.0, 0.00669437999014
    n = a / np.sqrt(1 - e2 * np.sin(lat) ** 2)
    place = np.column_stack([n * np.cos(lat) * np.cos(lng), n * np.cos(lat) * np.sin(lng), n * (1 - e2) * np.sin(lat)])
    straight = np.linalg.norm(np.diff(place, axis=0), axis=1).sum()
    assert track.wheel_m[19_999] == pytest.approx(straight, rel=1e-6)


def test_no_vehicle_outruns_itself(made: Made) -> None:
    fastest = max(kind.speed_kmh for kind in KINDS.values()) / 3.6 * 1.2
    for driven in made.driven.values():
        t, s = driven.track.t_ms / 1000, driven.track.surface_m.sum(axis=1)
        assert (np.diff(t) >= 0).all()
        assert (np.diff(s) >= 0).all()
        moved = np.diff(s) > 0.5
        assert (np.diff(s)[moved] / np.diff(t)[moved]).max() < fastest
        assert driven.track.speed_mps.max() < fastest


def test_off_road_driving_is_slow_and_road_driving_is_not(made: Made) -> None:
    for ref in ("ute-1", "ute-3", "quarry-truck"):
        track = made.driven[ref].track
        hours = np.diff(track.t_ms) / 3.6e6
        for surfaces, low, high in ((("private", "paddock"), 7, 28), (("public",), 40, 85)):
            km = sum(np.diff(track.metres(name, track.t_ms)) for name in surfaces) / 1000
            assert low < km.sum() / hours[km > 0].sum() < high
