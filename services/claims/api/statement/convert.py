"""From assessed licences to answers."""

from collections.abc import Sequence
from datetime import date

from services.claims.api.fields import Km
from services.claims.api.statement.licence_schemas import (
    ClosureAnswer,
    DayAnswer,
    EligibilityAnswer,
    EvidenceAnswer,
    FindingAnswer,
    LicenceAnswer,
    ListedState,
    LoggedAnswer,
    PlaceAnswer,
    StatementAnswer,
    TotalsAnswer,
)
from services.claims.api.statement.outlook import to_api_countdown, to_api_forecast, to_api_to_do
from services.claims.application.claim.draft_claim import rate_text, shown
from services.claims.application.claim.snapshots import closure_text, coverage_text
from services.claims.application.statement.assess import Assessed, Broken
from services.claims.domain.claim.deadlines import latest_receipt_on
from services.claims.domain.claim.licence_rules import over_public_roads
from services.claims.domain.findings import Finding
from services.claims.domain.policy import Policy
from services.claims.domain.statement.manual_log import stands_on_log
from services.claims.domain.statement.places import PlaceTotal
from services.claims.domain.statement.statement_parts import Amounts, Statement
from services.claims.domain.statement.to_do import Payee


def to_api_finding(finding: Finding) -> FindingAnswer:
    return FindingAnswer.model_validate(shown(finding))


def to_api_licence(item: Assessed | Broken, policy: Policy) -> LicenceAnswer:
    mark = item.mark
    return LicenceAnswer.model_validate(
        {
            **vars(item.row),
            "plate": item.licence.plate_at_issue,
            "unit": item.record.recorder_of(item.licence).unit,
            "state": state_of(item),
            "broken": item.words if isinstance(item, Broken) else None,
            "claim_id": mark.source_id if mark is not None and mark.kind == "claim" else None,
            "latest_receipt_on": latest_receipt_on(item.licence, policy.claim_years),
        }
    )


def state_of(item: Assessed | Broken) -> ListedState:
    """That a licence is claimed is known whatever its ledger says."""
    if isinstance(item, Assessed):
        return item.assessment.state
    if item.mark is None:
        return "broken"
    return "lodged" if item.mark.kind == "claim" else "claimed_outside"


def to_api_eligibility(item: Assessed) -> EligibilityAnswer:
    judged = item.assessment
    safe: dict[str, date] = {str(channel): on for channel, on in judged.safe_send_on.items()}
    return EligibilityAnswer(
        licence_id=item.row.id,
        state=judged.state,
        eligible=judged.eligible,
        claimable_km=judged.claimable_km,
        estimate_cents=judged.estimate_cents,
        unknown_estimate_cents=judged.unknown_estimate_cents,
        latest_receipt_on=judged.latest_receipt_on,
        safe_send_on=safe,
        findings=[to_api_finding(finding) for finding in judged.findings],
    )


def _totals(amounts: Amounts) -> TotalsAnswer:
    km: dict[str, Km] = {
        "public_km": amounts.public_mm,
        "off_road_km": amounts.off_road_mm,
        "unknown_km": amounts.unknown_mm,
        "carried_km": amounts.carried_mm,
        "uncovered_km": amounts.uncovered_mm,
        "total_km": amounts.share_mm,
        "declared_over_public_km": amounts.over_public_mm,
    }
    return TotalsAnswer(
        public_mm=amounts.public_mm,
        off_road_mm=amounts.off_road_mm,
        unknown_mm=amounts.unknown_mm,
        carried_mm=amounts.carried_mm,
        uncovered_mm=amounts.uncovered_mm,
        total_mm=amounts.share_mm,
        declared_over_public_mm=amounts.over_public_mm,
        off_road_by_basis=dict(amounts.off_road_by_basis),
        unknown_by_basis=dict(amounts.unknown_by_basis),
        **km,
    )


def _closure(statement: Statement) -> ClosureAnswer:
    known = [stretch.odometer_mm for stretch in statement.stretches if stretch.odometer_mm is not None]
    return ClosureAnswer(
        basis=statement.closed_on[0] if statement.closed_on else "nothing",
        gps_mm=statement.gps_mm,
        recorder_mm=statement.recorder_mm,
        odometer_mm=sum(known) if known and len(known) == len(statement.stretches) else None,
        drift_mm=statement.drift_mm,
        lack_mm=statement.lack_mm,
        rest_mm=statement.rest_mm,
        uncovered_lack_mm=statement.uncovered_lack_mm,
        text=closure_text(statement),
    )


def to_api_statement(
    item: Assessed, policy: Policy, places: Sequence[PlaceTotal], payee: Payee | None, today: date
) -> StatementAnswer:
    statement = item.statement
    return StatementAnswer(
        licence_id=item.row.id,
        number=item.row.number,
        state=item.assessment.state,
        statement_hash=statement.hash,
        first_day=statement.first_day,
        last_day=statement.last_day,
        totals=_totals(statement.totals),
        recorder_mm=statement.recorder_mm,
        recorder_km=statement.recorder_mm,
        claimable_km=item.assessment.claimable_km,
        rate=rate_text(item.rate),
        rate_source=None if item.rate is None else item.rate.source,
        estimate_cents=item.assessment.estimate_cents,
        unknown_estimate_cents=item.assessment.unknown_estimate_cents,
        closure=_closure(statement),
        coverage_percent=coverage_text(statement),
        days=[
            DayAnswer(
                day=line.on,
                public_mm=line.amounts.public_mm,
                off_road_mm=line.amounts.off_road_mm,
                unknown_mm=line.amounts.unknown_mm,
                carried_mm=line.amounts.carried_mm,
                uncovered_mm=line.amounts.uncovered_mm,
                fixes=line.fixes,
                off_road_by_basis=dict(line.amounts.off_road_by_basis),
                note="; ".join(line.notes),
            )
            for line in statement.lines
        ],
        places=[
            PlaceAnswer(
                kind=one.kind,
                place=one.place,
                basis=one.basis,
                off_road_mm=one.off_road_mm,
                off_road_km=one.off_road_mm,
                days=one.days,
            )
            for one in places
        ],
        manual_log=[
            LoggedAnswer(
                id=one.entry.id,
                on=one.entry.on,
                logged_mm=one.entry.mm,
                counted_mm=one.counted_mm,
                reason=one.entry.reason,
                actor=one.entry.actor,
                attachment_id=one.entry.attachment_id,
            )
            for one in statement.log
        ],
        warnings=[to_api_finding(finding) for finding in (*over_public_roads(statement), *stands_on_log(statement))],
        missing=list(statement.missing),
        to_do=to_api_to_do(item, payee),
        countdown=to_api_countdown(item, today),
        forecast=to_api_forecast(item, policy, today),
        labels=list(statement.labels),
        incidents=list(statement.incidents),
        evidence=EvidenceAnswer(
            road_sets=list(statement.road_sets),
            lands=list(statement.lands),
            schemes=list(statement.schemes),
            policy=policy.name,
            revisions=len(statement.stands_on),
        ),
    )
