"""How far a vehicle had travelled by its devices at any instant: what places a recorder's reading in time (rules VE2, DI2).

A device's odometer where its days have one, else the GPS millimetres of its segments.  Nothing here is ever claimed."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from services.claims.domain.register.vehicle import DeviceSpan
from shared.contracts.device_day import DeviceDay, Reading


class Leg(NamedTuple):
    """The devices moved `mm` in [from_ms, until_ms].  `day` refines the inside of a long one."""

    from_ms: int
    until_ms: int
    mm: int
    day: DeviceDay | None = None


@dataclass(frozen=True, slots=True)
class Travel:
    """Legs in order of time, never overlapping, with the millimetres before each."""

    legs: tuple[Leg, ...]
    before_mm: tuple[int, ...]
    """One more than legs; the last is the total."""
    by_odometer: bool
    """Every day that has fixes has readings of the device's odometer too."""

    def at(self, ms: int) -> int:
        """Millimetres travelled until an instant."""
        index = bisect_right(self.legs, ms, key=lambda leg: leg.from_ms) - 1
        if index < 0:
            return 0
        leg = self.legs[index]
        if ms >= leg.until_ms:
            return self.before_mm[index + 1]
        return self.before_mm[index] + _mm_at(_trace(leg), ms)

    def between(self, from_ms: int, until_ms: int) -> int:
        return self.at(until_ms) - self.at(from_ms)

    def instant_of(self, mm: int) -> int | None:
        """The first instant at which so much was travelled; None when it never was."""
        if not self.legs or mm > self.before_mm[-1]:
            return None
        if mm <= 0:
            return self.legs[0].from_ms
        index = min(bisect_right(self.before_mm, mm - 1) - 1, len(self.legs) - 1)
        return _ms_at(_trace(self.legs[index]), mm - self.before_mm[index])


def travel(spans: Sequence[DeviceSpan], days: Sequence[DeviceDay]) -> Travel:
    """`days`: one revision a (device, day), any order.  The odometer's delta over the night belongs to the night."""
    legs: list[Leg] = []
    by_odometer = True
    of_device: dict[str, list[DeviceDay]] = {}
    for day in sorted(days, key=lambda day: day.day):
        of_device.setdefault(day.device, []).append(day)
    for span in spans:
        last: Reading | None = None
        for day in of_device.get(span.device, []):
            if day.last_fix_ms < span.from_ms or day.first_fix_ms >= span.until_ms:
                continue
            points = _odometer_points(day)
            by_odometer = by_odometer and (bool(points) or not day.fixes)
            if points and last is not None:
                night = max(0, points[0].odometer_mm - last.odometer_mm)
                legs.extend(_clipped(Leg(last.ts_ms, points[0].ts_ms, night), span))
            legs.extend(_clipped(_day_leg(day, points), span))
            last = points[-1] if points else None
    legs.sort(key=lambda leg: (leg.from_ms, leg.until_ms))
    return Travel(tuple(legs), (0, *accumulate(leg.mm for leg in legs)), by_odometer and bool(legs))


def _odometer_points(day: DeviceDay) -> tuple[Reading, ...]:
    if day.readings:
        return day.readings
    ends = (day.first_reading, day.last_reading)
    return tuple(reading for reading in ends if reading is not None)


def _day_leg(day: DeviceDay, points: tuple[Reading, ...]) -> Leg:
    if points:
        return Leg(points[0].ts_ms, points[-1].ts_ms, max(0, points[-1].odometer_mm - points[0].odometer_mm), day)
    if day.segments:
        driven = sum(segment.mm for segment in day.segments if segment.kind == "drive")
        return Leg(day.segments[0].start_ms, day.segments[-1].end_ms, driven, day)
    return Leg(day.first_fix_ms, day.last_fix_ms, sum(total.mm for total in day.totals if total.kind == "drive"), day)


def _clipped(leg: Leg, span: DeviceSpan) -> list[Leg]:
    from_ms, until_ms = max(leg.from_ms, span.from_ms), min(leg.until_ms, span.until_ms)
    if (from_ms, until_ms) == (leg.from_ms, leg.until_ms):
        return [leg] if leg.mm or until_ms > from_ms else []
    if from_ms >= until_ms:
        return []
    trace = _trace(leg)
    cut = [(ms, mm) for ms, mm in trace if from_ms < ms < until_ms]
    points = [(from_ms, _mm_at(trace, from_ms)), *cut, (until_ms, _mm_at(trace, until_ms))]
    return [Leg(one[0], two[0], two[1] - one[1]) for one, two in pairwise(points) if two[0] > one[0]]


def _trace(leg: Leg) -> list[tuple[int, int]]:
    """(instant, millimetres since the leg's start), never falling, from its first to its last instant."""
    start, end = (leg.from_ms, 0), (leg.until_ms, leg.mm)
    if leg.day is None:
        return [start, end]
    points = _odometer_points(leg.day)
    if points:
        inner = [(point.ts_ms, point.odometer_mm - points[0].odometer_mm) for point in points[1:-1]]
    else:
        driven = accumulate(segment.mm if segment.kind == "drive" else 0 for segment in leg.day.segments)
        inner = [(segment.end_ms, mm) for segment, mm in zip(leg.day.segments, driven, strict=True)][:-1]
    trace, high = [start], 0
    for ms, mm in inner:
        high = min(max(high, mm), leg.mm)
        trace.append((ms, high))
    return [*trace, end]


def _mm_at(trace: list[tuple[int, int]], ms: int) -> int:
    index = bisect_right(trace, ms, key=lambda point: point[0]) - 1
    if index < 0:
        return 0
    if index == len(trace) - 1:
        return trace[-1][1]
    (t0, mm0), (t1, mm1) = trace[index], trace[index + 1]
    return mm0 + (mm1 - mm0) * (ms - t0) // (t1 - t0)


def _ms_at(trace: list[tuple[int, int]], mm: int) -> int:
    for (t0, mm0), (t1, mm1) in pairwise(trace):
        if mm <= mm1:
            return t0 if mm1 == mm0 else t0 - (-(t1 - t0) * (mm - mm0) // (mm1 - mm0))
    return trace[-1][0]
