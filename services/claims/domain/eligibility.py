"""May this licence be claimed?  Findings with rule, outcome, reason in plain words and source (rules EL, LI7, VE5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.claims.domain.licence import Licence, VehicleRecord
from services.claims.domain.policy import Policy
from services.claims.domain.statement import Statement
from shared.contracts.device_day import Hold

Outcome = Literal["pass", "warn", "fail", "unknown"]
LicenceState = Literal["running", "ended", "claimable", "not_claimable", "lodged", "claimed_outside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    rule: str
    outcome: Outcome
    reason: str
    source: str
    """Document and line the rule comes from, or "policy"."""
    inputs: tuple[tuple[str, str], ...] = ()
    waiting: bool = False
    """True: fails now but can pass by itself with time (holds, watermark)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMark:
    """The licence was claimed: here (`reference` = claim number) or outside (rule LI7)."""

    where: Literal["here", "outside"]
    reference: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A person's decision to go on in spite of a finding (rules EL4, EL8)."""

    rule: str
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimContext:
    """What the ledger and the register know besides the statement."""

    today: date
    """NZ day of the question."""
    mark: ClaimedMark | None = None
    complete_through_ms: Mapping[str, int | None]
    """Per device of the licence; a missing device is not known."""
    holds: tuple[Hold, ...] = ()
    """Open ones of the tenant or of the licence's devices; others than the period's are ignored."""
    waivers: tuple[Waiver, ...] = ()
    """Of this licence."""
    claimant_id: UUID | None = None
    """The claim's claimant; None: not asked yet (rule EL5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    findings: tuple[Finding, ...]
    state: LicenceState
    eligible: bool
    """No finding fails and none is unknown that blocks (an unknown rate does not block a licence, only rule EL3)."""
    latest_receipt_on: date
    safe_send_on: Mapping[str, date]
    """By channel: "email", "post"."""
    claimable_km: int
    estimate_cents: int | None
    unknown_estimate_cents: int | None
    """What the unknown metres would be worth: dollars forgone (rule EL6)."""


def assess_licence(
    licence: Licence, record: VehicleRecord, statement: Statement, context: ClaimContext, policy: Policy
) -> Assessment:
    """Every rule that looks at one licence, in a fixed order."""
    raise NotImplementedError


def latest_receipt_on(licence: Licence, claim_years: int) -> date:
    """Rule EL2: min(issue date, purchase date) + 2 calendar years - 1 day; 29 February counts as the 28th first."""
    raise NotImplementedError


def safe_send_on(latest_on: date, working_days: int) -> date:
    """The last day on which something that travels for so many NZ working days still arrives in time."""
    raise NotImplementedError


def claim_findings(findings: Sequence[Finding]) -> bool:
    """True where none fails or is unknown."""
    return all(finding.outcome in {"pass", "warn"} for finding in findings)
