"""How far a vehicle went between two fixes (scheme 1, paragraphs 24 and 25; rule DI1 closes the sum on the recorder)."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.fixes import GOOD, IMPLAUSIBLE, Fixes
from services.classifier.domain.ground import Ground, chord_m
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.spikes import impossible


class Lengths(NamedTuple):
    """Per fix: of the leg that ends there and begins at the good fix before it; 0 for a window's first."""

    path_m: NDArray[np.float64]
    chord_m: NDArray[np.float64]
    before: NDArray[np.int64]
    """The leg's first fix; -1: there is none, or no vehicle gets from there to here."""


def empty_lengths(rows: int) -> Lengths:
    return Lengths(np.zeros(rows), np.zeros(rows), np.full(rows, -1, dtype=np.int64))


@lean
def measure(fixes: Fixes, ground: Ground, scheme: Scheme, out: Lengths) -> None:
    """Fill `out`.  A leg reads at most one fix on each side of it."""
    first, label, ts, lat, lng = fixes.first, fixes.label, fixes.ts_ms, fixes.lat_e6, fixes.lng_e6
    speed, heading, accuracy = fixes.speed_mps, fixes.heading_deg, fixes.accuracy_m
    path_m, chords_m, before = out.path_m, out.chord_m, out.before
    for w in range(len(first) - 1):
        h, i, j = -1, -1, -1
        jumped, jumps = False, False
        for k in range(first[w], first[w + 1] + 1):
            if k < first[w + 1] and label[k] != GOOD:
                jumps = jumps or label[k] == IMPLAUSIBLE
                continue
            after = k if k < first[w + 1] else -1
            if i >= 0:
                chord = chord_m(ground, lat, lng, i, j)
                seconds = (ts[j] - ts[i]) * 0.001
                if not impossible(chord, seconds, accuracy[i] + accuracy[j], speed[i], speed[j], scheme):
                    # speeds around the leg, where the fixes before and after it stand about as far apart
                    v0, v3 = -1.0, -1.0
                    if h >= 0 and after >= 0 and _even(ts[i] - ts[h], ts[j] - ts[i], ts[after] - ts[j]):
                        v0, v3 = speed[h], speed[after]
                    doppler = _doppler_m(v0, speed[i], speed[j], v3, seconds)
                    noise = math.sqrt(accuracy[i] ** 2 + accuracy[j] ** 2)
                    bend = _bend(heading[i], heading[j], min(speed[i], speed[j]))
                    before[j], chords_m[j] = i, chord
                    path = _path_m(chord, noise, seconds, speed[i], speed[j], doppler, bend, scheme)
                    # a jump was left out: its ends may be a part of it, so the speeds alone say how far it was
                    path_m[j] = min(path, doppler) if jumped and speed[i] >= 0.0 and speed[j] >= 0.0 else path
            h, i, j = i, j, after
            jumped, jumps = jumps, False


@inlined
def noise_m(fixes: Fixes, i: int, j: int) -> float:
    """One deviation of the distance between two fixes."""
    return math.sqrt(fixes.accuracy_m[i] ** 2 + fixes.accuracy_m[j] ** 2)


@inlined
def _even(before_ms: int, leg_ms: int, after_ms: int) -> bool:
    return 7 * leg_ms < 10 * before_ms < 14 * leg_ms and 7 * leg_ms < 10 * after_ms < 14 * leg_ms


@inlined
def _path_m(
    chord: float, noise: float, seconds: float, v1: float, v2: float, doppler: float, bend: float, scheme: Scheme
) -> float:
    """Doppler speed at close fixes; towards sparse ones as much the arc that the headings bend the chord to.

    Bends that no fix saw lengthen the arc, as far as Doppler speed says so and by no more than `sparse`."""
    if v1 < 0.0 or v2 < 0.0:
        path = math.sqrt(chord * chord - noise * noise) if chord > 2.0 * noise else 0.0
    elif v1 < scheme.parked_mps and v2 < scheme.parked_mps and chord < 3.0 * noise + scheme.drift_m:
        path = 0.0
    else:
        share = scheme.arc_share_max * min(1.0, max(0.0, (seconds - 1.0) / scheme.arc_full_s))
        sparse = 1.0 + min(scheme.sparse_max, max(0.0, seconds - scheme.sparse_from_s) * scheme.sparse_per_s)
        slack = noise + scheme.doppler_slack_m + scheme.doppler_slack_mps * seconds
        doppler = min(doppler, chord * scheme.doppler_over_chord + slack)
        arc = chord * bend
        path = (1.0 - share) * doppler + share * min(max(arc, doppler), arc * sparse)
        spurt = 0.25 * scheme.spurt_mps2 * seconds * seconds
        path = max(path, min(chord - 2.0 * noise, doppler + spurt + scheme.doppler_slack_m))
    return path * (1.0 - scheme.shave)


@inlined
def _doppler_m(v0: float, v1: float, v2: float, v3: float, seconds: float) -> float:
    """Integral of the cubic through four speeds where they are evenly spaced, else the trapezoid."""
    if v0 >= 0.0 and v3 >= 0.0:
        return max(0.0, (13.0 * (v1 + v2) - v0 - v3) / 24.0 * seconds)
    return 0.5 * (v1 + v2) * seconds


@inlined
def _bend(heading: float, next_heading: float, least_speed: float) -> float:
    """Arc over chord of a circle that turns by the difference of the headings; 1 where they are not known.

    x / sin x for half the turn, by its series: within 0.2 % up to a turn of 140 degrees, and held there."""
    if heading < 0.0 or next_heading < 0.0 or least_speed < 1.0:
        return 1.0
    turn = abs(next_heading - heading)
    turn = min(turn, abs(360.0 - turn), 140.0)
    y = (0.5 * turn * 0.017453292519943295) ** 2
    return 1.0 + y / 6.0 * (1.0 + y * 7.0 / 60.0 * (1.0 + y * 31.0 / 294.0))
