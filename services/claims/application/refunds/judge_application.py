"""What may be asked for of a licence's unused distance, and with what findings (rules OT2, OT3, OT4).  Read in one transaction,
then pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, cast
from uuid import UUID

from services.claims.application.refunds.application_details import Details, from_json
from services.claims.application.refunds.estimate_reading import Estimated, estimate_reading
from services.claims.application.refusals import not_found
from services.claims.application.statement.binding import record_of
from services.claims.domain.findings import Finding
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate, rate_of
from services.claims.domain.refunds.application_life import NEEDS, ApplicationKind, DocumentGiven, lacking
from services.claims.domain.refunds.cancelled import MR15, Fate, cancellation_of, check_cancelled
from services.claims.domain.refunds.recorder_change import (
    SOURCE,
    Cause,
    OwnEstimate,
    RecorderChange,
    check_change,
    check_successor,
    covers_all_days,
    credited_since,
    larger,
)
from services.claims.domain.refunds.surrender import BANK_EVIDENCE, assess_surrender, still_held
from services.claims.domain.refunds.surrender import NEEDS as SURRENDER_NEEDS
from services.claims.domain.refunds.unused import (
    Refund,
    RefundedPart,
    Unused,
    not_refunded,
    of_distance,
    on_licence,
    pays_into,
    reads_true,
    something_left,
    unused_from,
)
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import Unit
from services.claims.domain.statement.closure_rules import is_priced
from services.claims.repo import applications, parties
from services.claims.repo.applications import ApplicationRow, ApplicationStep, RefundedRow
from services.claims.repo.licences import LicenceRow
from services.claims.repo.parties import ClaimantRow
from services.claims.repo.records import register_around
from shared.db.pool import Connection

RULES: dict[ApplicationKind, str] = {"surrender": "OT2", "recorder_change": "OT3", "cancelled_vehicle": "OT4"}


@dataclass(frozen=True)
class Case:
    """An application with everything that its judgement needs."""

    row: ApplicationRow
    kind: ApplicationKind
    details: Details
    paper: LicenceRow
    licence: Licence
    record: VehicleRecord
    unit: Unit
    rate: Rate | None
    parts: tuple[RefundedPart, ...]
    """Of the licence, this application's own left out."""
    claimant: ClaimantRow | None
    documents: tuple[ApplicationStep, ...]
    estimated: Estimated | None
    """Of a lost recorder, by our own distance."""
    today: date


@dataclass(frozen=True)
class Judged:
    findings: tuple[Finding, ...]
    unused: Unused | None
    """None: the reading is not known yet."""
    at: datetime | None
    """From this instant on the licence is given back."""
    calculation: str

    @property
    def fails(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.outcome == "fail")


async def load_case(conn: Connection, tenant: UUID, row: ApplicationRow, policy: Policy, now_ms: int) -> Case:
    """Raises Problem 404 for a kind that concerns no licence."""
    if row.licence_id is None:
        raise not_found("licence", row.id)
    register = await register_around(conn, tenant, [row.licence_id])
    paper = next(one for one in register.licences if one.id == row.licence_id)
    record = record_of(paper.vehicle_id, register)
    licence = next(one for one in record.licences if one.id == paper.id)
    details = from_json(row.details)
    refunded = await applications.refunded(conn, tenant, [paper.id])
    steps = await applications.steps(conn, tenant, row.id)
    estimated = None
    if row.kind == "recorder_change" and details.cause in {"lost", "stolen"} and details.read_at is not None:
        estimated = await estimate_reading(conn, tenant, licence, record, details.read_at)
    unit = record.recorder_of(licence).unit
    return Case(
        row=row,
        kind=cast("ApplicationKind", row.kind),
        details=details,
        paper=paper,
        licence=licence,
        record=record,
        unit=unit,
        rate=rate_of(licence, unit, policy.rates),
        parts=tuple(part_from_row(one) for one in refunded if one.source_id != row.id),
        claimant=await parties.claimant(conn, tenant, paper.claimant_id),
        documents=tuple(step for step in steps if step.kind == "document"),
        estimated=estimated,
        today=nz_date(from_ms(now_ms)),
    )


def part_from_row(row: RefundedRow) -> RefundedPart:
    return RefundedPart(
        kind=cast("Refund", row.kind), start=row.from_reading, end=row.to_reading, source_id=row.source_id,
        reference=row.reference,
    )  # fmt: skip


def given_documents(case: Case) -> list[DocumentGiven]:
    return [DocumentGiven(code=step.code, shows=tuple(step.shows)) for step in case.documents]


def judge(case: Case, policy: Policy) -> Judged:
    """Pure: the same case gives the same answer."""
    rule = RULES[case.kind]
    found = [of_distance(rule, case.licence)]
    if case.kind == "surrender":
        judged = _surrender(case, policy)
    elif case.kind == "recorder_change":
        judged = _recorder_change(case)
    else:
        judged = _cancelled(case)
    if judged.unused is not None:
        found.append(something_left(rule, judged.unused, "Act s 32"))
        found.append(not_refunded(rule, judged.unused, case.parts))
    found += judged.findings
    if case.kind != "surrender":  # its own rule names the papers
        found += _documents(case)
    found.append(is_priced(case.rate))
    found.append(pays_into(rule, account_given=bool(case.claimant and case.claimant.bank_tail)))
    return replace(judged, findings=tuple(found))


def _missing(rule: str, what: str, source: str) -> Finding:
    return Finding(rule=rule, outcome="fail", reason=f"{what} is needed", source=source, waiting=True)


def _surrender(case: Case, policy: Policy) -> Judged:
    reading, at = case.details.reading, case.details.read_at
    if reading is None or at is None:
        return Judged((_missing("OT2", "the present reading, with its instant", SURRENDER_NEEDS),), None, None, "")
    shown = on_licence(case.licence, case.record, reading, at)
    evidence = [part for part in BANK_EVIDENCE if part in _shown(case, "bank_evidence")]
    assessed = assess_surrender(case.licence, case.unit, shown, case.today, case.rate, evidence, policy)
    findings = (
        *assessed.findings,
        *still_held(case.licence, case.record, at, case.today),
        *credited_since("OT2", case.licence, case.record),
        *reads_true("OT2", case.licence, case.record, reading, at, case.today, SURRENDER_NEEDS),
    )
    return Judged(findings, unused_from(case.licence, case.unit, shown, case.rate), at, "")


def _shown(case: Case, code: str) -> Sequence[str]:
    return next((step.shows for step in reversed(case.documents) if step.code == code), ())


def _recorder_change(case: Case) -> Judged:
    details, old = case.details, case.record.recorder_of(case.licence)
    new = next((one for one in case.record.recorders if one.id == details.new_recorder_id), None)
    replacement = next((one for one in case.record.licences if one.id == details.replacement_licence_id), None)
    ours = case.estimated
    theirs = None
    if details.estimated_reading is not None and details.calculation:
        theirs = OwnEstimate(reading=details.estimated_reading, calculation=details.calculation)
    estimate = None if details.cause not in {"lost", "stolen"} else larger(ours.estimate if ours else None, theirs)
    change = RecorderChange(
        cause=cast("Cause | None", details.cause),
        old_serial=old.serial,
        old_reading=details.reading if details.cause == "unserviceable" else None,
        estimate=estimate,
        odometer_reading=details.odometer_reading,
        powered=case.record.vehicle.powered,
        new_serial=new.serial if new else "",
        new_start=replacement.start_reading if replacement else None,
        replacement_licence=replacement.number if replacement else "",
    )
    findings = [*check_change(change), *check_successor(case.licence, case.record, new, replacement)]
    if ours is not None:
        findings += covers_all_days(ours.estimate, ours.silent_days)
    reading = change.old_reading if estimate is None else estimate.reading
    if details.read_at is None:
        findings.append(_missing("OT3", "the instant at which it failed or was lost", SOURCE))
    if reading is None or details.read_at is None:
        return Judged(tuple(findings), None, details.read_at, "")
    findings += reads_true("OT3", case.licence, case.record, reading, details.read_at, case.today, SOURCE)
    shown = on_licence(case.licence, case.record, reading, details.read_at)
    calculation = estimate.calculation if estimate is not None else ""
    return Judged(
        tuple(findings), unused_from(case.licence, case.unit, shown, case.rate), details.read_at, calculation
    )  # fmt: skip


def _cancelled(case: Case) -> Judged:
    cancelled = cancellation_of(case.record.vehicle)
    fate = cast("Fate | None", case.details.cause)
    findings = check_cancelled(case.licence, case.record.vehicle, fate)
    if cancelled is None or cancelled.reading is None or cancelled.recorder_id != case.licence.recorder_id:
        return Judged(tuple(findings), None, None, "")
    findings += reads_true("OT4", case.licence, case.record, cancelled.reading, cancelled.at, case.today, MR15)
    shown = on_licence(case.licence, case.record, cancelled.reading, cancelled.at)
    return Judged(tuple(findings), unused_from(case.licence, case.unit, shown, case.rate), cancelled.at, "")


def _documents(case: Case) -> list[Finding]:
    found = []
    for need in NEEDS[case.kind]:
        missing = lacking(need, given_documents(case))
        if missing == ():
            continue
        what = need.words if missing is None else f"{need.words}: still to be seen is {', '.join(missing)}"
        outcome: Literal["fail", "warn"] = "fail" if need.required else "warn"
        found.append(
            Finding(rule=RULES[case.kind], outcome=outcome, reason=what, source=need.source, waiting=need.required)
        )
    return found
