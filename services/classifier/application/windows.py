"""Device-day windows: all fixes of one device that one NZ day's revision may read, and nothing else.

A window reaches from the day's start less the gap limit to its end plus the gap limit, both included (design section 5):
a fix near midnight lies in two windows, so a late fix changes its own day and at most a neighbour.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts import pings
from shared.contracts.pings import Key, Pings
from shared.nz_days import bounds_ms, days_of

WindowKey = tuple[str, str, int]
"""(tenant, device, NZ day)."""


@dataclass(frozen=True, slots=True)
class Window:
    """The fixes of one window, each identity once."""

    fixes: Pings
    hashes: NDArray[np.uint64]
    own_rows: int
    """How many of them lie inside the day itself; a day without any has no revision."""
    settle_noted: bool = False
    """A row in `day_due` is known to wait for this day's end."""
    sent: bytes | None = None
    """Content hash of the last revision sent, where this process sent it."""


def window_bounds_ms(day: int, gap_ms: int) -> tuple[int, int]:
    """First and last instant of a day's window, both included."""
    start, end = bounds_ms(day)
    return start - gap_ms, end + gap_ms


Rows = dict[WindowKey, NDArray[np.intp]]
"""Row numbers of a set of columns by window, in the order of the columns."""


class Split(NamedTuple):
    own: Rows
    """Each row once, under its own day."""
    edge: Rows
    """Rows within the gap limit of a midnight once more, under the day on its other side."""


def split(fixes: Pings, days: NDArray[np.int32], gap_ms: int) -> Split:
    """Which rows lie in which windows.  `days` is each row's own NZ day."""
    starts, ends = _bounds(days)
    before = np.flatnonzero(fixes.ts_ms - starts <= gap_ms)
    after = np.flatnonzero(ends - fixes.ts_ms <= gap_ms)
    edge = _grouped(fixes, np.concatenate([before, after]), np.concatenate([days[before] - 1, days[after] + 1]))
    return Split(_grouped(fixes, np.arange(len(fixes)), days), edge)


def _grouped(fixes: Pings, rows: NDArray[np.intp], days: NDArray[np.int32]) -> Rows:
    if not len(rows):
        return {}
    key = fixes.key[rows]
    order = np.lexsort((rows, days, key))
    rows, days, key = rows[order], days[order], key[order]
    heads = np.flatnonzero(np.r_[True, (key[1:] != key[:-1]) | (days[1:] != days[:-1])])
    names = [(*fixes.keys[code], day) for code, day in zip(key[heads].tolist(), days[heads].tolist(), strict=True)]
    return dict(zip(names, np.split(rows, heads[1:]), strict=True))


def _bounds(days: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    distinct, inverse = np.unique(days, return_inverse=True)
    bounds = np.array([bounds_ms(day) for day in distinct.tolist()], np.int64).reshape(-1, 2)
    return bounds[inverse, 0], bounds[inverse, 1]


def only(key: Key, fixes: Pings) -> Pings:
    """The same rows under a single key, so that a cached window does not hold a batch's whole key list."""
    columns = fixes.columns() | {"key": np.zeros(len(fixes), np.uint32)}
    return pings.make((key,), columns)


def build(fixes: Pings, gap_ms: int, wanted: Iterable[WindowKey]) -> dict[WindowKey, Window]:
    """The wanted windows out of fixes that hold at least all of theirs; a window without fixes is there and empty."""
    own, edge = split(fixes, days_of(fixes.ts_ms), gap_ms)
    none = np.empty(0, np.intp)
    return {
        name: grow(None, name, fixes.take(np.concatenate([own.get(name, none), edge.get(name, none)])))
        for name in wanted
    }


def grow(window: Window | None, name: WindowKey, fresh: Pings, hashes: NDArray[np.uint64] | None = None) -> Window:
    """The window with more fixes.  The caller has left out those it has already."""
    own = only((name[0], name[1]), fresh)
    hashes = pings.content_hash(own) if hashes is None else hashes
    start, end = bounds_ms(name[2])
    inside = int(np.count_nonzero((own.ts_ms >= start) & (own.ts_ms < end)))
    if window is None:
        return Window(own, hashes, inside)
    return Window(
        pings.concat([window.fixes, own]),
        np.concatenate([window.hashes, hashes]),
        window.own_rows + inside,
        window.settle_noted,
        window.sent,
    )


def stack(windows: Sequence[Window]) -> Pings:
    """All fixes of the windows in one set of columns, the kernel's input; overlaps are named twice, which it expects."""
    return pings.concat([window.fixes for window in windows])


def fresh_rows(
    fixes: Pings, hashes: NDArray[np.uint64], own: Rows, known: Mapping[WindowKey, Window]
) -> NDArray[np.bool_]:
    """Which of the new rows add something: the first of each identity that the window of its own day does not hold.

    `own` is that of their `split`."""
    names = list(own)
    new = np.concatenate([own[name] for name in names] or [np.empty(0, np.intp)])
    new_code = np.repeat(np.arange(len(names)), [len(own[name]) for name in names])
    new_ts = fixes.ts_ms[new]
    old_ts, old_hash, old_code = _candidates([known[name] for name in names], new_ts)
    ts = np.concatenate([old_ts, new_ts])
    content = np.concatenate([old_hash, hashes[new]])
    code = np.concatenate([old_code, new_code])
    row = np.concatenate([np.full(len(old_ts), -1), new])
    order = np.lexsort((row, content, ts, code))  # what is held sorts before what is new, then in order of arrival
    ts, content, code, row = ts[order], content[order], code[order], row[order]
    repeated = np.zeros(len(order), np.bool_)
    repeated[1:] = (ts[1:] == ts[:-1]) & (content[1:] == content[:-1]) & (code[1:] == code[:-1])
    fresh = np.zeros(len(fixes), np.bool_)
    fresh[row[~repeated & (row >= 0)]] = True
    return fresh


def _candidates(
    windows: Sequence[Window], new_ts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.intp]]:
    """Held fixes whose instant also occurs among the new ones: few, so that the sort stays small."""
    held_ts = np.concatenate([window.fixes.ts_ms for window in windows] or [np.empty(0, np.int64)])
    held_hash = np.concatenate([window.hashes for window in windows] or [np.empty(0, np.uint64)])
    held_code = np.repeat(np.arange(len(windows)), [len(window.hashes) for window in windows])
    wanted = np.unique(new_ts)
    if not len(wanted):
        return held_ts[:0], held_hash[:0], held_code[:0]
    at = np.minimum(np.searchsorted(wanted, held_ts), len(wanted) - 1)
    same = wanted[at] == held_ts
    return held_ts[same], held_hash[same], held_code[same]
