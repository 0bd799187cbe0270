"""Where a segment lies, in words (rule DI6): declared land by its name, else the nearest named road and locality, else
coordinates.

Names only: no metre depends on them, so they are no part of a device-day."""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.application.localities import Localities
from services.classifier.application.nearby import SEARCH_M, DescribedRoads, nearest, ways_around
from services.classifier.application.reading import Transaction, read_fixes
from services.classifier.domain.rulings import Land
from services.classifier.repo import rulings
from services.classifier.repo.evidence import Stretch
from shared.contracts.pings import Pings
from shared.contracts.places import DaySpans, Place, PlacesAsked, PlacesTold, Span
from shared.nz_days import bounds_ms

FIXES_MAX: Final = 200
"""Looked at of one segment, evenly spread: half of them inside a polygon make it the place."""
GRID_E6: Final = 1_000
"""Roads are named for the middle of squares of a thousandth of a degree: the same few again and again, and never by chance."""

NamedRoads = Callable[[str], DescribedRoads | None]


class _Where(NamedTuple):
    """Positions of one segment in order of time, micro-degrees."""

    lat_e6: NDArray[np.int64]
    lng_e6: NDArray[np.int64]

    @property
    def middle(self) -> tuple[int, int]:
        """Of its square."""
        at = len(self.lat_e6) // 2
        return _square(int(self.lat_e6[at])), _square(int(self.lng_e6[at]))


class Namer:
    """Names places by the open road data sets, and remembers what it has named lately."""

    def __init__(self, roads: NamedRoads, localities: Callable[[str], Localities | None]) -> None:
        """Both by the name of a road data set; None where it is not open."""
        self._roads = roads
        self._localities = localities
        self._near = lru_cache(maxsize=100_000)(self._nearest)

    async def name(self, transaction: Transaction, asked: PlacesAsked) -> PlacesTold:
        """`transaction` sees the tenant's rows only."""
        async with transaction() as conn:
            book = await rulings.read_book(conn, [asked.tenant])
        stretches = [_stretch(asked.tenant, one) for one in asked.days if one.spans]
        fixes = await read_fixes(transaction, stretches)
        lands = book[asked.tenant].lands if asked.tenant in book else ()
        return await asyncio.to_thread(self._days, asked, fixes, lands)

    def _days(self, asked: PlacesAsked, fixes: Pings, lands: Sequence[Land]) -> PlacesTold:
        return PlacesTold(tuple(self._day(asked.tenant, one, fixes, lands) for one in asked.days))

    def _day(self, tenant: str, one: DaySpans, fixes: Pings, lands: Sequence[Land]) -> tuple[Place, ...]:
        if not one.spans:
            return ()
        own = _of_device(fixes, tenant, one)
        here = [land for land in lands if land.first_day <= one.day <= land.last_day]
        return tuple(self._place(_where(own, span), here, one.road_set) for span in one.spans)

    def _place(self, where: _Where, lands: Sequence[Land], road_set: str) -> Place:
        land = _land_at(where, lands)
        if land is not None:
            return Place("land", land.name)
        lat_e6, lng_e6 = where.middle
        road = self._near(road_set, lat_e6, lng_e6)
        return Place("road", road) if road else Place("coordinates", f"{lat_e6 / 1e6:.2f}, {lng_e6 / 1e6:.2f}")

    def _nearest(self, road_set: str, lat_e6: int, lng_e6: int) -> str:
        """The nearest way within 3 km that has a name, and the nearest locality; "" where there is no such way, or no such set
        open."""
        named = self._roads(road_set)
        if named is None:
            return ""
        lat, lng = np.array([lat_e6], np.int32), np.array([lng_e6], np.int32)
        for reach in SEARCH_M:
            around = ways_around(named.roads, lat, lng, reach)
            ways = np.array([way for way in around.tolist() if named.road_name(way)], np.int32)
            found = nearest(named.roads, ways, lat, lng, edge=False)
            if float(found.metres[0]) <= reach:
                around_here = self._localities(road_set)
                locality = around_here.nearest(lat_e6, lng_e6) if around_here is not None else ""
                road = named.road_name(int(found.way[0]))
                return f"{road}, {locality}" if locality else road
        return ""


def _stretch(tenant: str, one: DaySpans) -> Stretch:
    start, end = bounds_ms(one.day)
    return Stretch((tenant, one.device), one.day, one.day, start, end - 1)


def _square(e6: int) -> int:
    """The middle of the square that holds it."""
    return e6 // GRID_E6 * GRID_E6 + GRID_E6 // 2


class _Fixes(NamedTuple):
    ts_ms: NDArray[np.int64]
    lat_e6: NDArray[np.int64]
    lng_e6: NDArray[np.int64]


def _of_device(fixes: Pings, tenant: str, one: DaySpans) -> _Fixes:
    """In order of time, without what is no position at all."""
    key = (tenant, one.device)
    number = fixes.keys.index(key) if key in fixes.keys else -1
    start, end = bounds_ms(one.day)
    mine = (fixes.key == number) & (fixes.ts_ms >= start) & (fixes.ts_ms < end) & (fixes.valid != 0)
    rows = np.flatnonzero(mine & ((fixes.lat_e6 != 0) | (fixes.lng_e6 != 0)))
    rows = rows[np.argsort(fixes.ts_ms[rows], kind="stable")]
    return _Fixes(fixes.ts_ms[rows], fixes.lat_e6[rows].astype(np.int64), fixes.lng_e6[rows].astype(np.int64))


def _where(fixes: _Fixes, span: Span) -> _Where:
    """The fixes inside the segment's time; without any, its ends."""
    low = int(np.searchsorted(fixes.ts_ms, span.start_ms, "left"))
    high = int(np.searchsorted(fixes.ts_ms, span.end_ms, "right"))
    if low == high:
        return _Where(np.array([span.start_lat_e6, span.end_lat_e6]), np.array([span.start_lng_e6, span.end_lng_e6]))
    rows = np.unique(np.linspace(low, high - 1, min(FIXES_MAX, high - low)).astype(np.int64))
    return _Where(fixes.lat_e6[rows], fixes.lng_e6[rows])


@lru_cache(maxsize=4_096)
def _polygon(wkb: bytes) -> Any:
    shape = shapely.from_wkb(wkb)
    shapely.prepare(shape)
    return shape


def _land_at(where: _Where, lands: Sequence[Land]) -> Land | None:
    """The land that holds most of the segment's positions, and at least half; of equals the first by name and id."""
    best: tuple[int, Land] | None = None
    for land in sorted(lands, key=lambda one: (one.name, one.id)):
        inside = int(shapely.intersects_xy(_polygon(land.wkb), where.lng_e6, where.lat_e6).sum())
        if 2 * inside >= len(where.lat_e6) and (best is None or inside > best[0]):
            best = inside, land
    return best[1] if best else None
