"""Device-days cut into the pieces that a licence's stretches close on (design section 2, "Late binding")."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from services.claims.domain.register.vehicle import DeviceSpan
from shared.contracts.device_day import DeviceDay, Segment, Total
from shared.errors import Poison
from shared.nz_days import bounds_ms, from_ordinal


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


class Portion(msgspec.Struct, frozen=True, gc=False):
    """What of a device-day lies in one zone."""

    zone: Zone
    day: DeviceDay
    totals: Sequence[Total]
    """Unclosed GPS millimetres, in any number of pieces: of a day that lies in one zone, the day's own."""


def cut(zones: Sequence[Zone], spans: Sequence[DeviceSpan], days: Iterable[DeviceDay]) -> Iterator[Portion]:
    """`zones`: contiguous, in order.  `days`: one revision a (device, day).  A day that lies in one zone of one span
    joins by its totals, any other by its segments: one across a boundary is shared out in proportion of time, its off_road
    part floored on both sides and the remainder unknown."""
    starts = [zone.from_ms for zone in zones]
    first_ms, last_ms = zones[0].from_ms, zones[-1].until_ms
    spans_of: dict[str, list[DeviceSpan]] = {}
    for span in spans:
        spans_of.setdefault(span.device, []).append(span)
    for day in days:
        begin, end = active(day)
        if end < first_ms or begin >= last_ms:
            continue
        mine = [span for span in spans_of.get(day.device, ()) if span.from_ms <= end and begin < span.until_ms]
        if not mine:
            continue
        zone = zones[max(0, bisect_right(starts, begin) - 1)]
        if mine[0].from_ms <= begin and end <= mine[0].until_ms and zone.from_ms <= begin and end <= zone.until_ms:
            yield _portion(zone, day, day.totals)
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
) -> Iterator[Portion]:
    last_ms = zones[-1].until_ms
    issued_ms = next((zone.from_ms for zone in zones if zone.covered), last_ms)
    begin_ms, end_ms = active(day)
    near = starts[bisect_left(starts, begin_ms) : bisect_right(starts, end_ms)]
    edges = sorted({*near, last_ms, *(edge for span in spans for edge in (span.from_ms, span.until_ms))})
    between: list[list[Total]] = [[] for _ in range(len(edges) + 1)]
    for one in _segments(day):
        at = bisect_right(edges, one.start_ms)
        if at == len(edges) or one.end_ms <= edges[at]:
            between[at].append(Total(one.surface, one.basis, one.kind, one.in_stretch, one.mm))
            continue
        for begin, end in pairwise((one.start_ms, *edges[at : bisect_left(edges, one.end_ms)], one.end_ms)):
            between[bisect_right(edges, begin)].extend(_share(one, begin, end, issued_ms))
    for begin, totals in zip((begin_ms, *(max(begin_ms, edge) for edge in edges)), between, strict=True):
        index = bisect_right(starts, begin) - 1
        if totals and index >= 0 and begin < last_ms and any(one.from_ms <= begin < one.until_ms for one in spans):
            yield _portion(zones[index], day, totals)


def _share(one: Segment, begin: int, end: int, issued_ms: int) -> Iterator[Total]:
    """What of a segment lies in [begin, end), in proportion of time."""
    length = one.end_ms - one.start_ms
    share = one.mm * (end - one.start_ms) // length - one.mm * (begin - one.start_ms) // length
    sure = one.mm * (end - begin) // length if one.surface == "off_road" else share
    # nobody knows when within a gap the vehicle moved: across the issue, all of it may have been without a licence
    unsure = one.kind == "gap" and one.start_ms < issued_ms < one.end_ms
    yield Total(one.surface, "boundary_cut" if unsure else one.basis, one.kind, one.in_stretch, sure)
    if share > sure:
        yield Total("unknown", "boundary_cut", one.kind, one.in_stretch, share - sure)


def _portion(zone: Zone, day: DeviceDay, totals: Sequence[Total]) -> Portion:
    """Rule LI2: what was driven before the licence was issued is uncovered, whatever lay under the wheels."""
    if not zone.covered:
        totals = [one if one.surface == "carried" else replace(one, surface="uncovered") for one in totals]
    return Portion(zone, day, totals)


def _segments(day: DeviceDay) -> Sequence[Segment]:
    """A day not settled yet has none: with a boundary inside it, nothing tells which side its metres lie on."""
    if day.segments or not day.totals:
        return day.segments
    if day.settled:
        raise Poison(
            "ledger_broken", f"{day.device} on {from_ordinal(day.day)} has metres and no segments that place them"
        )
    begin, end = active(day)
    return [
        Segment(begin, end, "unknown", "boundary_cut", one.kind, one.in_stretch, one.mm, "", 0, 0, 0, 0)
        if one.surface == "off_road"
        else Segment(begin, end, one.surface, one.basis, one.kind, one.in_stretch, one.mm, "", 0, 0, 0, 0)
        for one in day.totals
    ]
