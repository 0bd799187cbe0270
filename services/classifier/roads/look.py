"""What a data set knows of a place: every way and area listed for its cell, with the rule and the source that said so."""

import math
from typing import NamedTuple

import h3
import numpy as np

from services.classifier.domain import cells, tables
from services.classifier.domain.geometry import REACH_M, to_segment
from services.classifier.domain.way_kinds import AREA_PUBLIC, CLASS_NAMES
from services.classifier.roads.dataset import DataSetError, RoadSet

Place = str | int | tuple[float, float]
"""An H3 cell of resolution 10, the key of a fine cell, or latitude and longitude in degrees."""


class Known(NamedTuple):
    """One way, or one area, near a place."""

    way: int
    """Its row in the data set."""
    kind: int
    kind_name: str
    metres: float
    """From the place (of a cell: from its centre) to the centre line, or to the outline of an area."""
    inside: bool
    """An area that holds the place."""
    words: str
    """Name, rule, number and source, and where another source decided, which way of it."""


class Looked(NamedTuple):
    road_set: str
    h3: str
    public_m: float
    """No public road's edge is nearer than this to the place, by what its coarse cell knows."""
    edge_m: float
    """The edge of coverage is at least this far; below 0: the place may lie outside."""
    ways: tuple[Known, ...]
    """By distance, areas that hold the place first."""


def look(roads: RoadSet, place: Place) -> Looked:
    """Which ways and areas are listed for a cell, and why each is what it is taken as.  Raises DataSetError."""
    lat, lng = _position(place)
    lat_e6, lng_e6 = round(lat * 1e6), round(lng * 1e6)
    fine, coarse, _, away, _ = cells.locate(cells.FACES, lat_e6, lng_e6, 0)
    row = tables.find(roads.roads.coarse_table, roads.roads.coarse_rows, coarse)
    public_m, edge_m = 0.0, -1.0
    if row >= 0:
        edge_m = float(roads.roads.coarse_edge_m[row]) - away
        public_m = max(0.0, float(roads.roads.coarse_public_m[row]) - away)
    at = tables.find(roads.roads.fine_table, roads.roads.fine_rows, fine)
    ways = _listed(roads, at, lat_e6, lng_e6) if at >= 0 else ()
    return Looked(roads.name, h3.latlng_to_cell(lat, lng, cells.FINE_RES), public_m, edge_m, ways)


def _position(place: Place) -> tuple[float, float]:
    if isinstance(place, tuple):
        return place
    if isinstance(place, int):
        x, y, z = cells.centre_of(cells.FACES, place, cells.FINE_SCALE)
        return math.degrees(math.asin(z)), math.degrees(math.atan2(y, x))
    if not h3.is_valid_cell(place) or h3.get_resolution(place) != cells.FINE_RES:
        raise DataSetError(f"{place} is no H3 cell of resolution {cells.FINE_RES}")
    lat, lng = h3.cell_to_latlng(place)
    return float(lat), float(lng)


def _listed(roads: RoadSet, row: int, lat_e6: int, lng_e6: int) -> tuple[Known, ...]:
    on = roads.roads
    nearest: dict[int, float] = {}
    kx, ky = cells.metres_per_e6(lat_e6)
    for vertex in on.fine_vertex[on.fine_first[row] : on.fine_first[row + 1]].tolist():
        way = _first_ring(roads, int(on.vertex_way[vertex]))
        (ax, ay), (bx, by) = (
            ((int(on.lng_e6[v]) - lng_e6) * kx, (int(on.lat_e6[v]) - lat_e6) * ky) for v in (vertex, vertex + 1)
        )
        metres2, _ = to_segment(0.0, 0.0, ax, ay, bx, by)
        nearest[way] = min(nearest.get(way, math.inf), math.sqrt(metres2))
    area = int(on.fine_area[row])
    if area >= 0 and on.area_way[area] >= 0:
        nearest.setdefault(int(on.area_way[area]), REACH_M)
    known = [
        Known(
            way,
            kind := int(on.way_kind[way]),
            CLASS_NAMES[kind],
            metres,
            _holds(roads, way, lat_e6, lng_e6),
            roads.describe(way),
        )
        for way, metres in nearest.items()
    ]
    return tuple(sorted((one for one in known if one.inside or one.metres < math.inf), key=_rank))


def _rank(one: Known) -> tuple[bool, float, int]:
    return not one.inside, one.metres, one.way


def _first_ring(roads: RoadSet, way: int) -> int:
    """An area goes by the first of its rings."""
    kind = roads.roads.way_kind
    while (
        way > 0
        and kind[way] >= AREA_PUBLIC
        and (kind[way - 1], roads.way_id[way - 1], roads.way_source[way - 1])
        == (kind[way], roads.way_id[way], roads.way_source[way])
    ):
        way -= 1
    return way


def _holds(roads: RoadSet, way: int, lat_e6: int, lng_e6: int) -> bool:
    """Whether the area whose first ring this is holds a position: by all its rings, in whole numbers."""
    on = roads.roads
    if on.way_kind[way] < AREA_PUBLIC:
        return False
    last = way
    while last + 1 < len(on.way_kind) and _first_ring(roads, last + 1) == way:
        last += 1
    a, b = np.searchsorted(on.vertex_way, [way, last + 1]).tolist()
    lat, lng = on.lat_e6[a:b].astype(np.int64), on.lng_e6[a:b].astype(np.int64)
    same = on.vertex_way[a : b - 1] == on.vertex_way[a + 1 : b]
    left = (lng[1:] - lng[:-1]) * (lat_e6 - lat[:-1]) - (lat[1:] - lat[:-1]) * (lng_e6 - lng[:-1])
    up, down = (lat[:-1] <= lat_e6) & (lat[1:] > lat_e6), (lat[:-1] > lat_e6) & (lat[1:] <= lat_e6)
    return int(np.sum(same & up & (left > 0))) > int(np.sum(same & down & (left < 0)))
