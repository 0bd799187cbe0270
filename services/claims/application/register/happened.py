"""Nobody has read, bought, sold or claimed anything later than now: such an instant is a slip of the pen, and taken as it
stands it would end a licence that still runs (rules DI3, EL1, EL5)."""

from datetime import date, datetime, timedelta
from typing import Final

from services.claims.application.refusals import invalid
from services.claims.domain.instants import nz_date

CLOCKS_APART: Final = timedelta(minutes=5)
"""The clock of who asks may run ahead of ours by so much, as a device's may in `ingest`; nobody drives a licence to its end in
that time."""


def check_happened(pointer: str, at: datetime, now: datetime) -> None:
    """`now`: by the service's clock.  Raises Problem 422 `in_the_future`."""
    if at > now + CLOCKS_APART:
        raise invalid(pointer, f"is yet to come: it is {now.isoformat(timespec='seconds')} now", "in_the_future")


def check_day_happened(pointer: str, on: date, now: datetime) -> None:
    """Likewise of an NZ day."""
    today = nz_date(now)
    if on > today:
        raise invalid(pointer, f"is yet to come: today is {today}", "in_the_future")
