"""Jumps that no vehicle makes (scheme 1, paragraph 16)."""

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.fixes import GOOD, IMPLAUSIBLE, Fixes, order
from services.classifier.domain.ground import Ground, chord_m, empty_ground, lay
from services.classifier.domain.scheme import Scheme
from shared.contracts.pings import Key, Pings


def prepare(pings: Pings, wanted: list[tuple[Key, int]] | None, scheme: Scheme) -> Fixes:
    """Fixes in order with all labels, where there are no rulings."""
    fixes = order(pings, wanted, scheme)
    ground = empty_ground(len(fixes.ts_ms))
    lay(fixes.lat_e6, fixes.lng_e6, fixes.speed_mps, fixes.heading_deg, scheme, ground)
    mark_spikes(fixes, ground, scheme, np.empty(len(fixes.label), dtype=np.int64))
    return fixes


@lean
def mark_spikes(fixes: Fixes, ground: Ground, scheme: Scheme, good: NDArray[np.int64]) -> None:
    """Label short runs of fixes that cannot be reached from both sides (scheme 1, paragraph 16).

    A run of at most `spike_run_max` fixes is a spike when the leg into it and the leg out of it need more than the greatest
    speed beyond the noise, and the leg that leaves it out does not.  `good` is room to work in, a place a fix."""
    first, label = fixes.first, fixes.label
    for w in range(len(first) - 1):
        count = 0
        for i in range(first[w], first[w + 1]):
            if label[i] == GOOD:
                good[count] = i
                count += 1
        at = 0
        while at + 1 < count:
            if not _apart(fixes, ground, good[at], good[at + 1], scheme):
                at += 1
                continue
            end = at + 2
            while (
                end < count
                and end - at <= scheme.spike_run_max + 1
                and _apart(fixes, ground, good[at], good[end], scheme)
            ):
                end += 1
            if end < count and end - at <= scheme.spike_run_max + 1:
                for k in range(at + 1, end):
                    label[good[k]] = IMPLAUSIBLE
                at = end
            else:
                at += 1


@inlined
def _apart(fixes: Fixes, ground: Ground, i: int, j: int, scheme: Scheme) -> bool:
    speed, accuracy = fixes.speed_mps, fixes.accuracy_m
    chord = chord_m(ground, fixes.lat_e6, fixes.lng_e6, i, j)
    seconds = (fixes.ts_ms[j] - fixes.ts_ms[i]) * 0.001
    return impossible(chord, seconds, accuracy[i] + accuracy[j], speed[i], speed[j], scheme)


@inlined
def impossible(chord: float, seconds: float, noise: float, v1: float, v2: float, scheme: Scheme) -> bool:
    """Whether no vehicle makes a leg: too far for the time, the speeds and the noise of both ends."""
    reach = scheme.speed_max_mps * seconds + scheme.spike_noise_m + noise
    if v1 >= 0.0 and v2 >= 0.0 and seconds <= scheme.doppler_says_s:
        spurt = (
            0.25 * scheme.spurt_mps2 * seconds * seconds
        )  # speeding up for half the time, braking for the other half
        reach = min(reach, (max(v1, v2) * 1.5 + 5.0) * seconds + spurt + 0.5 * scheme.spike_noise_m + noise)
    return chord > reach
