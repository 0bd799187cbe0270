"""Bodies and answers about section 40 exemptions (rules EX1 to EX5)."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, Cents, GivenText, Instant, Km, Reading, Ref, Text, shown
from services.claims.api.statement.licence_schemas import FindingAnswer

State = Literal["draft", "sent", "granted", "declined", "withdrawn", "ended"]
Purpose = Literal["agriculture", "horticulture", "viticulture", "defence", "forestry", "other"]
_PARCEL = [[175.24, -40.11], [175.26, -40.11], [175.26, -40.09], [175.24, -40.09], [175.24, -40.11]]
Boundary = Annotated[
    dict[str, Any],
    Field(
        description="GeoJSON Polygon or MultiPolygon of the legal boundary (its parcels) where the vehicle is kept.",
        examples=[{"type": "Polygon", "coordinates": [_PARCEL]}],
    ),
]


class DetailsBody(Body):
    """What form RUCEX asks (rule EX2); what is missing is named before it is sent."""

    fuel: Annotated[Text, Field(description="Only diesel is exempted.")] = ""
    applicant_is: Literal["registered_person", "operator"] | None = None
    purpose: Purpose | None = None
    odometer: Reading | None = None
    odometer_read_on: Annotated[date | None, Field(description="The day of the application.")] = None
    address: Annotated[
        Text, Field(description="The full place where the vehicle is kept: never printed on the label.")
    ] = ""
    locality: Annotated[Text, Field(description="Of the address, what is printed on the label.")] = ""
    weekly_km: Annotated[int, Field(ge=0, le=10_000, strict=True)] | None = None
    contact: Text = ""
    contact_time: Text = ""
    pays_by: Text = ""
    wants_gst_receipt: bool = False
    has_current_licence: Annotated[bool, Field(description="A current licence, or an exemption.")] = False


class ExemptionBody(Body):
    ref: Ref | None = None
    vehicle_id: UUID
    boundary: Boundary
    details: DetailsBody = DetailsBody()
    actor: ActorName | None = None


class ExemptionStepBody(Body):
    """`kind` decides what is asked: `sent` needs `fee_cents`, `granted` and `ended` need `at`, `done` its duty's `code`,
    `amended` and `changed` say what with `details` or `boundary`, `annulled` (recorded by mistake: it never was in force) needs
    a `reason`."""

    model_config = shown(
        kind="granted", on="2026-10-05", at="2026-10-05T00:00:00+13:00", reference="NZTA 2026-118", actor="R Hill"
    )

    kind: Literal[
        "amended",
        "sent",
        "granted",
        "declined",
        "withdrawn",
        "changed",
        "reading_requested",
        "ended",
        "done",
        "annulled",
    ]
    on: date
    at: Instant | None = None
    code: Literal[
        "", "display_label", "tell_changes", "give_reading", "give_last_reading", "revoked", "expired", "sold"
    ] = ""
    reading: Reading | None = None
    fee_cents: Cents | None = None
    reference: Text = ""
    reason: Text = ""
    attachment_id: UUID | None = None
    details: DetailsBody | None = None
    boundary: Boundary | None = None
    actor: ActorName | None = None


class ExceptionBody(Body):
    """Travel beyond the reach that the conditions allow (rule EX3)."""

    kind: Literal["inspection", "repair", "constable", "civil_defence", "sale"]
    from_at: Annotated[Instant, Field(alias="from")]
    until_at: Annotated[Instant, Field(alias="to")]
    back: Annotated[bool, Field(description="The return trip, which a person must look at.")] = False
    destination: GivenText
    attachment_id: Annotated[UUID, Field(description="The evidence, from POST /attachments.")]
    actor: ActorName | None = None


class ExemptionLookBody(Body):
    """A person looked at the route: the most direct and practical one, or an allowed return trip."""

    words: GivenText
    actor: ActorName | None = None


class ExemptionDutyAnswer(Answer):
    code: str
    words: str
    source: str
    since: date
    due_on: date
    done_on: date | None


class ExemptionStepAnswer(Answer):
    id: UUID
    kind: str
    on_day: date
    code: str
    reference: str
    reason: str
    reading: int | None
    cents: int | None
    attachment_id: UUID | None
    actor: str
    created_at: datetime


class ExceptionAnswer(Answer):
    id: UUID
    kind: str
    from_at: datetime
    until_at: datetime
    back: bool
    destination: str
    attachment_id: UUID
    actor: str
    looked_by: str
    looked_words: str
    created_at: datetime


class ExemptionSummaryAnswer(Answer):
    id: UUID
    ref: str | None
    vehicle_id: UUID
    state: State
    from_at: datetime | None
    until_at: datetime | None
    created_at: datetime


class ExemptionAnswer(ExemptionSummaryAnswer):
    details: dict[str, Any]
    boundary: dict[str, Any]
    label: str
    """What the exemption label shows: exemption, plate, locality; never the address."""
    findings: list[FindingAnswer]
    """Rules EX1 and EX2 as of now; nothing that fails is sent."""
    can_apply: bool
    fee_cents: int
    """Not refundable: confirm it when sending."""
    decided_by: date
    steps: list[ExemptionStepAnswer]
    duties: list[ExemptionDutyAnswer]
    exceptions: list[ExceptionAnswer]


class WatchedAnswer(Answer):
    status: Literal["breach", "excepted", "look", "possible"]
    words: str
    device: str
    from_at: datetime
    to_at: datetime
    surface: str
    farthest_km: Km
    beyond_km: Km
    exception_id: UUID | None


class WatchAnswer(Answer):
    items: list[WatchedAnswer]
    breaches: int
    stretches: int
    """So many stretches on the road, or perhaps on it, in those days."""
    looked_at: int
    unsettled: list[date]
    """Days that are still coming in."""


class AdviceBody(Body):
    boundary: Boundary


class AdviceAnswer(Answer):
    charges_cents: int
    refunds_cents: int
    fee_cents: int
    saved_cents: int
    beyond_km: Km
    words: str
    public_km: Km
    off_road_km: Km
    unknown_km: Km
