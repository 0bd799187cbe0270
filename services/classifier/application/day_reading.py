"""A device's days out of evidence, with all that they are computed from: fixes, road data set, rulings."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple

import numpy as np

from services.classifier.application.nearby import DescribedRoads
from services.classifier.application.reading import read_fixes
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.rulings import Book
from services.classifier.domain.scheme import Scheme
from services.classifier.repo import day_state, rulings
from services.classifier.repo.evidence import Stretch
from shared.contracts.pings import Key, Pings
from shared.db.pool import Connection
from shared.nz_days import days_of

FIXES_MAX: Final = 400_000
"""Of what is read for one answer; a device at one a second has 86,400 a day."""
Transaction = Callable[[], AbstractAsyncContextManager[Connection]]
"""Opens one that sees a single tenant's rows."""


class TooManyFixes(Exception):
    """More than one answer may hold."""


class NotThere(Exception):
    """A road data set or a name of rulings that is asked for and not known."""


class RoadsMissing(Exception):
    """No road data set is open for the day."""


class Sources(NamedTuple):
    """What days are judged by, besides their tenant's rulings."""

    scheme: Scheme
    of_day: Callable[[int], tuple[DescribedRoads, bool] | None]
    """The road data set of an NZ day, and whether the day lies before its valid-from (rule SU9); None while one is missing."""
    named: Callable[[str], DescribedRoads | None]
    """An open road data set by its name."""


class Days(NamedTuple):
    """Days of one device; `fixes` also holds what lies within the gap limit on both sides."""

    key: Key
    days: list[int]
    """NZ days that have a fix, in order."""
    fixes: Pings
    book: Book
    owed: dict[int, frozenset[str]]
    gap_ms: int

    def of_day(self, day: int) -> Pings:
        """The fixes that one day is computed from."""
        low, high = window_bounds_ms(day, self.gap_ms)
        return self.fixes.take((self.fixes.ts_ms >= low) & (self.fixes.ts_ms <= high))


async def read_days(transaction: Transaction, sources: Sources, key: Key, first: int, last: int) -> Days:
    """The days from `first` to `last`, both included, with the rulings in force.  Raises TooManyFixes."""
    gap = sources.scheme.gap_limit_ms
    stretch = Stretch(key, first - 1, last + 1, window_bounds_ms(first, gap)[0], window_bounds_ms(last, gap)[1])
    async with transaction() as conn:
        book = await rulings.read_book(conn, [key[0]])
        owed = await day_state.owed(conn, *key, first, last)
    fixes = await read_fixes(transaction, [stretch])
    if len(fixes) > FIXES_MAX:
        raise TooManyFixes(f"{len(fixes):,} fixes lie in this time, and one answer is made from {FIXES_MAX:,} at most")
    present = await asyncio.to_thread(np.unique, days_of(fixes.ts_ms))
    return Days(key, [day for day in present.tolist() if first <= day <= last], fixes, book, owed, gap)


async def as_named(transaction: Transaction, sources: Sources, days: Days, day: int, name: str) -> Days:
    """The days with the rulings that a revision of `day` named as its `land`.  Raises NotThere."""
    async with transaction() as conn:
        found = await rulings.named_rulings(conn, *days.key, day, sources.scheme.gap_limit_ms, name)
    if found is None:
        raise NotThere(f"no declared land and exclusions of that day were ever named {name}")
    return days._replace(book={days.key[0]: found})


def roads_of(sources: Sources, day: int, name: str = "") -> tuple[DescribedRoads, bool]:
    """The road data set of a day, or the one of that name.  Raises RoadsMissing, NotThere."""
    if name:
        roads = sources.named(name)
        if roads is None:
            raise NotThere(f"no road data set {name} is open")
        return roads, False
    found = sources.of_day(day)
    if found is None:
        raise RoadsMissing("There is no road data set yet: run `rucor roads build`.")
    return found
