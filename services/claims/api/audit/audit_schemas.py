"""Bodies and answers of audit cases."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, GivenText, Text, shown

SCOPE_MAX = 500
Ids = Annotated[list[UUID], Field(max_length=SCOPE_MAX)]


class ScopeBody(Body):
    """Which claimed licences: all of some claims, and single ones."""

    model_config = shown(licence_ids=["d1f0a9b6-53c4-4f1e-8a77-6f0d3f7c9e02"], actor="R Hill")

    claim_ids: Ids = Field(default_factory=list)
    licence_ids: Ids = Field(default_factory=list)
    actor: ActorName | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.claim_ids and not self.licence_ids:
            raise ValueError("name at least one claim or licence")
        return self


class CaseBody(ScopeBody):
    model_config = shown(
        licence_ids=["d1f0a9b6-53c4-4f1e-8a77-6f0d3f7c9e02"], reference="NZTA 2026-118", organisation="NZ Transport Agency",
        officer="M Tane", opened_on="2026-10-19", actor="R Hill",
    )  # fmt: skip

    reference: GivenText
    """The Agency's own, e.g. of its letter."""
    organisation: GivenText
    officer: GivenText
    contact: Text = ""
    subject: Text = ""
    opened_on: date
    due_on: date | None = None
    legal_hold: bool = True
    """Keep what the case covers also when it is closed, until the hold is lifted."""


class GivenBody(Body):
    on: date
    what: GivenText
    attachment_id: UUID | None = None
    """A copy of what was given, or of the letter with it."""
    actor: ActorName | None = None


class HoldCaseBody(Body):
    legal_hold: bool
    on: date
    reason: GivenText
    actor: ActorName | None = None


class CloseCaseBody(Body):
    on: date
    outcome: GivenText
    actor: ActorName | None = None


class CaseLineAnswer(Answer):
    claim_id: UUID
    licence_id: UUID
    claim_number: str
    number: str
    plate: str
    distance_km: int
    from_on: date
    to_on: date
    """First and last NZ day of the evidence that the line stands on."""
    added_at: datetime


class EventAnswer(Answer):
    id: UUID
    seq: int
    kind: str
    on: date
    words: str
    attachment_id: UUID | None
    actor: str
    created_at: datetime


class AuditCaseAnswer(Answer):
    id: UUID
    reference: str
    organisation: str
    officer: str
    contact: str
    subject: str
    opened_on: date
    due_on: date | None
    legal_hold: bool
    closed_on: date | None
    outcome: str
    created_at: datetime


class WholeCaseAnswer(AuditCaseAnswer):
    lines: list[CaseLineAnswer]
    history: list[EventAnswer]
