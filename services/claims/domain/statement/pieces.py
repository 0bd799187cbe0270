"""Device-days cut into the pieces that a licence's stretches close on (design section 2, "Late binding")."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from services.claims.domain.register.vehicle import DeviceSpan
from shared.closing import Piece
from shared.contracts.device_day import Basis, DeviceDay, Kind, Surface
from shared.errors import Fatal
from shared.nz_days import bounds_ms


class Zone(NamedTuple):
    """A time in which nothing changes: the same stretch of the recorder, inside the range or not, licensed or not."""

    from_ms: int
    until_ms: int
    stretch: int
    """Index of the stretch between actual readings; 0 lies before the first of them."""
    inside: bool
    """Of the licence's range."""
    covered: bool
    """At or after the issue (rule LI2)."""
    banded: bool
    """Within the drift band of an interpolated boundary (rule DI3)."""


class Atom(msgspec.Struct, frozen=True, gc=False):
    """Unclosed GPS millimetres of one surface and basis in one zone of one device-day."""

    zone: Zone
    day: DeviceDay
    basis: Basis
    in_stretch: bool
    """Between the device's first and last odometer reading of the day."""
    piece: Piece


class _Run(NamedTuple):
    """A segment, or what stands for a day without segments."""

    from_ms: int
    until_ms: int
    surface: Surface
    basis: Basis
    kind: Kind
    in_stretch: bool
    mm: int


def cut(zones: Sequence[Zone], spans: Sequence[DeviceSpan], days: Sequence[DeviceDay]) -> Iterator[Atom]:
    """`zones`: contiguous, in order.  `days`: one revision a (device, day).  A day that lies in one zone of one span
    joins by its totals, any other by its segments: one across a boundary is shared out in proportion of time, its off_road
    part floored on both sides and the remainder unknown."""
    starts = [zone.from_ms for zone in zones]
    spans_of: dict[str, list[DeviceSpan]] = {}
    for span in spans:
        spans_of.setdefault(span.device, []).append(span)
    for day in sorted(days, key=lambda one: (one.day, one.device)):
        begin, end = active(day)
        mine = [span for span in spans_of.get(day.device, ()) if span.from_ms <= end and begin < span.until_ms]
        if not mine or end < zones[0].from_ms or begin >= zones[-1].until_ms:
            continue
        index = max(0, bisect_right(starts, begin) - 1)
        zone = zones[index]
        if mine[0].from_ms <= begin and end <= mine[0].until_ms and zone.from_ms <= begin and end <= zone.until_ms:
            for total in day.totals:
                surface = _surface(total.surface, zone)
                yield Atom(zone, day, total.basis, total.in_stretch, Piece(surface, total.kind, total.mm))
        else:
            yield from _by_segments(day, zones, starts, mine)


def active(day: DeviceDay) -> tuple[int, int]:
    """First and last instant to which a device-day gives millimetres."""
    if day.segments:
        return day.segments[0].start_ms, day.segments[-1].end_ms
    if day.fixes:
        return day.first_fix_ms, day.last_fix_ms
    return bounds_ms(day.day)


def _by_segments(
    day: DeviceDay, zones: Sequence[Zone], starts: Sequence[int], spans: Sequence[DeviceSpan]
) -> Iterator[Atom]:
    last_ms = zones[-1].until_ms
    issued_ms = next((zone.from_ms for zone in zones if zone.covered), last_ms)
    begin_ms, end_ms = active(day)
    near = starts[bisect_left(starts, begin_ms) : bisect_right(starts, end_ms)]
    edges = sorted({*near, last_ms, *(edge for span in spans for edge in (span.from_ms, span.until_ms))})
    for run in _runs(day):
        low, high = bisect_right(edges, run.from_ms), bisect_left(edges, run.until_ms)
        cuts = (run.from_ms, *edges[low:high], run.until_ms) if low < high else (run.from_ms, run.until_ms)
        for begin, end in pairwise(cuts):
            index = bisect_right(starts, begin) - 1
            if index >= 0 and begin < last_ms and any(span.from_ms <= begin < span.until_ms for span in spans):
                yield from _portion(day, zones[index], run, begin, end, issued_ms)


def _portion(day: DeviceDay, zone: Zone, run: _Run, begin: int, end: int, issued_ms: int) -> Iterator[Atom]:
    length = run.until_ms - run.from_ms
    if (begin, end) == (run.from_ms, run.until_ms):
        yield Atom(zone, day, run.basis, run.in_stretch, Piece(_surface(run.surface, zone), run.kind, run.mm))
        return
    share = run.mm * (end - run.from_ms) // length - run.mm * (begin - run.from_ms) // length
    sure = run.mm * (end - begin) // length if run.surface == "off_road" else share
    # nobody knows when within a gap the vehicle moved: across the issue, all of it may have been without a licence
    unsure = run.kind == "gap" and run.from_ms < issued_ms < run.until_ms
    basis: Basis = "boundary_cut" if unsure else run.basis
    yield Atom(zone, day, basis, run.in_stretch, Piece(_surface(run.surface, zone), run.kind, sure))
    if share > sure:
        piece = Piece(_surface("unknown", zone), run.kind, share - sure)
        yield Atom(zone, day, "boundary_cut", run.in_stretch, piece)


def _surface(surface: Surface, zone: Zone) -> Surface:
    """Rule LI2: what was driven before the licence was issued is uncovered, whatever lay under the wheels."""
    return surface if zone.covered or surface == "carried" else "uncovered"


def _runs(day: DeviceDay) -> Iterator[_Run]:
    """A day not settled yet has no segments: with a boundary inside it, nothing tells which side its metres lie on."""
    if day.segments:
        for one in day.segments:
            yield _Run(one.start_ms, one.end_ms, one.surface, one.basis, one.kind, one.in_stretch, one.mm)
        return
    if day.settled and day.totals:
        raise Fatal(f"the segments of {day.device} on day {day.day} are needed and were not read")
    begin, end = active(day)
    for total in day.totals:
        surface: Surface = "unknown" if total.surface == "off_road" else total.surface
        basis: Basis = "boundary_cut" if total.surface == "off_road" else total.basis
        yield _Run(begin, end, surface, basis, total.kind, total.in_stretch, total.mm)
