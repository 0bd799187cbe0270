"""From a scenario to what its device sends, and to the exact metres of its true drive."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from deploy.demo.sample import delivery, motion, receiver
from deploy.demo.sample.fleet import generator
from deploy.demo.sample.motion import Track
from deploy.demo.sample.plan import TrueSurface
from deploy.demo.sample.receiver import NONE, Fixes
from deploy.demo.sample.scenarios.plan import Moments, Scenario, Trip
from deploy.demo.sample.vehicles import Device
from shared.contracts.neutral import read_ndjson
from shared.contracts.pings import Pings
from shared.nz_days import bounds_ms, day_of

_SEED: Final = 4
_NZ: Final = ZoneInfo("Pacific/Auckland")
_ODOMETER_M: Final = 41_234_567.8
_MINUTE_MS: Final = 60_000.0


@dataclass(frozen=True)
class Driven:
    scenario: Scenario
    track: Track
    moments: Moments
    fixes: Fixes

    def true_m(self, surface: TrueSurface, day: int | None = None) -> float:
        """Metres driven (or carried) on this surface, on one NZ day or on all."""
        ends = np.array([self.track.t_ms[0], self.track.t_ms[-1]] if day is None else bounds_ms(day), dtype=np.float64)
        return float(np.diff(self.track.metres(surface, ends))[0])

    def off_m(self, day: int | None = None) -> float:
        """True off-road metres: on private ways and across paddocks."""
        return self.true_m("private", day) + self.true_m("paddock", day)

    @property
    def days(self) -> range:
        """NZ days of the drive."""
        return range(day_of(int(self.track.t_ms[0])), day_of(int(self.track.t_ms[-1])) + 1)


def instant_ms(text: str) -> float:
    """NZ time in words to ms."""
    return datetime.fromisoformat(text).replace(tzinfo=_NZ).timestamp() * 1000.0


def drive(scenario: Scenario) -> Driven:
    """The same movement and fixes whatever other scenarios there are: each draws from a generator of its own name."""
    number = zlib.crc32((scenario.alike or scenario.name).encode())
    trip = Trip(scenario.site, scenario.start, scenario.pace).mark("start")
    scenario.story(trip)
    trip.mark("end")
    begins = instant_ms(scenario.begins)
    moved = motion.move(trip.path(), begins, generator(_SEED, 1, number))
    start, end = begins - _MINUTE_MS, float(moved.t_ms[-1]) + 2 * _MINUTE_MS
    track = _idling(moved, start, end)
    moments = Moments({name: float(moved.t_ms[row]) for name, row in trip.marks.items()})
    rng = generator(_SEED, 2, number, scenario.weather)
    return Driven(scenario, track, moments, _fixes(scenario, track, moments, rng))


def _idling(track: Track, start_ms: float, end_ms: float) -> Track:
    """A minute with the engine on before the drive and two after it."""
    return Track(
        np.concatenate([[start_ms], track.t_ms, [end_ms]]),
        np.vstack([track.xy[:1], track.xy, track.xy[-1:]]),
        np.concatenate([[0.0], track.speed_mps, [0.0]]),
        np.vstack([track.surface_m[:1], track.surface_m, track.surface_m[-1:]]),
        np.vstack([track.off_ms, [[end_ms, end_ms]]]),
    )


def _fixes(scenario: Scenario, track: Track, moments: Moments, rng: np.random.Generator) -> Fixes:
    made = scenario.receiver
    t, ignition = receiver.instants(track, made.every_s, rng)
    harder = made.quality * np.where(ignition, 1.0, 1.25)
    for first, last, factor in scenario.poor:
        harder = np.where((t >= moments.of[first]) & (t <= moments.of[last]), harder * factor, harder)
    device = Device(
        scenario.name, "", int(made.every_s), made.quality, made.reports, made.odometer_m, made.odometer_scale
    )
    fixes = receiver.observe(track, t, device, _ODOMETER_M, harder, rng)
    if made.boasts_m:
        fixes = fixes._replace(accuracy_dm=np.minimum(fixes.accuracy_dm, round(made.boasts_m * 10)))
    unsaid = np.full(len(t), NONE, dtype=np.int64)
    fixes = fixes._replace(
        speed_dkmh=fixes.speed_dkmh if made.doppler else unsaid,
        heading_deg=fixes.heading_deg if made.heading else unsaid,
        ignition=fixes.ignition if made.ignition else unsaid,
    )
    for fault in scenario.faults:
        fixes = fault(fixes, moments, rng)
    return fixes


def write_pings(path: Path, driven: Sequence[Driven]) -> Path:
    """All devices' fixes as neutral NDJSON, each in the order of its delivery."""
    frames = [
        pl.DataFrame({name: getattr(one.fixes, name) for name in one.fixes._fields}).with_columns(
            device_id=pl.lit(one.scenario.name), id=pl.lit(None, pl.String)
        )
        for one in driven
    ]
    path.write_bytes(delivery.lines(pl.concat(frames)))
    return path


def read_pings(path: Path, driven: Sequence[Driven]) -> Pings:
    """The file as `rucor classify` reads it, each device under its scenario's tenant."""
    parsed = read_ndjson(path)
    if parsed.refused:
        raise ValueError(f"{len(parsed.refused)} pings were refused: {parsed.refused[0]}")
    keys = {one.scenario.name: one.scenario.key for one in driven}
    return replace(parsed.pings, keys=tuple(keys[device] for _, device in parsed.pings.keys))
