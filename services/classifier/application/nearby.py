"""The ways of a road data set around some places: which there are, their lines, and how far the nearest of a kind is."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.application.road_sets import NamedRoads
from services.classifier.application.ways import segments_near
from services.classifier.domain.areas import areas_at
from services.classifier.domain.cells import metres_per_e6
from services.classifier.domain.geometry import Roads
from services.classifier.domain.way_kinds import AREA_PUBLIC, CLASS_NAMES, IGNORED, PUBLIC

STEP_M: Final = 75.0
"""Between places that are looked up: no fine cell (57 m from centre to side) lies between four of them."""
BLOCK_M: Final = 600.0
PLACES_MAX: Final = 160_000
FAR_M: Final = 1e9


class DescribedRoads(NamedRoads, Protocol):
    """What an explanation reads of a road data set (`services.classifier.roads.dataset.RoadSet`)."""

    @property
    def meta(self) -> Any: ...
    @property
    def way_id(self) -> NDArray[np.int64]: ...
    @property
    def way_source(self) -> NDArray[np.uint8]: ...
    @property
    def way_rule(self) -> NDArray[np.int32]: ...
    def text(self, index: int) -> str: ...
    def road_name(self, way: int) -> str: ...


class Box(NamedTuple):
    """Micro-degrees."""

    south: int
    west: int
    north: int
    east: int

    def grown(self, metres: float) -> "Box":
        kx, ky = metres_per_e6((self.south + self.north) // 2)
        dx, dy = int(metres / kx) + 1, int(metres / ky) + 1
        return Box(self.south - dy, self.west - dx, self.north + dy, self.east + dx)


def ways_in(roads: Roads, box: Box) -> NDArray[np.int32]:
    """The ways in a box, and some within 200 m of it, as indices in order.

    A box too large to be looked up cell by cell is looked up more coarsely: its short ways may then be left out."""
    kx, ky = metres_per_e6((box.south + box.north) // 2)
    wide, high = (box.east - box.west) * kx, (box.north - box.south) * ky
    step = max(STEP_M, float(np.sqrt(wide * high / PLACES_MAX)), (wide + high) / PLACES_MAX)
    lat = np.linspace(box.south, box.north, int(high / step) + 2)
    lng = np.linspace(box.west, box.east, int(wide / step) + 2)
    places = np.meshgrid(np.rint(lat).astype(np.int32), np.rint(lng).astype(np.int32), indexing="ij")
    listed = segments_near(roads, places[0].ravel(), places[1].ravel())
    ways = np.unique(roads.vertex_way[np.flatnonzero(listed)])
    return np.asarray(ways[roads.way_kind[ways] != IGNORED], np.int32)


def ways_around(roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32], metres: float) -> NDArray[np.int32]:
    """All ways within `metres` of any of the places, and some that are further."""
    if not len(lat_e6):
        return np.empty(0, np.int32)
    kx, ky = metres_per_e6(int(lat_e6.mean()))
    block = np.array([BLOCK_M / ky, BLOCK_M / kx])
    blocks = np.unique(np.floor(np.column_stack([lat_e6, lng_e6]) / block).astype(np.int64), axis=0)
    reach = int(np.ceil(metres / BLOCK_M))
    around = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2), axis=-1).reshape(-1, 2)
    blocks = np.unique((blocks[:, None, :] + around).reshape(-1, 2), axis=0)
    inner = (np.arange(int(BLOCK_M / STEP_M)) + 0.5) * STEP_M / BLOCK_M
    nodes = np.stack(np.meshgrid(inner, inner), axis=-1).reshape(-1, 2)
    places = ((blocks[:, None, :] + nodes) * block).reshape(-1, 2)
    listed = segments_near(roads, np.rint(places[:, 0]).astype(np.int32), np.rint(places[:, 1]).astype(np.int32))
    ways = np.unique(roads.vertex_way[np.flatnonzero(listed)])
    return np.asarray(ways[roads.way_kind[ways] != IGNORED], np.int32)


def line_of(roads: Roads, way: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(latitudes, longitudes) of a way's vertices."""
    a, b = np.searchsorted(roads.vertex_way, (way, way + 1))
    return np.asarray(roads.lat_e6[a:b]), np.asarray(roads.lng_e6[a:b])


class Nearest(NamedTuple):
    """Per place: metres to the edge of the nearest way (to its centre line where the trees were built without corridors),
    FAR_M and -1 where there is none."""

    metres: NDArray[np.float64]
    way: NDArray[np.int32]
    lat_e6: NDArray[np.float64]
    lng_e6: NDArray[np.float64]
    """The nearest place on the way's centre line."""


def nearest(
    roads: Roads, ways: NDArray[np.int32], lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32], *, edge: bool
) -> Nearest:
    """The nearest of the ways to each place; with `edge` to the edge of its corridor, 0 inside it."""
    count = len(lat_e6)
    best, which = np.full(count, FAR_M), np.full(count, -1, np.int32)
    at = np.zeros((count, 2))
    if not count or not len(ways):
        return Nearest(best, which, at[:, 1], at[:, 0])
    plane = np.array(metres_per_e6(int(lat_e6.mean())))
    points = shapely.points(np.column_stack([lng_e6, lat_e6]) * plane)
    half_m = roads.half_dm[ways] * (0.1 if edge else 0.0)
    for half in np.unique(half_m).tolist():  # one tree a width, so that the nearest centre line has the nearest edge
        some = ways[half_m == half]
        lines = [shapely.linestrings(_plane_line(roads, way, plane)) for way in some.tolist()]
        tree = shapely.STRtree(lines)
        found, metres = tree.query_nearest(points, return_distance=True, all_matches=False)
        metres = np.maximum(0.0, metres - half)
        closer = metres < best[found[0]]
        rows, line = found[0][closer], found[1][closer]
        best[rows], which[rows] = metres[closer], some[line]
        on = [lines[i] for i in line.tolist()]
        if on:
            foot = shapely.line_interpolate_point(on, shapely.line_locate_point(on, points[rows]))
            at[rows] = shapely.get_coordinates(foot) / plane
    return Nearest(best, which, at[:, 1], at[:, 0])


SEARCH_M: Final = (400.0, 1_200.0, 3_000.0)


def nearest_public(roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32]) -> Nearest:
    """The nearest public road's edge or public area to each place, searched as far as the road set's own bounds go (3 km)."""
    found = nearest(roads, np.empty(0, np.int32), lat_e6, lng_e6, edge=True)
    for reach in SEARCH_M if len(lat_e6) else ():
        ways = ways_around(roads, lat_e6, lng_e6, reach)
        found = nearest(roads, ways[np.isin(roads.way_kind[ways], (PUBLIC, AREA_PUBLIC))], lat_e6, lng_e6, edge=True)
        if float(found.metres.max()) <= reach:
            break
    inside = areas_at(roads, lat_e6, lng_e6)[0] > 0
    far = ~inside & (found.metres > SEARCH_M[-1])
    metres = np.where(inside, 0.0, np.where(far, FAR_M, found.metres))
    return found._replace(metres=metres, way=np.where(far, -1, found.way).astype(np.int32))


def _plane_line(roads: Roads, way: int, plane: NDArray[np.float64]) -> NDArray[np.float64]:
    lat, lng = line_of(roads, way)
    return np.asarray(np.column_stack([lng, lat]) * plane)


UNNAMED: Final = "unnamed"


class WayFacts(NamedTuple):
    """A way and why it is taken as what it is (rules SU1 to SU3)."""

    name: str
    id: int
    taken_as: str
    rule: str
    source: str
    source_date: str


def facts_of(road_set: DescribedRoads, ways: Sequence[int]) -> list[WayFacts]:
    sources = [road_set.meta.sources[int(road_set.way_source[way])] for way in ways]
    return [
        WayFacts(
            name=road_set.road_name(way) or UNNAMED,
            id=int(road_set.way_id[way]),
            taken_as=CLASS_NAMES[int(road_set.roads.way_kind[way])],
            rule=road_set.text(int(road_set.way_rule[way])),
            source=str(source.name),
            source_date=str(source.date or road_set.meta.source_date),
        )
        for way, source in zip(ways, sources, strict=True)
    ]
