"""What a device-day says of its fixes beside its segments: how many, which labels, which odometer readings to keep."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import lean
from services.classifier.domain.fixes import LABELS, Fixes
from services.classifier.domain.readings import HOUR_MS, Odometers


class Summary(NamedTuple):
    """Per window: the rows low to high - 1 are its day's own fixes (the others are context)."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    labels: NDArray[np.int64]
    """(windows, labels): how many of the day's fixes carry which."""
    hourly: NDArray[np.bool_]
    """Per fix: the first usable odometer reading of its hour in the day."""


def empty_summary(windows: int, rows: int) -> Summary:
    counts = np.zeros((windows, len(LABELS)), dtype=np.int64)
    return Summary(np.zeros(windows, np.int64), np.zeros(windows, np.int64), counts, np.zeros(rows, np.bool_))


@lean
def sum_up(fixes: Fixes, odometers: Odometers, out: Summary) -> None:
    """Fill `out`."""
    first, ts, label, usable = fixes.first, fixes.ts_ms, fixes.label, odometers.usable
    lows, highs, labels, hourly = out
    for w in range(len(first) - 1):
        start, end, hour, low, high = fixes.start_ms[w], fixes.end_ms[w], np.int64(-1), first[w], first[w]
        for i in range(first[w], first[w + 1]):
            if ts[i] < start:
                low = i + 1
            if ts[i] < end:
                high = i + 1
            if start <= ts[i] < end:
                labels[w, label[i]] += 1
                if usable[i] and ts[i] // HOUR_MS != hour:
                    hour, hourly[i] = ts[i] // HOUR_MS, True
        lows[w], highs[w] = low, max(low, high)
