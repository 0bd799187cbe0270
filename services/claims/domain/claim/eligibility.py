"""May this licence be claimed?  Every rule that looks at one licence, in a fixed order (rules EL, LI7, VE5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from services.claims.domain.claim.completeness import is_complete
from services.claims.domain.claim.deadlines import Channel, in_time, latest_receipt_on, send_days
from services.claims.domain.claim.licence_rules import (
    ClaimContext,
    buys_licences,
    has_ended,
    in_force,
    is_ordinary,
    over_public_roads,
    paid_by_claimant,
    readings_agree,
    reads_at_both_ends,
    something_to_claim,
)
from services.claims.domain.claim.second_application import ClaimedMark, consent_to, left_km, never_claimed
from services.claims.domain.claim.taken import claimed_upto, kilometres_free
from services.claims.domain.findings import Finding, Outcome, Waiver
from services.claims.domain.policy import Policy
from services.claims.domain.rates import estimate_cents, rate_of
from services.claims.domain.refunds.unused import unused_apart
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import MM_PER_KM
from services.claims.domain.statement.closure_rules import closes, is_covered, is_known, is_priced, worth_alone
from services.claims.domain.statement.faulty import held_by_marks
from services.claims.domain.statement.manual_log import stands_on_log
from services.claims.domain.statement.statement_parts import Statement

__all__ = [
    "Assessment",
    "ClaimContext",
    "ClaimedMark",
    "Finding",
    "LicenceState",
    "Outcome",
    "Waiver",
    "assess_licence",
    "with_finding",
]

LicenceState = Literal["running", "ended", "claimable", "not_claimable", "lodged", "claimed_outside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    findings: tuple[Finding, ...]
    state: LicenceState
    eligible: bool
    """No finding fails.  An unknown one (the rate, the coverage) does not block a licence; rule EL3 looks at the claim."""
    latest_receipt_on: date
    safe_send_on: Mapping[Channel, date]
    claimable_km: int
    """What a claim may hold: less what an earlier application has, where the Agency agreed to another (rule CL5)."""
    estimate_cents: int | None
    unknown_estimate_cents: int | None
    """What the unknown metres would be worth: dollars forgone (rule EL6)."""


def assess_licence(
    licence: Licence, record: VehicleRecord, statement: Statement, context: ClaimContext, policy: Policy
) -> Assessment:
    """Findings, state, deadline and worth of one licence.  Pure: the same statement and context give the same answer."""
    rate = rate_of(licence, statement.unit, policy.rates)
    again = consent_to(context.mark, context.earlier) is not None
    km = left_km(statement.claimable_km, context.earlier) if again else statement.claimable_km
    estimate = estimate_cents(km, rate)
    registered = licence.end_reading if context.claimable_end is None else context.claimable_end
    upto = claimed_upto(licence.start_reading, registered, statement.window)
    findings = (
        buys_licences(record),
        is_ordinary(licence),
        has_ended(licence, record, statement),
        in_time(licence, context.today, policy),
        never_claimed(context.mark, context.earlier, statement.claimable_km),
        kilometres_free(licence.start_reading, upto, context.taken),
        *is_complete(statement, context, policy),
        *held_by_marks(statement, context.marks),
        paid_by_claimant(licence, record, context.claimant_id),
        reads_at_both_ends(statement),
        readings_agree(statement),
        in_force(statement),
        closes(statement, policy),
        is_known(statement, rate, policy),
        is_covered(statement),
        *over_public_roads(statement),
        *stands_on_log(statement),
        something_to_claim(statement, km),
        is_priced(rate),
        worth_alone(estimate, policy),
        *unused_apart(licence, context.waivers),
    )
    return Assessment(
        findings=findings,
        state=_state(statement, context.mark, findings),
        eligible=all(finding.outcome != "fail" for finding in findings),
        latest_receipt_on=latest_receipt_on(licence, policy.claim_years),
        safe_send_on=send_days(licence, policy),
        claimable_km=km,
        estimate_cents=estimate,
        unknown_estimate_cents=estimate_cents(statement.totals.unknown_mm // MM_PER_KM, rate),
    )


def with_finding(judged: Assessment, finding: Finding) -> Assessment:
    """The assessment with what a rule says that compares several licences (rule EL7); such a rule warns, it never fails."""
    return replace(judged, findings=(*judged.findings, finding))


def _state(statement: Statement, mark: ClaimedMark | None, findings: tuple[Finding, ...]) -> LicenceState:
    """`lodged`: also where the Agency agreed to another application that cannot be lodged as things are.  `running`: nothing
    shows that it ended.  `ended`: all that is wrong can come right by itself with time."""
    failing = [finding for finding in findings if finding.outcome == "fail"]
    if not failing:
        return "claimable"
    if mark is not None:
        return "lodged" if mark.where == "here" else "claimed_outside"
    if any(finding.rule in {"VE5", "LI1"} for finding in failing):
        return "not_claimable"
    if statement.end.ms is None:
        return "running"
    return "ended" if all(finding.waiting for finding in failing) else "not_claimable"
