"""The cover: which fine cells list which segments, what coarse cells know, and how far private ways are from others.

Everything is made by loops in numba over columns; a country takes seconds.  Guarantee (property test): every way within
REACH_M of any point of a fine cell is listed for that cell, so a point whose cell lists no public road has none within REACH_M.
"""

import heapq
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import kernel
from services.classifier.domain import cells
from services.classifier.domain.geometry import CLEAR_MAX_M, FAR, REACH_M, Roads, segment_distance
from services.classifier.domain.way_kinds import IGNORED, PRIVATE, PUBLIC
from services.classifier.roads.sources import BRIDGE

PIECE_M: Final = 150.0
"""Segments are walked in pieces no longer than this."""
_EDGE_COSINE: Final = 2e-3
"""A piece is covered on every face whose centre is at most this much further (in cosine): over 5 km on either side of an edge."""


@kernel
def cover(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    scale: float,
    reach_m: float,
    out_key: NDArray[np.int64],
    out_segment: NDArray[np.int32],
) -> int:
    """(cell, segment) pairs of all cells whose centre is within `reach_m` of a segment; returns how many there are.

    Writes as many as fit, so that a second call with room enough gets them all.  Pairs may repeat."""
    count, room = 0, len(out_key)
    for v in segments:
        kx, ky = cells.metres_per_e6(lat[v])
        dx, dy = (lng[v + 1] - lng[v]) * kx, (lat[v + 1] - lat[v]) * ky
        pieces = int(math.sqrt(dx * dx + dy * dy) / PIECE_M) + 1
        for p in range(pieces):
            la, lb = lat[v] + (lat[v + 1] - lat[v]) * (p / pieces), lat[v] + (lat[v + 1] - lat[v]) * ((p + 1) / pieces)
            na, nb = lng[v] + (lng[v + 1] - lng[v]) * (p / pieces), lng[v] + (lng[v + 1] - lng[v]) * ((p + 1) / pieces)
            ax, ay, az = cells.to_vector(la, na)
            bx, by, bz = cells.to_vector(lb, nb)
            top = -2.0
            for f in range(20):
                top = max(top, faces[f, 0, 0] * ax + faces[f, 0, 1] * ay + faces[f, 0, 2] * az)
            for f in range(20):
                cosine = faces[f, 0, 0] * ax + faces[f, 0, 1] * ay + faces[f, 0, 2] * az
                if cosine < top - _EDGE_COSINE:
                    continue
                a0, b0 = cells.to_plane(faces, f, scale, ax, ay, az)
                a1, b1 = cells.to_plane(faces, f, scale, bx, by, bz)
                reach = reach_m * cells.FIT / cells.EARTH_M * scale / (cosine * cosine) * 1.16 + 1.0
                for i in range(int(math.floor(min(a0, a1) - reach)), int(math.ceil(max(a0, a1) + reach)) + 1):
                    for j in range(int(math.floor(min(b0, b1) - reach)), int(math.ceil(max(b0, b1) + reach)) + 1):
                        key = cells.pack(f, i, j)
                        cx, cy, cz = cells.centre_of(faces, key, scale)
                        if _apart(cx, cy, cz, ax, ay, az, bx, by, bz) * cells.EARTH_M <= reach_m * cells.FIT:
                            if count < room:
                                out_key[count] = key
                                out_segment[count] = v
                            count += 1
    return count


@kernel
def _apart(px: float, py: float, pz: float, ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    """Distance of a point to a segment in space."""
    dx, dy, dz = bx - ax, by - ay, bz - az
    n = dx * dx + dy * dy + dz * dz
    t = 0.0
    if n > 0.0:
        t = min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy + (pz - az) * dz) / n))
    ex, ey, ez = ax + t * dx - px, ay + t * dy - py, az + t * dz - pz
    return math.sqrt(ex * ex + ey * ey + ez * ez)


class Listed(NamedTuple):
    """The segments listed for each fine cell, by kind and then by distance from the cell's centre."""

    keys: NDArray[np.int64]
    first: NDArray[np.int32]
    vertex: NDArray[np.int32]
    kind: NDArray[np.uint8]
    metres: NDArray[np.uint8]
    """From the cell's centre, rounded down."""


def fine_cells(
    lat: NDArray[np.int32], lng: NDArray[np.int32], segments: NDArray[np.int32], kind: NDArray[np.uint8]
) -> Listed:
    """`kind` is of each vertex's way."""
    args = (cells.FACES, lat, lng, segments, cells.FINE_SCALE, REACH_M + cells.FINE_RADIUS_M)
    room = cover(*args, np.empty(0, np.int64), np.empty(0, np.int32))
    key, segment = np.empty(room, np.int64), np.empty(room, np.int32)
    cover(*args, key, segment)
    order = np.lexsort((segment, key))
    key, segment = key[order], segment[order]
    fresh = np.ones(room, dtype=np.bool_)
    fresh[1:] = (key[1:] != key[:-1]) | (segment[1:] != segment[:-1])
    key, segment = key[fresh], segment[fresh]
    metres = np.empty(len(key), np.uint8)
    _centre_metres(cells.FACES, lat, lng, key, segment, metres)
    order = np.lexsort((segment, metres, kind[segment], key))
    key, segment, metres = key[order], segment[order], metres[order]
    keys, first = np.unique(key, return_index=True)
    return Listed(keys, np.append(first, len(key)).astype(np.int32), segment, kind[segment], metres)


@kernel
def _centre_metres(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    key: NDArray[np.int64],
    segment: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None:
    """Distance of each segment from the centre of the cell that lists it, never too much."""
    for n in range(len(key)):
        cx, cy, cz = cells.centre_of(faces, key[n], cells.FINE_SCALE)
        v = segment[n]
        ax, ay, az = cells.to_vector(lat[v], lng[v])
        bx, by, bz = cells.to_vector(lat[v + 1], lng[v + 1])
        metres = _apart(cx, cy, cz, ax, ay, az, bx, by, bz) * cells.EARTH_M / cells.FIT - 1.0
        out[n] = int(min(255.0, max(0.0, metres)))


@kernel
def _nearest_to_centres(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    minus_m: NDArray[np.float64],
    table: NDArray[np.int64],
    rows: NDArray[np.int32],
    reach_m: float,
    out_m: NDArray[np.float64],
) -> None:
    """Least distance of each coarse cell's centre to the segments, less `minus_m` of the segment, where below `out_m`."""
    scale = cells.COARSE_SCALE
    for n in range(len(segments)):
        v = segments[n]
        ax, ay, az = cells.to_vector(lat[v], lng[v])
        bx, by, bz = cells.to_vector(lat[v + 1], lng[v + 1])
        top = -2.0
        for f in range(20):
            top = max(top, faces[f, 0, 0] * ax + faces[f, 0, 1] * ay + faces[f, 0, 2] * az)
        for f in range(20):
            cosine = faces[f, 0, 0] * ax + faces[f, 0, 1] * ay + faces[f, 0, 2] * az
            if cosine < top - _EDGE_COSINE:
                continue
            a0, b0 = cells.to_plane(faces, f, scale, ax, ay, az)
            a1, b1 = cells.to_plane(faces, f, scale, bx, by, bz)
            reach = reach_m / cells.EARTH_M * scale / (cosine * cosine) * 1.16 + 1.0
            for i in range(int(math.floor(min(a0, a1) - reach)), int(math.ceil(max(a0, a1) + reach)) + 1):
                for j in range(int(math.floor(min(b0, b1) - reach)), int(math.ceil(max(b0, b1) + reach)) + 1):
                    key = cells.pack(f, i, j)
                    row = cells.find(table, rows, key)
                    if row >= 0:
                        cx, cy, cz = cells.centre_of(faces, key, scale)
                        d = _apart(cx, cy, cz, ax, ay, az, bx, by, bz) * cells.EARTH_M / cells.FIT - minus_m[n]
                        out_m[row] = min(out_m[row], d)


def coarse_near(
    lat: NDArray[np.int32], lng: NDArray[np.int32], segments: NDArray[np.int32], reach_m: float
) -> NDArray[np.int64]:
    """Keys of all coarse cells whose centre is within `reach_m` of a segment."""
    found: list[NDArray[np.int64]] = []
    for chunk in np.array_split(segments, len(segments) // 50_000 + 1):
        args = (cells.FACES, lat, lng, chunk, cells.COARSE_SCALE, reach_m)
        room = cover(*args, np.empty(0, np.int64), np.empty(0, np.int32))
        key = np.empty(room, np.int64)
        cover(*args, key, np.empty(room, np.int32))
        found.append(np.unique(key))
    return np.unique(np.concatenate(found))


def distance_to(
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    minus_m: NDArray[np.float64],
    keys: NDArray[np.int64],
) -> NDArray[np.float64]:
    """For each coarse cell: from its centre to the nearest segment's edge, at most CLEAR_MAX_M; never too much."""
    table, rows = cells.make_table(keys)
    out = np.full(len(keys), CLEAR_MAX_M)
    _nearest_to_centres(cells.FACES, lat, lng, segments, minus_m, table, rows, CLEAR_MAX_M + 30.0, out)
    return out


@kernel
def exits(
    roads: Roads, flags: NDArray[np.uint8], node: NDArray[np.int64], nodes: int, step_m: float
) -> NDArray[np.int32]:
    """Least length in dm along private ways from each private vertex to a way that is not private; -1: none, or unsure.

    A private way also ends where it comes within the corridor of a public road without a shared point (a gap in the map),
    unless a bridge, tunnel or layer parts them, and where coverage ends (rule SU5)."""
    count = len(roads.lat_e6)
    best = np.full(nodes, FAR)
    for v in range(count):
        if roads.way_kind[roads.vertex_way[v]] not in (PRIVATE, IGNORED):
            best[node[v]] = 0.0
    for v in range(count - 1):
        way = roads.vertex_way[v]
        if roads.way_kind[way] != PRIVATE or roads.vertex_way[v + 1] != way:
            continue
        length = (roads.vertex_cm[v + 1] - roads.vertex_cm[v]) * 0.01
        parts = int(length / step_m) + 1
        for p in range(parts + 1):
            t = p / parts
            lat = int(roads.lat_e6[v] + (roads.lat_e6[v + 1] - roads.lat_e6[v]) * t)
            lng = int(roads.lng_e6[v] + (roads.lng_e6[v + 1] - roads.lng_e6[v]) * t)
            if _leaves(roads, flags, lat, lng, flags[way] & BRIDGE != 0, step_m):
                best[node[v]] = min(best[node[v]], t * length)
                best[node[v + 1]] = min(best[node[v + 1]], (1.0 - t) * length)
    return _spread(roads, node, best)


@kernel
def _leaves(roads: Roads, flags: NDArray[np.uint8], lat: int, lng: int, lifted: bool, step_m: float) -> bool:
    fine, coarse = cells.keys_at(roads.faces, lat, lng)
    row = cells.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0 or roads.coarse_edge_m[row] < REACH_M + cells.COARSE_RADIUS_M:
        return True
    at = cells.find(roads.fine_table, roads.fine_rows, fine)
    if at < 0:
        return False
    kx, ky = cells.metres_per_e6(lat)
    for k in range(roads.fine_first[at], roads.fine_first[at + 1]):
        s = roads.fine_vertex[k]
        way = roads.vertex_way[s]
        if roads.way_kind[way] != PUBLIC or lifted or flags[way] & BRIDGE != 0:
            continue
        d2, _ = segment_distance(roads, s, lat, lng, kx, ky)
        reach = roads.half_dm[way] * 0.1 + step_m
        if d2 <= reach * reach:
            return True
    return False


@kernel
def _spread(roads: Roads, node: NDArray[np.int64], best: NDArray[np.float64]) -> NDArray[np.int32]:
    """Dijkstra from all exits at once over the private ways."""
    count = len(roads.lat_e6)
    degree = np.zeros(len(best) + 1, dtype=np.int64)
    for v in range(count - 1):
        if roads.vertex_way[v + 1] == roads.vertex_way[v] and roads.way_kind[roads.vertex_way[v]] == PRIVATE:
            degree[node[v] + 1] += 1
            degree[node[v + 1] + 1] += 1
    first = np.cumsum(degree)
    edge = np.empty(first[-1], dtype=np.int64)
    fill = first[:-1].copy()
    for v in range(count - 1):
        if roads.vertex_way[v + 1] == roads.vertex_way[v] and roads.way_kind[roads.vertex_way[v]] == PRIVATE:
            edge[fill[node[v]]] = v
            fill[node[v]] += 1
            edge[fill[node[v + 1]]] = v
            fill[node[v + 1]] += 1
    heap = [(0.0, np.int64(-1))]
    for n in range(len(best)):
        if best[n] < FAR and first[n + 1] > first[n]:
            heap.append((best[n], np.int64(n)))
    heapq.heapify(heap)
    while len(heap) > 0:
        d, n = heapq.heappop(heap)
        if n < 0 or d > best[n]:
            continue
        for k in range(first[n], first[n + 1]):
            v = edge[k]
            other = node[v + 1] if node[v] == n else node[v]
            far = d + (roads.vertex_cm[v + 1] - roads.vertex_cm[v]) * 0.01
            if far < best[other]:
                best[other] = far
                heapq.heappush(heap, (far, other))
    out = np.full(count, -1, dtype=np.int32)
    for v in range(count):
        if roads.way_kind[roads.vertex_way[v]] == PRIVATE and best[node[v]] < 2e7:
            out[v] = int(best[node[v]] * 10.0)
    return out


def nodes_of(lat: NDArray[np.int32], lng: NDArray[np.int32]) -> tuple[NDArray[np.int64], int]:
    """Number of the distinct position of each vertex: ways meet where they share a position."""
    packed = (lat.astype(np.int64) << 32) | (lng.astype(np.int64) & 0xFFFFFFFF)
    distinct, codes = np.unique(packed, return_inverse=True)
    return np.asarray(codes, dtype=np.int64), len(distinct)
