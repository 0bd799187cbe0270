"""What decided a segment, by its basis, in words: each names its paragraph of the scheme."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from services.classifier.application.parts import Part
from services.classifier.application.segment_facts import Facts
from services.classifier.application.wording import km, metres, minutes, way
from services.classifier.domain import surfaces as on
from services.classifier.domain.rulings import Exclusion, Land
from services.classifier.domain.trace import DayTrace
from shared.contracts.device_day import Basis


class Case(NamedTuple):
    """A segment and what is known of it; `place` is the land or exclusion that decided, if one did."""

    trace: DayTrace
    part: Part
    facts: Facts
    place: Land | Exclusion | None

    @property
    def fixes(self) -> str:
        if not self.facts.inside:
            return "the fixes before and after it"
        return "its one fix" if self.facts.fixes == 1 else f"its {self.facts.fixes:,} fixes"

    @property
    def deciding(self) -> str:
        """The way along which most of it runs."""
        return way(self.facts.ways[0][0]) if self.facts.ways else "a way"

    @property
    def road(self) -> str:
        return way(self.facts.nearest_public) if self.facts.nearest_public else "a public road"

    def road_near(self) -> str:
        """How far the nearest public road is, as a clause."""
        if self.facts.public_edge_m is None:
            return "no public road lies within 3 km"
        if self.facts.public_edge_m.least < 1:
            return f"the nearest comes into the corridor of a public road, {self.road}"
        return (
            f"the edge of the nearest public road, {self.road}, is {metres(self.facts.public_edge_m.least)} or more "
            "away"
        )


def because(case: Case) -> str:
    """The clause after "was counted as …"."""
    words = _BECAUSE.get(case.part.segment.basis)
    return words(case) if words is not None else f"by {case.part.segment.why}."


def _public(case: Case) -> str:
    facts = case.facts
    count = facts.surfaces.get(on.NAMES[on.ON_PUBLIC], 0)
    which = (
        case.fixes
        if facts.fixes == 1 or not facts.inside
        else f"{'all' if count == facts.fixes else f'{count:,} of'} {case.fixes}"
    )
    return (
        f"because {which} lie nearest, by distance, heading and speed together, to {case.deciding} (paragraph 21, "
        "rule SU1)."
    )


def _private(case: Case) -> str:
    near = case.facts.private_m
    within = f", half of them within {near.median:.0f} m of a private way's centre line" if near is not None else ""
    return f"because {case.fixes} lie along {case.deciding}{within} (paragraph 22, rule SU3); {case.road_near()}."


def _field(case: Case) -> str:
    near = case.facts.private_m
    ways = (
        f"the nearest private way {metres(near.least)} or more" if near is not None else "no private way within 100 m"
    )
    return f"because {case.fixes} lie clear of every way (paragraph 22, rule SU4): {case.road_near()}, and {ways}."


def _unknown_way(case: Case) -> str:
    return (
        f"because {case.fixes} lie nearest to {case.deciding}, of which nobody says who maintains it (paragraph 22, "
        "rule SU2)."
    )


def _like_a_road(case: Case) -> str:
    return (
        f"because {case.fixes} lie off every mapped way, but move as fast and as steadily as only a road allows: "
        "probably a road "
        "that the data lack (paragraph 23, rule SU4)."
    )


def _ambiguous(case: Case) -> str:
    found = case.facts.surfaces
    if found.get(on.NAMES[on.AMBIGUOUS]):
        return (
            f"because it is not certain enough on which side of the edge of {case.road} the vehicle was (paragraph 21)."
        )
    if found.get(on.NAMES[on.ON_PUBLIC]):
        return (
            f"because the vehicle came onto or left {case.road} somewhere between two fixes, and of such a leg only "
            "as much counts "
            "as off road as it needs to reach a public road (paragraph 27)."
        )
    return (
        f"because the leg between two fixes off the road crosses {case.road} or comes within 5 m of its edge: only "
        "the certain part "
        "at each end counts as off road (paragraph 28)."
    )


def _outside(case: Case) -> str:
    return (
        f"because {case.fixes} lie outside the area for which the road data hold every public road, or within 100 m "
        "of its edge "
        "(paragraph 9, rule SU5)."
    )


def _gap(case: Case) -> str:
    return (
        f"because there is no fix for {minutes(case.part.until_ms - case.part.from_ms)}, longer than the gap limit "
        "(paragraph 2); "
        "what is certain of such a gap is counted apart (paragraph 29)."
    )


def _bound(case: Case) -> str:
    """The certain ends of gaps."""
    trace, rows = case.trace, case.part.pieces
    pieces = trace.pieces
    head = pieces.start_ms[rows] == trace.fixes.ts_ms[pieces.fix[rows]]
    gaps = len(np.unique(pieces.until[rows]))
    mm = pieces.mm[rows]
    ends = f"{km(int(mm[head].sum()))} after the last fix before it and {km(int(mm[~head].sum()))} before the next"
    times = "in a gap without fixes" if gaps == 1 else f"in {gaps} gaps without fixes"
    return (
        f"because, {times}, the vehicle went at least what the straight line and the odometer show, and wherever it "
        "went, this much "
        f"of it before it can have reached, and after it can have left, a public road: {ends} (paragraph 29). From "
        "the fixes on both "
        f"sides {case.road_near()}."
    )


def _carried(case: Case) -> str:
    return (
        f"because between {case.fixes} the vehicle moved with the ignition off, along a ferry's course, or while its "
        "odometer stood "
        "still (paragraph 31, rule SU8)."
    )


def _declared(case: Case) -> str:
    return f"because {case.fixes} lie on {_land(case)}, and on no mapped public road (paragraph 37, rule SU7)."


def _over_public(case: Case) -> str:
    return (
        f"because {case.fixes} lie on {_land(case)}, which is declared over a mapped public road, {case.road}, with "
        "a written "
        "reason: to be looked at (paragraph 37, rule SU7)."
    )


def _land(case: Case) -> str:
    if isinstance(case.place, Land):
        return f"declared land, “{case.place.name}” ({case.place.kind.replace('_', ' ')}; land {case.place.id})"
    return "declared land"


def _excluded(case: Case) -> str:
    name = f", exclusion {case.place.id}" if isinstance(case.place, Exclusion) else ""
    return f"because it lies in a place that was excluded for this time{name} (paragraph 38)."


_BECAUSE: Final[dict[Basis, Callable[[Case], str]]] = {
    "mapped_public": _public,
    "private_road": _private,
    "no_road": _field,
    "odometer_bound": _bound,
    "unknown_way": _unknown_way,
    "like_a_road": _like_a_road,
    "ambiguous": _ambiguous,
    "outside_coverage": _outside,
    "gap": _gap,
    "carried": _carried,
    "declared_land": _declared,
    "declared_over_public": _over_public,
    "excluded": _excluded,
}
