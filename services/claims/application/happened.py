"""Nobody has read, bought, sold, claimed or sent anything later than now: such an instant is a slip of the pen, and taken as it
stands it would end a licence that still runs, or keep the real step from being recorded (rules DI3, EL1, EL5, CL6)."""

from datetime import date, datetime, timedelta
from typing import Final

from services.claims.application.refusals import invalid

CLOCKS_APART: Final = timedelta(minutes=5)
"""The clock of who asks may run ahead of ours by so much, as a device's may in `ingest`; nobody drives a licence to its end in
that time."""


def check_happened(pointer: str, at: datetime, now: datetime) -> None:
    """`now`: by the service's clock.  Raises Problem 422 `in_the_future`."""
    if at > now + CLOCKS_APART:
        raise invalid(pointer, f"is yet to come: it is {now.isoformat(timespec='seconds')} now", "in_the_future")


def check_day_happened(pointer: str, on: date, today: date) -> None:
    """Likewise of NZ days."""
    if on > today:
        raise invalid(pointer, f"is yet to come: today is {today}", "in_the_future")


def check_step_day(pointer: str, on: date, last: date, today: date) -> None:
    """Steps go forward in time: none lies before `last`, the day of the one before it.  Raises Problem 422."""
    check_day_happened(pointer, on, today)
    if on < last:
        raise invalid(pointer, f"{on} is before the step before it, on {last}")
