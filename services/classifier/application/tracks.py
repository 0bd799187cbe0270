"""Where a device went, drawn: its fixes as lines by surface, computed again from evidence, and the ways beside them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.application.lines import Line, join, simplify_all
from services.classifier.application.reading import read_fixes
from services.classifier.application.road_sets import NamedRoads, RoadsByDay
from services.classifier.application.ways import ways_near
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.device_day import RoadSetLike, classify_days
from services.classifier.domain.fixes import GOOD
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.spikes import prepare
from services.classifier.repo.evidence import Stretch
from shared.contracts.device_day import Segment
from shared.contracts.pings import Key, Pings
from shared.db.pool import Connection
from shared.nz_days import day_of, days_of

DAYS_PER_STEP: Final = 31
"""Read and computed together, so that two years' track needs no more memory than a month's."""


class Asked(NamedTuple):
    """A device and a time, both ends included."""

    key: Key
    from_ms: int
    to_ms: int
    tolerance_m: float


class Drawing(NamedTuple):
    tracks: list[Line]
    roads: list[Line]


async def draw(
    transaction: Callable[[], AbstractAsyncContextManager[Connection]], asked: Asked, roads: RoadsByDay, scheme: Scheme
) -> Drawing:
    """`transaction` sees one tenant's evidence only; each day is drawn by the road data set that counts for it.

    Gaps are not drawn: nothing is known of the way across them."""
    first, last = day_of(asked.from_ms), day_of(asked.to_ms)
    tracks: list[Line] = []
    beside: dict[str, tuple[RoadSetLike, list[NDArray[np.int32]]]] = {}
    for day, end, road_set in _steps(first, last, roads):
        stretch = _stretch(asked.key, day, end, scheme.gap_limit_ms)
        fixes = await read_fixes(transaction, [stretch])
        if len(fixes):
            lines, positions = await asyncio.to_thread(_lines, fixes, asked, (day, end), road_set, scheme)
            tracks += lines
            beside.setdefault(road_set.name, (road_set, []))[1].append(positions)
    return await asyncio.to_thread(_drawing, tracks, list(beside.values()), asked.tolerance_m)


def _steps(first: int, last: int, roads: RoadsByDay) -> Iterator[tuple[int, int, NamedRoads]]:
    """Spans of at most DAYS_PER_STEP days with one road data set."""
    start = first
    for day in range(first, last + 1):
        road_set, _ = roads.of_day(start)
        following = roads.of_day(min(day + 1, last))[0]
        if day == last or day - start + 1 == DAYS_PER_STEP or following.name != road_set.name:
            yield start, day, road_set
            start = day + 1


def _stretch(key: Key, first: int, last: int, gap_ms: int) -> Stretch:
    return Stretch(key, first - 1, last + 1, window_bounds_ms(first, gap_ms)[0], window_bounds_ms(last, gap_ms)[1])


def _lines(
    fixes: Pings, asked: Asked, days: tuple[int, int], roads: RoadSetLike, scheme: Scheme
) -> tuple[list[Line], NDArray[np.int32]]:
    """Lines of these NZ days, and the positions (lat, lng) they run through."""
    present = np.unique(days_of(fixes.ts_ms)).tolist()
    wanted = [(asked.key, day) for day in present if days[0] <= day <= days[1]]
    rows = prepare(fixes, wanted, scheme)
    lines: list[Line] = []
    for w, outcome in enumerate(classify_days(fixes, wanted, roads, scheme)):
        at = np.arange(rows.first[w], rows.first[w + 1])
        at = at[rows.label[at] == GOOD]
        drawn = _Fixes(rows.ts_ms[at], np.column_stack([rows.lng_e6[at], rows.lat_e6[at]]).astype(np.int64))
        lines += [_line(segment, drawn, asked) for segment in outcome.segments if segment.kind != "gap"]
    lines = join(lines)
    points = np.concatenate([line.points for line in lines] or [np.empty((0, 2), np.int64)])
    return lines, points[:, ::-1].astype(np.int32)


class _Fixes(NamedTuple):
    ts_ms: NDArray[np.int64]
    points: NDArray[np.int64]


def _line(segment: Segment, fixes: _Fixes, asked: Asked) -> Line:
    """The segment's ends and the fixes between them, as far as they lie in the time asked for."""
    low, high = max(segment.start_ms, asked.from_ms - 1), min(segment.end_ms, asked.to_ms + 1)
    between = fixes.points[np.searchsorted(fixes.ts_ms, low, "right") : np.searchsorted(fixes.ts_ms, high, "left")]
    start = [(segment.start_lng_e6, segment.start_lat_e6)] if segment.start_ms >= asked.from_ms else []
    end = [(segment.end_lng_e6, segment.end_lat_e6)] if segment.end_ms <= asked.to_ms else []
    if segment.start_ms > asked.to_ms or segment.end_ms < asked.from_ms:
        return Line(segment.surface, between[:0])
    ends = [np.array(part, np.int64).reshape(-1, 2) for part in (start, end)]
    return Line(segment.surface, np.concatenate([ends[0], between, ends[1]]))


def _drawing(
    tracks: Sequence[Line], beside: Sequence[tuple[RoadSetLike, list[NDArray[np.int32]]]], tolerance_m: float
) -> Drawing:
    ways: list[Line] = []
    for roads, some in beside:
        positions = np.concatenate(some)
        ways += ways_near(roads.roads, positions[:, 0], positions[:, 1])
    return Drawing(simplify_all(tracks, tolerance_m), simplify_all(ways, tolerance_m))
