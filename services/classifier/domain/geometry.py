"""Distances between a position and the ways around it (scheme 1, paragraphs 5 and 12): arithmetic over a road set's columns."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.way_kinds import PUBLIC

REACH_M: Final = 100.0
"""Every way within this distance of any point of a fine cell is listed in that cell."""
CLEAR_MAX_M: Final = 3000.0
"""Coarse cells know the distance to the nearest public road, and to the edge of coverage, up to this."""
HALF_MAX_M: Final = 20.0
RINGS_MAX: Final = 48
FAR: Final = 1e9


class Roads(NamedTuple):
    """The columns of a road set that the scheme reads; see docs/scheme/1.md, paragraphs 5 to 11."""

    faces: NDArray[np.float64]
    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    vertex_way: NDArray[np.int32]
    vertex_cm: NDArray[np.int32]
    """Length of the way from its first vertex to this one."""
    exit_dm: NDArray[np.int32]
    """Private ways: least length along private ways to one that is not private; -1 where none can be reached."""
    way_kind: NDArray[np.uint8]
    half_dm: NDArray[np.uint16]
    fine_table: NDArray[np.int64]
    fine_rows: NDArray[np.int32]
    fine_first: NDArray[np.int32]
    fine_vertex: NDArray[np.int32]
    """Segments (by their first vertex) listed for each fine cell, by kind, then by distance from the cell's centre."""
    fine_kind: NDArray[np.uint8]
    fine_metres: NDArray[np.uint8]
    """That distance, rounded down."""
    fine_area: NDArray[np.int32]
    """Row in the columns of area cells, or -1 where no area is within REACH_M of any point of the cell."""
    area_lat_e6: NDArray[np.int32]
    """The reference point of an area cell: its centre, or a place beside it that lies on no ring."""
    area_lng_e6: NDArray[np.int32]
    area_public: NDArray[np.uint8]
    """How many public areas hold the reference point; see services.classifier.domain.areas for any other point."""
    area_unknown: NDArray[np.uint8]
    area_way: NDArray[np.int32]
    """A way (first ring) of an area that holds the reference point, public first; -1: none does."""
    coarse_table: NDArray[np.int64]
    coarse_rows: NDArray[np.int32]
    coarse_public_m: NDArray[np.int16]
    """From the cell's centre to the nearest public road's edge or public area, rounded down, at most CLEAR_MAX_M."""
    coarse_edge_m: NDArray[np.int16]
    """From the cell's centre to the edge of coverage, rounded down; negative outside."""


class Near(NamedTuple):
    """The nearest segment of one kind: distance to its centre line, its first vertex, and where on it (0..1)."""

    distance_m: float
    vertex: int
    along: float


@inlined
def to_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> tuple[float, float]:
    """(squared distance, share along) of a point to a segment, plane metres."""
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    t = 0.0
    if length2 > 0.0:
        t = ((px - ax) * dx + (py - ay) * dy) / length2
        t = min(1.0, max(0.0, t))
    ex, ey = ax + t * dx - px, ay + t * dy - py
    return ex * ex + ey * ey, t


@inlined
def segment_distance(roads: Roads, v: int, lat_e6: int, lng_e6: int, kx: float, ky: float) -> tuple[float, float]:
    """(squared distance, share along) of a position to the segment that starts at vertex v."""
    ax, ay = (roads.lng_e6[v] - lng_e6) * kx, (roads.lat_e6[v] - lat_e6) * ky
    bx, by = (roads.lng_e6[v + 1] - lng_e6) * kx, (roads.lat_e6[v + 1] - lat_e6) * ky
    return to_segment(0.0, 0.0, ax, ay, bx, by)


@kernel
def public_near(roads: Roads, lat_e6: int, lng_e6: int) -> float:
    """Distance from a position to the edge of the nearest public road or of coverage: exact below REACH_M, never above it."""
    fine, coarse, _, away, _ = cells.locate(roads.faces, lat_e6, lng_e6, 0)
    row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0:
        return 0.0
    best = min(REACH_M, roads.coarse_edge_m[row] - away)
    if best > roads.coarse_public_m[row] - away:
        at = tables.find(roads.fine_table, roads.fine_rows, fine)
        if at >= 0:
            kx, ky = cells.metres_per_e6(lat_e6)
            best = min(best, _nearest_public(roads, at, lat_e6, lng_e6, kx, ky))
    least: float = max(0.0, best)
    return least


@kernel
def public_within(roads: Roads, lat_e6: int, lng_e6: int, limit_m: float) -> float:
    """Distance from a position to the edge of the nearest public road or of coverage, exact up to `limit_m`, never above it.

    Reads the fine cells round about, ring by ring: for the few places where the bound of one cell is not enough."""
    _, coarse, _, away, _ = cells.locate(roads.faces, lat_e6, lng_e6, 0)
    row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
    if row < 0:
        return 0.0
    best = min(limit_m, roads.coarse_edge_m[row] - away)
    if best <= roads.coarse_public_m[row] - away or best <= 0.0:
        sure: float = max(0.0, best)
        return sure
    x, y, z = cells.to_vector(lat_e6, lng_e6)
    kx, ky = cells.metres_per_e6(lat_e6)
    step_m = cells.EARTH_M / cells.FINE_SCALE
    for f in range(20):
        d = roads.faces[f, 0, 0] * x + roads.faces[f, 0, 1] * y + roads.faces[f, 0, 2] * z
        if (
            d < 0.79
        ):  # no point of a face is further than 37.4 degrees from its centre, and the search is shorter than the rest
            continue
        a, b = cells.to_plane(roads.faces, f, cells.FINE_SCALE, x, y, z)
        i, j = cells.round_hex(a, b)
        ring = 0
        while ring <= RINGS_MAX and (ring == 0 or ring_floor(ring, step_m, d) + REACH_M < best + HALF_MAX_M):
            for di in range(-ring, ring + 1):
                for dj in range(max(-ring, -di - ring), min(ring, -di + ring) + 1):
                    if max(abs(di), abs(dj), abs(di + dj)) != ring:
                        continue
                    at = tables.find(roads.fine_table, roads.fine_rows, cells.pack(f, i + di, j + dj))
                    if at >= 0:
                        best = min(best, _nearest_public(roads, at, lat_e6, lng_e6, kx, ky))
            ring += 1
    least: float = max(0.0, best)
    return least


@kernel
def ring_floor(ring: int, step_m: float, cosine: float) -> float:
    """Least distance from a point of the middle cell to any point of the cells in a ring around it, on the ground."""
    return max(0.0, (ring * cells.SIN60 - 1.16) * step_m * cosine * cosine)


@kernel
def _nearest_public(roads: Roads, row: int, lat_e6: int, lng_e6: int, kx: float, ky: float) -> float:
    best = FAR
    for k in range(roads.fine_first[row], roads.fine_first[row + 1]):
        v = roads.fine_vertex[k]
        if roads.fine_kind[k] == PUBLIC:
            d2, _ = segment_distance(roads, v, lat_e6, lng_e6, kx, ky)
            best = min(best, math.sqrt(d2) - roads.half_dm[roads.vertex_way[v]] * 0.1)
    least: float = max(0.0, best)
    return least
