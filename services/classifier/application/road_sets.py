"""Which road data set counts for which day (rule SU9), and what changes when another one is registered.

The register in the database decides, not what lies in a process's folder: every process comes to the same answer from the
same rows.  A set counts from its valid-from on, until a later one does.  One that supersedes another takes its place from
the other's valid-from.  Travel before every valid-from is judged by the set that was registered first, and marked so."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from services.classifier.domain.device_day import RoadSetLike
from services.classifier.repo import road_sets
from services.classifier.repo.road_sets import Registered, Sweep
from shared.contracts.topics import PARTITIONS
from shared.db.pool import Connection
from shared.errors import Retryable
from shared.nz_days import FIRST_DAY, LAST_DAY, to_ordinal

BEFORE_FIRST: Final = "travel before the first road data set"
"""The incident of a day that is judged by a set which was not yet valid."""
_FIRST: Final = to_ordinal(FIRST_DAY)
_LAST: Final = to_ordinal(LAST_DAY)


class RoadSetMissing(Retryable):
    """This process has not opened a set that counts: it must not judge, for it would judge otherwise than the others."""


class NamedRoads(RoadSetLike, Protocol):
    """An open road data set (`services.classifier.roads.dataset.RoadSet`)."""

    @property
    def name(self) -> str: ...


class Choice(NamedTuple):
    """The set of a day."""

    name: str
    early: bool
    """The day lies before the set's valid-from (rule SU9)."""


class Found(NamedTuple):
    """What a data set says of itself."""

    name: str
    valid_from: int | None
    """NZ day; None where its sources tell no date."""
    supersedes: str


class Timeline:
    """The register, read from the oldest day to the newest."""

    def __init__(self, rows: Sequence[Registered]) -> None:
        known = {row.name: row for row in rows}
        replaced = {row.supersedes for row in rows}
        live = [_Live.of(row, known) for row in rows if row.name not in replaced]
        live.sort(key=lambda one: (one.valid_from, one.row.seq))
        latest = {one.valid_from: one.row.name for one in live}  # of two that begin on one day the later registered
        self.starts = tuple(latest)
        """Days from which another set counts than before."""
        self._names = tuple(latest.values())
        self._first = min(live, key=lambda one: one.place).row.name if live else ""

    @property
    def names(self) -> frozenset[str]:
        """Every set that counts for some day."""
        return frozenset({*self._names, self._first} - {""})

    def of_day(self, day: int) -> Choice:
        """The set of an NZ day.  Raises RoadSetMissing while none is registered."""
        if not self._names:
            raise RoadSetMissing("no road data set is registered")
        at = bisect_right(self.starts, day)
        return Choice(self._names[at - 1], early=False) if at else Choice(self._first, early=True)

    def changes(self, other: "Timeline") -> list[tuple[int, int]]:
        """Spans of days (both ends included) of which the other timeline says something else."""
        starts = (*self.starts, *other.starts)
        edges = sorted({_FIRST, *(day for day in starts if _FIRST < day <= _LAST)})
        spans: list[tuple[int, int]] = []
        for start, end in zip(edges, [*edges[1:], _LAST + 1], strict=True):
            if self.of_day(start) == other.of_day(start):
                continue
            if spans and spans[-1][1] == start - 1:
                spans[-1] = (spans[-1][0], end - 1)
            else:
                spans.append((start, end - 1))
        return spans


class _Live(NamedTuple):
    """A set that nothing supersedes, with what it takes over from those it replaced."""

    row: Registered
    valid_from: int
    place: int
    """The lowest number among it and those it replaced."""

    @classmethod
    def of(cls, row: Registered, known: Mapping[str, Registered]) -> "_Live":
        valid_from, place, seen = _start(row), row.seq, {row.name}
        before = known.get(row.supersedes)
        while before is not None and before.name not in seen:
            seen.add(before.name)
            valid_from, place = min(valid_from, _start(before)), min(place, before.seq)
            before = known.get(before.supersedes)
        return cls(row, valid_from, place)


def _start(row: Registered) -> int:
    return _FIRST if row.valid_from is None else row.valid_from


class RoadsByDay:
    """Open sets with the timeline that says which of them counts."""

    def __init__(self, timeline: Timeline, sets: Mapping[str, NamedRoads]) -> None:
        """Raises RoadSetMissing, naming every set that counts and is not open."""
        missing = sorted(timeline.names - sets.keys())
        if missing:
            raise RoadSetMissing(f"road data sets are registered and not open here: {', '.join(missing)}")
        self._timeline = timeline
        self._sets = sets

    @classmethod
    def always(cls, roads: NamedRoads) -> "RoadsByDay":
        """One set for every day."""
        return cls(Timeline([Registered(1, roads.name, None, "")]), {roads.name: roads})

    def of_day(self, day: int) -> tuple[NamedRoads, bool]:
        """The set that counts for an NZ day, and whether the day lies before its valid-from."""
        choice = self._timeline.of_day(day)
        return self._sets[choice.name], choice.early


async def register(conn: Connection, found: Sequence[Found], today: int) -> bool:
    """Register the sets that are not yet, oldest first, and have exactly the days that they change computed again.

    In the caller's transaction (worker's role); one process at a time.  A set without a date counts from `today` (an NZ
    day) on, the very first one always.  Returns whether there was anything to register."""
    await road_sets.lock(conn)
    before = await road_sets.read(conn)
    known = {row.name for row in before}
    fresh = sorted(
        (one for one in found if one.name not in known),
        key=lambda one: _FIRST if one.valid_from is None else one.valid_from,
    )
    if not fresh:
        return False
    for number, one in enumerate(fresh):
        undated = one.valid_from is None and (before or number)
        await road_sets.insert(conn, one.name, today if undated else one.valid_from, one.supersedes)
    after = await road_sets.read(conn)
    if before:
        spans = Timeline(before).changes(Timeline(after))
        seq = after[-1].seq
        sweeps = [Sweep(partition, seq, *span) for partition in range(PARTITIONS) for span in spans]
        await road_sets.insert_sweeps(conn, sweeps)
    return True
