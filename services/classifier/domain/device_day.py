"""Fixes in, device-days out: scheme 1 as one pure function (design section 5).

    outcomes = classify_days(pings, None, road_set)              # every NZ day that has a fix
    outcomes = classify_days(pings, [((tenant, device), day)], road_set)

No I/O but the road set's mapped columns, no clock, no randomness.  The result is a function of the set of fixes: order and
duplicates do not matter, and a day depends only on fixes of that day and of the gap limit on both sides.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, get_args

import numpy as np

from services.classifier.domain import evidence as evidence_module
from services.classifier.domain import fixes as fixes_module
from services.classifier.domain import legs, lengths, segments, surfaces
from services.classifier.domain import pieces as pieces_module
from services.classifier.domain.fixes import Fixes, prepare
from services.classifier.domain.geometry import Roads
from services.classifier.domain.readings import HOUR_MS, Odometers, empty_odometers, find_stretches
from services.classifier.domain.reasons import why
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.domain.segments import Runs
from shared.contracts.device_day import Basis, DeviceDay, Kind, Reading, Segment, Surface, Total
from shared.contracts.pings import Key, Pings

SURFACES: Final[tuple[Surface, ...]] = ("public_road", "off_road", "unknown", "carried")
BASES: Final[tuple[Basis, ...]] = (
    "mapped_public", "private_road", "no_road", "odometer_bound", "unknown_way", "like_a_road", "ambiguous", "outside_coverage",
    "gap", "carried",
)  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
COVERED_EVERY_MS: Final = 600_000
"""Rule EL6: a fix at least every 10 minutes."""


class RoadSetLike(Protocol):
    """What the scheme needs of a road data set (services.classifier.roads.dataset.RoadSet)."""

    @property
    def roads(self) -> Roads: ...
    def describe(self, way: int) -> str: ...


@dataclass(frozen=True)
class DayOutcome:
    """A device-day as the scheme sees it; `revision` makes the fact that leaves the classifier."""

    key: Key
    day: int
    totals: tuple[Total, ...]
    segments: tuple[Segment, ...]
    first_reading: Reading | None
    last_reading: Reading | None
    display_unit_mm: int
    readings: tuple[Reading, ...]
    fixes: int
    first_fix_ms: int
    last_fix_ms: int
    engine_on_ms: int
    covered_ms: int
    incidents: tuple[str, ...]
    scheme: int = 1

    def revision(self, rev: int, settled: bool, road_set: str, land: str = "") -> DeviceDay:
        """The device-day revision; an unsettled one carries totals only (design section 2)."""
        return DeviceDay(
            tenant=self.key[0], device=self.key[1], day=self.day, rev=rev, settled=settled, totals=self.totals,
            segments=self.segments if settled else (), first_reading=self.first_reading, last_reading=self.last_reading,
            display_unit_mm=self.display_unit_mm, readings=self.readings, fixes=self.fixes, first_fix_ms=self.first_fix_ms,
            last_fix_ms=self.last_fix_ms, engine_on_ms=self.engine_on_ms, covered_ms=self.covered_ms,
            incidents=self.incidents, road_set=road_set, land=land, scheme=self.scheme,
        )  # fmt: skip


def classify_days(
    pings: Pings, wanted: Sequence[tuple[Key, int]] | None, roads: RoadSetLike, scheme: Scheme = V1
) -> list[DayOutcome]:
    """The outcome of each wanted NZ day (one without a fix: all empty), by (tenant, device) as in `pings.keys`, and day."""
    fixes = prepare(pings, list(wanted) if wanted is not None else None, scheme)
    runs, odometers, engine = _kernels(fixes, roads.roads, scheme)
    bounds = np.searchsorted(runs.window, np.arange(len(fixes.key) + 1)).tolist()
    parts = _segments(runs, roads)
    outcomes = [
        _outcome(pings, fixes, tuple(parts[bounds[w] : bounds[w + 1]]), odometers, engine, scheme, w)
        for w in range(len(fixes.key))
    ]
    if wanted is not None:
        known = set(pings.keys)
        outcomes += [_empty(key, day, scheme) for key, day in sorted(set(wanted)) if key not in known]
    return outcomes


def _kernels(fixes: Fixes, roads: Roads, scheme: Scheme) -> tuple[Runs, Odometers, tuple[Any, Any]]:
    """All loops over fixes; each releases the GIL."""
    rows = len(fixes.ts_ms)
    evidence = evidence_module.empty_evidence(rows)
    evidence_module.gather(fixes, roads, scheme, evidence)
    surface = np.zeros(rows, dtype=np.int8)
    surfaces.decide(fixes, evidence, scheme, surface)
    surfaces.mark_road_like(fixes, evidence, scheme, surface)
    odometers = empty_odometers(len(fixes.key), rows)
    find_stretches(fixes, scheme, odometers)
    measured = lengths.empty_lengths(rows)
    lengths.measure(fixes, scheme, measured)
    pieces = pieces_module.empty_pieces(3 * rows)
    count = legs.cut_legs(legs.Work(fixes, odometers, measured, evidence, surface, roads, scheme), pieces)
    segments.mark_still(fixes, odometers, measured, pieces, count, scheme)
    runs = segments.empty_runs(count)
    kept = segments.join_pieces(fixes, pieces, count, odometers, roads, scheme, runs)
    engine = np.zeros(len(fixes.key), dtype=np.int64), np.zeros(len(fixes.key), dtype=np.int64)
    segments.engine_time(fixes, measured, COVERED_EVERY_MS, *engine)
    return segments.cut(runs, kept), odometers, engine


def _outcome(
    pings: Pings,
    fixes: Fixes,
    parts: tuple[Segment, ...],
    odometers: Odometers,
    engine: tuple[Any, Any],
    scheme: Scheme,
    w: int,
) -> DayOutcome:
    rows = slice(int(fixes.first[w]), int(fixes.first[w + 1]))
    low, high = np.searchsorted(fixes.ts_ms[rows], (fixes.start_ms[w], fixes.end_ms[w]))
    inside = np.arange(rows.start + int(low), rows.start + int(high))
    first, last, readings = _readings(fixes, odometers, w, inside)
    return DayOutcome(
        key=pings.keys[int(fixes.key[w])],
        day=int(fixes.day[w]),
        totals=totals_of(parts),
        segments=parts,
        first_reading=first,
        last_reading=last,
        display_unit_mm=int(odometers.unit_mm[w]),
        readings=readings,
        fixes=len(inside),
        first_fix_ms=int(fixes.ts_ms[inside[0]]) if len(inside) else 0,
        last_fix_ms=int(fixes.ts_ms[inside[-1]]) if len(inside) else 0,
        engine_on_ms=int(engine[0][w]),
        covered_ms=int(engine[1][w]),
        incidents=_incidents(fixes, odometers, w, inside),
        scheme=scheme.number,
    )


def totals_of(parts: Sequence[Segment]) -> tuple[Total, ...]:
    """Sums of segments, exact, in a fixed order."""
    sums: dict[tuple[Surface, Basis, Kind, bool], int] = defaultdict(int)
    for part in parts:
        sums[part.surface, part.basis, part.kind, part.in_stretch] += part.mm
    return tuple(Total(*what, mm) for what, mm in sorted(sums.items()))


def _segments(runs: Runs, roads: RoadSetLike) -> list[Segment]:
    """All segments; a way is put into words once."""
    words = {way: roads.describe(way) if way >= 0 else "" for way in np.unique(runs.way).tolist()}
    columns = (
        runs.start_ms, runs.end_ms, runs.surface, runs.basis, runs.kind, runs.in_stretch, runs.mm, runs.way,
        runs.start_lat, runs.start_lng, runs.end_lat, runs.end_lng,
    )  # fmt: skip
    return [
        Segment(
            start, end, SURFACES[surface], BASES[basis], KINDS[kind], inside, mm, why(BASES[basis], words[way]), *places
        )
        for start, end, surface, basis, kind, inside, mm, way, *places in zip(
            *(c.tolist() for c in columns), strict=True
        )
    ]


def _readings(
    fixes: Fixes, odometers: Odometers, w: int, inside: Any
) -> tuple[Reading | None, Reading | None, tuple[Reading, ...]]:
    """First, last, and at most one an hour with these two included."""
    if odometers.first_ms[w] < 0:
        return None, None, ()
    first = Reading(int(odometers.first_ms[w]), int(odometers.first_mm[w]))
    last = Reading(int(odometers.last_ms[w]), int(odometers.last_mm[w]))
    usable = inside[odometers.usable[inside]]
    hours = fixes.ts_ms[usable] // HOUR_MS
    fresh = np.ones(len(usable), dtype=np.bool_)
    fresh[1:] = hours[1:] != hours[:-1]
    hourly = {int(fixes.ts_ms[i]): int(fixes.odometer_mm[i]) for i in usable[fresh]}
    hourly |= {first.ts_ms: first.odometer_mm, last.ts_ms: last.odometer_mm}
    return first, last, tuple(Reading(ts, mm) for ts, mm in sorted(hourly.items()))


def _incidents(fixes: Fixes, odometers: Odometers, w: int, inside: Any) -> tuple[str, ...]:
    counts = np.bincount(fixes.label[inside], minlength=len(fixes_module.LABELS))
    found = [f"{int(counts[i])} fixes: {fixes_module.LABELS[i]}" for i in range(1, len(counts)) if counts[i]]
    if odometers.broken[w]:
        found.append(f"{int(odometers.broken[w])} odometer readings fell back or jumped, and are not used")
    return tuple(found)


def _empty(key: Key, day: int, scheme: Scheme) -> DayOutcome:
    return DayOutcome(key, day, (), (), None, None, 1, (), 0, 0, 0, 0, 0, (), scheme.number)
