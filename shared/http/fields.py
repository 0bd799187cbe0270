"""Types of single fields that bodies of every API share: bounds, instants, text without control characters."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from shared.nz_days import AUCKLAND

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def _types_in(annotation: Any) -> set[Any]:
    """`date | None` → {date, NoneType}."""
    parts = get_args(annotation)
    return set().union(*(_types_in(part) for part in parts)) if parts else {annotation}


class Body(BaseModel):
    """A request: an unknown field is an error, since a misspelt one would be lost in silence; so is what is only nearly of a
    field's type, a day that is no day of ours, and text that cannot be stored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        wanted = _types_in(cls.model_fields[str(info.field_name)].annotation)
        if bool in wanted and value is not None and not isinstance(value, bool):
            raise ValueError("give true or false")
        return day_as_written(value) if date in wanted else value

    @field_validator("*", mode="after")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("control characters are not allowed")
        return in_our_years(value) if type(value) is date else value


@dataclass(frozen=True, slots=True)
class Form:
    """Annotates a text: `pattern` stands in the OpenAPI document, and who does not keep to it is told `words`."""

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return AfterValidator(self._kept).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"pattern": self.pattern}

    def _kept(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(self.words)
        return text


def shown(**example: Any) -> ConfigDict:
    """`model_config` of a body whose fields depend on each other: the whole example that OpenAPI shows.  A body that needs no
    such thing gets its example from its fields."""
    return ConfigDict(json_schema_extra={"examples": [example]})


class Answer(BaseModel):
    """An answer, built from a row by its attributes."""

    model_config = ConfigDict(frozen=True, from_attributes=True, populate_by_name=True)


def day_as_written(value: Any) -> Any:
    """ISO 8601 only: a number would count as seconds since 1970.  Raises ValueError."""
    if isinstance(value, int | float) or (isinstance(value, str) and not _DATE.fullmatch(value.strip())):
        raise ValueError("give a day as YYYY-MM-DD")
    return value


def in_our_years(day: date) -> date:
    """The day; ValueError where nothing of ours can lie on it."""
    if not _EARLIEST.year <= day.year < _LATEST.year:
        raise ValueError("must lie between the years 2000 and 2099")
    return day


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


Day = Annotated[date, BeforeValidator(day_as_written), AfterValidator(in_our_years)]
"""An NZ day, as a parameter of an address."""
Instant = Annotated[datetime, BeforeValidator(_midnight), AfterValidator(_aware)]
Until = Annotated[datetime, BeforeValidator(_last_moment), AfterValidator(_aware)]
"""The end of a time, included."""
Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(printable)]
GivenText = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(printable)]
Ref = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(printable)]
