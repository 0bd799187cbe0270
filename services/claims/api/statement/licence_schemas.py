"""Bodies and answers of licences: the licence, its statement, its eligibility."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, Cents, GivenText, Instant, Km, Reading, Ref, StatementHash, Text
from services.claims.api.statement.outlook import CountdownAnswer, ForecastAnswer, ToDoAnswer

State = Literal["running", "ended", "claimable", "not_claimable", "lodged", "claimed_outside"]
ListedState = Literal[State, "broken"]
BROKEN: Final[dict[int | str, dict[str, Any]]] = {
    409: {
        "description": "`ledger_broken`: what the ledger holds of a licence contradicts itself, so nothing of it is shown. "
        "`licence_ids` names it, `detail` says what is wrong: have its device-days computed again (`POST /v1/reprocess`); "
        "where that does not mend it, the operators must act."
    }
}
"""`responses` of a route that reads what a licence comes to."""


class LicenceBody(Body):
    ref: Ref | None = None
    claimant_id: UUID
    recorder_id: UUID
    number: GivenText
    kind: Literal["D", "H", "additional"] = "D"
    start_reading: Reading
    end_reading: Reading
    issued_at: Instant
    purchased_at: Instant | None = None
    units: Annotated[int, Field(gt=0, le=100_000)] | None = None
    gross_cents: Cents | None = None
    credit_cents: Cents = 0
    fee_cents: Cents = 0
    ruc_type: Text | None = None
    gross_kg: Annotated[int, Field(gt=0, le=1_000_000)] | None = None
    overlap: bool = False

    @model_validator(mode="after")
    def _rate_whole(self) -> Self:
        if self.gross_cents is not None and self.units is None:
            raise ValueError("`gross_cents` needs `units`: the rate paid is gross over units (rule LI5)")
        return self


class LicenceAnswer(Answer):
    id: UUID
    ref: str | None
    claimant_id: UUID
    vehicle_id: UUID
    recorder_id: UUID
    plate: str
    """The plate the licence was issued to."""
    number: str
    kind: str
    start_reading: int
    end_reading: int
    claimable_end_reading: int
    ended_by: str | None
    unit: str
    issued_at: datetime
    purchased_at: datetime
    units: int | None
    gross_cents: int | None
    credit_cents: int
    fee_cents: int
    ruc_type: str | None
    gross_kg: int | None
    overlap: bool
    state: ListedState
    """`broken`: nothing of it can be worked out, and it is not claimed."""
    broken: str | None
    """Why nothing of it can be worked out, and who is to act; also of one that is claimed.  Null: it can."""
    claim_id: UUID | None
    latest_receipt_on: date
    created_at: datetime


class OutsideBody(Body):
    claimed_on: date
    reference: GivenText
    actor: ActorName | None = None
    reason: GivenText


class OutsideAnswer(Answer):
    id: UUID
    licence_id: UUID
    state: Literal["claimed_outside"] = "claimed_outside"


class FindingAnswer(Answer):
    rule: str
    outcome: Literal["pass", "warn", "fail", "unknown"]
    reason: str
    source: str
    inputs: dict[str, str]
    waiting: bool


class EligibilityAnswer(Answer):
    licence_id: UUID
    state: State
    eligible: bool
    claimable_km: int
    estimate_cents: int | None
    unknown_estimate_cents: int | None
    latest_receipt_on: date
    safe_send_on: dict[str, date]
    findings: list[FindingAnswer]


class VerifyBody(Body):
    """`wording` is the text of GET /licences/{id}/verification, unchanged: what was shown to the person (rule CL2)."""

    actor: ActorName | None = None
    statement_hash: StatementHash
    wording: GivenText


class VerificationAnswer(Answer):
    licence_id: UUID
    statement_hash: str
    wording: str
    verified_by: str | None
    verified_at: datetime | None


class TotalsAnswer(Answer):
    public_mm: int
    off_road_mm: int
    unknown_mm: int
    carried_mm: int
    uncovered_mm: int
    total_mm: int
    """The share: public + off_road + unknown."""
    declared_over_public_mm: int
    """Part of `off_road_mm` on mapped public roads, by declared kind and written reason (rule SU7)."""
    off_road_by_basis: dict[str, int]
    unknown_by_basis: dict[str, int]
    public_km: Km
    off_road_km: Km
    unknown_km: Km
    carried_km: Km
    uncovered_km: Km
    total_km: Km
    declared_over_public_km: Km


# Of seven hundred a statement, a model each would cost as much as all else that writes the answer.
@dataclass(slots=True, kw_only=True)
class DayAnswer:
    day: date
    public_mm: int
    off_road_mm: int
    unknown_mm: int
    carried_mm: int
    uncovered_mm: int
    fixes: int
    off_road_by_basis: dict[str, int]
    note: str


class LoggedAnswer(Answer):
    id: UUID
    on: date
    logged_mm: int
    counted_mm: int
    """At most what of that day is unknown (rule LI8)."""
    reason: str
    actor: str
    attachment_id: UUID


class PlaceAnswer(Answer):
    """Rule DI6.  Names follow the ledger within a minute; the rows sum to the off-road total exactly."""

    kind: Literal["land", "road", "coordinates", "manual_log", "remainder", "not_named_yet"]
    place: str
    """Declared land's name, the nearest named road's, or latitude and longitude to about a kilometre."""
    basis: str
    off_road_mm: int
    off_road_km: Km
    days: int
    """NZ days of which it holds some."""


class ClosureAnswer(Answer):
    basis: str
    gps_mm: int
    recorder_mm: int | None
    odometer_mm: int | None
    drift_mm: int | None
    lack_mm: int
    rest_mm: int
    uncovered_lack_mm: int
    """Part of `totals.uncovered_mm` that no day has: what the recorder counted before the issue and no fix explains."""
    text: str


class EvidenceAnswer(Answer):
    road_sets: list[str]
    lands: list[str]
    schemes: list[int]
    policy: str
    revisions: int


class StatementAnswer(Answer):
    licence_id: UUID
    number: str
    state: State
    statement_hash: str
    first_day: date | None
    last_day: date | None
    totals: TotalsAnswer
    recorder_mm: int | None
    recorder_km: Km | None
    claimable_km: int
    rate: str | None
    rate_source: str | None
    estimate_cents: int | None
    unknown_estimate_cents: int | None
    closure: ClosureAnswer
    coverage_percent: str | None
    days: list[DayAnswer]
    places: list[PlaceAnswer]
    """Where the off-road distance lies; no part of `statement_hash`."""
    manual_log: list[LoggedAnswer]
    """Rule LI8: part of the off-road distance, told apart."""
    warnings: list[FindingAnswer]
    """What must be told wherever the figures are shown (rules SU7, LI8)."""
    missing: list[str]
    """The readings that lack, in words."""
    to_do: list[ToDoAnswer]
    """Every reason why the licence cannot be claimed as it is, and what mends it; empty: claimed, or ready to be lodged."""
    countdown: CountdownAnswer
    forecast: ForecastAnswer | None
    labels: list[str]
    incidents: list[str]
    evidence: EvidenceAnswer
