"""What the devices send: acceptable to ingest line by line, and as bad as real receivers are, no better and no worse."""

import gzip
import json
from collections import Counter
from datetime import datetime

import numpy as np
import pytest

from deploy.demo.sample import geometry, receiver
from deploy.demo.sample.fleet import Driven
from services.ingest.domain.acceptance import ClockPolicy, duplicates_within, judge_clocks
from shared.contracts.neutral import parse_ndjson
from shared.contracts.pings import NONE
from shared.nz_days import bounds_ms
from tests.unit.sample.conftest import Made

ALL = (
    "ute-1", "ute-2", "ute-3", "ute-4", "ute-5", "ute-6",
    "stock-truck", "logging-truck", "quarry-truck", "courier-1", "courier-2", "tractor",
)  # fmt: skip


def _errors(driven: Driven) -> tuple[np.ndarray, np.ndarray, receiver.Fixes]:
    """Metres between fix and truth, east and north, of the fixes that do not say they are invalid."""
    fixes = driven.fixes.take(driven.fixes.valid != 0)
    true = driven.track.at(fixes.ts_ms.astype(float))
    lat, lng = geometry.to_degrees(true)
    scale = 110_990.0
    return (
        (fixes.lng_e6 / 1e6 - lng) * scale * 1.003 * np.cos(np.radians(lat)),
        (fixes.lat_e6 / 1e6 - lat) * scale,
        fixes,
    )


def test_every_line_is_taken_by_ingest(made: Made) -> None:
    parsed = made.parsed()
    assert parsed.refused == []
    assert parsed.unknown_fields == {}
    assert len(parsed.pings) == parsed.rows == made.sample.pings <= 150_000
    now = bounds_ms(made.first_day + 13)[1] + 72 * 3_600_000
    taken, refusals = judge_clocks(parsed.pings.ts_ms, now, ClockPolicy())
    assert taken.all()
    assert refusals == []


def test_all_twelve_devices_send(made: Made) -> None:
    sent = {device for _, device in made.parsed().pings.keys}
    assert sent == {driven.vehicle.device.device_id for driven in made.driven.values()}
    assert set(made.driven) == set(ALL)


def test_there_are_exact_duplicates_and_nothing_contradicts_itself_DI4(made: Made) -> None:
    pings = made.parsed().pings
    again = duplicates_within(pings)
    assert 0.003 < again / len(pings) < 0.01
    assert len(pings) - again == len(np.unique(np.stack([pings.key.astype(np.int64), pings.ts_ms]), axis=1).T)


def test_late_batches_come_a_day_late_and_after_everything_else(made: Made) -> None:
    with gzip.open(made.sample.stream, "rt") as file:
        rows = [json.loads(line) for line in file]
    latest: dict[str, float] = {}
    behind: dict[str, float] = {}
    for row in rows:
        at = datetime.fromisoformat(row["ts"]).timestamp()
        device = row["device_id"]
        behind[device] = max(behind.get(device, 0), latest.get(device, at) - at)
        latest[device] = max(latest.get(device, at), at)
    for device in ("860100000000011", "stock-1"):
        assert 15 < behind[device] / 3600 < 33
    assert behind["log-7"] / 3600 > 48
    assert rows[-1]["device_id"] == "log-7"
    assert Counter(value > 10 * 3600 for value in behind.values()) == {True: 3, False: 9}


@pytest.mark.parametrize("ref", ALL)
def test_interval_is_the_devices_own_while_the_engine_runs(made: Made, ref: str) -> None:
    driven = made.driven[ref]
    gaps = np.diff(driven.fixes.ts_ms)[(driven.fixes.ignition[1:] == 1) & (driven.fixes.ignition[:-1] == 1)] / 1000
    assert np.median(gaps) == pytest.approx(driven.vehicle.device.interval_s, abs=1.0)


@pytest.mark.parametrize("ref", ALL)
def test_gps_error_is_plausible_and_correlated(made: Made, ref: str) -> None:
    east, north, fixes = _errors(made.driven[ref])
    away = np.hypot(east, north)
    usual = away < 100
    assert (~usual).mean() < 0.001
    assert 1.5 < np.sqrt((away[usual] ** 2).mean()) < 9.0
    near = (np.diff(fixes.ts_ms) < 31_000) & usual[1:] & usual[:-1]
    if near.sum() > 300:
        for axis in (east, north):
            together = np.corrcoef(axis[1:][near], axis[:-1][near])[0, 1]
            assert together > 0.6, "white noise: real receivers wander"
    assert np.percentile(away[usual], 99.5) > 2.5 * np.median(away[usual])


@pytest.mark.parametrize("ref", [ref for ref in ALL if ref not in ("ute-2", "logging-truck")])
def test_reported_accuracy_is_a_fair_guess(made: Made, ref: str) -> None:
    east, north, fixes = _errors(made.driven[ref])
    inside = np.hypot(east, north) < fixes.accuracy_dm / 10
    assert 0.5 < inside.mean() < 0.95


def test_some_devices_report_hdop_or_nothing_about_their_error(made: Made) -> None:
    hdop = made.driven["ute-2"].fixes
    assert (hdop.accuracy_dm == NONE).all()
    assert (hdop.hdop_e1 > 5).all()
    nothing = made.driven["logging-truck"].fixes
    assert (nothing.accuracy_dm == NONE).all()
    assert (nothing.hdop_e1 == NONE).all()


@pytest.mark.parametrize("ref", ALL)
def test_doppler_speed_is_close_to_the_truth(made: Made, ref: str) -> None:
    driven = made.driven[ref]
    true = np.interp(driven.fixes.ts_ms, driven.track.t_ms, driven.track.speed_mps) * 3.6
    assert np.percentile(np.abs(driven.fixes.speed_dkmh / 10 - true), 99) < 1.6


@pytest.mark.parametrize("ref", ALL)
def test_odometer_counts_wheels_in_its_own_resolution(made: Made, ref: str) -> None:
    driven = made.driven[ref]
    device, shown = driven.vehicle.device, driven.fixes.odometer_m
    if not device.odometer_m:
        assert (shown == NONE).all()
        return
    assert (np.diff(shown) >= 0).all()
    assert (shown % device.odometer_m == 0).all()
    wheels = driven.track.driven_m(driven.fixes.ts_ms.astype(float))
    counted = shown - shown[0]
    assert np.abs(counted - (wheels - wheels[0]) * device.odometer_scale).max() <= device.odometer_m


def test_odometers_differ_in_resolution_and_some_are_off_by_little(made: Made) -> None:
    devices = [driven.vehicle.device for driven in made.driven.values()]
    assert {device.odometer_m for device in devices} == {0, 1, 10, 100, 1000}
    scales = [device.odometer_scale for device in devices]
    assert min(scales) < 1 < max(scales)
    assert max(abs(scale - 1) for scale in scales) < 0.01


@pytest.mark.parametrize("ref", ALL)
def test_parked_vehicles_drift_without_their_odometer(made: Made, ref: str) -> None:
    driven = made.driven[ref]
    fixes = driven.fixes.take(driven.fixes.valid != 0)
    east, north, _ = _errors(driven)
    speed = np.interp(fixes.ts_ms, driven.track.t_ms, driven.track.speed_mps)
    parked = (fixes.ignition == 0) & (speed == 0) & (np.hypot(east, north) < 100)
    assert parked.sum() > 200
    assert 1.0 < east[parked].std() < 12.0


def test_gaps_black_spots_and_restarts(made: Made) -> None:
    for ref in ("ute-1", "logging-truck", "quarry-truck"):
        fixes = made.driven[ref].fixes
        running = (fixes.ignition[1:] == 1) & (fixes.ignition[:-1] == 1)
        assert (np.diff(fixes.ts_ms)[running] > 150_000).any(), ref
    for driven in made.driven.values():
        true = driven.track.at(driven.fixes.ts_ms.astype(float)) / 1000
        assert (np.hypot(true[:, 0] + 0.2, true[:, 1] + 9.25) >= 0.74).all(), "nothing is received in the tunnel"


def test_nonsense_is_rare_and_there(made: Made) -> None:
    pings = made.parsed().pings
    zero = (pings.lat_e6 == 0) & (pings.lng_e6 == 0)
    invalid = pings.valid == 0
    assert 5 <= zero.sum() <= 60
    assert (invalid[zero]).all()
    assert zero.sum() < invalid.sum() < 200
    jumps = sum(int((np.hypot(*_errors(driven)[:2]) > 150).sum()) for driven in made.driven.values())
    assert 10 <= jumps <= 120


def test_SU8_the_ferry_moves_a_vehicle_with_ignition_off_and_a_still_odometer(made: Made) -> None:
    driven = made.driven["courier-1"]
    fixes = driven.fixes
    carried = driven.track.metres("carried", fixes.ts_ms.astype(float))
    afloat = (np.diff(carried) > 50) & (np.diff(fixes.ts_ms) < 120_000)
    inner = np.flatnonzero(afloat[:-1] & afloat[1:]) + 1
    assert len(inner) > 20
    assert (fixes.ignition[inner] == 0).all()
    assert (fixes.odometer_m[inner] == fixes.odometer_m[inner - 1]).all()


def test_the_gap_of_two_days_has_no_fix_at_all(made: Made) -> None:
    ts = made.driven["logging-truck"].fixes.ts_ms
    start, end = bounds_ms(made.first_day + 8)[0], bounds_ms(made.first_day + 9)[1]
    assert not ((ts >= start) & (ts < end)).any()
    assert made.driven["logging-truck"].track.driven_m(np.array([float(start), float(end)]))[1] > 0


def test_device_ids_are_kept_verbatim_and_some_messages_have_ids(made: Made) -> None:
    line = b'{"device_id": "quarry/3", "ts": "2026-11-01T00:00:00.000Z", "lat": -38.300000, "lng": 175.000000}\n'
    assert parse_ndjson(line).pings.keys[0][1] == "quarry/3"
    ids = made.parsed().pings.ids
    assert ids is not None
    assert 1_000 < sum(1 for one in ids if one) < 20_000
