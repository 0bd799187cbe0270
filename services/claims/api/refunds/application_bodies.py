"""Bodies of applications other than off-road claims (rules OT2, OT3, OT4)."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import Body, Cents, GivenText, Instant, Reading, Ref, Text, shown

Kind = Literal["surrender", "recorder_change", "cancelled_vehicle"]
State = Literal["draft", "ready", "sent", "received", "granted", "declined", "withdrawn"]
Channel = Literal["online", "email", "post", "agent", "phone"]
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

    @model_validator(mode="after")
    def _calculated(self) -> Self:
        if self.estimated_reading is not None and not self.calculation:
            raise ValueError("`estimated_reading` needs its `calculation`: the Agency asks for a calculated estimate")
        return self


class ApplicationBody(DetailsBody):
    model_config = shown(
        kind="surrender", licence_id="d1f0a9b6-53c4-4f1e-8a77-6f0d3f7c9e02", reading=45210,
        read_at="2026-10-05T08:00:00+13:00", actor="R Hill",
    )  # fmt: skip

    kind: Kind
    licence_id: UUID
    ref: Ref | None = None
    actor: ActorName | None = None


class AmendBody(DetailsBody):
    model_config = shown(reading=45230, read_at="2026-10-06T08:00:00+13:00", actor="R Hill")

    actor: ActorName | None = None


class DocumentBody(Body):
    model_config = shown(
        code="bank_evidence", attachment_id="2552b3e1-04e8-43f0-9d36-a7385be4e5ab", shows=["logo", "name", "number"],
        actor="R Hill",
    )  # fmt: skip

    code: Annotated[GivenText, Field(description="of `documents_needed`, or `other`")]
    attachment_id: UUID
    shows: Annotated[tuple[Literal["logo", "name", "number"], ...], Field(max_length=3)] = ()
    actor: ActorName | None = None


class ReadyBody(Body):
    actor: ActorName | None = None


class SentApplicationBody(Body):
    on: date
    channel: Channel
    reference: Text = ""
    actor: ActorName | None = None


class ReceivedApplicationBody(Body):
    on: date
    reference: Text = ""
    actor: ActorName | None = None


class GrantedBody(Body):
    on: date
    cents: Annotated[Cents | None, Field(description="what the Agency says it will refund, where it says so")] = None
    reference: Text = ""
    actor: ActorName | None = None


class DeclinedBody(Body):
    on: date
    reason: GivenText
    reference: Text = ""
    actor: ActorName | None = None


class WithdrawApplicationBody(Body):
    on: date
    reason: GivenText
    reference: Annotated[Text, Field(description="after sending: of the Agency's word that it will not decide it")] = ""
    actor: ActorName | None = None


class PaymentBody(Body):
    kind: Literal["paid", "set_off", "recovered"]
    on: date
    cents: Cents
    reference: Text = ""
    reason: Text = ""
    actor: ActorName | None = None


class DutyBody(Body):
    on: date
    reason: Text = ""
    actor: ActorName | None = None
