"""Distances between a position and the ways around it (scheme 1, paragraphs 5 and 12)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined

REACH_M: Final = 100.0
"""Every way within this distance of any point of a fine cell is listed in that cell."""
CLEAR_MAX_M: Final = 3000.0
"""Coarse cells know the distance to the nearest public road, and to the edge of coverage, up to this."""
HALF_MAX_M: Final = 20.0
"""No public road's edge is further from its centre line."""
EDGE_REACH_M: Final = REACH_M - HALF_MAX_M
"""Every public road's edge nearer than this is known to a fine cell: its centre line is within REACH_M."""
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
