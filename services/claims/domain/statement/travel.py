"""How far a vehicle had travelled by its devices at any instant: what places a recorder's reading in time (rules VE2, DI2).

A device's odometer where its days have one, else the GPS millimetres of its segments.  Nothing here is ever claimed."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import attrgetter

import msgspec

from services.claims.domain.register.vehicle import DeviceSpan
from shared.closing import driven
from shared.contracts.device_day import DeviceDay, Reading


class Leg(msgspec.Struct, frozen=True, gc=False):
    """The devices moved `mm` in [from_ms, until_ms].  `day` refines the inside of a long one."""

    from_ms: int
    until_ms: int
    mm: int
    day: DeviceDay | None = None


@dataclass(frozen=True, slots=True)
class Travel:
    """Legs in order of time, never overlapping, with the millimetres before each."""

    legs: tuple[Leg, ...]
    starts_ms: tuple[int, ...]
    before_mm: tuple[int, ...]
    """One more than legs; the last is the total."""
    by_odometer: bool
    """Every day that has fixes has readings of the device's odometer too."""

    def at(self, ms: int) -> int:
        """Millimetres travelled until an instant."""
        index = bisect_right(self.starts_ms, ms) - 1
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
    """`days`: one revision a (device, day), any order."""
    legs: list[Leg] = []
    of_device: dict[str, list[DeviceDay]] = {}
    for day in sorted(days, key=attrgetter("day")):
        of_device.setdefault(day.device, []).append(day)
    by_odometer = True
    for span in spans:
        within = [
            day
            for day in of_device.get(span.device, ())
            if day.last_fix_ms >= span.from_ms and day.first_fix_ms < span.until_ms
        ]
        by_odometer = by_odometer and not any(day.fixes for day in within if day.first_reading is None)
        for leg in _legs(within):
            if leg.from_ms < span.from_ms or leg.until_ms > span.until_ms:
                legs += _clipped(leg, span)
            elif leg.mm or leg.until_ms > leg.from_ms:
                legs.append(leg)
    legs.sort(key=attrgetter("from_ms", "until_ms"))
    starts_ms, before_mm = [leg.from_ms for leg in legs], accumulate([leg.mm for leg in legs], initial=0)
    return Travel(tuple(legs), tuple(starts_ms), tuple(before_mm), by_odometer and bool(legs))


def _legs(days: Sequence[DeviceDay]) -> Iterator[Leg]:
    """Of one device's days in order.  The odometer's delta over the night belongs to the night."""
    before: Reading | None = None
    for day in days:
        first, last = day.first_reading, day.last_reading
        if first is None or last is None:
            yield _gps_leg(day)
        else:
            if before is not None:
                yield Leg(before.ts_ms, first.ts_ms, max(0, first.odometer_mm - before.odometer_mm))
            yield Leg(first.ts_ms, last.ts_ms, max(0, last.odometer_mm - first.odometer_mm), day)
        before = last


def _gps_leg(day: DeviceDay) -> Leg:
    if day.segments:
        return Leg(day.segments[0].start_ms, day.segments[-1].end_ms, driven(day.segments), day)
    return Leg(day.first_fix_ms, day.last_fix_ms, driven(day.totals), day)


def _clipped(leg: Leg, span: DeviceSpan) -> list[Leg]:
    from_ms, until_ms = max(leg.from_ms, span.from_ms), min(leg.until_ms, span.until_ms)
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
    first = leg.day.first_reading
    if first is not None:
        inner = [(point.ts_ms, point.odometer_mm - first.odometer_mm) for point in leg.day.readings[1:-1]]
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
