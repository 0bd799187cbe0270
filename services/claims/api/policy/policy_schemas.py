"""Bodies and answers about the policy data: rates, fees, reason codes, thresholds."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, GivenText

FILE_CHARS_MAX: Final = 200_000
# Byte for byte: the name of an edition is the hash of its texts.
PolicyFile = Annotated[str, StringConstraints(strip_whitespace=False, max_length=FILE_CHARS_MAX, pattern=r"^[^\x00]*$")]
EditionName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
FileName = Literal["rates.csv", "fees.csv", "reason_codes.csv", "rate_rises.csv", "constants.toml"]
Sure = Literal["high", "medium", "low"]


_FEES: Final = (
    "from_on,until_on,channel,cents,confidence,source\n2026-07-01,,online,1244,high,agency fee table of July 2026\n"
)


class RateAnswer(Answer):
    """A dated rate, as published; `assessment_only` rows and those of low confidence price nothing (rule LI5)."""

    ruc_type: str
    over_kg: int
    upto_kg: int | None
    from_on: date
    until_on: date | None
    cents_per_unit: int
    kind: str
    prices: bool
    confidence: Sure
    source: str


class FeeAnswer(Answer):
    channel: str
    from_on: date
    until_on: date | None
    cents: int
    confidence: Sure
    source: str


class ReasonCodeAnswer(Answer):
    code: int
    industry: str


class ConstantAnswer(Answer):
    name: str
    value: int | str
    from_on: date
    source: str
    confidence: Sure


class PolicyAnswer(Answer):
    """The policy that holds, each number with its source and how sure it is."""

    name: str
    """What claims and statements name: the hash of the texts."""
    changed_at: datetime | None
    """None: as shipped."""
    rates: list[RateAnswer]
    fees: list[FeeAnswer]
    reason_codes: list[ReasonCodeAnswer]
    rate_rises: list[date]
    constants: list[ConstantAnswer]


class EditionAnswer(Answer):
    """The exact texts of an edition, for ever."""

    name: str
    files: dict[FileName, str]


class PolicyChangeAnswer(Answer):
    seq: int
    edition: str
    shipped: str
    """What the release itself brought at that time."""
    actor: str
    reason: str
    created_at: datetime


class ChangesAnswer(Answer):
    items: list[PolicyChangeAnswer]
    """The latest first."""


class CurrentAnswer(EditionAnswer):
    """What an operator changes."""

    last_change: PolicyChangeAnswer | None
    shipped: str
    shipped_differs: bool
    """The release brings other texts than those it brought when the policy was changed last: compare and take over."""


class ChangeBody(Body):
    based_on: EditionName
    files: dict[FileName, PolicyFile] = Field(min_length=1, examples=[{"fees.csv": _FEES}])
    """Whole new texts, of the files that change."""
    reason: GivenText
    actor: ActorName | None = None
    dry_run: bool = False


class ChangedAnswer(Answer):
    name: str
    changed: bool
    lines: dict[FileName, list[str]]
    """By file, the lines taken out (`- `) and put in (`+ `)."""
    warnings: list[str]
    change: PolicyChangeAnswer | None


class UnpricedAnswer(Answer):
    ruc_type: str
    gross_kg: int | None
    bought_on: date
    licences: int


class UnpricedListAnswer(Answer):
    items: list[UnpricedAnswer]
