"""How far a position is from the nearest public road: its edge, a public area, or the edge of coverage (paragraph 12)."""

import math
from typing import Final

import numpy as np

from services.classifier.domain import areas, cells, tables
from services.classifier.domain.compiled import lean
from services.classifier.domain.geometry import EDGE_REACH_M, FAR, HALF_MAX_M, Roads, segment_distance
from services.classifier.domain.way_kinds import AREA_PUBLIC, PUBLIC

RINGS_MAX: Final = 49
_STEPS: Final = np.array([(-1, 1), (-1, 0), (0, -1), (1, -1), (1, 0), (0, 1)])
"""Along the six sides of a ring of cells, from its corner (ring, 0)."""
_STEP_M: Final = cells.EARTH_M / cells.FINE_SCALE
ALL_M: Final = 255.0
"""No segment is listed in a fine cell further than this from its centre."""


@lean
def public_near(roads: Roads, lat_e6: int, lng_e6: int) -> float:
    """Distance from a position to the edge of the nearest public road or of coverage: exact below
    EDGE_REACH_M, never above it."""
    fine, coarse, away, _ = cells.keys_of_vector(roads.faces, *cells.to_vector(lat_e6, lng_e6), 0)
    row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0:
        return 0.0
    best = min(EDGE_REACH_M, roads.coarse_edge_m[row] - away)
    if best > roads.coarse_public_m[row] - away:
        at = tables.find(roads.fine_table, roads.fine_rows, fine)
        if at >= 0:
            kx, ky = cells.metres_per_e6(lat_e6)
            best = min(best, _nearest_public(roads, at, True, ALL_M, lat_e6, lng_e6, kx, ky))
    least: float = max(0.0, best)
    return least


@lean
def public_within(roads: Roads, lat_e6: int, lng_e6: int, limit_m: float) -> float:
    """Distance from a position to the edge of the nearest public road or of coverage, exact up to `limit_m`, never above it.

    Reads the fine cells round about, ring by ring, and in each the roads that run through it: for the few places where the
    bound of one cell is not enough."""
    x, y, z = cells.to_vector(lat_e6, lng_e6)
    fine, coarse, away, _ = cells.keys_of_vector(roads.faces, x, y, z, 0)
    row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0:
        return 0.0
    best, least = min(limit_m, roads.coarse_edge_m[row] - away), roads.coarse_public_m[row] - away
    if best <= least or best <= 0.0:
        sure: float = max(0.0, best)
        return sure
    kx, ky = cells.metres_per_e6(lat_e6)
    for f in range(20):
        d = roads.faces[f, 0, 0] * x + roads.faces[f, 0, 1] * y + roads.faces[f, 0, 2] * z
        if (
            d < 0.79
        ):  # no point of a face is further than 37.4 degrees from its centre; the search is shorter than the rest
            continue
        a, b = cells.to_plane(roads.faces, f, cells.FINE_SCALE, x, y, z)
        i, j = cells.round_hex(a, b)
        ring = 0
        while ring <= RINGS_MAX and ring_floor(ring, d) < best + HALF_MAX_M:
            if ring_ceiling(ring) > least:
                best = min(best, _ring(roads, f, i, j, ring, fine, best, lat_e6, lng_e6, kx, ky))
            ring += 1
    nearest: float = max(0.0, best)
    return nearest


@lean
def _ring(
    roads: Roads, f: int, i: int, j: int, ring: int, own: int, best: float, lat_e6: int, lng_e6: int, kx: float, ky: float
) -> float:  # fmt: skip
    """`best`, or the distance to a nearer public road's edge in the cells `ring` steps from cell (i, j) of a face."""
    di, dj = ring, 0
    for side in range(6):
        for _ in range(max(1, ring)):
            key = cells.pack(f, i + di, j + dj)
            at = tables.find(roads.fine_table, roads.fine_rows, key)
            if at >= 0:
                best = min(best, _nearest_public(roads, at, key == own, cells.FINE_RADIUS_M, lat_e6, lng_e6, kx, ky))
            if ring == 0:
                return best
            di, dj = di + _STEPS[side, 0], dj + _STEPS[side, 1]
    return best


@lean
def ring_floor(ring: int, cosine: float) -> float:
    """Least distance from a point of the middle cell to any point of the cells in a ring around it, on the ground."""
    return max(0.0, (ring * cells.SIN60 - 1.16) * _STEP_M * cosine * cosine)


@lean
def ring_ceiling(ring: int) -> float:
    """Greatest distance likewise: the plane only stretches."""
    return (ring + 1.16) * _STEP_M * cells.FIT


@lean
def _nearest_public(
    roads: Roads, row: int, inside: bool, within_m: float, lat_e6: int, lng_e6: int, kx: float, ky: float
) -> float:
    """To the edge of the nearest public road, or ring of a public area, that a fine cell lists within a distance of its
    centre; FAR where there is none.

    `inside`: the position lies in the cell, so that it can be asked whether an area holds it."""
    best = FAR
    if inside and roads.fine_area[row] >= 0 and areas.holder(roads, row, lat_e6, lng_e6, AREA_PUBLIC) >= 0:
        best = 0.0
    for k in range(roads.fine_first[row], roads.fine_first[row + 1]):
        v, kind = roads.fine_vertex[k], roads.fine_kind[k]
        if kind > AREA_PUBLIC or (kind > PUBLIC and roads.fine_area[row] < 0):
            break  # kinds are listed in order
        if kind == PUBLIC or kind == AREA_PUBLIC:  # noqa: PLR1714, SIM109 - numba has no tuple membership this cheap
            if roads.fine_metres[k] > within_m:
                continue
            d2, _ = segment_distance(roads, v, lat_e6, lng_e6, kx, ky)
            if d2 < (best + HALF_MAX_M) * (best + HALF_MAX_M):
                best = min(best, math.sqrt(d2) - roads.half_dm[roads.vertex_way[v]] * 0.1)
    return max(0.0, best)
