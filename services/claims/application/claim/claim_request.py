"""What a person asks to be claimed, and what the preview of it showed: both are stored, and compared when it is lodged."""

from datetime import datetime
from uuid import UUID

import msgspec


class LineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one licence's row of the form says instead of the claim's defaults; None: the default."""

    reason_code: int | None = None
    method: str | None = None
    specify_type: str | None = None


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that are None fall back to the claimant's, the device's or the policy's (rule CL1)."""

    claimant_id: UUID
    licence_ids: tuple[UUID, ...]
    """The exact licences (rule CL3); a filter was resolved before."""
    left_out: tuple[str, ...] = ()
    """What the filter could not judge, in words: licences whose ledger is broken."""
    person_completing: str = ""
    travel_description: str | None = None
    records_held: str | None = None
    reason_code: int | None = None
    method: str = "GPS"
    specify_type: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    lines: dict[UUID, LineRequest] = msgspec.field(default_factory=dict)


class FindingShown(msgspec.Struct, frozen=True, kw_only=True):
    rule: str
    outcome: str
    reason: str
    source: str
    inputs: dict[str, str]
    waiting: bool


class LineShown(msgspec.Struct, frozen=True, kw_only=True):
    licence_id: UUID
    number: str
    plate: str
    statement_hash: str
    claimable_km: int
    off_road_mm: int
    rate: str | None
    estimate_cents: int | None
    eligible: bool
    """And verified by a person (rule CL2), who looked at what is larger than expected (rule EL7)."""
    findings: tuple[FindingShown, ...]


class PreviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """As stored.  `form_hash`: everything the form prints, as hex, so that a changed claimant is a difference too."""

    request: ClaimRequest
    lines: tuple[LineShown, ...]
    findings: tuple[FindingShown, ...]
    lodgeable: bool
    form_hash: str


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    expires_at: datetime
    body: PreviewBody


def totals(lines: tuple[LineShown, ...]) -> dict[str, int | None]:
    """The estimate is unknown as soon as one line's is (rule LI5)."""
    cents = [line.estimate_cents for line in lines]
    return {
        "licences": len(lines),
        "claimable_km": sum(line.claimable_km for line in lines),
        "off_road_mm": sum(line.off_road_mm for line in lines),
        "estimate_cents": None if None in cents else sum(c for c in cents if c is not None),
    }
