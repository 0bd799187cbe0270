"""Marks of faulty data, as asked for and as answered."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, Instant, Km, Ref, shown
from services.claims.domain.instants import from_ms
from services.claims.repo.faulty import FaultyStep, MarkRow, ReviewRow, StretchRow
from shared.http.fields import Until, printable

State = Literal["marked", "accepted", "refused", "withdrawn", "excluded", "applied", "lifted"]
Device = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(printable)]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500), AfterValidator(printable)]


class FaultyBody(Body):
    """A stretch whose data are wrong: of a licence, a vehicle, or a device."""

    model_config = shown(
        device="352093081452310", from_at="2026-10-05T08:00:00+13:00", to_at="2026-10-05T11:30:00+13:00",
        reason="the antenna was loose", actor="R Hill",
    )  # fmt: skip

    ref: Ref | None = None
    licence_id: UUID | None = Field(None, description="The licence's vehicle, inside the licence's period.")
    vehicle_id: UUID | None = None
    device: Device | None = Field(None, description="As the pings name it.")
    from_at: Instant = Field(description="First instant, included. A bare date is that NZ day's start.")
    to_at: Until = Field(description="Last instant, included; not in the future. A bare date is that NZ day's end.")
    reason: Reason = Field(description="What is wrong, for the operator who looks at it.")
    attachment_id: UUID | None = Field(None, description="A file that shows it, from POST /v1/attachments.")
    actor: ActorName | None = None

    @model_validator(mode="after")
    def _of_one_thing(self) -> "FaultyBody":
        if [self.licence_id, self.vehicle_id, self.device].count(None) != 2:
            raise ValueError("name one of licence_id, vehicle_id and device")
        if self.to_at < self.from_at:
            raise ValueError("to_at lies before from_at")
        return self


class TellBody(Body):
    """Why a step is taken."""

    reason: Reason
    actor: ActorName | None = None


class StretchAnswer(Answer):
    """What the mark comes to: a device's time."""

    device: str
    from_at: datetime
    to_at: datetime
    exclusion_id: UUID = Field(description="Under which the classifier has it, once it is excluded.")


class FaultyStepAnswer(Answer):
    seq: int
    kind: State
    reason: str
    actor: str
    created_at: datetime


class FaultyReviewAnswer(Answer):
    """A claim that stood on the stretch, looked at again when the stretch was out (rule CL7)."""

    mark_id: UUID
    claim_id: UUID
    over_claimed: int = Field(description="Lines that claim more than their statements show now: see /v1/disclosures.")
    created_at: datetime


class FaultyAnswer(Answer):
    id: UUID
    ref: str | None
    state: State
    licence_id: UUID | None
    vehicle_id: UUID | None
    device: str | None
    from_at: datetime
    to_at: datetime
    reason: str
    attachment_id: UUID | None
    actor: str
    created_at: datetime


class FaultyWhole(FaultyAnswer):
    stretches: list[StretchAnswer]
    history: list[FaultyStepAnswer]
    off_road_mm: int = Field(description="Counted off road now by the ledger's segments that touch it, before closing.")
    off_road_km: Km
    claims: list[UUID] = Field(description="Claims that stand on it: each is looked at again once it is out.")
    reviews: list[FaultyReviewAnswer]


class OpsFaultyAnswer(FaultyAnswer):
    tenant_id: UUID
    tenant_name: str


class OpsFaultyWhole(FaultyWhole):
    tenant_id: UUID
    tenant_name: str
    waits_for: str = Field(description="Why an accepted mark is not applied yet, in words; empty otherwise.")


def whole(
    row: MarkRow,
    stretches: list[StretchRow],
    steps: list[FaultyStep],
    off_road_mm: int,
    claims: list[UUID],
    reviews: list[ReviewRow],
) -> FaultyWhole:
    return FaultyWhole.model_validate(
        vars(row) | {
            "stretches": [
                StretchAnswer(device=one.device, from_at=from_ms(one.from_ms), to_at=from_ms(one.to_ms),
                              exclusion_id=one.exclusion_id)
                for one in stretches
            ],
            "history": [FaultyStepAnswer.model_validate(one) for one in steps],
            "off_road_mm": off_road_mm,
            "off_road_km": off_road_mm,
            "claims": claims,
            "reviews": [FaultyReviewAnswer.model_validate(one) for one in reviews],
        }
    )  # fmt: skip
