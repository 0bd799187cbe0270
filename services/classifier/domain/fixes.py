"""Fixes: one row an instant of a device, in order, each with a label (scheme 1, paragraphs 13 to 17; rule DI4).

Labels are given before any distance is computed; a labelled fix stays in evidence and counts nothing."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.scheme import Scheme
from shared.contracts.pings import MEASURED, Key, Pings
from shared.nz_days import bounds_ms, days_of

GOOD: Final = 0
INVALID: Final = 1
NO_POSITION: Final = 2
INACCURATE: Final = 3
CONFLICT: Final = 4
IMPLAUSIBLE: Final = 5
EXCLUDED: Final = 6
LABELS: Final = (
    "good",
    "invalid",
    "no position (0/0)",
    "inaccurate",
    "two contents at one instant",
    "implausible jump",
    "excluded",
)
_TS_BITS: Final = 43
_HOUR_MS: Final = 3_600_000


class Fixes(NamedTuple):
    """Windows of device-days, one after another; window w holds rows first[w] to first[w + 1] - 1 in order of time.

    A window is an NZ day of a device and what lies within the gap limit on both sides of it."""

    key: NDArray[np.int64]
    """Per window: index into Pings.keys."""
    day: NDArray[np.int32]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    first: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    speed_mps: NDArray[np.float64]
    """-1 where not reported."""
    heading_deg: NDArray[np.float64]
    accuracy_m: NDArray[np.float64]
    """Reported, or from HDOP, or the default; never below the floor."""
    vague: NDArray[np.bool_]
    """The accuracy is the default: nothing was reported."""
    odometer_mm: NDArray[np.int64]
    ignition: NDArray[np.int8]
    label: NDArray[np.int8]


def order(pings: Pings, wanted: list[tuple[Key, int]] | None, scheme: Scheme) -> Fixes:
    """Order, identity, and the labels that a fix has by itself.  `wanted` None: every NZ day that has a fix."""
    rows, conflict = _distinct(pings)
    ts, key = pings.ts_ms[rows], pings.key[rows].astype(np.int64)
    windows = _windows(pings, ts, key, wanted, scheme.gap_limit_ms)
    keys, days, starts, ends, lo, hi = windows
    first = np.zeros(len(keys) + 1, dtype=np.int64)
    first[1:] = np.cumsum(hi - lo)
    at = np.arange(first[-1]) + np.repeat(lo - first[:-1], hi - lo)
    take = rows[at]
    lat_e6, lng_e6, accuracy_m = pings.lat_e6[take], pings.lng_e6[take], _accuracy(pings, take, scheme)
    label = np.zeros(len(take), dtype=np.int8)
    label[accuracy_m > scheme.accuracy_max_m] = INACCURATE
    label[(lat_e6 == 0) & (lng_e6 == 0)] = NO_POSITION
    label[pings.valid[take] == 0] = INVALID
    label[conflict[at]] = CONFLICT
    return Fixes(
        key=keys, day=days, start_ms=starts, end_ms=ends, first=first,
        ts_ms=pings.ts_ms[take], lat_e6=lat_e6, lng_e6=lng_e6,
        speed_mps=np.where(pings.speed_mmps[take] < 0, -1.0, pings.speed_mmps[take] * 0.001),
        heading_deg=np.where(pings.heading_cdeg[take] < 0, -1.0, pings.heading_cdeg[take] * 0.01),
        accuracy_m=accuracy_m,
        vague=(pings.accuracy_mm[take] <= 0) & (pings.hdop_e2[take] <= 0),
        odometer_mm=pings.odometer_mm[take], ignition=pings.ignition[take], label=label,
    )  # fmt: skip


def _distinct(pings: Pings) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(rows in order of device and time, one an instant; whether that instant has differing contents), rule DI4."""
    order = _order(pings)
    key, ts = pings.key[order], pings.ts_ms[order]
    same = (key[1:] == key[:-1]) & (ts[1:] == ts[:-1])
    if not same.any():
        return order, np.zeros(len(order), dtype=np.bool_)
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = ~same
    heads = np.flatnonzero(first)
    group = np.cumsum(first) - 1
    repeats = np.flatnonzero(~first)
    differs = np.zeros(len(repeats), dtype=np.bool_)
    for name in MEASURED:
        column = getattr(pings, name)
        differs |= column[order[repeats]] != column[order[heads[group[repeats]]]]
    conflict = np.zeros(len(heads), dtype=np.bool_)
    conflict[group[repeats[differs]]] = True
    return order[heads], conflict


def _order(pings: Pings) -> NDArray[np.int64]:
    """Rows by device and instant.  Among equal instants any order does: identical ones are one, differing ones count not."""
    packed = (pings.key.astype(np.int64) << _TS_BITS) | pings.ts_ms
    if len(packed) < 2 or bool(np.all(packed[1:] >= packed[:-1])):
        return np.arange(len(packed))
    return np.argsort(packed, kind="stable")


def _windows(
    pings: Pings, ts: NDArray[np.int64], key: NDArray[np.int64], wanted: list[tuple[Key, int]] | None, gap_ms: int
) -> tuple[
    NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]
]:
    """(key, day, start, end, first row, end row) of each window, by device and day."""
    if wanted is None:
        day = _days(ts)
        fresh = np.ones(len(ts), dtype=np.bool_)
        fresh[1:] = (key[1:] != key[:-1]) | (day[1:] != day[:-1])
        keys, days = key[fresh], day[fresh]
    else:
        index = {one: i for i, one in enumerate(pings.keys)}
        pairs = sorted({(index[one], day) for one, day in wanted if one in index})
        keys = np.array([one for one, _ in pairs], dtype=np.int64)
        days = np.array([day for _, day in pairs], dtype=np.int32)
    bounds = {int(day): bounds_ms(int(day)) for day in np.unique(days)}
    starts = np.array([bounds[int(day)][0] for day in days], dtype=np.int64)
    ends = np.array([bounds[int(day)][1] for day in days], dtype=np.int64)
    packed = (key << _TS_BITS) | ts
    lo = np.searchsorted(packed, (keys << _TS_BITS) | (starts - gap_ms), side="left")
    hi = np.searchsorted(packed, (keys << _TS_BITS) | (ends + gap_ms), side="left")
    return keys, days, starts, ends, lo, hi


def _days(ts: NDArray[np.int64]) -> NDArray[np.int32]:
    """NZ day of each instant; Auckland's midnights fall on whole hours, so a table by hour answers for all."""
    hours = ts // _HOUR_MS
    if len(hours) == 0:
        return np.empty(0, dtype=np.int32)
    low, high = int(hours.min()), int(hours.max())
    table = days_of(np.arange(low, high + 1, dtype=np.int64) * _HOUR_MS)
    return np.asarray(table[hours - low])


def _accuracy(pings: Pings, take: NDArray[np.int64], scheme: Scheme) -> NDArray[np.float64]:
    """Metres; 0 and absent mean "not reported" (payloads: accuracy 0.0 is Traccar's word for unknown)."""
    reported, hdop = pings.accuracy_mm[take] * 0.001, pings.hdop_e2[take] * 0.01
    best = np.where(reported > 0, reported, np.where(hdop > 0, hdop * scheme.hdop_to_m, scheme.accuracy_default_m))
    return np.asarray(np.maximum(best, scheme.accuracy_floor_m), dtype=np.float64)
