"""From a judged application to what it stands on, as it is shown and frozen."""

from services.claims.application.claim.draft_claim import rate_text, shown
from services.claims.application.refunds.application_inputs import (
    ClaimantInput,
    DocumentInput,
    Inputs,
    LicenceInput,
    RecorderInput,
    SuccessorInput,
    UnusedInput,
)
from services.claims.application.refunds.judge_application import Case, Judged
from services.claims.domain.policy import Policy
from services.claims.domain.refunds.unused import Unused
from services.claims.repo.parties import ClaimantRow


def draw_inputs(case: Case, judged: Judged, policy: Policy) -> Inputs:
    recorder = case.record.recorder_of(case.licence)
    newest = {step.code: step for step in case.documents if step.attachment_id is not None}
    return Inputs(
        application_id=case.row.id,
        kind=case.kind,
        on=case.today,
        licence=_licence(case),
        recorder=RecorderInput(id=recorder.id, serial=recorder.serial, kind=recorder.kind, unit=recorder.unit),
        claimant=None if case.claimant is None else _claimant(case.claimant),
        details=case.details,
        successor=_successor(case),
        effective_at=judged.at,
        unused=None if judged.unused is None else _unused(judged.unused),
        rate=rate_text(case.rate),
        rate_source=None if case.rate is None else case.rate.source,
        amount_cents=None if judged.unused is None else judged.unused.cents,
        calculation=judged.calculation,
        findings=tuple(shown(one) for one in judged.findings),
        documents=tuple(
            DocumentInput(code=code, attachment_id=step.attachment_id, shows=tuple(step.shows))
            for code, step in sorted(newest.items())
            if step.attachment_id is not None
        ),
        policy=policy.name,
    )


def _licence(case: Case) -> LicenceInput:
    paper = case.paper
    return LicenceInput(
        id=paper.id,
        number=paper.number,
        plate=case.licence.plate_at_issue,
        kind=paper.kind,
        start_reading=paper.start_reading,
        end_reading=paper.end_reading,
        issued_on=case.licence.issued_on,
        purchased_on=case.licence.purchased_on,
        units=paper.units,
        gross_cents=paper.gross_cents,
        credit_cents=paper.credit_cents,
    )


def _successor(case: Case) -> SuccessorInput | None:
    asked = case.details
    new = next((one for one in case.record.recorders if one.id == asked.new_recorder_id), None)
    licence = next((one for one in case.record.licences if one.id == asked.replacement_licence_id), None)
    if new is None or licence is None:
        return None
    return SuccessorInput(
        recorder_id=new.id,
        serial=new.serial,
        licence_id=licence.id,
        licence_number=licence.number,
        start_reading=licence.start_reading,
    )


def masked_account(claimant: ClaimantRow) -> str:
    """The last digits only (rule RE3)."""
    return f"…{claimant.bank_tail[0]}-{claimant.bank_tail[1:]}" if claimant.bank_tail else ""


def _claimant(row: ClaimantRow) -> ClaimantInput:
    return ClaimantInput(
        id=row.id, name=row.name, bank_account_masked=masked_account(row), bank_account_name=row.bank_account_name
    )


def _unused(unused: Unused) -> UnusedInput:
    parts = unused.division
    return UnusedInput(
        from_reading=unused.start,
        end_reading=unused.end,
        distance=unused.distance,
        unit=unused.unit,
        charge_cents=None if parts is None else parts.charge_cents,
        used_cents=None if parts is None else parts.used_cents,
        unused_cents=None if parts is None else parts.unused_cents,
        remainder_cents=None if parts is None else parts.remainder_cents,
    )
