"""Fixes in, device-days out: scheme 1 as one pure function (design section 5).

    outcomes = classify_days(pings, None, road_set)              # every NZ day that has a fix
    outcomes = classify_days(pings, [((tenant, device), day)], road_set)

No I/O but the road set's mapped columns, no clock, no randomness.  The result is a function of the set of fixes: order and
duplicates do not matter, and a day depends only on fixes of that day and of the gap limit on both sides.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, get_args

import numpy as np

from services.classifier.domain.fixes import LABELS, order
from services.classifier.domain.geometry import Roads
from services.classifier.domain.ground import empty_ground, lay
from services.classifier.domain.in_force import InForce, exclude, in_force
from services.classifier.domain.passes import Computed, compute
from services.classifier.domain.reasons import describe_place, why
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.domain.segments import Runs
from services.classifier.domain.spikes import mark_spikes
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
    ground = empty_ground(len(fixes.ts_ms))
    lay(fixes.lat_e6, fixes.lng_e6, fixes.speed_mps, fixes.heading_deg, scheme, ground)
    mark_spikes(fixes, ground, scheme, np.empty(len(fixes.label), dtype=np.int64))
    return compute(fixes, ground, roads, scheme, rulings.places), rulings


def outcomes_of(
    pings: Pings, computed: Computed, rulings: InForce, roads: RoadSetLike, scheme: Scheme
) -> list[DayOutcome]:
    """One of each window."""
    fixes, odometers, summary = computed.fixes, computed.odometers, computed.summary
    windows = len(fixes.key)
    bounds = np.searchsorted(computed.runs.window, np.arange(windows + 1)).tolist()
    parts, readings = _segments(computed.runs, rulings, roads), _readings(computed)
    last = max(0, len(fixes.ts_ms) - 1)
    ts = fixes.ts_ms if len(fixes.ts_ms) else np.zeros(1, dtype=np.int64)
    ends = ts[np.minimum(summary.low, last)], ts[np.maximum(summary.high - 1, 0)]
    columns = (
        fixes.key, fixes.day, odometers.unit_mm, summary.high - summary.low, *ends, computed.engine_ms, computed.covered_ms,
        odometers.broken,
    )  # fmt: skip
    outcomes = []
    for w, (key, day, unit_mm, count, first_ms, last_ms, engine_ms, covered_ms, broken) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        mine, kept = tuple(parts[bounds[w] : bounds[w + 1]]), readings[w]
        outcomes.append(
            DayOutcome(
                key=pings.keys[key],
                day=day,
                totals=totals_of(mine),
                segments=mine,
                first_reading=kept[0] if kept else None,
                last_reading=kept[-1] if kept else None,
                display_unit_mm=unit_mm,
                readings=kept,
                fixes=count,
                first_fix_ms=first_ms if count else 0,
                last_fix_ms=last_ms if count else 0,
                engine_on_ms=engine_ms,
                covered_ms=covered_ms,
                incidents=_incidents(summary.labels[w].tolist(), broken),
                scheme=scheme.number,
                land=rulings.name(w),
            )
        )
    return outcomes


def totals_of(parts: Sequence[Segment]) -> tuple[Total, ...]:
    """Sums of segments, exact, in a fixed order."""
    sums: dict[tuple[Surface, Basis, Kind, bool], int] = defaultdict(int)
    for part in parts:
        sums[part.surface, part.basis, part.kind, part.in_stretch] += part.mm
    return tuple(Total(*what, mm) for what, mm in sorted(sums.items()))


def _segments(runs: Runs, rulings: InForce, roads: RoadSetLike) -> list[Segment]:
    """All segments; a way or place is put into words once."""
    words = {way: _words(way, rulings, roads) for way in np.unique(runs.way).tolist()}
    whys: dict[tuple[int, int], str] = {}
    columns = (
        runs.start_ms, runs.end_ms, runs.surface, runs.basis, runs.kind, runs.in_stretch, runs.mm, runs.way,
        runs.start_lat, runs.start_lng, runs.end_lat, runs.end_lng,
    )  # fmt: skip
    out = []
    for start, end, surface, basis, kind, inside, mm, way, *places in zip(*(c.tolist() for c in columns), strict=True):
        text = whys.get((basis, way))
        if text is None:
            text = whys[basis, way] = why(BASES[basis], words[way])
        out.append(Segment(start, end, SURFACES[surface], BASES[basis], KINDS[kind], inside, mm, text, *places))
    return out


def _words(way: int, rulings: InForce, roads: RoadSetLike) -> str:
    if way == -1:
        return ""
    return roads.describe(way) if way >= 0 else describe_place(rulings.words[-2 - way])


def _readings(computed: Computed) -> list[tuple[Reading, ...]]:
    """Per window the ends of its stretch, and between them at most one an hour; none where there is no stretch."""
    fixes, odometers = computed.fixes, computed.odometers
    rows = np.flatnonzero(computed.summary.hourly)
    hourly = list(zip(fixes.ts_ms[rows].tolist(), fixes.odometer_mm[rows].tolist(), strict=True))
    bounds = np.searchsorted(rows, fixes.first).tolist()
    ends = (odometers.first_ms, odometers.first_mm, odometers.last_ms, odometers.last_mm)
    return [
        tuple(
            Reading(ts, mm)
            for ts, mm in sorted((dict(hourly[bounds[w] : bounds[w + 1]]) | {first: first_mm, last: last_mm}).items())
        )
        if first >= 0
        else ()
        for w, (first, first_mm, last, last_mm) in enumerate(zip(*(column.tolist() for column in ends), strict=True))
    ]


def _incidents(counts: list[int], broken: int) -> tuple[str, ...]:
    found = [f"{count} fixes: {label}" for label, count in zip(LABELS[1:], counts[1:], strict=True) if count]
    if broken:
        found.append(f"{broken} odometer readings fell back or jumped, and are not used")
    return tuple(found)


def empty_day(key: Key, day: int, scheme: Scheme, book: Book) -> DayOutcome:
    land = book[key[0]].of_day(key[1], day, scheme.gap_limit_ms).name if key[0] in book else ""
    return DayOutcome(key, day, (), (), None, None, 1, (), 0, 0, 0, 0, 0, (), scheme.number, land)
