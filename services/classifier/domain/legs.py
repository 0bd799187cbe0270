"""Legs between consecutive good fixes: how long, and which part lies certainly where (scheme 1, paragraphs 23 to 31)."""

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.classifier.domain import surfaces as on
from services.classifier.domain.cells import metres_per_e6
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import Roads, public_within
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.surfaces import Evidence

PUBLIC_ROAD: Final = 0
OFF_ROAD: Final = 1
UNKNOWN: Final = 2
CARRIED: Final = 3

MAPPED_PUBLIC: Final = 0
PRIVATE_ROAD: Final = 1
NO_ROAD: Final = 2
ODOMETER_BOUND: Final = 3
UNKNOWN_WAY: Final = 4
LIKE_A_ROAD: Final = 5
AMBIGUOUS: Final = 6
OUTSIDE_COVERAGE: Final = 7
GAP: Final = 8
IS_CARRIED: Final = 9

DRIVE: Final = 0
GAP_KIND: Final = 1
CARRIED_KIND: Final = 2


class Pieces(NamedTuple):
    """Parts of legs, in order of time; up to three a leg.  `mm` sums to the leg's length."""

    window: NDArray[np.int32]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    surface: NDArray[np.int8]
    basis: NDArray[np.int8]
    kind: NDArray[np.int8]
    mm: NDArray[np.int64]
    at: NDArray[np.int32]
    """Vertex of the way that decided, or -1."""
    fix: NDArray[np.int64]
    """The leg's first fix; its second is `until`."""
    until: NDArray[np.int64]


def empty_pieces(count: int) -> Pieces:
    return Pieces(
        np.zeros(count, np.int32), np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int8),
        np.zeros(count, np.int8), np.zeros(count, np.int8), np.zeros(count, np.int64), np.full(count, -1, np.int32),
        np.zeros(count, np.int64), np.zeros(count, np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def chord_m(fixes: Fixes, i: int, j: int) -> float:
    kx, ky = metres_per_e6((fixes.lat_e6[i] + fixes.lat_e6[j]) // 2)
    dx, dy = (fixes.lng_e6[j] - fixes.lng_e6[i]) * kx, (fixes.lat_e6[j] - fixes.lat_e6[i]) * ky
    return math.sqrt(dx * dx + dy * dy)


@njit(cache=True, nogil=True)
def length_m(fixes: Fixes, i: int, j: int, scheme: Scheme) -> float:
    """Path length of a leg (paragraph 24): Doppler speed by the trapezoid, held between the chord and a little more."""
    chord = chord_m(fixes, i, j)
    noise = scheme.chord_noise * math.sqrt(fixes.accuracy_m[i] ** 2 + fixes.accuracy_m[j] ** 2)
    low = math.sqrt(max(0.0, chord * chord - noise * noise)) if chord > 2.0 * noise else max(0.0, chord - noise) * 0.5
    v0, v1 = fixes.speed_mps[i], fixes.speed_mps[j]
    if v0 < 0.0 or v1 < 0.0:
        return low
    if v0 < scheme.parked_mps and v1 < scheme.parked_mps and chord < 3.0 * noise + scheme.doppler_slack_m:
        return 0.0
    seconds = (fixes.ts_ms[j] - fixes.ts_ms[i]) * 0.001
    doppler = 0.5 * (v0 + v1) * seconds
    high = chord * scheme.doppler_over_chord + noise + scheme.doppler_slack_m
    least = max(0.0, chord - noise - 0.3 * seconds)
    return max(least, min(doppler, high)) * (1.0 - scheme.shave)


@njit(cache=True, nogil=True)
def cut_legs(
    fixes: Fixes, evidence: Evidence, surface: NDArray[np.int8], roads: Roads, scheme: Scheme, out: Pieces
) -> int:
    """All pieces of all windows; returns how many."""
    n = 0
    for w in range(len(fixes.key)):
        i = -1
        for j in range(fixes.first[w], fixes.first[w + 1]):
            if fixes.label[j] != GOOD:
                continue
            if i >= 0:
                n = _leg(fixes, evidence, surface, roads, scheme, w, i, j, out, n)
            i = j
    return n


@njit(cache=True, nogil=True)
def _put(
    fixes: Fixes,
    out: Pieces,
    n: int,
    w: int,
    i: int,
    j: int,
    span: tuple[float, float],
    what: tuple[int, int, int],
    length: int,
    at: int,
) -> int:
    """One piece over the share span[0]..span[1] of a leg's time and `length` mm."""
    if length <= 0 and what[2] == DRIVE:
        return n
    total = fixes.ts_ms[j] - fixes.ts_ms[i]
    out.window[n] = w
    out.start_ms[n] = fixes.ts_ms[i] + int(total * span[0])
    out.end_ms[n] = fixes.ts_ms[i] + int(total * span[1])
    out.surface[n], out.basis[n], out.kind[n] = what
    out.mm[n], out.at[n], out.fix[n], out.until[n] = length, at, i, j
    return n + 1


@njit(cache=True, nogil=True)
def _leg(
    fixes: Fixes,
    evidence: Evidence,
    surface: NDArray[np.int8],
    roads: Roads,
    scheme: Scheme,
    w: int,
    i: int,
    j: int,
    out: Pieces,
    n: int,
) -> int:
    whole = (0.0, 1.0)
    length = length_m(fixes, i, j, scheme)
    mm = int(length * 1000.0)
    first, second = surface[i], surface[j]
    if evidence.sea[i] and evidence.sea[j] or _switched_off(fixes, i, j, length):
        return _put(fixes, out, n, w, i, j, whole, (CARRIED, IS_CARRIED, CARRIED_KIND), mm, -1)
    if fixes.ts_ms[j] - fixes.ts_ms[i] > scheme.gap_limit_ms:
        return _gap(fixes, evidence, surface, roads, scheme, w, i, j, out, n)
    if first == on.OUTSIDE or second == on.OUTSIDE:
        return _put(fixes, out, n, w, i, j, whole, (UNKNOWN, OUTSIDE_COVERAGE, DRIVE), mm, -1)
    if first == on.ON_PUBLIC and second == on.ON_PUBLIC:
        return _put(fixes, out, n, w, i, j, whole, (PUBLIC_ROAD, MAPPED_PUBLIC, DRIVE), mm, evidence.public_at[j])
    off_first, off_second = is_off(first), is_off(second)
    if not off_first and not off_second:
        return _not_claimed(fixes, evidence, first, second, w, i, j, mm, out, n)
    sure_i = _sure_m(fixes, evidence, roads, scheme, i, length) if off_first else 0.0
    sure_j = _sure_m(fixes, evidence, roads, scheme, j, length) if off_second else 0.0
    if off_first and off_second:
        if sure_i + sure_j < length and _touches(fixes, evidence, roads, scheme, i, j):
            return _three(
                fixes, evidence, first, second, w, i, j, mm, int(sure_i * 1000.0), int(sure_j * 1000.0), out, n
            )
        return _three(fixes, evidence, first, second, w, i, j, mm, mm // 2, mm - mm // 2, out, n)
    return _three(fixes, evidence, first, second, w, i, j, mm, int(sure_i * 1000.0), int(sure_j * 1000.0), out, n)


@njit(cache=True, nogil=True)
def is_off(surface: int) -> bool:
    return surface == on.ON_PRIVATE or surface == on.ON_FIELD


@njit(cache=True, nogil=True)
def _switched_off(fixes: Fixes, i: int, j: int, length: float) -> bool:
    """Rule SU8: it moves at speed with the ignition off at both ends, and the odometer, where there is one, stands still."""
    if fixes.ignition[i] != 0 or fixes.ignition[j] != 0 or length <= 0.0:
        return False
    if max(fixes.speed_mps[i], fixes.speed_mps[j]) < 3.0:
        return False
    return fixes.odometer_mm[i] < 0 or fixes.odometer_mm[j] <= fixes.odometer_mm[i]


@njit(cache=True, nogil=True)
def _not_claimed(
    fixes: Fixes, evidence: Evidence, first: int, second: int, w: int, i: int, j: int, mm: int, out: Pieces, n: int
) -> int:
    if first == on.ON_UNKNOWN_WAY or second == on.ON_UNKNOWN_WAY:
        at = evidence.unknown_at[i] if first == on.ON_UNKNOWN_WAY else evidence.unknown_at[j]
        return _put(fixes, out, n, w, i, j, (0.0, 1.0), (UNKNOWN, UNKNOWN_WAY, DRIVE), mm, at)
    if first == on.LIKE_A_ROAD or second == on.LIKE_A_ROAD:
        return _put(fixes, out, n, w, i, j, (0.0, 1.0), (UNKNOWN, LIKE_A_ROAD, DRIVE), mm, -1)
    return _put(fixes, out, n, w, i, j, (0.0, 1.0), (UNKNOWN, AMBIGUOUS, DRIVE), mm, evidence.public_at[j])


@njit(cache=True, nogil=True)
def _three(
    fixes: Fixes,
    evidence: Evidence,
    first: int,
    second: int,
    w: int,
    i: int,
    j: int,
    mm: int,
    head: int,
    tail: int,
    out: Pieces,
    n: int,
) -> int:
    """A leg as off-road head, uncertain middle, off-road tail."""
    head = min(head, mm)
    tail = min(tail, mm - head)
    a, b = (head / mm, 1.0 - tail / mm) if mm > 0 else (0.0, 1.0)
    if head > 0:
        n = _put(fixes, out, n, w, i, j, (0.0, a), (OFF_ROAD, _basis(first), DRIVE), head, _at(evidence, first, i))
    if mm - head - tail > 0:
        n = _put(
            fixes,
            out,
            n,
            w,
            i,
            j,
            (a, b),
            (UNKNOWN, AMBIGUOUS, DRIVE),
            mm - head - tail,
            max(evidence.public_at[i], evidence.public_at[j]),
        )
    if tail > 0:
        n = _put(fixes, out, n, w, i, j, (b, 1.0), (OFF_ROAD, _basis(second), DRIVE), tail, _at(evidence, second, j))
    return n


@njit(cache=True, nogil=True)
def _basis(surface: int) -> int:
    return PRIVATE_ROAD if surface == on.ON_PRIVATE else NO_ROAD


@njit(cache=True, nogil=True)
def _at(evidence: Evidence, surface: int, i: int) -> int:
    return evidence.private_at[i] if surface == on.ON_PRIVATE else -1


@njit(cache=True, nogil=True)
def _sure_m(fixes: Fixes, evidence: Evidence, roads: Roads, scheme: Scheme, i: int, length: float) -> float:
    """How far a vehicle at fix i must at least go before it can be on a public road (paragraph 27), up to `length`."""
    sure = evidence.clear_m[i]
    if sure >= 149.0 and sure < length + scheme.bound_slack_m:
        sure = max(sure, public_within(roads, fixes.lat_e6[i], fixes.lng_e6[i], length + scheme.bound_slack_m))
    v = evidence.private_at[i]
    if (
        v >= 0
        and evidence.private_m[i] < 3.0 * fixes.accuracy_m[i]
        and roads.exit_dm[v] >= 0
        and roads.exit_dm[v + 1] >= 0
    ):
        step = (roads.vertex_cm[v + 1] - roads.vertex_cm[v]) * 0.01
        t = evidence.private_along[i]
        way = min(roads.exit_dm[v] * 0.1 + t * step, roads.exit_dm[v + 1] * 0.1 + (1.0 - t) * step)
        sure = max(sure, way - scheme.bound_slack_m)
    return max(0.0, min(length, sure - scheme.bound_slack_m))


@njit(cache=True, nogil=True)
def _touches(fixes: Fixes, evidence: Evidence, roads: Roads, scheme: Scheme, i: int, j: int) -> bool:
    """Whether the straight line of a leg comes within the corridor of a public road (paragraph 28)."""
    chord = chord_m(fixes, i, j)
    parts = int(chord / scheme.sample_m) + 1
    for p in range(parts + 1):
        t = p / parts
        lat = int(fixes.lat_e6[i] + (fixes.lat_e6[j] - fixes.lat_e6[i]) * t)
        lng = int(fixes.lng_e6[i] + (fixes.lng_e6[j] - fixes.lng_e6[i]) * t)
        if public_within(roads, lat, lng, scheme.sample_m) < scheme.sample_m:
            return True
    return False


@njit(cache=True, nogil=True)
def _gap(
    fixes: Fixes,
    evidence: Evidence,
    surface: NDArray[np.int8],
    roads: Roads,
    scheme: Scheme,
    w: int,
    i: int,
    j: int,
    out: Pieces,
    n: int,
) -> int:
    """Rule SU, design 5.3: a gap counts only where the odometer shows that no public road can have been reached."""
    chord = chord_m(fixes, i, j)
    noise = 3.0 * math.sqrt(fixes.accuracy_m[i] ** 2 + fixes.accuracy_m[j] ** 2)
    if (
        fixes.odometer_mm[i] >= 0
        and fixes.odometer_mm[j] >= fixes.odometer_mm[i]
        and is_off(surface[i])
        and is_off(surface[j])
    ):
        unit = display_unit_mm(fixes, w)
        delta = fixes.odometer_mm[j] - fixes.odometer_mm[i]
        most = (delta + unit) * 0.001
        sure = _sure_m(fixes, evidence, roads, scheme, i, most) + _sure_m(fixes, evidence, roads, scheme, j, most)
        if sure > most:
            mm = int(max(max(0.0, chord - noise), (delta - unit) * 0.001 * 0.985) * 1000.0)
            return _put(fixes, out, n, w, i, j, (0.0, 1.0), (OFF_ROAD, ODOMETER_BOUND, DRIVE), mm, -1)
    if chord <= noise:
        return n
    return _put(fixes, out, n, w, i, j, (0.0, 1.0), (UNKNOWN, GAP, GAP_KIND), int(chord * 1000.0), -1)


@njit(cache=True, nogil=True)
def display_unit_mm(fixes: Fixes, w: int) -> int:
    """Largest usual display step that all readings of a window are multiples of (paragraph 30); 1 mm without readings."""
    for unit in (1_609_344, 1_000_000, 100_000, 10_000, 1_000, 100, 10):
        seen, fits = 0, True
        for i in range(fixes.first[w], fixes.first[w + 1]):
            value = fixes.odometer_mm[i]
            if value < 0 or fixes.label[i] != GOOD:
                continue
            seen += 1
            if value % unit != 0:
                fits = False
                break
        if fits and seen > 0:
            return unit
    return 1
