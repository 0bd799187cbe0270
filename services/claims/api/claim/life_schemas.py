"""Bodies and answers of what becomes of a claim: steps, outcomes, disclosures, attachments."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.claim.claim_schemas import LICENCES_MAX
from services.claims.api.fields import Answer, Body, Cents, GivenText, Text, shown
from services.claims.api.ledger.faulty_schemas import FaultyReviewAnswer
from services.claims.api.statement.licence_schemas import FindingAnswer

Kilometres = Annotated[int, Field(ge=0, le=10_000_000, strict=True)]


class SentBody(Body):
    on: date
    channel: Literal["email", "post"]
    actor: ActorName | None = None
    attachment_id: UUID | None = None
    """The signed form, as scanned."""


class ReceivedBody(Body):
    on: date
    actor: ActorName | None = None
    reference: Text = ""


class ReturnedBody(Body):
    on: date
    actor: ActorName | None = None
    reason: GivenText


class WithdrawBody(Body):
    on: date
    actor: ActorName | None = None
    reason: GivenText


class ConsentBody(Body):
    """Rule CL5: the Agency agreed in writing to another application for these licences."""

    on: date
    actor: ActorName | None = None
    reference: GivenText
    reason: GivenText
    licence_ids: Annotated[list[UUID], Field(min_length=1, max_length=LICENCES_MAX)]


class OutcomeBody(Body):
    model_config = shown(
        licence_id="d1f0a9b6-53c4-4f1e-8a77-6f0d3f7c9e02", kind="accepted", on="2026-10-19", distance_km=512, cents=3891
    )

    licence_id: UUID
    kind: Literal["accepted", "declined", "paid", "set_off", "recovered"]
    on: date
    distance_km: Kilometres | None = None
    cents: Cents | None = None
    reference: Text = ""
    reason: Text = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "accepted" and self.distance_km is None:
            raise ValueError("`distance_km`: how much was accepted")
        if self.kind in {"paid", "set_off", "recovered"} and self.cents is None:
            raise ValueError("`cents`: how much it was")
        if self.kind in {"declined", "recovered"} and not self.reason:
            raise ValueError("`reason`: what the Agency gave as its reason")
        return self


class OutcomesBody(Body):
    actor: ActorName | None = None
    lines: Annotated[list[OutcomeBody], Field(min_length=1, max_length=LICENCES_MAX)]


class StepAnswer(Answer):
    id: UUID
    kind: str
    on_day: date
    channel: str | None
    reference: str
    reason: str
    attachment_id: UUID | None
    actor: str
    created_at: datetime


class LineStepAnswer(Answer):
    id: UUID
    licence_id: UUID
    kind: str
    on_day: date
    distance_km: int | None
    cents: int | None
    reference: str
    reason: str
    actor: str
    created_at: datetime


class HistoryAnswer(Answer):
    claim_id: UUID
    number: str
    state: str
    answer_due_on: date | None
    """Ten working days from the last receipt, while the Agency has not answered (rule CL6)."""
    steps: list[StepAnswer]
    lines: list[LineStepAnswer]
    reviews: list[FaultyReviewAnswer]
    """After data that it stood on were taken out (rule CL7)."""
    findings: list[FindingAnswer]
    """What is in doubt: lines that came too late (rule EL2), more money than a line's kilometres are worth at the rate paid
    (rule CL6), what a line would not be given today, and a review that is still to come (rule CL7)."""


class GroundAnswer(Answer):
    """A rule that would refuse the line today, though it did not when the line was lodged."""

    rule: str
    reason: str


class DisclosureAnswer(Answer):
    id: UUID
    claim_id: UUID
    licence_id: UUID
    claimed_km: int
    """What the Agency accepted; all that was claimed while it has not answered."""
    now_km: int
    """Of them."""
    settled_km: int
    """Of the difference, what was disclosed and closed before, or taken back by the Agency."""
    claimed_cents: int | None
    """What `claimed_km` were worth at the rate at which they were lodged, or what the Agency accepted where that is less."""
    now_cents: int | None
    """What `now_km` are worth at that rate or at today's, the lower one.  Null: no rate is known today (rule LI5)."""
    settled_cents: int
    """Of the difference, as `settled_km`."""
    cents: int | None
    """What may have to be repaid: claimed_cents - now_cents - settled_cents."""
    grounds: list[GroundAnswer]
    letter: str
    found_at: datetime
    closed_on: date | None
    closed_as: str | None
    closed_cents: int | None
    closed_reference: str
    closed_by: str


class BrokenAnswer(Answer):
    licence_id: UUID
    words: str


class ReviewAnswer(Answer):
    over_claimed: int
    """Lines of which something is to be told: they would not be given as much today, and it was not settled yet."""
    broken: list[BrokenAnswer]
    """Licences that cannot be worked out: their lines were held against nothing, and are by themselves once that is mended."""
    disclosures: list[DisclosureAnswer]


class CloseDisclosureBody(Body):
    on: date
    closed_as: Literal["repaid", "set_off", "nothing_owed"]
    cents: Cents
    reference: Text = ""
    actor: ActorName | None = None


class ClosedAnswer(Answer):
    id: UUID
    claim_id: UUID


class AttachmentAnswer(Answer):
    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
