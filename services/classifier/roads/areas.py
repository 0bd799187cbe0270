"""Rings of areas → the fine cells that they touch or hold, and in how many areas each cell's reference point lies.

Areas are walked along the rows of the lattice: from one cell's reference point to the next one's the winding changes by what
the straight line between them crosses, and all that it can cross is listed in the cells.  So a cell deep inside an area
costs one step, whatever the number of the area's corners, and the count is exact (property test against shapely)."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells
from services.classifier.domain.areas import crossing
from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.way_kinds import AREA_PUBLIC
from services.classifier.roads.cover import EDGE_COSINE, Listed
from services.classifier.roads.ways import Ways

DEG_E6: Final = 180e6 / math.pi
OVERLAPS_MAX: Final = 255


class AreaCells(NamedTuple):
    """The fine cells that list a ring or lie inside an area, by key; columns as in domain.geometry.Roads."""

    keys: NDArray[np.int64]
    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    public: NDArray[np.uint8]
    unknown: NDArray[np.uint8]
    way: NDArray[np.int32]


def faces_of(ways: Ways) -> NDArray[np.int32]:
    """A bit for each face of the icosahedron that an area touches, for each way (0: no area).

    All of an area's rings are listed on all of its faces, so that a row of cells on one of them never begins inside it."""
    areas = ways.areas
    bits = np.zeros(len(areas), dtype=np.int32)
    rows = np.flatnonzero(areas >= 0)
    if len(rows):
        own = _touched(cells.FACES, ways.lat_e6, ways.lng_e6, ways.first, rows)
        np.bitwise_or.at(bits, areas[rows], own)
        bits[rows] = bits[areas[rows]]
    return bits


@kernel
def _touched(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    first: NDArray[np.int32],
    rows: NDArray[np.int64],
) -> NDArray[np.int32]:
    out = np.zeros(len(rows), dtype=np.int32)
    for n in range(len(rows)):
        for v in range(first[rows[n]], first[rows[n] + 1]):
            x, y, z = cells.to_vector(lat[v], lng[v])
            top = -2.0
            for f in range(20):
                top = max(top, faces[f, 0, 0] * x + faces[f, 0, 1] * y + faces[f, 0, 2] * z)
            for f in range(20):
                if faces[f, 0, 0] * x + faces[f, 0, 1] * y + faces[f, 0, 2] * z >= top - EDGE_COSINE:
                    out[n] |= 1 << f
    return out


def area_cells(ways: Ways, listed: Listed) -> AreaCells:
    """All area cells.  Raises AssertionError where a ring is not closed or runs the wrong way: sources are cleaned before."""
    ring = np.flatnonzero(listed.kind >= AREA_PUBLIC)
    pair_key = np.repeat(listed.keys, np.diff(listed.first))[ring]
    segment = listed.vertex[ring]
    touched = np.unique(pair_key)
    lat, lng = _references(cells.FACES, ways.lat_e6, ways.lng_e6, touched, np.searchsorted(pair_key, touched), segment)
    area = ways.areas[ways.vertex_way[segment]]
    order = np.lexsort((segment, pair_key, area))
    pair_key, segment, area = pair_key[order], segment[order], area[order]
    fresh = np.ones(len(area), dtype=np.bool_)
    fresh[1:] = (pair_key[1:] != pair_key[:-1]) | (area[1:] != area[:-1])
    starts = np.flatnonzero(fresh)
    at = np.searchsorted(touched, pair_key[starts])
    args = (
        cells.FACES,
        ways.lat_e6,
        ways.lng_e6,
        pair_key[starts],
        area[starts],
        np.append(starts, len(area)),
        segment,
    )
    more = (lat[at], lng[at])
    room, broken = _walk(*args, *more, np.empty(0, np.int64), np.empty(0, np.int32))
    if broken:
        raise AssertionError(f"{broken} rows of cells do not leave their area as they entered it")
    key, held_by = np.empty(room, np.int64), np.empty(room, np.int32)
    _walk(*args, *more, key, held_by)
    return _counted(ways, touched, lat, lng, key, held_by)


def _counted(
    ways: Ways,
    touched: NDArray[np.int64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    key: NDArray[np.int64],
    held_by: NDArray[np.int32],
) -> AreaCells:
    """Sum up which areas hold which cells' reference points."""
    keys = np.union1d(touched, key)
    at = np.searchsorted(keys, touched)
    all_lat, all_lng = centres_e6(cells.FACES, keys)
    all_lat[at], all_lng[at] = lat, lng
    row, public = np.searchsorted(keys, key), ways.kind[held_by] == AREA_PUBLIC
    counts = [np.bincount(row[of], minlength=len(keys)) for of in (public, ~public)]
    if max(int(count.max(initial=0)) for count in counts) > OVERLAPS_MAX:
        raise AssertionError(f"more than {OVERLAPS_MAX} areas lie over one another")
    way = np.full(len(keys), -1, dtype=np.int32)
    order = np.lexsort((held_by, ~public, row))
    rows, at = np.unique(row[order], return_index=True)
    way[rows] = held_by[order][at]
    return AreaCells(keys, all_lat, all_lng, counts[0].astype(np.uint8), counts[1].astype(np.uint8), way)


@inlined
def _centre_e6(faces: NDArray[np.float64], key: int) -> tuple[int, int]:
    x, y, z = cells.centre_of(faces, key, cells.FINE_SCALE)
    return math.floor(math.asin(z) * DEG_E6 + 0.5), math.floor(math.atan2(y, x) * DEG_E6 + 0.5)


@kernel
def centres_e6(faces: NDArray[np.float64], keys: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Latitudes and longitudes of fine cells' centres, in whole micro-degrees."""
    lat, lng = np.empty(len(keys), dtype=np.int32), np.empty(len(keys), dtype=np.int32)
    for n in range(len(keys)):
        lat[n], lng[n] = _centre_e6(faces, keys[n])
    return lat, lng


@kernel
def _references(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    keys: NDArray[np.int64],
    starts: NDArray[np.int64],
    segment: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each cell its centre, moved by some 0.1 m where that lies on a ring: on a ring nobody is inside or outside."""
    out_lat, out_lng = np.empty(len(keys), dtype=np.int32), np.empty(len(keys), dtype=np.int32)
    for n in range(len(keys)):
        end = starts[n + 1] if n + 1 < len(keys) else len(segment)
        cy, cx = _centre_e6(faces, keys[n])
        again, tries = True, 0
        while again:
            again = False
            for k in range(starts[n], end):
                v = segment[k]
                ax, ay = int(lng[v]), int(lat[v])
                bx, by = int(lng[v + 1]), int(lat[v + 1])
                if (bx - ax) * (cy - ay) == (by - ay) * (cx - ax) and (ax != bx or ay != by):
                    again = True
            if again:
                tries += 1
                cx, cy = cx + 1, cy + tries % 2
        out_lat[n], out_lng[n] = cy, cx
    return out_lat, out_lng


@inlined
def _turns(
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segment: NDArray[np.int32],
    a: int,
    b: int,
    cx: int,
    cy: int,
    px: int,
    py: int,
) -> int:
    """By how much the winding changes from C to P, counting the segments a to b - 1."""
    total = 0
    for k in range(a, b):
        v = segment[k]
        total += crossing(cx, cy, px, py, int(lng[v]), int(lat[v]), int(lng[v + 1]), int(lat[v + 1]))
    return total


@kernel
def _walk(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    keys: NDArray[np.int64],
    areas: NDArray[np.int32],
    starts: NDArray[np.int64],
    segment: NDArray[np.int32],
    ref_lat: NDArray[np.int32],
    ref_lng: NDArray[np.int32],
    out_key: NDArray[np.int64],
    out_area: NDArray[np.int32],
) -> tuple[int, int]:
    """(how many cells' reference points lie in an area, how many rows went wrong); writes as many as fit.

    `keys` and `areas` name groups of segments, by area, then key: a key's last digits count along a row of the lattice."""
    count, broken, winding = 0, 0, 0
    for g in range(len(keys)):
        key, area, a, b = keys[g], areas[g], starts[g], starts[g + 1]
        here_x, here_y = int(ref_lng[g]), int(ref_lat[g])
        same_row = g > 0 and areas[g - 1] == area and keys[g - 1] >> 29 == key >> 29
        if same_row and keys[g - 1] == key - 1:
            from_x, from_y = int(ref_lng[g - 1]), int(ref_lat[g - 1])
        else:
            from_y, from_x = _centre_e6(faces, key - 1)
            if same_row:  # the cells between list none of the area's rings: all are inside it, or none is
                for between in range(keys[g - 1] + 1, key if winding > 0 else 0):
                    count = _note(out_key, out_area, count, between, area)
        winding += _turns(lat, lng, segment, a, b, from_x, from_y, here_x, here_y)
        if winding > 0:
            count = _note(out_key, out_area, count, key, area)
        broken += winding < 0 or winding > 1
        if (
            g + 1 == len(keys) or areas[g + 1] != area or keys[g + 1] != key + 1
        ):  # the row goes on in cells without rings
            next_y, next_x = _centre_e6(faces, key + 1)
            winding += _turns(lat, lng, segment, a, b, here_x, here_y, next_x, next_y)
            if g + 1 == len(keys) or areas[g + 1] != area or keys[g + 1] >> 29 != key >> 29:
                broken += winding != 0
                winding = 0
    return count, broken


@inlined
def _note(out_key: NDArray[np.int64], out_area: NDArray[np.int32], count: int, key: int, area: int) -> int:
    if count < len(out_key):
        out_key[count], out_area[count] = key, area
    return count + 1
