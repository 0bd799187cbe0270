"""The times of a statement: its boundaries, the stretches between actual readings, and the zones in which nothing changes."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from services.claims.domain.register.recorder import Point, Timeline
from services.claims.domain.statement.boundary import Boundary, locate_end, locate_start
from services.claims.domain.statement.pieces import Zone
from services.claims.domain.statement.travel import Travel
from services.claims.domain.statement.window import ClaimableRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    start: Boundary
    end: Boundary
    from_ms: int
    """Inside the range: [from_ms, until_ms)."""
    until_ms: int
    issued_ms: int
    """Rule LI2: what was driven before is uncovered."""
    points: tuple[Point, ...]
    """Actual readings from the last at or below the start to the first at or beyond the end."""
    unit_mm: int
    zones: tuple[Zone, ...]

    @property
    def recorder_mm(self) -> int | None:
        """Distance of the range on the legal recorder (rule DI3: with actual readings at or beyond both ends)."""
        if self.start.position_mm is None or self.end.position_mm is None:
            return None
        return max(0, self.end.position_mm - self.start.position_mm)

    def positions(self, stretch: int) -> tuple[int, int]:
        """Recorder positions in mm between which a stretch lies inside the range."""
        low, high = self.points[stretch - 1].units * self.unit_mm, self.points[stretch].units * self.unit_mm
        if self.start.position_mm is not None:
            low = max(low, self.start.position_mm)
        if self.end.position_mm is not None:
            high = min(high, self.end.position_mm)
        return low, max(low, high)

    def stretches(self) -> list[int]:
        """The stretches between two actual readings of which the range takes a part."""
        return [stretch for stretch in range(1, len(self.points)) if self._touches(stretch)]

    def _touches(self, stretch: int) -> bool:
        before, after = self.points[stretch - 1], self.points[stretch]
        if before.ms < self.until_ms and after.ms > self.from_ms:
            return True
        ends = (self.start, self.end)
        return any(
            end.located == "interpolated"
            and end.position_mm is not None
            and before.units * self.unit_mm < end.position_mm < after.units * self.unit_mm
            for end in ends
        )

    def whole(self, stretch: int) -> bool:
        before, after = self.points[stretch - 1], self.points[stretch]
        low, high = before.units * self.unit_mm, after.units * self.unit_mm
        return self.from_ms <= before.ms and after.ms <= self.until_ms and self.positions(stretch) == (low, high)

    def open_times(self) -> list[tuple[int, int, int]]:
        """(stretch, from_ms, until_ms) of what lies inside the range before the first and behind the last reading."""
        if not self.points:
            return [(0, self.from_ms, self.until_ms)]
        before = (0, self.from_ms, min(self.until_ms, self.points[0].ms))
        behind = (len(self.points), max(self.from_ms, self.points[-1].ms), self.until_ms)
        return [time for time in (before, behind) if time[1] < time[2]]


def make_frame(window: ClaimableRange, line: Timeline, travelled: Travel, from_ms: int, last_ms: int) -> Frame:
    """`from_ms`, `last_ms`: what is looked at, from reading to reading where there are such."""
    start = locate_start(window, line, travelled)
    end = locate_end(window, line, travelled)
    inside_from = max(from_ms, start.ms if start.ms is not None else window.from_ms)
    inside_until = min(last_ms, end.ms if end.ms is not None else last_ms)
    if window.empty:
        inside_until = inside_from
    points = tuple(point for point in line.points if from_ms <= point.ms <= last_ms)
    bands = [boundary.band_ms for boundary in (start, end) if boundary.band_ms is not None]
    marks = {inside_from, inside_until, window.from_ms, *(p.ms for p in points), *(ms for band in bands for ms in band)}
    edges = sorted({from_ms, last_ms, *(mark for mark in marks if from_ms < mark < last_ms)})
    instants = [point.ms for point in points]
    zones = tuple(
        Zone(
            begin,
            until,
            bisect_right(instants, begin),
            inside_from <= begin and until <= inside_until,
            begin >= window.from_ms,
            any(low <= begin and until <= high for low, high in bands),
        )
        for begin, until in pairwise(edges)
    )
    return Frame(
        start=start,
        end=end,
        from_ms=inside_from,
        until_ms=inside_until,
        issued_ms=window.from_ms,
        points=points,
        unit_mm=line.recorder.unit_mm,
        zones=zones,
    )
