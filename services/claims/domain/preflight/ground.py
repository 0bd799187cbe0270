"""Attacks on the ground: declared land, public roads under it, places, the road data themselves."""

from collections import defaultdict
from collections.abc import Iterator
from math import cos, hypot, radians
from typing import Final

from services.claims.domain.findings import km
from services.claims.domain.instants import nz_date
from services.claims.domain.preflight import limits
from services.claims.domain.preflight.case import Case, Hit, LandFact, Probe, Subject, hit, share_percent
from services.claims.domain.statement.statement_parts import OVER_PUBLIC
from shared.contracts.device_day import DeviceDay, Segment
from shared.nz_days import from_ordinal, to_ordinal

DECLARED: Final = frozenset({"declared_land", OVER_PUBLIC})
OFF_EVERY_WAY: Final = frozenset({"no_road", "odometer_bound"})
"""Bases that no mapped way supports."""
LOOKED_AT: Final = DECLARED | OFF_EVERY_WAY
"""Bases whose segments the attacks on the ground look at."""
BEFORE_FIRST: Final = "travel before the first road data set"
"""The incident by which the classifier marks such a day (rule SU9)."""
METRES_A_DEGREE: Final = 111_195


def land_named(segment: Segment) -> str:
    """As the classifier writes it behind the paragraph."""
    return segment.why.partition(": ")[2]


def _over_public(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        over = subject.statement.totals.over_public_mm
        if not over:
            continue
        names = subject.statement.over_public
        lands = () if case.ground is None else case.ground.lands
        inputs = tuple((land.name, land.reason) for land in lands if land.name in names)
        answer = f"{km(over)} lie on mapped public roads, on land declared as {', '.join(names) or 'not known'}"
        standing = {land.name for land in lands if land.over_public and land.reason}
        lost = [name for name in names if name not in standing]
        if case.ground is not None and lost:
            yield hit(subject, "fails", f"{answer}; no declaration with a reason stands for {', '.join(lost)}", *inputs)
        else:
            yield hit(subject, "weak", answer, *inputs)


def _land_in_time(case: Case) -> Iterator[Hit]:
    if case.ground is None:
        yield from _not_asked(case)
        return
    lands: dict[str, list[LandFact]] = defaultdict(list)
    for land in case.ground.lands:
        lands[land.name].append(land)
    for subject in case.subjects:
        outside: dict[str, int] = defaultdict(int)
        later: dict[str, int] = defaultdict(int)
        for day, segment in _off_road(subject):
            if segment.basis not in DECLARED or not lands[name := land_named(segment)]:
                continue
            if not any(land.first_day <= day.day <= land.last_day for land in lands[name]):
                outside[name] += segment.mm
            elif all(day.day < to_ordinal(nz_date(land.declared_at)) for land in lands[name]):
                later[name] += segment.mm
        for name, mm in sorted(outside.items()):
            first = from_ordinal(min(land.first_day for land in lands[name]))
            answer = f"{km(mm)} count on {name}, on days on which it was not declared; its period begins on {first}"
            yield hit(subject, "fails", answer, ("land", name))
        for name, mm in sorted(later.items()):
            on = nz_date(min(land.declared_at for land in lands[name]))
            answer = f"{km(mm)} count on {name}, which was only declared on {on}, after the travel"
            yield hit(subject, "weak", answer, ("land", name), ("declared_on", str(on)))


def _not_asked(case: Case) -> Iterator[Hit]:
    declared = [s for s in case.subjects if any(segment.basis in DECLARED for _, segment in _off_road(s))]
    for subject in declared:
        yield hit(subject, "weak", "the classifier, which keeps the declarations, could not be asked")


def _off_road(subject: Subject) -> Iterator[tuple[DeviceDay, Segment]]:
    """Off-road segments that touch the licence's time."""
    from_ms = subject.statement.start.ms or 0
    until_ms = subject.statement.end.ms or 1 << 62
    for day in subject.days:
        for segment in day.segments:
            if segment.surface == "off_road" and segment.end_ms > from_ms and segment.start_ms < until_ms:
                yield day, segment


def _far_places(case: Case) -> Iterator[Hit]:
    """The distance to a land's box is never more than that to the land: what is far by it is far."""
    if case.ground is None:
        return
    for subject in case.subjects:
        places: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for day, segment in _off_road(subject):
            if segment.basis in OFF_EVERY_WAY:
                lat = (segment.start_lat_e6 + segment.end_lat_e6) // 2
                lng = (segment.start_lng_e6 + segment.end_lng_e6) // 2
                places[lat // limits.PLACE_E6, lng // limits.PLACE_E6].append((day.day, segment.mm))
        whole = subject.statement.totals.off_road_mm
        for (row, column), found in sorted(places.items()):
            mm, days = sum(mm for _, mm in found), len({day for day, _ in found})
            if share_percent(mm, whole) <= limits.FAR_SHARE_PERCENT or days < limits.FAR_DAYS:
                continue
            lat_e6, lng_e6 = (
                row * limits.PLACE_E6 + limits.PLACE_E6 // 2,
                column * limits.PLACE_E6 + limits.PLACE_E6 // 2,
            )
            if all(_metres(land, lat_e6, lng_e6) > limits.FAR_M for land in case.ground.lands):
                where = f"{lat_e6 / 1e6:.2f}, {lng_e6 / 1e6:.2f}"
                answer = (
                    f"{km(mm)} on {days} days lie round {where}, off every mapped way and far from any declared land"
                )
                yield hit(subject, "weak", answer, ("place", where), ("days", str(days)))


def _metres(land: LandFact, lat_e6: int, lng_e6: int) -> float:
    """From a place to the land's box, on a plane: within a few per cent at these distances."""
    north = max(land.south_e6 - lat_e6, lat_e6 - land.north_e6, 0) / 1e6
    east = max(land.west_e6 - lng_e6, lng_e6 - land.east_e6, 0) / 1e6
    return hypot(north, east * cos(radians(lat_e6 / 1e6))) * METRES_A_DEGREE


def _road_data(case: Case) -> Iterator[Hit]:
    derived = {} if case.ground is None else case.ground.derived
    for subject in case.subjects:
        early = [day for day in subject.days if BEFORE_FIRST in day.incidents]
        if early:
            answer = f"{len(early)} days lie before the first road data set and were judged by it"
            yield hit(subject, "weak", answer, ("days", str(len(early))))
        for name in subject.statement.road_sets:
            if derived.get(name, False):
                answer = (
                    f"the coverage of road data set {name} was derived from its own ways: a missing road would not show"
                )
                yield hit(subject, "weak", answer, ("road_set", name))


PROBES: Final = (
    Probe(
        id="over_public_roads",
        rule="SU7",
        question="Why do you claim kilometres on what maps show as a public road?",
        holds="no metre on a mapped public road is claimed",
        to_do="have the paper of the closure or of the map's error at hand; it is printed in the claim",
        find=_over_public,
    ),
    Probe(
        id="land_in_time",
        rule="SU7",
        question="Was that land yours, and declared, when you drove there?",
        holds="every declared land had been declared before the travel, and its period includes it",
        to_do="have the title or lease with its dates at hand; correct the declaration's first day",
        find=_land_in_time,
    ),
    Probe(
        id="far_place",
        rule="SU4",
        question="What is this place, again and again, far from your land?",
        holds="no place off every mapped way is visited often and lies far from declared land",
        to_do="declare the land with its address and reason, or have the place excluded",
        find=_far_places,
    ),
    Probe(
        id="road_data",
        rule="SU9",
        question="Did the map of that day say so?",
        holds="every day was judged by a road data set of its own time, with a declared coverage",
        to_do="build the road data with a coverage polygon and a valid-from that includes the travel",
        find=_road_data,
    ),
)
