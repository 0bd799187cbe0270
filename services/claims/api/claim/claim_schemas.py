"""Bodies and answers of claims and of progress."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.claims.api.fields import Answer, Body, GivenText, ReasonCode, Text, shown
from services.claims.api.statement.licence_schemas import FindingAnswer

LICENCES_MAX = 500
Method = Literal["GPS", "Other"]
LodgedState = Literal["lodged", "sent", "received", "returned", "withdrawn", "decided"]


class LineBody(Body):
    reason_code: ReasonCode | None = None
    method: Method | None = None
    specify_type: Text | None = None


class FilterBody(Body):
    state: Literal["claimable"] = "claimable"
    vehicle_id: UUID | None = None


class PreviewBody(Body):
    model_config = shown(
        claimant_id="b7c3a6de-0c7f-4c58-9a52-3a3f4f7b2a11",
        licence_ids=["d1f0a9b6-53c4-4f1e-8a77-6f0d3f7c9e02"],
        person_completing="R Hill",
    )

    claimant_id: UUID
    licence_ids: Annotated[list[UUID], Field(min_length=1, max_length=LICENCES_MAX)] | None = None
    filter: FilterBody | None = None
    person_completing: Text = ""
    travel_description: Text | None = None
    records_held: Text | None = None
    reason_code: ReasonCode | None = None
    method: Method = "GPS"
    specify_type: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    address: Text | None = None
    lines: dict[UUID, LineBody] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        if (self.licence_ids is None) == (self.filter is None):
            raise ValueError("give either `licence_ids` or `filter` (rule CL3)")
        if self.licence_ids is not None:
            if len(set(self.licence_ids)) < len(self.licence_ids):
                raise ValueError("a licence is named twice in `licence_ids`")
            strangers = set(self.lines) - set(self.licence_ids)
            if strangers:
                raise ValueError(f"`lines` names {min(strangers)}, which is not in `licence_ids`")
        return self


class LodgeBody(Body):
    preview_token: GivenText


class LineShownAnswer(Answer):
    licence_id: UUID
    number: str
    plate: str
    statement_hash: str
    claimable_km: int
    off_road_mm: int
    rate: str | None
    estimate_cents: int | None
    eligible: bool
    findings: list[FindingAnswer]


class SumsAnswer(Answer):
    licences: int
    claimable_km: int
    off_road_mm: int
    estimate_cents: int | None


class PreviewAnswer(Answer):
    preview_token: str
    expires_at: datetime
    lodgeable: bool
    lines: list[LineShownAnswer]
    totals: SumsAnswer
    findings: list[FindingAnswer]


class ClaimLineAnswer(Answer):
    licence_id: UUID
    number: str
    plate: str
    distance_km: int
    off_road_mm: int
    rate: str | None
    estimate_cents: int | None
    reason_code: int
    method: str
    specify_type: str
    statement_hash: str
    revisions: int


class FormAnswer(Answer):
    state: Literal["pending", "ready", "refused"]
    """`refused`: it cannot be printed as it is, e.g. for a letter that no font has; operators are told."""
    edition: int
    """1: as lodged; one more with each correction of a form that came back (rule CL6)."""
    sha256: str | None
    bytes: int | None


class ClaimSummaryAnswer(Answer):
    id: UUID
    number: str
    state: str
    claimant_id: UUID
    lodged_at: datetime
    lodged_on: date
    totals: SumsAnswer
    form: FormAnswer


class ClaimAnswer(ClaimSummaryAnswer):
    lines: list[ClaimLineAnswer]
    findings: list[FindingAnswer]
    """What is in doubt about it, as in its history; empty where nothing is."""


class DeviceProgressAnswer(Answer):
    device: str
    partition: int
    complete_through: datetime | None


class ProgressAnswer(Answer):
    complete_through: datetime | None
    devices: list[DeviceProgressAnswer]
