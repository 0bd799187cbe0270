"""Pieces of legs → the segments of a device-day, in whole millimetres (scheme 1, paragraphs 34 and 35)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import Roads
from services.classifier.domain.lengths import Lengths
from services.classifier.domain.pieces import CARRIED, CARRIED_KIND, IS_CARRIED, Pieces
from services.classifier.domain.readings import Odometers
from services.classifier.domain.scheme import Scheme


class Runs(NamedTuple):
    """Segments as columns, by window and time."""

    window: NDArray[np.int32]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    surface: NDArray[np.int8]
    basis: NDArray[np.int8]
    kind: NDArray[np.int8]
    in_stretch: NDArray[np.bool_]
    mm: NDArray[np.int64]
    way: NDArray[np.int32]
    """The way with the longest unbroken part of the segment, or -1."""
    way_mm: NDArray[np.int64]
    start_lat: NDArray[np.int32]
    start_lng: NDArray[np.int32]
    end_lat: NDArray[np.int32]
    end_lng: NDArray[np.int32]


def empty_runs(count: int) -> Runs:
    return Runs(
        np.zeros(count, np.int32), np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int8),
        np.zeros(count, np.int8), np.zeros(count, np.int8), np.zeros(count, np.bool_), np.zeros(count, np.int64),
        np.full(count, -1, np.int32), np.zeros(count, np.int64), np.zeros(count, np.int32), np.zeros(count, np.int32),
        np.zeros(count, np.int32), np.zeros(count, np.int32),
    )  # fmt: skip


def cut(runs: Runs, count: int) -> Runs:
    """The first `count` segments."""
    return runs._replace(**{name: column[:count] for name, column in runs._asdict().items()})


@kernel
def join_pieces(
    fixes: Fixes, pieces: Pieces, count: int, odometers: Odometers, roads: Roads, scheme: Scheme, out: Runs
) -> int:
    """Cut pieces at the day's bounds and join like neighbours; returns how many segments."""
    n = -1
    run_mm, run_way = 0, -1
    for p in range(count):
        w = pieces.window[p]
        a, b = max(pieces.start_ms[p], fixes.start_ms[w]), min(pieces.end_ms[p], fixes.end_ms[w])
        mm = share_mm(pieces, p, fixes.start_ms[w], fixes.end_ms[w])
        if mm <= 0 or b < a:
            continue
        inside = odometers.first_ms[w] >= 0 and odometers.first_ms[w] <= a and b <= odometers.last_ms[w]
        way = roads.vertex_way[pieces.at[p]] if pieces.at[p] >= 0 else -1
        like = (
            n >= 0 and out.window[n] == w and out.surface[n] == pieces.surface[p] and out.basis[n] == pieces.basis[p]
            and out.kind[n] == pieces.kind[p] and out.in_stretch[n] == inside and a - out.end_ms[n] <= scheme.gap_limit_ms
        )  # fmt: skip
        if not like:
            n += 1
            run_mm, run_way = 0, -1
            out.window[n], out.start_ms[n], out.in_stretch[n], out.mm[n] = w, a, inside, 0
            out.surface[n], out.basis[n], out.kind[n] = pieces.surface[p], pieces.basis[p], pieces.kind[p]
            out.start_lat[n], out.start_lng[n] = _position(fixes, pieces, p, a)
        run_mm = run_mm + mm if way == run_way else mm
        run_way = way
        if way >= 0 and run_mm > out.way_mm[n]:
            out.way[n], out.way_mm[n] = way, run_mm
        out.end_ms[n] = b
        out.mm[n] += mm
        out.end_lat[n], out.end_lng[n] = _position(fixes, pieces, p, b)
    return n + 1


@inlined
def share_mm(pieces: Pieces, p: int, start_ms: int, end_ms: int) -> int:
    """The part of a piece inside a day, by time: what is before a midnight is rounded down, and the rest is after it."""
    a, b, mm = pieces.start_ms[p], pieces.end_ms[p], pieces.mm[p]
    if b <= start_ms or a >= end_ms:
        # a piece without duration belongs to the day its instant lies in
        return mm if a == b and start_ms <= a < end_ms else 0
    before = mm * (start_ms - a) // (b - a) if a < start_ms else 0
    until = mm * (end_ms - a) // (b - a) if b > end_ms else mm
    inside: int = until - before
    return inside


@inlined
def _position(fixes: Fixes, pieces: Pieces, p: int, at_ms: int) -> tuple[int, int]:
    """Where the leg is at an instant, on its straight line."""
    i, j = pieces.fix[p], pieces.until[p]
    span = max(1, fixes.ts_ms[j] - fixes.ts_ms[i])
    t = at_ms - fixes.ts_ms[i]
    lat = fixes.lat_e6[i] + (np.int64(fixes.lat_e6[j]) - fixes.lat_e6[i]) * t // span
    lng = fixes.lng_e6[i] + (np.int64(fixes.lng_e6[j]) - fixes.lng_e6[i]) * t // span
    return lat, lng


@kernel
def mark_still(fixes: Fixes, odometers: Odometers, lengths: Lengths, pieces: Pieces, count: int, scheme: Scheme) -> None:
    """Rule SU8: what moves on while its odometer stands still, beyond one display unit, is carried."""
    p = 0
    while p < count:
        w, reading = pieces.window[p], fixes.odometer_mm[pieces.fix[p]]
        q, moved_m = p, 0.0
        while q < count and pieces.window[q] == w and _still(fixes, odometers, pieces, q, reading):
            j = pieces.until[q]
            if q == p or pieces.until[q - 1] != j:
                near = fixes.ts_ms[j] - fixes.ts_ms[pieces.fix[q]] <= scheme.gap_limit_ms
                moved_m += lengths.path_m[j] if near else lengths.chord_m[j]
            q += 1
        if moved_m * 1000.0 > odometers.unit_mm[w] * 1.1 + scheme.still_slack_m * 1000.0:
            for k in range(p, q):
                pieces.surface[k], pieces.basis[k], pieces.kind[k] = CARRIED, IS_CARRIED, CARRIED_KIND
        p = max(q, p + 1)


@inlined
def _still(fixes: Fixes, odometers: Odometers, pieces: Pieces, q: int, reading: int) -> bool:
    i, j = pieces.fix[q], pieces.until[q]
    return bool(
        odometers.usable[i]
        and odometers.usable[j]
        and fixes.odometer_mm[i] == reading
        and fixes.odometer_mm[j] == reading
    )


@kernel
def engine_time(
    fixes: Fixes, lengths: Lengths, every_ms: int, engine_ms: NDArray[np.int64], covered_ms: NDArray[np.int64]
) -> None:
    """Rule EL6, per window: time with the engine on, and the part of it between fixes at most `every_ms` apart that carry an
    odometer and 4 or more decimals.  Without an ignition signal the engine is on while the vehicle moves."""
    for w in range(len(fixes.key)):
        exact = False
        for i in range(fixes.first[w], fixes.first[w + 1]):
            exact = exact or fixes.lat_e6[i] % 1000 != 0 or fixes.lng_e6[i] % 1000 != 0
        i = -1
        for j in range(fixes.first[w], fixes.first[w + 1]):
            if fixes.label[j] != GOOD:
                continue
            if i >= 0:
                on = fixes.ignition[i] == 1
                if fixes.ignition[i] < 0:
                    on = lengths.path_m[j] > 0.0
                span = min(fixes.ts_ms[j], fixes.end_ms[w]) - max(fixes.ts_ms[i], fixes.start_ms[w])
                if on and span > 0:
                    engine_ms[w] += span
                    near = fixes.ts_ms[j] - fixes.ts_ms[i] <= every_ms
                    if exact and near and fixes.odometer_mm[i] >= 0 and fixes.odometer_mm[j] >= 0:
                        covered_ms[w] += span
            i = j
