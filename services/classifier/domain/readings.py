"""The device's odometer over a day: which readings are usable, and where the stretch of rule DI1 begins and ends
(scheme 1, paragraphs 32 and 33)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import kernel
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


@kernel
def _follows(fixes: Fixes, i: int, j: int, unit: int, scheme: Scheme) -> bool:
    """Whether reading j can come after reading i: not less, and not more than the greatest speed allows."""
    seconds = (fixes.ts_ms[j] - fixes.ts_ms[i]) // 1000 + 1
    delta = fixes.odometer_mm[j] - fixes.odometer_mm[i]
    return bool(0 <= delta <= int(seconds * scheme.speed_max_mps * 1000.0) + 2 * unit)


@kernel
def find_stretches(fixes: Fixes, scheme: Scheme, out: Odometers) -> None:
    """Fill `out`.  A leg over midnight gives the day a reading at midnight, in proportion to time (rule DI1, design 5)."""
    for w in range(len(fixes.key)):
        unit = display_unit_mm(fixes, w)
        out.unit_mm[w] = unit
        last = -1
        start = _first_usable(fixes, w, unit, scheme)
        for i in range(start if start >= 0 else fixes.first[w + 1], fixes.first[w + 1]):
            if fixes.label[i] != GOOD or fixes.odometer_mm[i] < 0:
                continue
            if last >= 0 and not _follows(fixes, last, i, unit, scheme):
                out.broken[w] += 1
                continue
            out.usable[i] = True
            _extend(fixes, scheme, out, w, last, i)
            last = i


@kernel
def _first_usable(fixes: Fixes, w: int, unit: int, scheme: Scheme) -> int:
    """The first reading that the next one can follow, or the only one; -1: none."""
    before = -1
    for i in range(fixes.first[w], fixes.first[w + 1]):
        if fixes.label[i] != GOOD or fixes.odometer_mm[i] < 0:
            continue
        if before >= 0 and _follows(fixes, before, i, unit, scheme):
            return before
        before = i
    return before


@kernel
def _extend(fixes: Fixes, scheme: Scheme, out: Odometers, w: int, last: int, i: int) -> None:
    """Take reading i into the day's stretch, cutting a leg over either midnight."""
    a, b = fixes.start_ms[w], fixes.end_ms[w]
    near = last >= 0 and fixes.ts_ms[i] - fixes.ts_ms[last] <= scheme.gap_limit_ms
    if near and fixes.ts_ms[last] < a <= fixes.ts_ms[i]:
        out.first_ms[w], out.first_mm[w] = a, _between(fixes, last, i, a)
        out.last_ms[w], out.last_mm[w] = out.first_ms[w], out.first_mm[w]
    if near and fixes.ts_ms[last] < b <= fixes.ts_ms[i] and out.first_ms[w] >= 0:
        out.last_ms[w], out.last_mm[w] = b, _between(fixes, last, i, b)
    if a <= fixes.ts_ms[i] < b:
        if out.first_ms[w] < 0:
            out.first_ms[w], out.first_mm[w] = fixes.ts_ms[i], fixes.odometer_mm[i]
        out.last_ms[w], out.last_mm[w] = fixes.ts_ms[i], fixes.odometer_mm[i]


@kernel
def _between(fixes: Fixes, i: int, j: int, at_ms: int) -> int:
    """The odometer at an instant between two readings, by time, in whole mm."""
    delta = fixes.odometer_mm[j] - fixes.odometer_mm[i]
    reading: int = fixes.odometer_mm[i] + delta * (at_ms - fixes.ts_ms[i]) // (fixes.ts_ms[j] - fixes.ts_ms[i])
    return reading


@kernel
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
