"""Which surface each fix is on: evidence per fix, then the most likely sequence (scheme 1, paragraphs 18 to 22; rules SU1-SU6)."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import kernel
from services.classifier.domain import cells
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import FAR, REACH_M, Roads, segment_distance
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.way_kinds import FERRY, PRIVATE, PUBLIC, UNKNOWN

NONE: Final = 0
ON_PUBLIC: Final = 1
ON_PRIVATE: Final = 2
ON_UNKNOWN_WAY: Final = 3
ON_FIELD: Final = 4
OUTSIDE: Final = 5
AMBIGUOUS: Final = 6
LIKE_A_ROAD: Final = 7
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
    floats = [np.zeros(count) for _ in range(7)]
    ints = [np.full(count, -1, dtype=np.int32) for _ in range(3)]
    return Evidence(*floats, *ints, np.zeros(count), np.full(count, FAR), np.zeros(count, dtype=np.bool_))


@kernel
def gather(fixes: Fixes, roads: Roads, scheme: Scheme, out: Evidence) -> None:
    """Fill `out` for all good fixes (paragraphs 18 to 20)."""
    last_fine, last_coarse, fine_row, coarse_row = cells.NO_KEY, cells.NO_KEY, -1, -1
    for w in range(len(fixes.key)):
        before = -1
        for i in range(fixes.first[w], fixes.first[w + 1]):
            if fixes.label[i] != GOOD:
                continue
            fine, coarse = cells.keys_at(roads.faces, fixes.lat_e6[i], fixes.lng_e6[i])
            if fine != last_fine:
                fine_row, last_fine = cells.find(roads.fine_table, roads.fine_rows, fine), fine
            if coarse != last_coarse:
                coarse_row, last_coarse = cells.find(roads.coarse_table, roads.coarse_rows, coarse), coarse
            _bounds(fixes, roads, i, coarse, coarse_row, out)
            _ways_around(fixes, roads, scheme, i, fine_row, out)
            out.weight[i] = _weight(fixes, before, i, scheme)
            before = i


@kernel
def _bounds(fixes: Fixes, roads: Roads, i: int, key: int, row: int, out: Evidence) -> None:
    """Lower bounds from the coarse cell alone: its centre's distances less the way to the centre."""
    if row < 0:
        out.clear_m[i], out.edge_m[i] = 0.0, -1.0
        return
    x, y, z = cells.to_vector(fixes.lat_e6[i], fixes.lng_e6[i])
    cx, cy, cz = cells.centre_of(roads.faces, key, cells.COARSE_SCALE)
    away = math.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) * (cells.EARTH_M * 1.004) + 1.0
    out.edge_m[i] = roads.coarse_edge_m[row] - away
    out.clear_m[i] = max(0.0, min(roads.coarse_public_m[row] - away, out.edge_m[i]))


@kernel
def _ways_around(fixes: Fixes, roads: Roads, scheme: Scheme, i: int, row: int, out: Evidence) -> None:
    """Costs from the ways listed in the fix's fine cell."""
    public, private, unknown = FAR, FAR, FAR
    public_edge, sea_m, any_m = REACH_M, FAR, FAR
    lat, lng = fixes.lat_e6[i], fixes.lng_e6[i]
    sigma = math.sqrt(fixes.accuracy_m[i] ** 2 + scheme.map_error_m**2)
    if row >= 0:
        kx, ky = cells.metres_per_e6(lat)
        hx, hy = 0.0, 0.0
        if fixes.heading_deg[i] >= 0.0 and fixes.speed_mps[i] > scheme.heading_speed_mps:
            hx, hy = cells.sin_cos(fixes.heading_deg[i] * _RAD_PER_DEG)
        for k in range(roads.fine_first[row], roads.fine_first[row + 1]):
            v = roads.fine_vertex[k]
            way = roads.vertex_way[v]
            kind = roads.way_kind[way]
            d2, t = segment_distance(roads, v, lat, lng, kx, ky)
            d = math.sqrt(d2)
            half = roads.half_dm[way] * 0.1
            if kind == FERRY:
                if d < half:
                    sea_m = min(sea_m, d)
                continue
            any_m = min(any_m, d - half)
            cost = distance_cost(max(0.0, d - scheme.corridor_slack_m), sigma, scheme)
            if cost < scheme.evidence_cap and (hx != 0.0 or hy != 0.0):
                cost = min(scheme.evidence_cap, cost + _heading_cost(roads, v, kx, ky, hx, hy, scheme))
            if kind == PUBLIC:
                public_edge = min(public_edge, d - half)
                if cost < public:
                    public, out.public_at[i] = cost, v
            elif kind == PRIVATE:
                if cost < private:
                    private, out.private_at[i], out.private_along[i], out.private_m[i] = cost, v, t, d
            elif kind == UNKNOWN and cost < unknown:
                unknown, out.unknown_at[i] = cost, v
    if public_edge < REACH_M or out.clear_m[i] < REACH_M:
        out.clear_m[i] = max(0.0, min(public_edge, max(0.0, out.edge_m[i])))
    field = scheme.field_prior
    if not fixes.vague[i]:
        field += scheme.field_spread * (scheme.field_sigma_m / sigma - 1.0)
    field += max(0.0, fixes.speed_mps[i] - scheme.field_speed_mps) * scheme.field_speed_cost
    haste = max(0.0, fixes.speed_mps[i] - scheme.private_speed_mps) * scheme.private_speed_cost
    off = min(private + scheme.private_prior + haste, field)
    slow = scheme.parked_mps < fixes.speed_mps[i] < scheme.public_slow_mps
    out.public_cost[i] = min(public + (scheme.public_slow_cost if slow else 0.0), scheme.evidence_cap)
    out.unknown_cost[i] = min(unknown + scheme.unknown_bias, scheme.evidence_cap)
    out.off_cost[i] = min(off, scheme.evidence_cap)
    out.other_cost[i] = min(out.off_cost[i], out.unknown_cost[i])
    out.sea[i] = sea_m < FAR and any_m > scheme.sea_clear_m


@kernel
def distance_cost(metres: float, sigma: float, scheme: Scheme) -> float:
    """Half the square near; then straight, since real errors have long tails; then steep where no error reaches; capped."""
    z = metres / sigma
    knee = scheme.tail_knee
    cost = 0.5 * z * z if z < knee else 0.5 * knee * knee + scheme.tail_slope * (z - knee)
    return min(scheme.evidence_cap, cost + max(0.0, metres - scheme.error_max_m) * scheme.far_slope)


@kernel
def _heading_cost(roads: Roads, v: int, kx: float, ky: float, hx: float, hy: float, scheme: Scheme) -> float:
    """Nothing within about 25 degrees of the way's axis, rising to `heading_cost` across it."""
    dx, dy = (roads.lng_e6[v + 1] - roads.lng_e6[v]) * kx, (roads.lat_e6[v + 1] - roads.lat_e6[v]) * ky
    along = abs(dx * hx + dy * hy) / math.sqrt(dx * dx + dy * dy + 1e-9)
    return max(0.0, (scheme.heading_free_cos - along) / scheme.heading_free_cos) * scheme.heading_cost


@kernel
def _weight(fixes: Fixes, before: int, i: int, scheme: Scheme) -> float:
    """How much a fix says beyond the one before it: errors within some seconds, or of a parked vehicle, are one error."""
    if before < 0:
        return 1.0
    seconds = (fixes.ts_ms[i] - fixes.ts_ms[before]) * 0.001
    weight = min(1.0, seconds / scheme.independent_s)
    if 0.0 <= fixes.speed_mps[i] < scheme.parked_mps and 0.0 <= fixes.speed_mps[before] < scheme.parked_mps:
        weight = min(weight, scheme.parked_weight)
    return weight


@kernel
def decide(fixes: Fixes, evidence: Evidence, scheme: Scheme, surface: NDArray[np.int8]) -> None:
    """Surface of every good fix (paragraphs 21 and 22): least-cost sequences through "public" and "other" at each fix.

    `margin` is how much dearer the best sequence with this fix on a public road is than the best one with it off."""
    for w in range(len(fixes.key)):
        a, b = fixes.first[w], fixes.first[w + 1]
        forward_public, forward_other = np.zeros(b - a), np.zeros(b - a)
        public, other = 0.0, 0.0
        for i in range(a, b):
            if fixes.label[i] != GOOD:
                continue
            stay_public = min(public, other + scheme.switch_price)
            stay_other = min(other, public + scheme.switch_price)
            public = stay_public + evidence.weight[i] * evidence.public_cost[i]
            other = stay_other + evidence.weight[i] * evidence.other_cost[i]
            forward_public[i - a], forward_other[i - a] = public, other
        public, other = 0.0, 0.0
        for i in range(b - 1, a - 1, -1):
            if fixes.label[i] != GOOD:
                continue
            margin = forward_public[i - a] + public - forward_other[i - a] - other
            surface[i] = _surface(evidence, i, margin, scheme)
            here_public = public + evidence.weight[i] * evidence.public_cost[i]
            here_other = other + evidence.weight[i] * evidence.other_cost[i]
            public = min(here_public, here_other + scheme.switch_price)
            other = min(here_other, here_public + scheme.switch_price)


@kernel
def _surface(evidence: Evidence, i: int, margin: float, scheme: Scheme) -> int:
    if evidence.edge_m[i] < 0.0:
        return OUTSIDE
    if margin <= 0.0:
        return ON_PUBLIC
    if margin < scheme.claim_margin:
        return AMBIGUOUS
    if evidence.unknown_cost[i] < evidence.off_cost[i]:
        return ON_UNKNOWN_WAY
    if evidence.private_at[i] >= 0 and evidence.private_m[i] < scheme.clear_m:
        return ON_PRIVATE
    return ON_FIELD


@kernel
def mark_road_like(fixes: Fixes, scheme: Scheme, surface: NDArray[np.int8]) -> None:
    """Rule SU4: off every way, but fast without a break for as long as only a road allows: probably a missing road."""
    for w in range(len(fixes.key)):
        start = -1
        for i in range(fixes.first[w], fixes.first[w + 1] + 1):
            last = i == fixes.first[w + 1]
            if not last and fixes.label[i] != GOOD:
                continue
            if not last and surface[i] == ON_FIELD and fixes.speed_mps[i] >= scheme.road_like_mps:
                start = i if start < 0 else start
                continue
            if start >= 0:
                end = i - 1
                while fixes.label[end] != GOOD:
                    end -= 1
                if fixes.ts_ms[end] - fixes.ts_ms[start] >= scheme.road_like_ms:
                    for k in range(start, end + 1):
                        if fixes.label[k] == GOOD:
                            surface[k] = LIKE_A_ROAD
            start = -1
