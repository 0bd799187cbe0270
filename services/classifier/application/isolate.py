"""The kernel over many device-days at once, and who is to blame when it raises: halves until one device-day, then one row.

A device-day never reads another device (design section 5), so leaving one out changes nothing for the others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from services.classifier.application.windows import Window, WindowKey, grow, stack
from shared.contracts.device_day import DeviceDay
from shared.contracts.pings import Key, Pings
from shared.errors import Fatal

ROWS_PER_CALL_MAX: Final = 1_500_000
"""Bounds the memory of one kernel call; one device-day alone may be above it."""


class Outcome(Protocol):
    """What the kernel says of one device-day (`application.judging.Judged`)."""

    @property
    def key(self) -> Key: ...
    @property
    def day(self) -> int: ...
    def revision(self, rev: int, settled: bool) -> DeviceDay: ...


Classify = Callable[[Pings, Sequence[tuple[Key, int]]], Sequence[Outcome]]
"""The kernel with everything but the fixes (`application.judging.Judge`)."""


def classify_windows(
    classify: Classify, windows: Mapping[WindowKey, Window]
) -> tuple[dict[WindowKey, Outcome], dict[WindowKey, Exception]]:
    """The outcome of every window that has one, and the error of every other.  Raises only Fatal and MemoryError."""
    done: dict[WindowKey, Outcome] = {}
    failed: dict[WindowKey, Exception] = {}
    pending = _chunks(windows)
    while pending:
        names = pending.pop()
        try:
            done |= _call(classify, windows, names)
        except (Fatal, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one row's, not the partition's (G7)
            if len(names) == 1:
                failed[names[0]] = error
            else:
                middle = len(names) // 2
                pending += [names[:middle], names[middle:]]
    return done, failed


def culprit(classify: Classify, name: WindowKey, base: Window, fresh: Pings) -> int | None:
    """Row of `fresh` without which the rows before it pass and with which they fail; None when the base alone fails."""

    def passes(rows: int) -> bool:
        window = grow(base, name, fresh.take(np.arange(rows)))
        return not window.own_rows or not classify_windows(classify, {name: window})[1]

    if not passes(0):
        return None
    good, bad = 0, len(fresh)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    return bad - 1


def _call(
    classify: Classify, windows: Mapping[WindowKey, Window], names: Sequence[WindowKey]
) -> dict[WindowKey, Outcome]:
    wanted = [((tenant, device), day) for tenant, device, day in names]
    outcomes = {
        (*outcome.key, outcome.day): outcome for outcome in classify(stack([windows[n] for n in names]), wanted)
    }
    if set(outcomes) != set(names):
        raise RuntimeError(f"the kernel answered {len(outcomes)} device-days where {len(names)} were asked for")
    return outcomes


def _chunks(windows: Mapping[WindowKey, Window]) -> list[list[WindowKey]]:
    chunks: list[list[WindowKey]] = []
    rows = ROWS_PER_CALL_MAX
    for name, window in windows.items():
        rows += len(window.fixes)
        if rows > ROWS_PER_CALL_MAX:
            chunks.append([])
            rows = len(window.fixes)
        chunks[-1].append(name)
    return chunks
