"""When a device was silent, by the hours in which it sent.  Pure; an hour is a whole UTC hour, numbered since 1970."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

HOURS_PER_DAY = 24


class Gap(NamedTuple):
    """Hours without a fix: from the first, included, to the one in which the device was heard again."""

    from_hour: int
    to_hour: int


def hours_of(days: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Hours in which something was sent, in order.  `days`: (day since 1970, bits of its hours), in order."""
    for day, bits in days:
        for hour in range(HOURS_PER_DAY):
            if bits >> hour & 1:
                yield day * HOURS_PER_DAY + hour


def gaps(days: Iterable[tuple[int, int]], min_hours: int) -> list[Gap]:
    """Every silence of at least `min_hours` whole hours between the first and the last hour heard."""
    found: list[Gap] = []
    before: int | None = None
    for hour in hours_of(days):
        if before is not None and hour - before - 1 >= min_hours:
            found.append(Gap(before + 1, hour))
        before = hour
    return found
