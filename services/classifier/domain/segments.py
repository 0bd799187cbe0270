"""Pieces of legs → the segments of a device-day, in whole millimetres (scheme 1, paragraphs 34 and 35)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, lean
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
    """The way with the longest unbroken part of the segment; -1: none; below: the place -2 - `way` (domain.places)."""
    way_mm: NDArray[np.int64]
    start_lat: NDArray[np.int32]
    start_lng: NDArray[np.int32]
    end_lat: NDArray[np.int32]
    end_lng: NDArray[np.int32]


def empty_runs(count: int) -> Runs:
    return Runs(
        np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int8),
        np.empty(count, np.int8), np.empty(count, np.int8), np.empty(count, np.bool_), np.empty(count, np.int64),
        np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count, np.int32), np.empty(count, np.int32),
        np.empty(count, np.int32), np.empty(count, np.int32),
    )  # fmt: skip


def cut(runs: Runs, count: int) -> Runs:
    """The first `count` segments."""
    return runs._replace(**{name: column[:count] for name, column in runs._asdict().items()})


@lean
def join_pieces(
    fixes: Fixes, pieces: Pieces, count: int, odometers: Odometers, roads: Roads, scheme: Scheme, out: Runs
) -> int:
    """Cut pieces at the day's bounds and join like neighbours; returns how many segments."""
    windows, starts, ends, lengths, ats = pieces.window, pieces.start_ms, pieces.end_ms, pieces.mm, pieces.at
    surfaces, bases, kinds = pieces.surface, pieces.basis, pieces.kind
    vertex_way, way_mm, ways, mms, out_ends = roads.vertex_way, out.way_mm, out.way, out.mm, out.end_ms
    n, w, last = -1, -1, -1
    run_mm, run_way = 0, -1
    low, high, from_ms, until_ms = 0, 0, 0, 0
    for p in range(count):
        if windows[p] != w:
            if last >= 0:
                out.end_lat[n], out.end_lng[n] = _position(fixes, pieces, last, out_ends[n])
            w = windows[p]
            low, high = fixes.start_ms[w], fixes.end_ms[w]
            from_ms, until_ms = odometers.first_ms[w], odometers.last_ms[w]
            last = -1
        mm = share_mm(starts[p], ends[p], lengths[p], low, high)
        if mm <= 0:
            continue
        a, b = max(starts[p], low), min(ends[p], high)
        inside = from_ms >= 0 and from_ms <= a and b <= until_ms
        like = last >= 0 and surfaces[last] == surfaces[p] and bases[last] == bases[p] and kinds[last] == kinds[p]
        if not (like and out.in_stretch[n] == inside and a - out_ends[n] <= scheme.gap_limit_ms):
            if last >= 0:
                out.end_lat[n], out.end_lng[n] = _position(fixes, pieces, last, out_ends[n])
            n += 1
            run_mm, run_way = 0, -1
            out.window[n], out.start_ms[n], out.in_stretch[n], mms[n] = w, a, inside, 0
            ways[n], way_mm[n] = -1, 0
            out.surface[n], out.basis[n], out.kind[n] = surfaces[p], bases[p], kinds[p]
            out.start_lat[n], out.start_lng[n] = _position(fixes, pieces, p, a)
        way = vertex_way[ats[p]] if ats[p] >= 0 else ats[p]
        run_mm = run_mm + mm if way == run_way else mm
        run_way, last = way, p
        if way != -1 and run_mm > way_mm[n]:
            ways[n], way_mm[n] = way, run_mm
        out_ends[n] = b
        mms[n] += mm
    if last >= 0:
        out.end_lat[n], out.end_lng[n] = _position(fixes, pieces, last, out_ends[n])
    return n + 1


@inlined
def share_mm(a: int, b: int, mm: int, start_ms: int, end_ms: int) -> int:
    """The part inside a day of a piece from a to b, by time: what is before a midnight is rounded down, the rest after it."""
    if a >= start_ms and b <= end_ms:
        # one without duration belongs to the day its instant lies in
        return mm if b > a or a < end_ms else 0
    if b <= start_ms or a >= end_ms:
        return 0
    before = mm * (start_ms - a) // (b - a) if a < start_ms else 0
    until = mm * (end_ms - a) // (b - a) if b > end_ms else mm
    return until - before


@lean
def _position(fixes: Fixes, pieces: Pieces, p: int, at_ms: int) -> tuple[int, int]:
    """Where the leg is at an instant, on its straight line."""
    i, j = pieces.fix[p], pieces.until[p]
    span = max(1, fixes.ts_ms[j] - fixes.ts_ms[i])
    t = at_ms - fixes.ts_ms[i]
    lat = fixes.lat_e6[i] + (np.int64(fixes.lat_e6[j]) - fixes.lat_e6[i]) * t // span
    lng = fixes.lng_e6[i] + (np.int64(fixes.lng_e6[j]) - fixes.lng_e6[i]) * t // span
    return lat, lng


@lean
def mark_still(
    fixes: Fixes, odometers: Odometers, lengths: Lengths, pieces: Pieces, count: int, scheme: Scheme
) -> None:
    """Rule SU8: what moves on while its odometer stands still, beyond one display unit, is carried."""
    windows, fix, until, odometer = pieces.window, pieces.fix, pieces.until, fixes.odometer_mm
    usable, path_m, chords_m, ts = odometers.usable, lengths.path_m, lengths.chord_m, fixes.ts_ms
    p = 0
    while p < count:
        w, reading = windows[p], odometer[fix[p]]
        q, moved_m = p, 0.0
        while q < count and windows[q] == w and usable[fix[q]] and usable[until[q]] and odometer[until[q]] == reading:
            j = until[q]
            if q == p or until[q - 1] != j:
                moved_m += path_m[j] if ts[j] - ts[fix[q]] <= scheme.gap_limit_ms else chords_m[j]
            q += 1
        if moved_m * 1000.0 > odometers.unit_mm[w] * 1.1 + scheme.still_slack_m * 1000.0:
            for k in range(p, q):
                pieces.surface[k], pieces.basis[k], pieces.kind[k] = CARRIED, IS_CARRIED, CARRIED_KIND
        p = max(q, p + 1)


@lean
def engine_time(
    fixes: Fixes, lengths: Lengths, every_ms: int, engine_ms: NDArray[np.int64], covered_ms: NDArray[np.int64]
) -> None:
    """Rule EL6, per window: time with the engine on, and the part of it between fixes at most `every_ms` apart that carry an
    odometer and 4 or more decimals.  Without an ignition signal the engine is on while the vehicle moves."""
    ts, lat, lng, label, first = fixes.ts_ms, fixes.lat_e6, fixes.lng_e6, fixes.label, fixes.first
    ignition, odometer, path_m = fixes.ignition, fixes.odometer_mm, lengths.path_m
    for w in range(len(first) - 1):
        exact = False
        for i in range(first[w], first[w + 1]):
            if lat[i] % 1000 != 0 or lng[i] % 1000 != 0:
                exact = True
                break
        i = -1
        for j in range(first[w], first[w + 1]):
            if label[j] != GOOD:
                continue
            if i >= 0 and (ignition[i] == 1 or (ignition[i] < 0 and path_m[j] > 0.0)):
                span = max(0, min(ts[j], fixes.end_ms[w]) - max(ts[i], fixes.start_ms[w]))
                engine_ms[w] += span
                if exact and ts[j] - ts[i] <= every_ms and odometer[i] >= 0 and odometer[j] >= 0:
                    covered_ms[w] += span
            i = j
