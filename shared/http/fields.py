"""Types of single fields that bodies of every API share: bounds, instants, text without control characters."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from shared.nz_days import AUCKLAND

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """A request: an unknown field is an error, since a misspelt one would be lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def shown(**example: Any) -> ConfigDict:
    """`model_config` of a body whose fields depend on each other: the whole example that OpenAPI shows.  A body that needs no
    such thing gets its example from its fields."""
    return ConfigDict(json_schema_extra={"examples": [example]})


class Answer(BaseModel):
    """An answer, built from a row by its attributes."""

    model_config = ConfigDict(frozen=True, from_attributes=True, populate_by_name=True)


def printable(text: str) -> str:
    """The text; ValueError where it has control characters."""
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _midnight(value: Any) -> Any:
    """A bare date is that day's start in Pacific/Auckland."""
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        day = date.fromisoformat(value.strip())
        return datetime(day.year, day.month, day.day, tzinfo=AUCKLAND).astimezone(UTC)
    if isinstance(value, int | float):
        raise ValueError("give an ISO 8601 instant with its offset, or a date")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("give the offset, e.g. 2026-10-31T08:00:00+13:00, or a bare date for that NZ day's start")
    if not _EARLIEST <= at < _LATEST:
        raise ValueError("must lie between the years 2000 and 2100")
    return at.astimezone(UTC)


def _last_moment(value: Any) -> Any:
    """A bare date is that day's last millisecond in Pacific/Auckland."""
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        day = date.fromisoformat(value.strip()) + timedelta(days=1)
        return datetime(day.year, day.month, day.day, tzinfo=AUCKLAND).astimezone(UTC) - timedelta(milliseconds=1)
    return _midnight(value)


Instant = Annotated[datetime, BeforeValidator(_midnight), AfterValidator(_aware)]
Until = Annotated[datetime, BeforeValidator(_last_moment), AfterValidator(_aware)]
"""The end of a time, included."""
Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(printable)]
GivenText = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(printable)]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(printable)]
