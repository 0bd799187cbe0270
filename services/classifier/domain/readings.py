"""The device's odometer over a day: which readings are usable, and where the stretch of rule DI1 begins and ends
(scheme 1, paragraphs 32 and 33)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.scheme import Scheme

HOUR_MS = 3_600_000


class Odometers(NamedTuple):
    """Per window.  `first_ms` is -1 where there is no stretch."""

    first_ms: NDArray[np.int64]
    first_mm: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    last_mm: NDArray[np.int64]
    unit_mm: NDArray[np.int64]
    broken: NDArray[np.int64]
    """How many readings fell back or jumped, and are not used."""
    usable: NDArray[np.bool_]
    """Per fix."""


def empty_odometers(windows: int, rows: int) -> Odometers:
    return Odometers(
        first_ms=np.full(windows, -1, dtype=np.int64),
        first_mm=np.full(windows, -1, dtype=np.int64),
        last_ms=np.full(windows, -1, dtype=np.int64),
        last_mm=np.full(windows, -1, dtype=np.int64),
        unit_mm=np.ones(windows, dtype=np.int64),
        broken=np.zeros(windows, dtype=np.int64),
        usable=np.zeros(rows, dtype=np.bool_),
    )


@lean
def find_stretches(fixes: Fixes, scheme: Scheme, good: NDArray[np.int64], out: Odometers) -> None:
    """Fill `out`.  A leg over midnight gives the day a reading at midnight, in proportion to time (rule DI1, design 5).

    `good` is room to work in, a place a fix."""
    ts, odometer, label, usable = fixes.ts_ms, fixes.odometer_mm, fixes.label, out.usable
    until_ms, until_mm = out.last_ms, out.last_mm
    for w in range(len(fixes.first) - 1):
        count = 0
        for i in range(fixes.first[w], fixes.first[w + 1]):
            if label[i] == GOOD and odometer[i] >= 0:
                good[count] = i
                count += 1
        unit, low, high = _unit_mm(odometer, good, count), fixes.start_ms[w], fixes.end_ms[w]
        out.unit_mm[w] = unit
        n = _first_usable(ts, odometer, good, count, unit, scheme)
        last = -1
        for k in range(n, count):
            i = good[k]
            if last >= 0 and not _follows(ts[i] - ts[last], odometer[i] - odometer[last], unit, scheme):
                out.broken[w] += 1
                continue
            usable[i] = True
            if last >= 0 and low <= ts[last] and ts[i] < high:  # nine in ten: both inside the day
                until_ms[w], until_mm[w] = ts[i], odometer[i]
            else:
                _extend(fixes, scheme, out, w, last, i)
            last = i


@inlined
def _follows(step_ms: int, delta_mm: int, unit_mm: int, scheme: Scheme) -> bool:
    """Whether a reading can come after another: not less, and not more than the greatest speed allows."""
    return 0 <= delta_mm <= int((step_ms // 1000 + 1) * scheme.speed_max_mps * 1000.0) + 2 * unit_mm


@lean
def _first_usable(
    ts: NDArray[np.int64], odometer: NDArray[np.int64], good: NDArray[np.int64], count: int, unit: int, scheme: Scheme
) -> int:
    """Place in `good` of the first reading that the next one can follow; the last where there is none."""
    for n in range(count - 1):
        i, j = good[n], good[n + 1]
        if _follows(ts[j] - ts[i], odometer[j] - odometer[i], unit, scheme):
            return n
    return max(0, count - 1)


@lean
def _extend(fixes: Fixes, scheme: Scheme, out: Odometers, w: int, last: int, i: int) -> None:
    """Take reading i into the day's stretch, cutting a leg over either midnight."""
    a, b, ts, odometer = fixes.start_ms[w], fixes.end_ms[w], fixes.ts_ms, fixes.odometer_mm
    inside = a <= ts[i] < b
    if last >= 0 and ts[i] - ts[last] <= scheme.gap_limit_ms:
        if ts[last] < a <= ts[i]:
            out.first_ms[w], out.first_mm[w] = a, _between(fixes, last, i, a)
            out.last_ms[w], out.last_mm[w] = out.first_ms[w], out.first_mm[w]
        if ts[last] < b <= ts[i] and out.first_ms[w] >= 0:
            out.last_ms[w], out.last_mm[w] = b, _between(fixes, last, i, b)
    if inside:
        if out.first_ms[w] < 0:
            out.first_ms[w], out.first_mm[w] = ts[i], odometer[i]
        out.last_ms[w], out.last_mm[w] = ts[i], odometer[i]


@lean
def _between(fixes: Fixes, i: int, j: int, at_ms: int) -> int:
    """The odometer at an instant between two readings, by time, in whole mm."""
    delta = fixes.odometer_mm[j] - fixes.odometer_mm[i]
    reading: int = fixes.odometer_mm[i] + delta * (at_ms - fixes.ts_ms[i]) // (fixes.ts_ms[j] - fixes.ts_ms[i])
    return reading


@lean
def _unit_mm(odometer: NDArray[np.int64], good: NDArray[np.int64], count: int) -> int:
    """Largest usual display step that all readings of a window are multiples of (paragraph 30); 1 mm without readings."""
    for unit in (1_609_344, 1_000_000, 100_000, 10_000, 1_000, 100, 10):
        fits = count > 0
        for k in range(count):
            if odometer[good[k]] % unit != 0:
                fits = False
                break
        if fits:
            return unit
    return 1
