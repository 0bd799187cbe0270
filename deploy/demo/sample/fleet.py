"""The fleet's fortnight: every vehicle driven through its days, with its own generator, and the exact truth of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from deploy.demo.sample import motion, receiver
from deploy.demo.sample.district import District
from deploy.demo.sample.itinerary import Day
from deploy.demo.sample.motion import Track
from deploy.demo.sample.receiver import Fixes
from deploy.demo.sample.vehicles import DAYS, FLEET, Vehicle
from shared.nz_days import bounds_ms

HOUR_MS: Final = 3_600_000.0
_NIGHT_H: Final = 22.6
_HANDOVER_MS: Final = 1_800_000.0
_FIRST_ODOMETER_M: Final = 38_000_000.0


@dataclass(frozen=True)
class Driven:
    """One vehicle after its fortnight."""

    vehicle: Vehicle
    track: Track
    fixes: Fixes
    odometer_base_m: float
    """What the vehicle's own odometer showed at the start."""


def drive_all(district: District, until: int, seed: int) -> list[Driven]:
    """Every vehicle over the NZ days until - 13 .. until."""
    return [_drive(vehicle, district, until, seed, number) for number, vehicle in enumerate(FLEET)]


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """A generator of its own for each purpose, so that one vehicle's changes never move another's fixes."""
    return np.random.Generator(np.random.PCG64([seed, *purpose]))


def _drive(vehicle: Vehicle, district: District, until: int, seed: int, number: int) -> Driven:
    rng = generator(seed, 1, number)
    first = until - DAYS + 1
    days: list[Track] = []
    for index in range(vehicle.last_day + 1):
        if index in vehicle.days_off:
            continue
        day = Day(district, vehicle.home, rng)
        vehicle.plan(day, index)
        leave_h = _NIGHT_H if index == vehicle.night_day else vehicle.leave_h
        leave = bounds_ms(first + index)[0] + (leave_h + rng.uniform(-0.4, 0.6)) * HOUR_MS
        if days and leave < days[-1].t_ms[-1]:
            leave = days[-1].t_ms[-1] + HOUR_MS
        days.append(motion.drive(day, leave, vehicle.pace, rng))
    track = motion.join(days, float(bounds_ms(first)[0]), float(bounds_ms(until)[1]))
    base = _FIRST_ODOMETER_M + 1000.0 * float(rng.integers(0, 180_000))
    fixes = receiver.sample(track, vehicle.device, base, generator(seed, 2, number))
    return Driven(vehicle, track, _seen(fixes, vehicle, first, track), base)


def _seen(fixes: Fixes, vehicle: Vehicle, first: int, track: Track) -> Fixes:
    """Without the days on which the device was unplugged, and without what comes after the sale of the vehicle."""
    keep = fixes.ts_ms < _sale_ms(vehicle, track)
    for day in vehicle.device.missing_days:
        start, end = bounds_ms(first + day)
        keep &= (fixes.ts_ms < start) | (fixes.ts_ms >= end)
    return fixes.take(keep)


def sale_ms(driven: Driven) -> float:
    """When the vehicle was handed over: half an hour after its last trip with this fleet; infinite where it stays."""
    return _sale_ms(driven.vehicle, driven.track)


def _sale_ms(vehicle: Vehicle, track: Track) -> float:
    return float(track.t_ms[-2]) + _HANDOVER_MS if vehicle.sold else float("inf")
