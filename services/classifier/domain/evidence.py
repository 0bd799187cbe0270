"""What each fix says about where it is: the ways around it, weighed (scheme 1, paragraphs 18 to 20)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import FAR, REACH_M, Roads
from services.classifier.domain.ground import Ground
from services.classifier.domain.look_up import Cells
from services.classifier.domain.near import (
    Listed,
    cheapest,
    edge_m,
    in_areas,
    measure,
    on_ferry,
    read_cell,
)
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.way_kinds import FERRY, PRIVATE, PUBLIC, UNKNOWN


class Evidence(NamedTuple):
    """Per fix.  Costs are what it costs to hold that the fix is on that surface; distances are metres to centre lines."""

    public_cost: NDArray[np.float64]
    other_cost: NDArray[np.float64]
    """The least of private, unknown way and field."""
    unknown_cost: NDArray[np.float64]
    off_cost: NDArray[np.float64]
    weight: NDArray[np.float64]
    clear_m: NDArray[np.float64]
    """Least distance to the edge of any public road, or of coverage: exact below
    EDGE_REACH_M, a lower bound above."""
    edge_m: NDArray[np.float64]
    """Least distance to the edge of coverage; negative outside."""
    public_at: NDArray[np.int32]
    """First vertex of the segment that is likeliest of its kind; -1: none within REACH_M."""
    private_at: NDArray[np.int32]
    unknown_at: NDArray[np.int32]
    public_m: NDArray[np.float64]
    """Distance to the centre line of that way (0 inside an area); FAR where there is none."""
    private_m: NDArray[np.float64]
    unknown_m: NDArray[np.float64]
    sea: NDArray[np.bool_]


def empty_evidence(count: int) -> Evidence:
    return Evidence(
        public_cost=np.zeros(count), other_cost=np.zeros(count), unknown_cost=np.zeros(count), off_cost=np.zeros(count),
        weight=np.zeros(count), clear_m=np.zeros(count), edge_m=np.zeros(count),
        public_at=np.full(count, -1, dtype=np.int32), private_at=np.full(count, -1, dtype=np.int32),
        unknown_at=np.full(count, -1, dtype=np.int32), public_m=np.full(count, FAR), private_m=np.full(count, FAR),
        unknown_m=np.full(count, FAR),
        sea=np.zeros(count, dtype=np.bool_),
    )  # fmt: skip


@lean
def gather(
    fixes: Fixes, ground: Ground, at: Cells, listed: Listed, roads: Roads, scheme: Scheme, out: Evidence
) -> None:
    """Fill `out` for all good fixes (paragraphs 18 to 20); `listed` has room for any of their cells."""
    last = -2
    # columns are named once: taking them from their tuple inside the loop costs more than the arithmetic
    _, _, coarse_m, fine_rows, coarse_rows = at
    coarse_public_m, coarse_edge_m, fine_area = roads.coarse_public_m, roads.coarse_edge_m, roads.fine_area
    fine_first, vertices, kinds = roads.fine_first, roads.fine_vertex, roads.fine_kind
    road_lat, road_lng, vertex_way, half_dm = roads.lat_e6, roads.lng_e6, roads.vertex_way, roads.half_dm
    lats, lngs, to_lats, to_lngs, square, run, cost, metres, vertex = listed
    bits = square.view(np.int64)
    lat, lng, label, accuracy = fixes.lat_e6, fixes.lng_e6, fixes.label, fixes.accuracy_m
    vague, speed, kxs, kys, hxs, hys = fixes.vague, fixes.speed_mps, ground.kx, ground.ky, ground.east, ground.north
    public_cost, other_cost, unknown_cost, off_cost, _, clear_m, edges = out[:7]
    public_at, private_at, unknown_at, public_m, private_m, unknown_m, sea = out[7:]
    begin, end, ferries = 0, 0, False
    for i in range(len(label)):
        if label[i] != GOOD:
            continue
        row, coarse_row = fine_rows[i], coarse_rows[i]
        if row != last:
            begin, end = (fine_first[row], fine_first[row + 1]) if row >= 0 else (0, 0)
            read_cell(road_lat, road_lng, kinds, vertices, begin, end, lats, lngs, to_lats, to_lngs, run)
            last, ferries = row, run[FERRY] < run[FERRY + 1]
        edge, clear = -1.0, 0.0
        if coarse_row >= 0:
            edge = coarse_edge_m[coarse_row] - coarse_m[i]
            clear = max(0.0, min(coarse_public_m[coarse_row] - coarse_m[i], edge))
        sigma = math.sqrt(accuracy[i] * accuracy[i] + scheme.map_error_m * scheme.map_error_m)
        kx, ky, hx, hy = kxs[i], kys[i], hxs[i], hys[i]
        measure(lats, lngs, to_lats, to_lngs, square, end - begin, lat[i], lng[i], kx, ky)
        on_road = -1
        for kind in range(PUBLIC, FERRY):
            best, cost[kind] = cheapest(
                lats, lngs, to_lats, to_lngs, square, bits, run[kind], run[kind + 1], kx, ky, hx, hy, sigma, scheme
            )  # fmt: skip
            metres[kind] = math.sqrt(square[best]) if best >= 0 else FAR
            vertex[kind] = vertices[begin + best] if best >= 0 else -1
            on_road = best if kind == PUBLIC else on_road
        public_edge = edge_m(square, run, vertices, vertex_way, half_dm, begin, on_road)
        if row >= 0 and fine_area[row] >= 0:
            area_m = in_areas(roads, listed, row, lat[i], lng[i], sigma, scheme)
            public_edge = min(public_edge, area_m)
        clear_m[i], edges[i] = max(clear, min(public_edge, edge)), edge
        on_public, on_unknown, off = _costs(cost, speed[i], vague[i], sigma, scheme)
        public_cost[i] = on_public if edge >= REACH_M else 0.0  # a road may lie just beyond the edge (rule SU5)
        unknown_cost[i], off_cost[i], other_cost[i] = on_unknown, off, min(on_unknown, off)
        public_at[i], private_at[i], unknown_at[i] = vertex[PUBLIC], vertex[PRIVATE], vertex[UNKNOWN]
        public_m[i], private_m[i], unknown_m[i] = metres[PUBLIC], metres[PRIVATE], metres[UNKNOWN]
        sea[i] = False
        if ferries and min(metres[PUBLIC], metres[PRIVATE], metres[UNKNOWN]) > scheme.sea_clear_m:
            sea[i] = on_ferry(roads, listed, row)


@lean
def weigh(fixes: Fixes, scheme: Scheme, weight: NDArray[np.float64]) -> None:
    """How much each good fix says beyond the one before it (paragraph 20)."""
    ts, speed, label, first = fixes.ts_ms, fixes.speed_mps, fixes.label, fixes.first
    for w in range(len(first) - 1):
        before = -1
        for i in range(first[w], first[w + 1]):
            if label[i] == GOOD:
                weight[i] = 1.0
                if before >= 0:
                    parked = 0.0 <= speed[i] < scheme.parked_mps and 0.0 <= speed[before] < scheme.parked_mps
                    weight[i] = _weight((ts[i] - ts[before]) * 0.001, parked, scheme)
                before = i


@inlined
def _costs(
    way: NDArray[np.float64], speed: float, vague: bool, sigma: float, scheme: Scheme
) -> tuple[float, float, float]:
    """What it costs to hold that a fix is on a public road, on a way of unknown maintainer, off every public way."""
    cap = scheme.evidence_cap
    field = scheme.field_prior + max(0.0, speed - scheme.field_speed_mps) * scheme.field_speed_cost
    if not vague:
        field += scheme.field_spread * (scheme.field_sigma_m / sigma - 1.0)
    private = (
        way[PRIVATE] + scheme.private_prior + max(0.0, speed - scheme.private_speed_mps) * scheme.private_speed_cost
    )
    slow = scheme.parked_mps < speed < scheme.public_slow_mps
    public = way[PUBLIC] + (scheme.public_slow_cost if slow else 0.0)
    return min(cap, public), min(cap, way[UNKNOWN] + scheme.unknown_bias), min(cap, private, field)


@inlined
def _weight(seconds: float, parked: bool, scheme: Scheme) -> float:
    """How much a fix says beyond the one before it: errors within some seconds, or of a parked vehicle, are one error."""
    weight = min(1.0, seconds / scheme.independent_s)
    return min(weight, scheme.parked_weight) if parked else weight
