"""A claim over licences of one claimant: what it must hold, its sheets and its states (rules PA1, CL1, EL3, EL8, FO1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.eligibility import Finding, Waiver
from services.claims.domain.policy import Policy

ClaimState = Literal[
    "draft",
    "verified",
    "lodged",
    "sent",
    "received",
    "returned",
    "withdrawn",
    "accepted",
    "declined",
    "paid",
    "recovered",
]
TRANSITIONS: Final[frozenset[tuple[ClaimState, ClaimState]]] = frozenset()


class IllegalTransition(ValueError):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """The claimant as the form prints it (rule PA1)."""

    claimant_id: UUID
    name: str
    customer_number: str = ""
    first_claim: bool = False
    bank_account: str = ""
    """Clear text, any usual writing."""
    bank_account_name: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    licence_id: UUID
    claimant_id: UUID
    plate: str
    """The plate the licence was issued to (rule VE1)."""
    licence_number: str
    distance_km: int
    estimate_cents: int | None
    reason_code: int | None
    method: str = "GPS"
    specify_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDraft:
    applicant: Applicant
    lines: tuple[ClaimLine, ...]
    person_completing: str = ""
    travel_description: str = ""
    records_held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One form sheet: at most `Policy.form_rows` lines, plates together."""

    lines: tuple[ClaimLine, ...]
    estimate_cents: int | None
    """None where a rate is unknown."""


def assess_claim(draft: ClaimDraft, policy: Policy, today: date, waivers: Sequence[Waiver] = ()) -> tuple[Finding, ...]:
    """Rules of the claim as a whole: CL1 (each missing field named), PA1, EL3 on the claim and per sheet, EL8."""
    raise NotImplementedError


def pack(lines: Sequence[ClaimLine], rows: int, minimum_cents: int) -> tuple[Sheet, ...]:
    """Sheets in printing order: as few as possible, plates together, and none under the minimum where that can be had
    (rule EL3; the form asks for plates together "if possible").  The order of `lines` does not matter."""
    raise NotImplementedError


def advance(state: ClaimState, to: ClaimState) -> ClaimState:
    """`to`, or IllegalTransition."""
    if (state, to) not in TRANSITIONS:
        raise IllegalTransition(f"a claim cannot go from {state} to {to}")
    return to
