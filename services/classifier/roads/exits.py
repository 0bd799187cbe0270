"""How far each private way is from the nearest that is not private, along private ways (scheme 1, paragraph 10)."""

import heapq

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.areas import windings
from services.classifier.domain.compiled import kernel
from services.classifier.domain.geometry import FAR, REACH_M, Roads, segment_distance
from services.classifier.domain.way_kinds import AREA_PUBLIC, IGNORED, PRIVATE, PUBLIC
from services.classifier.roads.ways import BRIDGE


@kernel
def exits(
    roads: Roads, flags: NDArray[np.uint8], node: NDArray[np.int64], nodes: int, step_m: float
) -> NDArray[np.int32]:
    """Least length in dm along private ways from each private vertex to a way that is not private; -1: none, or unsure.

    A private way also ends where it comes within the corridor of a public road without a shared point (a gap in the map),
    unless a bridge, tunnel or layer parts them, where it enters an area that is public or of unknown maintainer, and where
    coverage ends (rule SU5)."""
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
    row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0 or roads.coarse_edge_m[row] < REACH_M + cells.COARSE_RADIUS_M:
        return True
    at = tables.find(roads.fine_table, roads.fine_rows, fine)
    if at < 0:
        return False
    if max(windings(roads, at, lat, lng)) > 0 and not lifted:
        return True
    kx, ky = cells.metres_per_e6(lat)
    for k in range(roads.fine_first[at], roads.fine_first[at + 1]):
        s = roads.fine_vertex[k]
        way = roads.vertex_way[s]
        kind = roads.way_kind[way]
        if (kind != PUBLIC and kind < AREA_PUBLIC) or lifted or flags[way] & BRIDGE != 0:
            continue
        d2, _ = segment_distance(roads, s, lat, lng, kx, ky)
        reach = max(roads.half_dm[way] * 0.1, step_m)
        if d2 <= reach * reach:
            return True
    return False


@kernel
def _incident(roads: Roads, node: NDArray[np.int64], nodes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each node, the private segments (by first vertex) that end there: edge[first[n]:first[n + 1]]."""
    count = len(roads.lat_e6)
    degree = np.zeros(nodes + 1, dtype=np.int64)
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
    return first, edge


@kernel
def _spread(roads: Roads, node: NDArray[np.int64], best: NDArray[np.float64]) -> NDArray[np.int32]:
    """Dijkstra from all exits at once over the private ways."""
    first, edge = _incident(roads, node, len(best))
    heap = [(0.0, -1)]
    for start in range(len(best)):
        if best[start] < FAR and first[start + 1] > first[start]:
            heap.append((best[start], start))  # noqa: PERF401 - numba cannot infer a list from a generator
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
    count = len(roads.lat_e6)
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
