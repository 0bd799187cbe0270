"""The ways around a fix: for each kind the cheapest, and how far the nearest public road's edge is (paragraphs 12, 18, 19).

The segments that a fine cell lists are laid side by side once for all the fixes that follow each other in the cell, and the
squares of their distances are computed in a loop without branches, several at once."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import areas
from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.geometry import EDGE_REACH_M, FAR, HALF_MAX_M, REACH_M, Roads
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN, FERRY, PUBLIC, UNKNOWN


class Listed(NamedTuple):
    """The segments of one fine cell, by kind; ends in micro-degrees."""

    lat: NDArray[np.float64]
    lng: NDArray[np.float64]
    to_lat: NDArray[np.float64]
    to_lng: NDArray[np.float64]
    square: NDArray[np.float64]
    """Squared distance from the fix looked at last."""
    run: NDArray[np.int64]
    """Where each kind begins; last, how many segments there are."""
    cost: NDArray[np.float64]
    """By kind, of the cheapest way near the fix looked at last; FAR where there is none."""
    metres: NDArray[np.float64]
    vertex: NDArray[np.int64]
    """-1 where there is none."""


def empty_listed(room: int) -> Listed:
    lat, lng, to_lat, to_lng, square = (np.empty(room) for _ in range(5))
    kinds = AREA_UNKNOWN + 1
    run, vertex = np.zeros(kinds + 1, dtype=np.int64), np.empty(kinds, dtype=np.int64)
    return Listed(lat, lng, to_lat, to_lng, square, run, np.empty(kinds), np.empty(kinds), vertex)


@inlined
def read_cell(
    lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32], kinds: NDArray[np.uint8], vertices: NDArray[np.int32], begin: int,
    end: int, lats: NDArray[np.float64], lngs: NDArray[np.float64], to_lats: NDArray[np.float64], to_lngs: NDArray[np.float64],
    run: NDArray[np.int64],
) -> None:  # fmt: skip
    """Lay the segments from `begin` to `end` side by side, into the columns of a Listed."""
    kind = 0
    for n in range(end - begin):
        v = vertices[begin + n]
        while kind < kinds[begin + n]:
            kind += 1
            run[kind] = n
        lats[n], lngs[n], to_lats[n], to_lngs[n] = lat_e6[v], lng_e6[v], lat_e6[v + 1], lng_e6[v + 1]
    while kind + 1 < len(run):
        kind += 1
        run[kind] = end - begin


@inlined
def measure(
    lats: NDArray[np.float64], lngs: NDArray[np.float64], to_lats: NDArray[np.float64], to_lngs: NDArray[np.float64],
    square: NDArray[np.float64], count: int, lat_e6: float, lng_e6: float, kx: float, ky: float,
) -> None:  # fmt: skip
    """Squared distances of a position to `count` segments; one output and no branch, so that several are done at once."""
    for n in range(count):
        ax, ay = (lngs[n] - lng_e6) * kx, (lats[n] - lat_e6) * ky
        dx, dy = (to_lngs[n] - lng_e6) * kx - ax, (to_lats[n] - lat_e6) * ky - ay
        length2 = dx * dx + dy * dy
        t = -(ax * dx + ay * dy) / (length2 if length2 > 0.0 else 1.0)
        t = min(1.0, max(0.0, t))
        ex, ey = ax + t * dx, ay + t * dy
        square[n] = ex * ex + ey * ey


@inlined
def nearest(bits: NDArray[np.int64], begin: int, end: int) -> int:
    """Place of the least of numbers that are not negative, given by their bits (which order them too); -1 where none are."""
    at = -1
    if begin < end:
        best = bits[begin]
        for n in range(begin, end):
            best = min(best, bits[n])
        at = begin
        while bits[at] != best:
            at += 1
    return at


@inlined
def distance_and_turn(
    square: float, east: float, north: float, hx: float, hy: float, sigma: float, scheme: Scheme
) -> tuple[float, float]:
    """What a way costs by its distance and by the heading across it: nothing within about 25 degrees of its axis, rising to
    `heading_cost`."""
    turn = 0.0
    if hx != 0.0 or hy != 0.0:
        along = abs(east * hx + north * hy) / math.sqrt(east * east + north * north + 1e-9)
        turn = max(0.0, (scheme.heading_free_cos - along) / scheme.heading_free_cos) * scheme.heading_cost
    return distance_cost(max(0.0, math.sqrt(square) - scheme.corridor_slack_m), sigma, scheme), turn


@inlined
def cheapest(
    lats: NDArray[np.float64], lngs: NDArray[np.float64], to_lats: NDArray[np.float64], to_lngs: NDArray[np.float64],
    square: NDArray[np.float64], bits: NDArray[np.int64], begin: int, end: int, kx: float, ky: float, hx: float, hy: float,
    sigma: float, scheme: Scheme,
) -> tuple[int, float]:  # fmt: skip
    """(place, cost) of the cheapest of the segments from `begin` to `end` that are within REACH_M; (-1, FAR): none is.

    The nearest, unless another's heading makes up for its distance: that is sought as far as distance alone costs no more."""
    best, least = nearest(bits, begin, end), FAR
    if best >= 0 and square[best] >= REACH_M * REACH_M:
        best = -1
    if best >= 0:
        east, north = (to_lngs[best] - lngs[best]) * kx, (to_lats[best] - lats[best]) * ky
        away, turn = distance_and_turn(square[best], east, north, hx, hy, sigma, scheme)
        least = away + turn
        if turn > 0.0:
            reach = min(REACH_M, reach_of(least, sigma, scheme))
            for n in range(begin, end):
                if square[n] < reach * reach:
                    east, north = (to_lngs[n] - lngs[n]) * kx, (to_lats[n] - lats[n]) * ky
                    away, turn = distance_and_turn(square[n], east, north, hx, hy, sigma, scheme)
                    if away + turn < least:
                        best, least = n, away + turn
                        reach = min(REACH_M, reach_of(least, sigma, scheme))
    return best, least


@inlined
def edge_m(
    square: NDArray[np.float64], run: NDArray[np.int64], vertices: NDArray[np.int32], vertex_way: NDArray[np.int32],
    half_dm: NDArray[np.uint16], first: int, best: int,
) -> float:  # fmt: skip
    """Metres to the nearest public road's edge, given the likeliest's place; not above 0 inside a corridor; at most
    EDGE_REACH_M."""
    edge = EDGE_REACH_M
    if best >= 0:
        edge = min(edge, math.sqrt(square[best]) - half_dm[vertex_way[vertices[first + best]]] * 0.1)
        for n in range(run[PUBLIC], run[PUBLIC + 1]):
            if edge <= 0.0:
                break
            if square[n] < (edge + HALF_MAX_M) * (edge + HALF_MAX_M):
                edge = min(edge, math.sqrt(square[n]) - half_dm[vertex_way[vertices[first + n]]] * 0.1)
    return edge


@lean
def in_areas(roads: Roads, listed: Listed, row: int, lat_e6: int, lng_e6: int, sigma: float, scheme: Scheme) -> float:
    """Take areas into what is found by kind: inside one is as on a centre line, beside it as beside a way.

    Returns metres to the nearest public area."""
    edge, cost, metres, vertex = FAR, listed.cost, listed.metres, listed.vertex
    for kind, of in ((PUBLIC, AREA_PUBLIC), (UNKNOWN, AREA_UNKNOWN)):
        at, ring_m = areas.holder(roads, row, lat_e6, lng_e6, of), FAR
        if at >= 0:
            cost[kind], metres[kind], vertex[kind], ring_m = 0.0, 0.0, at, 0.0
        elif listed.run[of] < listed.run[of + 1]:
            n = nearest(listed.square.view(np.int64), listed.run[of], listed.run[of + 1])
            ring_m = math.sqrt(listed.square[n])
            here = distance_cost(max(0.0, ring_m - scheme.corridor_slack_m), sigma, scheme)
            if ring_m < REACH_M and here < cost[kind]:
                cost[kind], metres[kind], vertex[kind] = here, ring_m, roads.fine_vertex[roads.fine_first[row] + n]
        edge = ring_m if kind == PUBLIC else edge
    return edge


@lean
def on_ferry(roads: Roads, listed: Listed, row: int) -> bool:
    """Whether a ferry's course is within its width, and REACH_M."""
    for n in range(listed.run[FERRY], listed.run[FERRY + 1]):
        half = min(REACH_M, roads.half_dm[roads.vertex_way[roads.fine_vertex[roads.fine_first[row] + n]]] * 0.1)
        if listed.square[n] < half * half:
            return True
    return False


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
