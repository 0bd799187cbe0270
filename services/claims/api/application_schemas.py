"""Bodies and answers of applications other than off-road claims (rules OT2, OT3, OT4)."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, GivenText, Instant, Reading, Ref, Text

Kind = Literal["surrender", "recorder_change", "cancelled_vehicle"]
State = Literal["draft", "ready", "sent", "received", "granted", "declined", "withdrawn"]
Cause = Literal["unserviceable", "lost", "stolen", "destroyed", "exported", "cancelled"]


class DetailsBody(Body):
    """What the kinds ask; a field that the application's kind does not ask is refused."""

    reading: Annotated[Reading | None, Field(description="surrender: now; recorder_change: when it failed")] = None
    read_at: Annotated[Instant | None, Field(description="of the reading, or of the loss or theft")] = None
    cause: Cause | None = None
    odometer_reading: Reading | None = None
    new_recorder_id: UUID | None = None
    replacement_licence_id: UUID | None = None
    estimated_reading: Annotated[Reading | None, Field(description="your own, with its calculation")] = None
    calculation: Text = ""


class ApplicationBody(DetailsBody):
    kind: Kind
    licence_id: UUID
    ref: Ref | None = None
    actor: ActorName | None = None


class WithdrawApplicationBody(Body):
    on: date
    reason: GivenText
    reference: Annotated[Text, Field(description="after sending: of the Agency's word that it will not decide it")] = ""
    actor: ActorName | None = None


class ApplicationAnswer(Answer):
    id: UUID
    ref: str | None
    kind: Kind
    state: State
    vehicle_id: UUID
    licence_id: UUID | None
    claimant_id: UUID | None
    amount_cents: int | None
    """Frozen when it was made ready; null before, and where the rate paid is not known."""
    inputs_sha256: str | None
    created_at: datetime
