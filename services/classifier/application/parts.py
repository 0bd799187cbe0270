"""A traced day's segments, each with the pieces and fixes it is made of: what explanations and drawings start from."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import surfaces as on
from services.classifier.domain.closed import ClosedDay, close_day
from services.classifier.domain.fixes import GOOD
from services.classifier.domain.segments import share_mm
from services.classifier.domain.trace import DayTrace
from shared.contracts.device_day import Segment, Surface
from shared.nz_days import bounds_ms

SURFACE_OF: Final[dict[int, Surface]] = {
    on.ON_PUBLIC: "public_road",
    on.ON_PRIVATE: "off_road",
    on.ON_FIELD: "off_road",
    on.ON_DECLARED: "off_road",
    on.OVER_PUBLIC: "off_road",
}
"""What a fix by itself is taken to lie on; any other surface is unknown."""


class Part(NamedTuple):
    """`pieces` are rows of the trace's pieces, `rows` those of its good fixes that lie inside the segment's time, at
    its very ends only such as are on its surface themselves.

    `from_ms` to `until_ms` is the time that the segment speaks for: of a gap all of it, though no metre has a place in it."""

    segment: Segment
    closed_mm: int
    """After rule DI1 on the device's own odometer."""
    pieces: NDArray[np.int64]
    rows: NDArray[np.int64]
    from_ms: int
    until_ms: int

    @property
    def speaks_for_gap(self) -> bool:
        return self.segment.kind == "gap" or self.segment.basis == "odometer_bound"

    def leg_ends(self, trace: DayTrace) -> NDArray[np.int64]:
        """Rows of the fixes between which its legs go, each once."""
        return np.unique(np.concatenate([trace.pieces.fix[self.pieces], trace.pieces.until[self.pieces]]))


def parts_of(trace: DayTrace) -> tuple[list[Part], ClosedDay]:
    """All segments in order of time, and the day closed on its own odometer."""
    segments, closed = trace.outcome.segments, close_day(trace.outcome)
    pieces, share = _shares(trace)
    ends = np.cumsum([segment.mm for segment in segments], dtype=np.int64)
    of = np.searchsorted(ends, np.cumsum(share))
    first = np.searchsorted(of, np.arange(len(segments) + 1))
    fixes = trace.fixes
    good = np.flatnonzero(fixes.label == GOOD)
    parts: list[Part] = []
    for n, segment in enumerate(segments):
        mine = pieces[first[n] : first[n + 1]]
        low, high = np.searchsorted(fixes.ts_ms[good], (segment.start_ms, segment.end_ms + 1))
        low, high = _own(trace, good, int(low), int(high), segment)
        part = Part(segment, closed.segments[n].mm, mine, good[low:high], segment.start_ms, segment.end_ms)
        if part.speaks_for_gap and len(mine):
            from_ms = min(part.from_ms, int(fixes.ts_ms[trace.pieces.fix[mine]].min()))
            until_ms = max(part.until_ms, int(fixes.ts_ms[trace.pieces.until[mine]].max()))
            part = part._replace(from_ms=from_ms, until_ms=until_ms)
        parts.append(part)
    return parts, closed


def _own(trace: DayTrace, good: NDArray[np.int64], low: int, high: int, segment: Segment) -> tuple[int, int]:
    """The span of fixes without one at either end that belongs to the neighbour."""
    ts, surface = trace.fixes.ts_ms, trace.fixes.surface
    if low < high and ts[good[low]] == segment.start_ms and _on(int(surface[good[low]])) != segment.surface:
        low += 1
    if low < high and ts[good[high - 1]] == segment.end_ms and _on(int(surface[good[high - 1]])) != segment.surface:
        high -= 1
    return low, high


def _on(surface: int) -> Surface:
    return SURFACE_OF.get(surface, "unknown")


def _shares(trace: DayTrace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of the pieces that count in the day, their millimetres in it)."""
    start, end = bounds_ms(trace.outcome.day)
    pieces = trace.pieces
    share = pieces.mm.copy()
    edge = np.flatnonzero((pieces.start_ms < start) | (pieces.end_ms >= end))
    for row in edge.tolist():  # a handful: legs at midnight
        share[row] = share_mm(int(pieces.start_ms[row]), int(pieces.end_ms[row]), int(pieces.mm[row]), start, end)
    rows = np.flatnonzero(share > 0)
    return rows, share[rows]


def part_at(parts: list[Part], at_ms: int) -> Part | None:
    """The part that holds an instant: the one whose own time does, else the one that speaks for it."""
    for part in parts:
        if part.segment.start_ms <= at_ms < part.segment.end_ms:
            return part
    for part in parts:
        if part.from_ms <= at_ms <= part.until_ms:
            return part
    return None
