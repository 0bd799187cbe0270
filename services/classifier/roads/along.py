"""Which stretches of one source's ways run along ways of other sources: the same road, drawn twice.

Ways are looked at in pieces of some 20 m, against a grid of all segments; loops in numba over columns."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.geometry import to_segment
from services.classifier.domain.way_kinds import PRIVATE, PUBLIC, UNKNOWN
from services.classifier.roads.ways import Ways

PIECE_M: Final = 20.0
SAME_M: Final = 10.0
"""Two sources draw one road's centre line at most this far apart."""
SAME_COS: Final = 0.9063
"""And within 25 degrees of one direction."""
PUBLIC_FIRST_M: Final = 3.0
"""A public way is preferred to a private one of the same source that is nearer by no more than this."""
_GRID_E6: Final = 600
_NONE: Final = 255


class Grid(NamedTuple):
    """Segments of ways that are known to be public or private, by square of some 60 m."""

    table: NDArray[np.int64]
    rows: NDArray[np.int32]
    first: NDArray[np.int64]
    segment: NDArray[np.int32]


class Pieces(NamedTuple):
    """One row a piece of a way, in order along it: piece p lies on the segment from vertex[p], from share start[p] on."""

    way: NDArray[np.int32]
    vertex: NDArray[np.int32]
    start: NDArray[np.float64]
    metres: NDArray[np.float64]
    decider: NDArray[np.int32]
    """The way of another source that runs along it, is more trusted, and knows; -1: none."""


def grid_of(ways: Ways, vertex_way: NDArray[np.int32]) -> Grid:
    knows = (ways.kind == PUBLIC) | (ways.kind == PRIVATE)
    segments = np.flatnonzero((vertex_way[1:] == vertex_way[:-1]) & knows[vertex_way[1:]]).astype(np.int32)
    room = _squares(ways.lat_e6, ways.lng_e6, segments, np.empty(0, np.int64), np.empty(0, np.int32))
    key, segment = np.empty(room, np.int64), np.empty(room, np.int32)
    _squares(ways.lat_e6, ways.lng_e6, segments, key, segment)
    order = np.lexsort((segment, key))
    key, segment = key[order], segment[order]
    keys, first = np.unique(key, return_index=True)
    return Grid(*tables.make_table(keys), np.append(first, len(key)).astype(np.int64), segment)


@inlined
def _key(lat: float, lng: float) -> int:
    return (math.floor(lat / _GRID_E6) + (1 << 28)) << 30 | (math.floor(lng / _GRID_E6) + (1 << 28))


@kernel
def _squares(
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    out_key: NDArray[np.int64],
    out_segment: NDArray[np.int32],
) -> int:
    """(square, segment) for all squares within SAME_M of a segment; returns how many, writes as many as fit."""
    count, room = 0, len(out_key)
    for v in segments:
        kx, ky = cells.metres_per_e6(lat[v])
        wide, high = SAME_M / kx + 1.0, SAME_M / ky + 1.0
        dx, dy = (lng[v + 1] - lng[v]) * kx, (lat[v + 1] - lat[v]) * ky
        parts = int(math.sqrt(dx * dx + dy * dy) / 60.0) + 1
        before_south, before_north, before_west, before_east = 1, 0, 1, 0
        for p in range(parts):
            la, lb = lat[v] + (lat[v + 1] - lat[v]) * (p / parts), lat[v] + (lat[v + 1] - lat[v]) * ((p + 1) / parts)
            na, nb = lng[v] + (lng[v + 1] - lng[v]) * (p / parts), lng[v] + (lng[v + 1] - lng[v]) * ((p + 1) / parts)
            south, north = math.floor((min(la, lb) - high) / _GRID_E6), math.floor((max(la, lb) + high) / _GRID_E6)
            west, east = math.floor((min(na, nb) - wide) / _GRID_E6), math.floor((max(na, nb) + wide) / _GRID_E6)
            for i in range(south, north + 1):
                for j in range(west, east + 1):
                    if before_south <= i <= before_north and before_west <= j <= before_east:
                        continue  # written for the part before
                    if count < room:
                        out_key[count] = (i + (1 << 28)) << 30 | (j + (1 << 28))
                        out_segment[count] = v
                    count += 1
            before_south, before_north, before_west, before_east = south, north, west, east
    return count


def pieces_of(ways: Ways, vertex_way: NDArray[np.int32], grid: Grid) -> Pieces:
    """All pieces of public, private and unknown ways, each with its decider."""
    args = (ways.lat_e6, ways.lng_e6, vertex_way, ways.kind, ways.source, *grid)
    none = Pieces(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0, np.int32))
    room = _pieces(*args, none)
    out = Pieces(
        np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room), np.empty(room), np.empty(room, np.int32)
    )
    _pieces(*args, out)
    return out


@kernel
def _pieces(
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    vertex_way: NDArray[np.int32],
    kind: NDArray[np.uint8],
    source: NDArray[np.uint8],
    table: NDArray[np.int64],
    rows: NDArray[np.int32],
    first: NDArray[np.int64],
    segment: NDArray[np.int32],
    out: Pieces,
) -> int:
    count, room = 0, len(out.way)
    for v in range(len(lat) - 1):
        way = vertex_way[v]
        if vertex_way[v + 1] != way or kind[way] < PUBLIC or kind[way] > UNKNOWN:
            continue
        kx, ky = cells.metres_per_e6(lat[v])
        dx, dy = (lng[v + 1] - lng[v]) * kx, (lat[v + 1] - lat[v]) * ky
        length = math.sqrt(dx * dx + dy * dy)
        parts = int(length / PIECE_M) + 1
        for p in range(parts):
            if count < room:
                share = (p + 0.5) / parts
                y, x = lat[v] + (lat[v + 1] - lat[v]) * share, lng[v] + (lng[v + 1] - lng[v]) * share
                row = tables.find(table, rows, _key(y, x))
                a, b = (first[row], first[row + 1]) if row >= 0 else (0, 0)
                out.way[count], out.vertex[count] = way, v
                out.start[count], out.metres[count] = p / parts, length / parts
                out.decider[count] = _decider(
                    lat, lng, vertex_way, kind, source, segment, a, b, way, y, x, dx, dy, kx, ky
                )
            count += 1
    return count


@kernel
def _decider(
    lat: NDArray[np.int32], lng: NDArray[np.int32], vertex_way: NDArray[np.int32], kind: NDArray[np.uint8],
    source: NDArray[np.uint8], segment: NDArray[np.int32], a: int, b: int, way: int, y: float, x: float, dx: float, dy: float,
    kx: float, ky: float,
) -> int:  # fmt: skip
    """The most trusted source's nearest way along (x, y) in direction (dx, dy), or -1: of a source before the way's own, or,
    where that does not know, of any."""
    best, best_source, best_m = -1, _NONE, 0.0
    own = source[way]
    for k in range(a, b):
        s = segment[k]
        other = vertex_way[s]
        of = source[other]
        if of == own or (of > own and kind[way] != UNKNOWN) or of > best_source:
            continue
        ax, ay = (lng[s] - x) * kx, (lat[s] - y) * ky
        bx, by = (lng[s + 1] - x) * kx, (lat[s + 1] - y) * ky
        d2, _ = to_segment(0.0, 0.0, ax, ay, bx, by)
        if d2 > SAME_M * SAME_M:
            continue
        ex, ey = bx - ax, by - ay
        if abs(dx * ex + dy * ey) < SAME_COS * math.sqrt((dx * dx + dy * dy) * (ex * ex + ey * ey)):
            continue
        metres = math.sqrt(d2) - (PUBLIC_FIRST_M if kind[other] == PUBLIC else 0.0)
        if of < best_source or metres < best_m:
            best, best_source, best_m = other, of, metres
    return best
