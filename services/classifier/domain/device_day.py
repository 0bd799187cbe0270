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

from services.classifier.domain import fixes as fixes_module
from services.classifier.domain.fixes import Fixes, mark_spikes, order
from services.classifier.domain.geometry import Roads
from services.classifier.domain.in_force import InForce, exclude, in_force
from services.classifier.domain.passes import Computed, compute
from services.classifier.domain.readings import HOUR_MS, Odometers
from services.classifier.domain.reasons import describe_place, why
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.domain.segments import Runs
from shared.contracts.device_day import Basis, DeviceDay, Kind, Reading, Segment, Surface, Total
from shared.contracts.pings import Key, Pings

SURFACES: Final[tuple[Surface, ...]] = ("public_road", "off_road", "unknown", "carried")
BASES: Final[tuple[Basis, ...]] = (
    "mapped_public", "private_road", "no_road", "odometer_bound", "unknown_way", "like_a_road", "ambiguous", "outside_coverage",
    "gap", "carried", "declared_land", "declared_over_public", "excluded",
)  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


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
    land: str = ""
    """Names the rulings that it depends on (rulings.Rulings.name)."""

    def revision(self, rev: int, settled: bool, road_set: str) -> DeviceDay:
        """The device-day revision; an unsettled one carries totals only (design section 2)."""
        return DeviceDay(
            tenant=self.key[0], device=self.key[1], day=self.day, rev=rev, settled=settled, totals=self.totals,
            segments=self.segments if settled else (), first_reading=self.first_reading, last_reading=self.last_reading,
            display_unit_mm=self.display_unit_mm, readings=self.readings, fixes=self.fixes, first_fix_ms=self.first_fix_ms,
            last_fix_ms=self.last_fix_ms, engine_on_ms=self.engine_on_ms, covered_ms=self.covered_ms,
            incidents=self.incidents, road_set=road_set, land=self.land, scheme=self.scheme,
        )  # fmt: skip


def classify_days(
    pings: Pings,
    wanted: Sequence[tuple[Key, int]] | None,
    roads: RoadSetLike,
    scheme: Scheme = V1,
    book: Book = NO_BOOK,
) -> list[DayOutcome]:
    """The outcome of each wanted NZ day (one without a fix: all empty), by (tenant, device) as in `pings.keys`, and day.

    `book`: declared land and exclusions (rule SU7); those that a day depends on are named in its `land`."""
    computed, rulings = compute_days(pings, wanted, roads.roads, scheme, book)
    outcomes = outcomes_of(pings, computed, rulings, roads, scheme)
    if wanted is not None:
        known = set(pings.keys)
        missing = [(key, day) for key, day in sorted(set(wanted)) if key not in known]
        outcomes += [empty_day(key, day, scheme, book) for key, day in missing]
    return outcomes


def compute_days(
    pings: Pings, wanted: Sequence[tuple[Key, int]] | None, roads: Roads, scheme: Scheme, book: Book
) -> tuple[Computed, InForce]:
    """The columns that outcomes are made of, and the rulings that they heed."""
    fixes = order(pings, list(wanted) if wanted is not None else None, scheme)
    rulings = in_force(fixes, pings.keys, book, scheme.gap_limit_ms)
    exclude(fixes, rulings.windows)
    mark_spikes(fixes, scheme)
    return compute(fixes, roads, scheme, rulings.places), rulings


def outcomes_of(
    pings: Pings, computed: Computed, rulings: InForce, roads: RoadSetLike, scheme: Scheme
) -> list[DayOutcome]:
    """One of each window."""
    windows = len(computed.fixes.key)
    bounds = np.searchsorted(computed.runs.window, np.arange(windows + 1)).tolist()
    parts = _segments(computed.runs, rulings, roads)
    return [
        _outcome(pings, computed, tuple(parts[bounds[w] : bounds[w + 1]]), rulings.name(w), scheme, w)
        for w in range(windows)
    ]


def _outcome(
    pings: Pings, computed: Computed, parts: tuple[Segment, ...], land: str, scheme: Scheme, w: int
) -> DayOutcome:
    fixes, odometers = computed.fixes, computed.odometers
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
        engine_on_ms=int(computed.engine_ms[w]),
        covered_ms=int(computed.covered_ms[w]),
        incidents=_incidents(fixes, odometers, w, inside),
        scheme=scheme.number,
        land=land,
    )


def totals_of(parts: Sequence[Segment]) -> tuple[Total, ...]:
    """Sums of segments, exact, in a fixed order."""
    sums: dict[tuple[Surface, Basis, Kind, bool], int] = defaultdict(int)
    for part in parts:
        sums[part.surface, part.basis, part.kind, part.in_stretch] += part.mm
    return tuple(Total(*what, mm) for what, mm in sorted(sums.items()))


def _segments(runs: Runs, rulings: InForce, roads: RoadSetLike) -> list[Segment]:
    """All segments; a way or place is put into words once."""
    words = {way: _words(way, rulings, roads) for way in np.unique(runs.way).tolist()}
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


def _words(way: int, rulings: InForce, roads: RoadSetLike) -> str:
    if way == -1:
        return ""
    return roads.describe(way) if way >= 0 else describe_place(rulings.words[-2 - way])


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


def empty_day(key: Key, day: int, scheme: Scheme, book: Book) -> DayOutcome:
    land = book[key[0]].of_day(key[1], day, scheme.gap_limit_ms).name if key[0] in book else ""
    return DayOutcome(key, day, (), (), None, None, 1, (), 0, 0, 0, 0, 0, (), scheme.number, land)
