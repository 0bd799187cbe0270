"""How far a vehicle went between two fixes (scheme 1, paragraphs 24 and 25; rule DI1 closes the sum on the recorder)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.cells import metres_per_e6
from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.fixes import GOOD, Fixes, impossible
from services.classifier.domain.scheme import Scheme


class Lengths(NamedTuple):
    """Per fix: of the leg that ends there and begins at the good fix before it; 0 for a window's first."""

    path_m: NDArray[np.float64]
    chord_m: NDArray[np.float64]
    before: NDArray[np.int64]
    """The leg's first fix; -1: there is none, or no vehicle gets from there to here."""


def empty_lengths(rows: int) -> Lengths:
    return Lengths(np.zeros(rows), np.zeros(rows), np.full(rows, -1, dtype=np.int64))


@kernel
def measure(fixes: Fixes, scheme: Scheme, out: Lengths) -> None:
    """Fill `out`.  A leg reads at most one fix on each side of it."""
    for w in range(len(fixes.key)):
        h, i, j = -1, -1, -1
        for k in range(fixes.first[w], fixes.first[w + 1] + 1):
            if k < fixes.first[w + 1] and fixes.label[k] != GOOD:
                continue
            after = k if k < fixes.first[w + 1] else -1
            if i >= 0 and not impossible(fixes, i, j, scheme):
                out.before[j] = i
                out.chord_m[j] = chord_m(fixes, i, j)
                out.path_m[j] = _path_m(fixes, scheme, h, i, j, after, out.chord_m[j])
            h, i, j = i, j, after


@inlined
def chord_m(fixes: Fixes, i: int, j: int) -> float:
    kx, ky = metres_per_e6((fixes.lat_e6[i] + fixes.lat_e6[j]) // 2)
    dx, dy = (fixes.lng_e6[j] - fixes.lng_e6[i]) * kx, (fixes.lat_e6[j] - fixes.lat_e6[i]) * ky
    return math.sqrt(dx * dx + dy * dy)


@inlined
def noise_m(fixes: Fixes, i: int, j: int) -> float:
    """One deviation of the distance between two fixes."""
    return math.sqrt(fixes.accuracy_m[i] ** 2 + fixes.accuracy_m[j] ** 2)


@inlined
def _path_m(fixes: Fixes, scheme: Scheme, h: int, i: int, j: int, k: int, chord: float) -> float:
    """Doppler speed at close fixes; towards sparse ones as much the arc that the headings bend the chord to.

    Bends that no fix saw lengthen the arc, as far as Doppler speed says so and by no more than `sparse`."""
    noise = noise_m(fixes, i, j)
    v0, v1 = fixes.speed_mps[i], fixes.speed_mps[j]
    seconds = (fixes.ts_ms[j] - fixes.ts_ms[i]) * 0.001
    if v0 < 0.0 or v1 < 0.0:
        path = math.sqrt(chord * chord - noise * noise) if chord > 2.0 * noise else 0.0
    elif v0 < scheme.parked_mps and v1 < scheme.parked_mps and chord < 3.0 * noise + scheme.drift_m:
        return 0.0
    else:
        share = scheme.arc_share_max * min(1.0, max(0.0, (seconds - 1.0) / scheme.arc_full_s))
        sparse = 1.0 + min(scheme.sparse_max, max(0.0, seconds - scheme.sparse_from_s) * scheme.sparse_per_s)
        doppler = _doppler_m(fixes, h, i, j, k, seconds)
        doppler = min(
            doppler,
            chord * scheme.doppler_over_chord + noise + scheme.doppler_slack_m + scheme.doppler_slack_mps * seconds,
        )
        arc = chord * _bend(fixes, i, j)
        path = (1.0 - share) * doppler + share * min(max(arc, doppler), arc * sparse)
        path = max(path, chord - 2.0 * noise)
    return path * (1.0 - scheme.shave)


@inlined
def _doppler_m(fixes: Fixes, h: int, i: int, j: int, k: int, seconds: float) -> float:
    """Integral of the cubic through four speeds where they are evenly spaced, else the trapezoid."""
    v0, v1 = fixes.speed_mps[i], fixes.speed_mps[j]
    if h >= 0 and k >= 0 and fixes.speed_mps[h] >= 0.0 and fixes.speed_mps[k] >= 0.0:
        before, after = (fixes.ts_ms[i] - fixes.ts_ms[h]) * 0.001, (fixes.ts_ms[k] - fixes.ts_ms[j]) * 0.001
        if 0.7 * seconds < before < 1.4 * seconds and 0.7 * seconds < after < 1.4 * seconds:
            cubic: float = max(0.0, (13.0 * (v0 + v1) - fixes.speed_mps[h] - fixes.speed_mps[k]) / 24.0 * seconds)
            return cubic
    trapezoid: float = 0.5 * (v0 + v1) * seconds
    return trapezoid


@inlined
def _bend(fixes: Fixes, i: int, j: int) -> float:
    """Arc over chord of a circle that turns by the difference of the headings; 1 where they are not known.

    x / sin x for half the turn, by its series: within 0.2 % up to a turn of 140 degrees, and held there."""
    if fixes.heading_deg[i] < 0.0 or fixes.heading_deg[j] < 0.0 or min(fixes.speed_mps[i], fixes.speed_mps[j]) < 1.0:
        return 1.0
    turn = abs(fixes.heading_deg[j] - fixes.heading_deg[i])
    turn = min(turn, abs(360.0 - turn), 140.0)
    y = (0.5 * turn * 0.017453292519943295) ** 2
    ratio: float = 1.0 + y / 6.0 * (1.0 + y * 7.0 / 60.0 * (1.0 + y * 31.0 / 294.0))
    return ratio
