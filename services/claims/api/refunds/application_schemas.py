"""Answers of applications other than off-road claims (rules OT2, OT3, OT4)."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.claims.api.fields import Answer
from services.claims.api.refunds.application_bodies import Cause, Channel, Kind, State
from services.claims.api.statement.licence_schemas import FindingAnswer


class ApplicationSummary(Answer):
    id: UUID
    ref: str | None
    kind: Kind
    state: State
    vehicle_id: UUID
    licence_id: UUID | None
    claimant_id: UUID | None
    amount_cents: int | None
    """Frozen when it was made ready; null before, and where the rate paid is not known."""
    from_reading: int | None
    """From here to the licence's end is asked for; frozen when it was made ready."""
    inputs_sha256: str | None
    created_at: datetime


class UnusedAnswer(Answer):
    """(from_reading, end_reading] of the licence. used + unused + remainder = charge, to the cent."""

    from_reading: int
    end_reading: int
    distance: int
    unit: str
    charge_cents: int | None
    used_cents: int | None
    unused_cents: int | None
    remainder_cents: int | None


class NeedAnswer(Answer):
    code: str
    words: str
    required: bool
    source: str
    missing: bool
    still_to_show: list[str]


class ApplicationDutyAnswer(Answer):
    code: str
    words: str
    source: str
    by_a_person: bool


class MoneyAnswer(Answer):
    granted_cents: int | None
    """What the Agency said; null where it said nothing."""
    paid_cents: int
    set_off_cents: int
    recovered_cents: int
    kept_cents: int
    difference_cents: int | None
    """Kept less asked for, once something was paid; null before, or without an amount."""


class ApplicationStepAnswer(Answer):
    seq: int
    kind: str
    state: str
    on_day: date
    channel: str | None
    reference: str
    reason: str
    cents: int | None
    code: str
    shows: list[str]
    attachment_id: UUID | None
    actor: str
    created_at: datetime


class SavedDetails(Answer):
    """What was said so far."""

    reading: int | None = None
    read_at: datetime | None = None
    cause: Cause | None = None
    odometer_reading: int | None = None
    new_recorder_id: UUID | None = None
    replacement_licence_id: UUID | None = None
    estimated_reading: int | None = None
    calculation: str = ""


class ApplicationAnswer(ApplicationSummary):
    licence_number: str
    plate: str
    details: SavedDetails
    asked_cents: int | None
    """What is asked for: while a draft, as of now; afterwards, as frozen."""
    rate: str | None
    unused: UnusedAnswer | None
    calculation: str
    """Of an estimated reading."""
    findings: list[FindingAnswer]
    ready: bool
    """Nothing fails."""
    documents_needed: list[NeedAnswer]
    next_states: list[State]
    answer_due_on: date | None
    """Ten working days from receipt, while it is not decided."""
    duties: list[ApplicationDutyAnswer]
    money: MoneyAnswer
    steps: list[ApplicationStepAnswer]


class FieldAnswer(Answer):
    label: str
    value: str | None


class PapersAnswer(Answer):
    """What a person sends, and where."""

    application_id: UUID
    kind: Kind
    frozen: bool
    form: str
    channels: list[Channel]
    where: str
    steps: list[str]
    afterwards: list[str]
    source: str
    not_stated: str
    fields: list[FieldAnswer]
    missing: list[str]
    letter: str


class RefundedAnswer(Answer):
    """(from_reading, to_reading] of the licence was refunded, or is asked for."""

    kind: Literal["off_road", "unused", "credit"]
    from_reading: int
    to_reading: int
    source_id: UUID
    """off_road: the claim, or the entry of claimed outside; unused: the application; credit: the overlapping licence."""
    reference: str


class RefundedParts(Answer):
    licence_id: UUID
    start_reading: int
    end_reading: int
    parts: list[RefundedAnswer]
