"""What is frozen when a claim is lodged: the form and a report per licence, complete in themselves (rules CL4, CL8, FO3)."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from services.claims.application.claim.draft_claim import rate_text
from services.claims.application.statement.assess import Assessed
from services.claims.domain.claim.claim import ClaimDraft, pack
from services.claims.domain.policy import Policy
from services.claims.domain.register.bank import parse_account
from services.claims.domain.statement.statement import Amounts, Statement
from shared.contracts.claim import DayLine, FormLine, FormSnapshot, LicenceReport, ReportFinding

MM_PER_KM = 1_000_000


def form_snapshot(claim_id: UUID, number: str, lodged_on: date, draft: ClaimDraft, policy: Policy) -> FormSnapshot:
    """Lines in printing order: sheets as rule EL3 packs them, one after the other."""
    who = draft.applicant
    sheets = pack(draft.lines, policy.form_rows, policy.minimum_claim_cents)
    return FormSnapshot(
        claim_id=str(claim_id),
        claim_number=number,
        template_version=policy.form_template,
        lodged_on=lodged_on.isoformat(),
        customer_number=who.customer_number,
        first_claim=who.first_claim,
        applicant_name=who.name,
        lines=tuple(
            FormLine(
                plate=line.plate,
                licence_number=line.licence_number,
                distance_km=line.distance_km,
                reason_code=line.reason_code or 0,
                method=line.method,
                specify_type=line.specify_type,
                licence_id=str(line.licence_id),
                sheet=number_of_sheet,
            )
            for number_of_sheet, sheet in enumerate(sheets, 1)
            for line in sheet.lines
        ),
        travel_description=draft.travel_description,
        records_held=draft.records_held,
        person_completing=draft.person_completing,
        email=who.email,
        phone=who.phone,
        address=who.address,
        bank_account=parse_account(who.bank_account).digits,
        bank_account_name=who.bank_account_name,
        notes=draft.notes,
    )


def licence_report(
    assessed: Assessed, claimant_name: str, vehicle: str, claimed_as: str, policy: Policy, today: date
) -> LicenceReport:
    """The report of a licence in any state, without its map (tracks are fetched when it is printed)."""
    row, statement = assessed.row, assessed.statement
    recorder = assessed.record.recorder_of(assessed.licence)
    cents = assessed.assessment.estimate_cents
    coverage = coverage_text(statement)
    first, last = statement.first_day, statement.last_day
    return LicenceReport(
        claimant_name=claimant_name,
        plate=assessed.licence.plate_at_issue,
        vehicle=vehicle,
        licence_number=row.number,
        licence_kind=row.kind,
        recorder=f"{recorder.kind} {recorder.serial} ({recorder.unit})",
        start_km=row.start_reading,
        end_km=row.end_reading,
        issued_on=assessed.licence.issued_on.isoformat(),
        period=(first.isoformat() if first else "", last.isoformat() if last else ""),
        state="lodged" if claimed_as else assessed.assessment.state,
        claimed_as=claimed_as,
        days=tuple(
            _day_line(line.on.isoformat(), line.amounts, line.fixes, "; ".join(line.notes)) for line in statement.lines
        ),
        totals=_day_line("", statement.totals, sum(line.fixes for line in statement.lines), ""),
        claimable_km=assessed.assessment.claimable_km,
        rate="unknown" if assessed.rate is None else f"${rate_text(assessed.rate)}",
        estimate="unknown" if cents is None else f"${Decimal(cents) / 100:.2f}",
        closure=closure_text(statement),
        coverage_percent="unknown" if coverage is None else f"{coverage} %",
        findings=tuple(
            ReportFinding(rule=f.rule, outcome=f.outcome, reason=f.reason, source=f.source)
            for f in assessed.assessment.findings
        ),
        tracks=(),
        roads=(),
        evidence={
            "statement": statement.hash,
            "policy": policy.name,
            "road data sets": ", ".join(statement.road_sets),
            "declared land": ", ".join(statement.lands),
            **({"land over public roads": "; ".join(statement.over_public)} if statement.over_public else {}),
            **({"manual log": _log_text(statement)} if statement.log else {}),
            "scheme": ", ".join(str(scheme) for scheme in statement.schemes),
            "device-day revisions": str(len(statement.stands_on)),
        },
        labels=statement.labels,
        generated_on=today.isoformat(),
    )


def _day_line(day: str, amounts: Amounts, fixes: int, note: str) -> DayLine:
    return DayLine(
        day=day,
        public_mm=amounts.public_mm,
        off_road_mm=amounts.off_road_mm,
        unknown_mm=amounts.unknown_mm,
        carried_mm=amounts.carried_mm,
        uncovered_mm=amounts.uncovered_mm,
        fixes=fixes,
        off_road_by_basis=dict(amounts.off_road_by_basis),
        note=note,
    )


def _log_text(statement: Statement) -> str:
    """Rule LI8: every entry with its file, so that the report names what must be shown."""
    return "; ".join(
        f"{one.entry.on} {_km(one.counted_mm)} km, {one.entry.reason} ({one.entry.actor}, file {one.entry.attachment_id})"
        for one in statement.log
    )


def coverage_text(statement: Statement) -> str | None:
    """Per cent with one decimal, cut; None without engine-on time (rule EL6)."""
    if not statement.engine_on_ms:
        return None
    tenths = statement.covered_ms * 1000 // statement.engine_on_ms
    return f"{tenths // 10}.{tenths % 10}"


_CLOSED_ON = {
    "legal_recorder": "the legal recorder's readings",
    "device_odometer": "the device's own odometer, since actual readings of the legal recorder lack",
    "gps": "GPS alone, since neither recorder nor odometer has readings",
    "nothing": "nothing yet",
}


def closure_text(statement: Statement) -> str:
    """How the distance closed, in words (rules DI1, DI2)."""
    parts = ["Closed on " + " and ".join(_CLOSED_ON[basis] for basis in statement.closed_on or ("nothing",))]
    parts.append(f"GPS sum {_km(statement.gps_mm)} km")
    if statement.recorder_mm is not None:
        parts.append(f"recorder {_km(statement.recorder_mm)} km")
    if statement.drift_mm is not None:
        parts.append(f"device odometer less recorder {_km(statement.drift_mm)} km")
    if statement.lack_mm:
        parts.append(f"{_km(statement.lack_mm)} km were counted by the recorder and explained by no fix (unknown)")
    if statement.rest_mm:
        parts.append(f"{statement.rest_mm} mm are remainders of scaling (unknown)")
    if statement.uncovered_lack_mm:
        parts.append(
            f"{_km(statement.uncovered_lack_mm)} km were counted by the recorder before the issue and explained by no fix "
            "(no licence)"
        )
    return "; ".join(parts) + "."


def _km(mm: int) -> str:
    sign, mm = ("-", -mm) if mm < 0 else ("", mm)
    return f"{sign}{mm // MM_PER_KM}.{mm % MM_PER_KM // 1000:03d}"
