"""What each fix says about where it is: the ways around it, weighed (scheme 1, paragraphs 18 to 20)."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import FAR, HALF_MAX_M, REACH_M, Roads, to_segment
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.way_kinds import FERRY, PRIVATE, PUBLIC, UNKNOWN

_RAD_PER_DEG: Final = math.pi / 180.0


class Evidence(NamedTuple):
    """Per fix.  Costs are what it costs to hold that the fix is on that surface; distances are metres to centre lines."""

    public_cost: NDArray[np.float64]
    other_cost: NDArray[np.float64]
    """The least of private, unknown way and field."""
    unknown_cost: NDArray[np.float64]
    off_cost: NDArray[np.float64]
    weight: NDArray[np.float64]
    clear_m: NDArray[np.float64]
    """Least distance to the edge of any public road, or of coverage: exact below REACH_M, a lower bound above."""
    edge_m: NDArray[np.float64]
    """Least distance to the edge of coverage; negative outside."""
    public_at: NDArray[np.int32]
    """First vertex of the segment that is likeliest of its kind; -1: none within REACH_M."""
    private_at: NDArray[np.int32]
    unknown_at: NDArray[np.int32]
    private_along: NDArray[np.float64]
    private_m: NDArray[np.float64]
    sea: NDArray[np.bool_]


def empty_evidence(count: int) -> Evidence:
    return Evidence(
        public_cost=np.zeros(count), other_cost=np.zeros(count), unknown_cost=np.zeros(count), off_cost=np.zeros(count),
        weight=np.zeros(count), clear_m=np.zeros(count), edge_m=np.zeros(count),
        public_at=np.full(count, -1, dtype=np.int32), private_at=np.full(count, -1, dtype=np.int32),
        unknown_at=np.full(count, -1, dtype=np.int32), private_along=np.zeros(count), private_m=np.full(count, FAR),
        sea=np.zeros(count, dtype=np.bool_),
    )  # fmt: skip


@kernel
def gather(fixes: Fixes, roads: Roads, scheme: Scheme, out: Evidence) -> None:
    """Fill `out` for all good fixes (paragraphs 18 to 20)."""
    last_fine, last_coarse, fine_row, coarse_row, face = tables.NO_KEY, tables.NO_KEY, -1, -1, 0
    # columns are named once: taking them from their tuple inside the loop costs more than the arithmetic
    faces, ways, scratch = roads.faces, _listed(roads), _scratch()
    fine_table, fine_rows, fine_first = roads.fine_table, roads.fine_rows, roads.fine_first
    coarse_table, coarse_rows = roads.coarse_table, roads.coarse_rows
    public_m, edge_m = roads.coarse_public_m, roads.coarse_edge_m
    lat, lng, accuracy, vague = fixes.lat_e6, fixes.lng_e6, fixes.accuracy_m, fixes.vague
    speed, heading, ts, label = fixes.speed_mps, fixes.heading_deg, fixes.ts_ms, fixes.label
    first = fixes.first
    public_cost, other_cost, unknown_cost, off_cost, weight, clear_m, edges = out[:7]
    public_at, private_at, unknown_at, private_along, private_m, sea = out[7:]
    for w in range(len(first) - 1):
        before = -1
        for i in range(first[w], first[w + 1]):
            if label[i] != GOOD:
                continue
            fine, coarse, fine_m, coarse_m, face = cells.locate(faces, lat[i], lng[i], face)
            if fine != last_fine:
                fine_row, last_fine = tables.find(fine_table, fine_rows, fine), fine
            if coarse != last_coarse:
                coarse_row, last_coarse = tables.find(coarse_table, coarse_rows, coarse), coarse
            edge, clear = -1.0, 0.0
            if coarse_row >= 0:
                edge = edge_m[coarse_row] - coarse_m
                clear = max(0.0, min(public_m[coarse_row] - coarse_m, edge))
            hx, hy = 0.0, 0.0
            if heading[i] >= 0.0 and speed[i] > scheme.heading_speed_mps:
                hx, hy = cells.sin_cos(heading[i] * _RAD_PER_DEG)
            sigma = math.sqrt(accuracy[i] ** 2 + scheme.map_error_m**2)
            a, b = (int(fine_first[fine_row]), int(fine_first[fine_row + 1])) if fine_row >= 0 else (0, 0)
            public_edge = _scan(ways, a, b, fine_m, lat[i], lng[i], hx, hy, sigma, scheme, scratch)
            if public_edge < REACH_M or clear < REACH_M:
                clear = max(0.0, min(public_edge, edge))
            clear_m[i], edges[i] = clear, edge
            on_public, on_unknown, off = _costs(scratch.cost, speed[i], vague[i], sigma, scheme)
            public_cost[i] = on_public if edge >= REACH_M else 0.0  # a road may lie just beyond the edge (rule SU5)
            unknown_cost[i], off_cost[i], other_cost[i] = on_unknown, off, min(on_unknown, off)
            public_at[i], private_at[i], unknown_at[i] = scratch.at[PUBLIC], scratch.at[PRIVATE], scratch.at[UNKNOWN]
            private_m[i], private_along[i] = scratch.metres[PRIVATE], scratch.along[PRIVATE]
            land_m = min(scratch.metres[PUBLIC], scratch.metres[PRIVATE], scratch.metres[UNKNOWN])
            sea[i] = scratch.metres[FERRY] < FAR and land_m > scheme.sea_clear_m
            if before >= 0:
                parked = 0.0 <= speed[i] < scheme.parked_mps and 0.0 <= speed[before] < scheme.parked_mps
                weight[i] = _weight((ts[i] - ts[before]) * 0.001, parked, scheme)
            else:
                weight[i] = 1.0
            before = i


class Listed(NamedTuple):
    kind: NDArray[np.uint8]
    metres: NDArray[np.uint8]
    vertex: NDArray[np.int32]
    lat: NDArray[np.int32]
    lng: NDArray[np.int32]
    way: NDArray[np.int32]
    half_dm: NDArray[np.uint16]


class Scratch(NamedTuple):
    """By kind, the cheapest way: cost, distance beyond which none can be cheaper, distance, share along, vertex."""

    cost: NDArray[np.float64]
    cut: NDArray[np.float64]
    metres: NDArray[np.float64]
    along: NDArray[np.float64]
    at: NDArray[np.int32]


@inlined
def _listed(roads: Roads) -> Listed:
    return Listed(
        roads.fine_kind,
        roads.fine_metres,
        roads.fine_vertex,
        roads.lat_e6,
        roads.lng_e6,
        roads.vertex_way,
        roads.half_dm,
    )


@inlined
def _scratch() -> Scratch:
    kinds = FERRY + 1
    return Scratch(np.empty(kinds), np.empty(kinds), np.empty(kinds), np.empty(kinds), np.empty(kinds, dtype=np.int32))


@inlined
def _scan(
    ways: Listed, first: int, last: int, away: float, lat: int, lng: int, hx: float, hy: float, sigma: float, scheme: Scheme,
    best: Scratch,
) -> float:  # fmt: skip
    """Fill `best` from the segments listed from `first` to `last`; returns the distance to the nearest public road's edge.

    `away` is the fix's distance from the cell's centre: no segment is nearer than its own distance from there less that."""
    kinds, from_centre, vertices, lats, lngs, vertex_way, halves = ways
    cost, cut, metres, along, at = best
    for kind in range(FERRY + 1):
        cost[kind], cut[kind], metres[kind], along[kind], at[kind] = FAR, REACH_M, FAR, 0.0, -1
    public_edge = REACH_M
    kx, ky = cells.metres_per_e6(lat)
    for k in range(first, last):
        kind = kinds[k]
        if kind > FERRY:
            break  # areas are listed last
        if from_centre[k] - away > cut[kind]:
            continue
        v = vertices[k]
        ax, ay = (lngs[v] - lng) * kx, (lats[v] - lat) * ky
        bx, by = (lngs[v + 1] - lng) * kx, (lats[v + 1] - lat) * ky
        d2, t = to_segment(0.0, 0.0, ax, ay, bx, by)
        if d2 > cut[kind] * cut[kind]:
            continue
        d, half = math.sqrt(d2), halves[vertex_way[v]] * 0.1
        here = distance_cost(max(0.0, d - scheme.corridor_slack_m), sigma, scheme)
        if hx != 0.0 or hy != 0.0:
            here += _heading_cost(bx - ax, by - ay, hx, hy, scheme)
        if kind == FERRY:
            here = d if d < half else FAR
        if here < cost[kind]:
            cost[kind], metres[kind], along[kind], at[kind] = here, d, t, v
        cut[kind] = min(REACH_M, reach_of(cost[kind], sigma, scheme))
        if kind == PUBLIC:
            public_edge = min(public_edge, d - half)
            cut[kind] = max(cut[kind], public_edge + HALF_MAX_M)
    return public_edge


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


@inlined
def distance_cost(metres: float, sigma: float, scheme: Scheme) -> float:
    """Half the square near; then straight, since real errors have long tails; then steep where no error reaches."""
    z = metres / sigma
    knee = scheme.tail_knee
    cost = 0.5 * z * z if z < knee else 0.5 * knee * knee + scheme.tail_slope * (z - knee)
    return cost + max(0.0, metres - scheme.error_max_m) * scheme.far_slope


@inlined
def reach_of(cost: float, sigma: float, scheme: Scheme) -> float:
    """A distance at which `distance_cost` is at least `cost`."""
    bend = 0.5 * scheme.tail_knee * scheme.tail_knee
    z = math.sqrt(2.0 * cost) if cost < bend else scheme.tail_knee + (cost - bend) / scheme.tail_slope
    return z * sigma + scheme.corridor_slack_m


@inlined
def _heading_cost(dx: float, dy: float, hx: float, hy: float, scheme: Scheme) -> float:
    """Nothing within about 25 degrees of the way's axis, rising to `heading_cost` across it."""
    along = abs(dx * hx + dy * hy) / math.sqrt(dx * dx + dy * dy + 1e-9)
    return max(0.0, (scheme.heading_free_cos - along) / scheme.heading_free_cos) * scheme.heading_cost
