"""A device's days out of evidence, with all that they are computed from: fixes, road data set, rulings."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple

import numpy as np

from services.classifier.application.nearby import NamedRoads
from services.classifier.application.reading import read_fixes
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.rulings import Book
from services.classifier.domain.scheme import Scheme
from services.classifier.repo import day_state
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


class RoadsMissing(Exception):
    """No road data set is open for the day."""


class Judge(NamedTuple):
    """By what days are judged.  `road_set` gives the set of an NZ day, None while there is none; `book` reads the rulings of
    one tenant."""

    scheme: Scheme
    road_set: Callable[[int], NamedRoads | None]
    book: Callable[[Connection, str], Awaitable[Book]]


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


async def read_days(transaction: Transaction, judge: Judge, key: Key, first: int, last: int) -> Days:
    """The days from `first` to `last`, both included.  Raises TooManyFixes."""
    gap = judge.scheme.gap_limit_ms
    stretch = Stretch(key, first - 1, last + 1, window_bounds_ms(first, gap)[0], window_bounds_ms(last, gap)[1])
    async with transaction() as conn:
        book = await judge.book(conn, key[0])
        owed = await day_state.owed(conn, *key, first, last)
    fixes = await read_fixes(transaction, [stretch])
    if len(fixes) > FIXES_MAX:
        raise TooManyFixes(f"{len(fixes):,} fixes lie in this time, and one answer is made from {FIXES_MAX:,} at most")
    present = await asyncio.to_thread(np.unique, days_of(fixes.ts_ms))
    return Days(key, [day for day in present.tolist() if first <= day <= last], fixes, book, owed, gap)


def roads_of(judge: Judge, day: int) -> NamedRoads:
    """The road data set of a day.  Raises RoadsMissing."""
    roads = judge.road_set(day)
    if roads is None:
        raise RoadsMissing("There is no road data set yet: run `rucor roads build`.")
    return roads
