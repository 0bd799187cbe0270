"""Bodies and answers of the register: claimants, vehicles, devices, couplings, recorders, readings."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import (
    Answer,
    Body,
    CustomerNumber,
    GivenText,
    Instant,
    Reading,
    ReasonCode,
    Ref,
    Text,
)

PLATE_FROM: Final = datetime(1999, 12, 31, 11, tzinfo=UTC)
"""2000-01-01 in NZ: "always"."""
ReadingSource = Literal["person", "inspection", "photo", "provider", "licence_purchase"]


class ClaimantBody(Body):
    ref: Ref | None = None
    name: GivenText
    customer_number: CustomerNumber = ""
    first_claim: bool = False
    bank_account: Text = ""
    bank_account_name: Text = ""
    address: Text = ""
    phone: Text = ""
    email: Text = ""
    contact_person: Text = ""
    default_reason_code: ReasonCode | None = None
    default_travel_description: Text = ""

    @model_validator(mode="after")
    def _first_claim_has_no_number(self) -> Self:
        if self.first_claim and self.customer_number:
            raise ValueError("a first claim has no customer number yet: leave one of the two out (rule CL1)")
        return self


class ClaimantAnswer(Answer):
    id: UUID
    ref: str | None
    name: str
    customer_number: str
    first_claim: bool
    bank_account_masked: str
    bank_account_name: str
    address: str
    phone: str
    email: str
    contact_person: str
    default_reason_code: int | None
    default_travel_description: str
    created_at: datetime


class VehicleBody(Body):
    ref: Ref | None = None
    plate: GivenText
    plate_from: Instant = PLATE_FROM
    description: Text = ""
    powered: bool = True
    ruc_type: Text = ""
    gross_kg: Annotated[int, Field(gt=0, le=1_000_000)] | None = None
    exempt: bool = False
    exempt_reason: Text = ""

    @model_validator(mode="after")
    def _exempt_with_reason(self) -> Self:
        if self.exempt and not self.exempt_reason:
            raise ValueError("an exempt vehicle needs `exempt_reason` (rule VE5)")
        return self


class PlateBody(Body):
    plate: GivenText
    from_at: Instant = Field(alias="from")


class PlateAnswer(Answer):
    plate: str
    from_at: datetime = Field(serialization_alias="from")
    to_at: datetime | None = Field(serialization_alias="to")


class VehicleAnswer(Answer):
    id: UUID
    ref: str | None
    plate: str
    """The present one."""
    plates: list[PlateAnswer]
    description: str
    powered: bool
    ruc_type: str
    gross_kg: int | None
    exempt: bool
    exempt_reason: str
    sold_at: datetime | None
    """When it was sold or its registration cancelled."""
    ended_by: str | None
    created_at: datetime


class _Period(Body):
    from_at: Instant = Field(alias="from")
    to_at: Instant | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.to_at is not None and self.to_at <= self.from_at:
            raise ValueError("`to` must be after `from`, or null while it lasts")
        return self


class EndBody(Body):
    to_at: Instant = Field(alias="to")


class AssignmentBody(_Period):
    ref: Ref | None = None
    device: Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=False)]
    vehicle_id: UUID
    primary: bool = True
    gps_type: Text = ""


class AssignmentAnswer(Answer):
    id: UUID
    ref: str | None
    device: str
    vehicle_id: UUID
    from_at: datetime = Field(serialization_alias="from")
    to_at: datetime | None = Field(serialization_alias="to")
    is_primary: bool = Field(serialization_alias="primary")
    gps_type: str
    created_at: datetime


class CouplingBody(_Period):
    ref: Ref | None = None
    trailer_id: UUID
    vehicle_id: UUID


class CouplingAnswer(Answer):
    id: UUID
    ref: str | None
    trailer_id: UUID
    vehicle_id: UUID
    from_at: datetime = Field(serialization_alias="from")
    to_at: datetime | None = Field(serialization_alias="to")
    created_at: datetime


class RecorderBody(_Period):
    ref: Ref | None = None
    vehicle_id: UUID
    kind: Literal["odometer", "hubodometer"]
    serial: GivenText
    unit: Literal["km", "mi"] = "km"
    rollover_at: Annotated[int, Field(ge=1_000, le=1_000_000_000)] | None = None
    replaces: UUID | None = None


class RecorderAnswer(Answer):
    id: UUID
    ref: str | None
    vehicle_id: UUID
    kind: str
    serial: str
    unit: str
    from_at: datetime = Field(serialization_alias="from")
    to_at: datetime | None = Field(serialization_alias="to")
    rollover_at: int | None
    created_at: datetime


class ReadingBody(Body):
    ref: Ref | None = None
    recorder_id: UUID
    at: Instant
    value: Reading
    source: ReadingSource = "person"
    note: Text = ""
    label: Text = ""
    attachment_id: UUID | None = None
    """A photo or a scan, from POST /attachments."""


class ReadingAnswer(Answer):
    id: UUID
    ref: str | None
    recorder_id: UUID
    at: datetime
    value: int
    source: str
    note: str
    label: str
    attachment_id: UUID | None
    created_at: datetime


class SaleBody(Body):
    at: Instant
    reading: Reading
    kind: Literal["sold", "deregistered"] = "sold"
    reason: Text = ""
    actor: ActorName | None = None


class SaleAnswer(Answer):
    vehicle_id: UUID
    at: datetime
    kind: str
    reading: int
    licences_ended: list[UUID]
    warnings: list[str]
