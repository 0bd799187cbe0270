"""Every version of the scheme, callable for ever: a claim names the number by which its kilometres were found (design 5).

A later version comes with functions of its own where it changes more than constants; nothing here is ever taken away, and
golden hashes hold each to its word (tests/unit/kernel/test_kernel_golden.py)."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from services.classifier.domain.device_day import DayOutcome, RoadSetLike, classify_days
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.domain.trace import DayTrace, trace_day
from shared.contracts.pings import Key, Pings


class Version(NamedTuple):
    scheme: Scheme
    classify: Callable[..., list[DayOutcome]]
    trace: Callable[..., DayTrace]


VERSIONS: Final = {1: Version(V1, classify_days, trace_day)}


class UnknownSchemeError(ValueError):
    """This release does not know a scheme of that number."""


def version(number: int) -> Version:
    """Raises UnknownSchemeError."""
    if number not in VERSIONS:
        raise UnknownSchemeError(f"scheme {number} is not known to this release; it knows {sorted(VERSIONS)}")
    return VERSIONS[number]


def classify(
    number: int, pings: Pings, wanted: Sequence[tuple[Key, int]] | None, roads: RoadSetLike, book: Book = NO_BOOK
) -> list[DayOutcome]:
    """`device_day.classify_days` as scheme `number` does it.  Raises UnknownSchemeError."""
    kept = version(number)
    return kept.classify(pings, wanted, roads, kept.scheme, book)


def trace(number: int, pings: Pings, key: Key, day: int, roads: RoadSetLike, book: Book = NO_BOOK) -> DayTrace:
    """`trace.trace_day` as scheme `number` does it.  Raises UnknownSchemeError."""
    kept = version(number)
    return kept.trace(pings, key, day, roads, kept.scheme, book)
