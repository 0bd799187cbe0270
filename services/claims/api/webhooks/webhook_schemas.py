"""Webhook endpoints and their delivery log, as asked for and as answered."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from services.claims.api.fields import Answer, Body, GivenText, Instant, Ref, Text, shown
from services.claims.domain.webhooks.webhook_address import URL_MAX
from services.claims.domain.webhooks.webhook_events import EVENT_TYPES, TEST

SUBSCRIBED = tuple(name for name in EVENT_TYPES if name != TEST)
State = Literal["enabled", "disabled"]
DeliveryState = Literal["waiting", "delivered", "failed"]


def _known(name: str) -> str:
    if name not in SUBSCRIBED:
        raise ValueError(f"is no type of event: see GET /v1/webhook-event-types ({len(SUBSCRIBED)} types)")
    return name


EventName = Annotated[str, AfterValidator(_known)]
Types = Annotated[
    list[EventName],
    Field(max_length=len(SUBSCRIBED), description="Which events are sent; empty: all, those of later releases too."),
]
Url = Annotated[GivenText, Field(max_length=URL_MAX, description="https, port 443 or 8443, at a public address.")]


class WebhookBody(Body):
    """Where to send events of a tenant, and which."""

    model_config = shown(
        url="https://portal.example/hooks/rucor", description="the portal", types=["claim.decided", "form.ready"]
    )

    ref: Ref | None = None
    url: Url
    description: Text = ""
    types: Types = Field(default_factory=list)


class WebhookChange(Body):
    """What is left out stays as it is."""

    model_config = shown(types=["claim.decided"])

    url: Url | None = None
    description: Text | None = None
    types: Types | None = None


class RotateWebhookBody(Body):
    overlap_hours: int = Field(24, ge=0, le=168, description="So long the present secret signs too.")


class SwitchBody(Body):
    reason: Text = ""


class AgainBody(Body):
    """Either some events, or all since an instant."""

    model_config = shown(since="2026-10-05T08:00:00+13:00")

    event_ids: list[UUID] = Field(default_factory=list, max_length=1_000)
    since: Instant | None = Field(None, description="Events of the types that the webhook asks for.")

    @model_validator(mode="after")
    def _one_of(self) -> "AgainBody":
        if bool(self.event_ids) == (self.since is not None):
            raise ValueError("give either event_ids or since")
        return self


class WebhookAnswer(Answer):
    id: UUID
    ref: str | None
    url: str
    description: str
    types: list[str]
    state: State
    disabled_reason: str
    disabled_at: datetime | None
    failing_since: datetime | None = Field(
        description="Every attempt since then has failed; null: the last one did not."
    )
    paused_until: datetime | None = Field(
        description="The receiver asked by `Retry-After` to be left alone until then."
    )
    created_at: datetime


class WebhookMade(WebhookAnswer):
    secret: str | None = Field(
        None, description="Shown this once; null when an Idempotency-Key is replayed: rotate it if it was lost."
    )


class TestAnswer(Answer):
    event_id: UUID


class AgainAnswer(Answer):
    deliveries: int


class AttemptAnswer(Answer):
    no: int
    status: int | None = Field(description="Of HTTP; null: there was no answer.")
    error: str
    took_ms: int
    created_at: datetime


class DeliveryAnswer(Answer):
    id: UUID
    event_id: UUID
    type: str
    round: int = Field(description="Above 1: somebody asked for it again.")
    state: DeliveryState
    due_at: datetime | None = Field(description="Of the next attempt, while it waits.")
    created_at: datetime
    finished_at: datetime | None
    attempts: list[AttemptAnswer]


class EventTypeAnswer(Answer):
    type: str
    description: str


class EventTypesAnswer(Answer):
    items: list[EventTypeAnswer]
