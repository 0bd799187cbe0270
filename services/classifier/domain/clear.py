"""How far a position is from the nearest public road: its edge, a public area, or the edge of coverage (paragraph 12)."""

import math
from typing import Final

from services.classifier.domain import areas, cells, tables
from services.classifier.domain.compiled import kernel
from services.classifier.domain.geometry import EDGE_REACH_M, FAR, HALF_MAX_M, Roads, segment_distance
from services.classifier.domain.way_kinds import AREA_PUBLIC, PUBLIC

RINGS_MAX: Final = 49
ALL_M: Final = 255.0
"""No segment is listed in a fine cell further than this from its centre."""


@kernel
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


@kernel
def public_within(roads: Roads, lat_e6: int, lng_e6: int, limit_m: float) -> float:
    """Distance from a position to the edge of the nearest public road or of coverage, exact up to `limit_m`, never above it.

    Reads the fine cells round about, ring by ring, and in each the roads that run through it: for the few places where the
    bound of one cell is not enough."""
    x, y, z = cells.to_vector(lat_e6, lng_e6)
    fine, coarse, away, _ = cells.keys_of_vector(roads.faces, x, y, z, 0)
    row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0:
        return 0.0
    best = min(limit_m, roads.coarse_edge_m[row] - away)
    if best <= roads.coarse_public_m[row] - away or best <= 0.0:
        sure: float = max(0.0, best)
        return sure
    kx, ky = cells.metres_per_e6(lat_e6)
    step_m = cells.EARTH_M / cells.FINE_SCALE
    for f in range(20):
        d = roads.faces[f, 0, 0] * x + roads.faces[f, 0, 1] * y + roads.faces[f, 0, 2] * z
        if (
            d < 0.79
        ):  # no point of a face is further than 37.4 degrees from its centre; the search is shorter than the rest
            continue
        a, b = cells.to_plane(roads.faces, f, cells.FINE_SCALE, x, y, z)
        i, j = cells.round_hex(a, b)
        ring = 0
        while ring <= RINGS_MAX and (ring == 0 or ring_floor(ring, step_m, d) < best + HALF_MAX_M):
            for di in range(-ring, ring + 1):
                for dj in range(max(-ring, -di - ring), min(ring, -di + ring) + 1):
                    if max(abs(di), abs(dj), abs(di + dj)) != ring:
                        continue
                    key = cells.pack(f, i + di, j + dj)
                    at = tables.find(roads.fine_table, roads.fine_rows, key)
                    if at >= 0:
                        best = min(
                            best, _nearest_public(roads, at, key == fine, cells.FINE_RADIUS_M, lat_e6, lng_e6, kx, ky)
                        )
            ring += 1
    least: float = max(0.0, best)
    return least


@kernel
def ring_floor(ring: int, step_m: float, cosine: float) -> float:
    """Least distance from a point of the middle cell to any point of the cells in a ring around it, on the ground."""
    return max(0.0, (ring * cells.SIN60 - 1.16) * step_m * cosine * cosine)


@kernel
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
