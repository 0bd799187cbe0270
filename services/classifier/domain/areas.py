"""Which areas a position lies in, exactly: whole numbers only (scheme 1, paragraph 5).

A fine cell that touches an area holds a reference point and how many areas of either kind it lies in.  From there to any
point of the cell the rings are counted that the straight line crosses: all that can be are listed in the cell."""

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import inlined, kernel, lean
from services.classifier.domain.geometry import Roads
from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN


@inlined
def crossing(cx: int, cy: int, px: int, py: int, ax: int, ay: int, bx: int, by: int) -> int:
    """+1 where the way from C to P crosses the edge A to B from its right to its left (into a ring against the clock), -1
    the other way, 0 else.  Exact in 64 bits.  A corner on the line counts as on its right: rings have no leaks at corners."""
    dx, dy, ex, ey = px - cx, py - cy, bx - ax, by - ay
    a_left = dx * (ay - cy) - dy * (ax - cx) > 0
    b_left = dx * (by - cy) - dy * (bx - cx) > 0
    turn = 0
    if a_left != b_left:
        p_left = ex * (py - ay) - ey * (px - ax) > 0
        c_left = ex * (cy - ay) - ey * (cx - ax) > 0
        turn = (1 if p_left else 0) - (1 if c_left else 0)
    return turn


@kernel
def windings(roads: Roads, row: int, lat_e6: int, lng_e6: int) -> tuple[int, int]:
    """How many public areas and areas of unknown maintainer hold a position of the fine cell in `row`."""
    area = roads.fine_area[row]
    if area < 0:
        return 0, 0
    public, unknown = int(roads.area_public[area]), int(roads.area_unknown[area])
    cx, cy = int(roads.area_lng_e6[area]), int(roads.area_lat_e6[area])
    px, py = int(lng_e6), int(lat_e6)
    for k in range(roads.fine_first[row + 1] - 1, roads.fine_first[row] - 1, -1):
        kind = roads.fine_kind[k]
        if kind < AREA_PUBLIC:
            break  # areas are listed last
        v = roads.fine_vertex[k]
        turn = crossing(
            cx, cy, px, py,
            int(roads.lng_e6[v]), int(roads.lat_e6[v]), int(roads.lng_e6[v + 1]), int(roads.lat_e6[v + 1]),
        )  # fmt: skip
        if kind == AREA_UNKNOWN:
            unknown += turn
        else:
            public += turn
    return public, unknown


@kernel
def areas_at(
    roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For many positions: how many public areas, and areas of unknown maintainer, hold them."""
    public, unknown = np.zeros(len(lat_e6), dtype=np.int64), np.zeros(len(lat_e6), dtype=np.int64)
    for n in range(len(lat_e6)):
        key, _ = cells.keys_at(roads.faces, lat_e6[n], lng_e6[n])
        row = tables.find(roads.fine_table, roads.fine_rows, key)
        if row >= 0:
            public[n], unknown[n] = windings(roads, row, lat_e6[n], lng_e6[n])
    return public, unknown


@lean
def holder(roads: Roads, row: int, lat_e6: int, lng_e6: int, kind: int) -> int:
    """A vertex of a ring of an area of `kind` that holds a position of the fine cell in `row`; -1: none does."""
    area, entered = roads.fine_area[row], -1
    held = int(roads.area_public[area]) if kind == AREA_PUBLIC else int(roads.area_unknown[area])
    cx, cy = int(roads.area_lng_e6[area]), int(roads.area_lat_e6[area])
    for k in range(roads.fine_first[row + 1] - 1, roads.fine_first[row] - 1, -1):
        if roads.fine_kind[k] < kind:
            break
        if roads.fine_kind[k] == kind:
            v = roads.fine_vertex[k]
            turn = crossing(
                cx, cy, int(lng_e6), int(lat_e6),
                int(roads.lng_e6[v]), int(roads.lat_e6[v]), int(roads.lng_e6[v + 1]), int(roads.lat_e6[v + 1]),
            )  # fmt: skip
            held += turn
            entered = v if turn > 0 else entered
    if held <= 0:
        return -1
    if entered < 0:  # no ring was entered on the way: the area that holds the reference point holds the position too
        entered = np.searchsorted(roads.vertex_way, roads.area_way[area])
    return int(entered)
