"""Instants and NZ dates.  Register values carry aware datetimes; everything that joins device-days counts milliseconds."""

from calendar import monthrange
from datetime import date, datetime

from shared.nz_days import AUCKLAND, instant_of, ms_of


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00Z.  A naive datetime raises ValueError."""
    if at.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return ms_of(at)


def from_ms(ms: int) -> datetime:
    """The instant, UTC."""
    return instant_of(ms)


def nz_date(at: datetime) -> date:
    """The NZ calendar day of an instant (rule DI6)."""
    if at.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return at.astimezone(AUCKLAND).date()


def nz_midnight_ms(day: date) -> int:
    """The instant at which an NZ day begins."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=AUCKLAND))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    years, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month0 + 1, min(day.day, monthrange(years, month0 + 1)[1]))
