"""What a device-day is judged by at a moment: road data sets (rule SU9) and rulings (rule SU7), as the database has them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from services.classifier.application.road_sets import BEFORE_FIRST, NamedRoads, RoadsByDay, Timeline
from services.classifier.domain.device_day import DayOutcome
from services.classifier.domain.rulings import Book, Rulings
from services.classifier.repo import road_sets, rulings
from shared.contracts.device_day import DeviceDay
from shared.contracts.pings import Key, Pings
from shared.db.pool import Connection


class Kernel(Protocol):
    """`classify_days` with its scheme."""

    def __call__(
        self, pings: Pings, wanted: Sequence[tuple[Key, int]], roads: NamedRoads, *, book: Book
    ) -> Sequence[DayOutcome]: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A device-day's outcome with the road data set that it was judged by."""

    outcome: DayOutcome
    road_set: str
    early: bool

    @property
    def key(self) -> Key:
        return self.outcome.key

    @property
    def day(self) -> int:
        return self.outcome.day

    def revision(self, rev: int, settled: bool) -> DeviceDay:
        """The device-day revision, which names its road data set; marked where the day lies before the first one."""
        revision = self.outcome.revision(rev, settled, self.road_set)
        if not self.early:
            return revision
        return msgspec.structs.replace(revision, incidents=(*revision.incidents, BEFORE_FIRST))


@dataclass(frozen=True, slots=True)
class Judge:
    """f of design section 5 with all its arguments but the fixes: one kernel call for each set that counts."""

    kernel: Kernel
    roads: RoadsByDay
    book: Book
    book_version: int = 0
    """Of the rulings (services.classifier.repo.rulings)."""

    def __call__(self, fixes: Pings, wanted: Sequence[tuple[Key, int]]) -> list[Judged]:
        """The outcome of every wanted device-day."""
        groups: dict[str, tuple[NamedRoads, list[tuple[Key, int]]]] = {}
        for one in wanted:
            roads, _ = self.roads.of_day(one[1])
            groups.setdefault(roads.name, (roads, []))[1].append(one)
        return [
            Judged(outcome, name, early=self.roads.of_day(outcome.day)[1])
            for name, (roads, some) in groups.items()
            for outcome in self.kernel(fixes, some, roads, book=self.book)
        ]


class Judges:
    """Makes the judge of a moment, and reads again only what the database says has changed."""

    def __init__(self, kernel: Kernel, open_sets: Callable[[], Mapping[str, NamedRoads]]) -> None:
        self._kernel = kernel
        self._open_sets = open_sets
        self._timeline = Timeline([])
        self._seq = -1
        self._book: dict[str, Rulings] = {}
        self._book_version = -1

    async def now(self, conn: Connection, tenants: Collection[str]) -> Judge:
        """The judge for device-days of these tenants.  What is due must have been read before, in this transaction or an
        earlier one: then whatever it became due for is heeded.  Raises RoadSetMissing."""
        seq = await road_sets.version(conn)
        if seq != self._seq:
            self._timeline, self._seq = Timeline(await road_sets.read(conn)), seq
        roads = RoadsByDay(self._timeline, self._open_sets())
        version = await rulings.book_version(conn)
        if version != self._book_version:
            self._book, self._book_version = {}, version
        unknown = set(tenants) - self._book.keys()
        if unknown:
            found = await rulings.read_book(conn, unknown)
            self._book |= {tenant: found.get(tenant, Rulings()) for tenant in unknown}
        return Judge(self._kernel, roads, dict(self._book), version)
