"""NZ working days (rules EL2, CL6): not Saturday, not Sunday, no national holiday, nor the anniversary day of the Agency's
own province."""

from datetime import date, timedelta
from functools import cache
from typing import Final

import holidays

_PROVINCE: Final = "WGN"
"""Applications are received in Palmerston North, which keeps the Wellington anniversary."""


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("NZ", subdiv=_PROVINCE, years=year))


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _holidays(day.year)


def on_or_before(day: date) -> date:
    """The last working day that is not after `day`."""
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def working_days_before(day: date, count: int) -> date:
    """`count` working days before the last working day that is not after `day`."""
    day = on_or_before(day)
    for _ in range(count):
        day = on_or_before(day - timedelta(days=1))
    return day


def working_days_after(day: date, count: int) -> date:
    """The working day that is `count` working days after `day` (rule CL6: they run from receipt)."""
    for _ in range(count):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return day
