"""From rows of the register to the values that the domain binds together (design section 2, "Late binding")."""

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, cast
from uuid import UUID

from services.claims.domain.claim.eligibility import ClaimedMark, Waiver
from services.claims.domain.claim.line_life import LineAccount, LineState
from services.claims.domain.claim.second_application import Consent, EarlierLine
from services.claims.domain.claim.taken import How, Taken
from services.claims.domain.instants import nz_date
from services.claims.domain.register.licence import Licence, LicenceKind, UnusedAsked, VehicleRecord
from services.claims.domain.register.recorder import ReadingSource, Recorder, RecorderKind, RecorderReading, Unit
from services.claims.domain.register.vehicle import Assignment, Coupling, Ending, EndingKind, Vehicle
from services.claims.domain.statement.log_entry import LogEntry
from services.claims.domain.statement.usual_share import Look
from services.claims.domain.statement.verification import Verification
from services.claims.repo.applications import StandingRow
from services.claims.repo.devices import AssignmentRow, CouplingRow
from services.claims.repo.earlier import EarlierRow
from services.claims.repo.exemptions import BegunRow
from services.claims.repo.expected import AcknowledgementRow
from services.claims.repo.licences import LicenceRow, VerificationRow
from services.claims.repo.log_entries import LogRow
from services.claims.repo.parties import WaiverRow
from services.claims.repo.recorders import ReadingRow, RecorderRow
from services.claims.repo.records import Mark, Register
from services.claims.repo.taken import TakenRow
from services.claims.repo.vehicles import EndingRow, VehicleRow

_KINDS: dict[str, LicenceKind] = {"D": "D", "H": "H", "additional": "additional"}
_RECORDERS: dict[str, RecorderKind] = {"odometer": "odometer", "hubodometer": "hubodometer"}
_UNITS: dict[str, Unit] = {"km": "km", "mi": "mi"}
_SOURCES: dict[str, ReadingSource] = {
    "person": "person",
    "inspection": "inspection",
    "photo": "photo",
    "provider": "provider",
    "licence_purchase": "licence_purchase",
}
_ASKED: dict[str, Literal["surrender", "recorder_change", "cancelled_vehicle"]] = {
    "surrender": "surrender",
    "recorder_change": "recorder_change",
    "cancelled_vehicle": "cancelled_vehicle",
}
_ENDINGS: dict[str, EndingKind] = {"sold": "sold", "deregistered": "deregistered"}


def vehicle_from_row(row: VehicleRow, endings: list[EndingRow], exempt: Sequence[BegunRow] = ()) -> Vehicle:
    return Vehicle(
        id=row.id,
        ruc_type=row.ruc_type or None,
        gross_kg=row.gross_kg,
        powered=row.powered,
        exempt=row.exempt,
        exempt_reason=row.exempt_reason,
        endings=tuple(
            Ending(kind=_ENDINGS[e.kind], at=e.at, recorder_id=e.recorder_id, reading=e.reading)
            for e in endings
            if e.vehicle_id == row.id
        )
        + tuple(
            Ending(kind="exempt", at=one.from_at, until=one.until_at) for one in exempt if one.vehicle_id == row.id
        ),
    )


def recorder_from_row(row: RecorderRow) -> Recorder:
    return Recorder(
        id=row.id,
        vehicle_id=row.vehicle_id,
        kind=_RECORDERS[row.kind],
        serial=row.serial,
        unit=_UNITS[row.unit],
        rollover_at=row.rollover_at,
        fitted_at=row.from_at,
        removed_at=row.to_at,
    )


def reading_from_row(row: ReadingRow) -> RecorderReading:
    return RecorderReading(
        id=row.id, recorder_id=row.recorder_id, at=row.at, value=row.value, source=_SOURCES[row.source], label=row.label
    )


def log_from_row(row: LogRow) -> LogEntry:
    return LogEntry(
        id=row.id, licence_id=row.licence_id, on=row.on_day, mm=row.logged_mm, reason=row.reason, actor=row.actor,
        attachment_id=row.attachment_id, at=row.created_at,
    )  # fmt: skip


def licence_from_row(
    row: LicenceRow, vehicle: VehicleRow, plate_at_issue: str, asked: StandingRow | None = None
) -> Licence:
    """`asked`: the application that stands on it."""
    return Licence(
        id=row.id,
        claimant_id=row.claimant_id,
        vehicle_id=row.vehicle_id,
        recorder_id=row.recorder_id,
        number=row.number,
        kind=_KINDS[row.kind],
        start_reading=row.start_reading,
        end_reading=row.end_reading,
        issued_at=row.issued_at,
        purchased_on=nz_date(row.purchased_at),
        units=row.units,
        gross_cents=row.gross_cents,
        credit_cents=row.credit_cents,
        fee_cents=row.fee_cents,
        ruc_type=row.ruc_type or vehicle.ruc_type or None,
        gross_kg=row.gross_kg or vehicle.gross_kg,
        plate_at_issue=plate_at_issue,
        surrendered=None if asked is None or asked.kind != "surrender" else _surrendered(row, asked),
        unused_asked=None if asked is None else _unused_asked(asked),
    )


def _surrendered(row: LicenceRow, asked: StandingRow) -> Ending:
    """A licence that had not begun to run is given back whole: the recorder did not show its start yet."""
    begun = asked.from_reading > row.start_reading
    return Ending(
        kind="surrendered", at=asked.effective_at, recorder_id=row.recorder_id,
        reading=asked.from_reading if begun else None,
    )  # fmt: skip


def _unused_asked(asked: StandingRow) -> UnusedAsked:
    return UnusedAsked(
        application_id=asked.id,
        kind=_ASKED[asked.kind],
        from_reading=asked.from_reading,
        on=nz_date(asked.effective_at),
        decided=asked.state == "granted",
    )


def assignment_from_row(row: AssignmentRow) -> Assignment:
    return Assignment(
        device=row.device, vehicle_id=row.vehicle_id, from_at=row.from_at, until_at=row.to_at, primary=row.is_primary
    )


def _coupling(row: CouplingRow) -> Coupling:
    return Coupling(trailer_id=row.trailer_id, towing_id=row.vehicle_id, from_at=row.from_at, until_at=row.to_at)


def record_of(vehicle_id: UUID, register: Register) -> VehicleRecord:
    """Everything about one vehicle of the register.  Raises KeyError where the register lacks it."""
    row = next((v for v in register.vehicles if v.id == vehicle_id), None)
    if row is None:
        raise KeyError(vehicle_id)
    recorders = [r for r in register.recorders if r.vehicle_id == vehicle_id]
    series = {r.id for r in recorders}
    couplings = [c for c in register.couplings if c.trailer_id == vehicle_id]
    asked = {one.licence_id: one for one in register.applications}
    own = {lic.id for lic in register.licences if lic.vehicle_id == vehicle_id}
    movers = {vehicle_id, *(c.vehicle_id for c in couplings)}
    return VehicleRecord(
        vehicle=vehicle_from_row(row, register.endings, register.exempt),
        recorders=tuple(recorder_from_row(r) for r in recorders),
        readings=tuple(reading_from_row(r) for r in register.readings if r.recorder_id in series),
        licences=tuple(
            licence_from_row(lic, row, register.plate_at(vehicle_id, lic.issued_at), asked.get(lic.id))
            for lic in register.licences
            if lic.vehicle_id == vehicle_id
        ),
        assignments=tuple(assignment_from_row(a) for a in register.assignments if a.vehicle_id in movers),
        couplings=tuple(_coupling(c) for c in couplings),
        log=tuple(log_from_row(one) for one in register.log if one.licence_id in own),
    )


def mark_from(mark: Mark | None, earlier: Sequence[EarlierLine]) -> ClaimedMark | None:
    if mark is None:
        return None
    return ClaimedMark(
        where="here" if mark.kind == "claim" else "outside", reference=mark.reference, on=mark.marked_on,
        consent=next((line.consent for line in earlier if line.claim_id == mark.source_id), None),
    )  # fmt: skip


def earlier_of(rows: Sequence[EarlierRow]) -> tuple[EarlierLine, ...]:
    """Of one licence, in the order in which it is read."""
    found = []
    for _, steps in groupby(rows, key=lambda row: row.claim_id):
        some = list(steps)
        first = some[0]
        account = account_of(first.distance_km, [(row.kind, row.step_km, row.step_cents) for row in some if row.kind])
        reference, on = first.consent_reference, first.consent_on
        found.append(
            EarlierLine(
                claim_id=first.claim_id, number=first.number, lodged_at=first.lodged_at, lodged_on=first.lodged_on,
                account=account, estimate_cents=first.estimate_cents,
                consent=None if reference is None or on is None else Consent(reference=reference, on=on),
            )
        )  # fmt: skip
    return tuple(found)


def taken_of(rows: Sequence[TakenRow]) -> tuple[Taken, ...]:
    return tuple(
        Taken(
            how=cast("How", row.how), start=row.start, upto=row.upto, reference=row.reference, source_id=row.source_id,
            other_id=row.other_id, other=row.other, state=row.state,
        )
        for row in rows
    )  # fmt: skip


def account_of(claimed_km: int, steps: Sequence[tuple[str, int | None, int | None]]) -> LineAccount:
    """A line after (kind, kilometres, cents) of each of its steps."""
    account = LineAccount(claimed_km=claimed_km)
    for kind, distance_km, cents in steps:
        account = account.with_step(cast("LineState", kind), distance_km, cents)
    return account


def verifications_of(rows: Sequence[VerificationRow], licence_id: UUID) -> tuple[Verification, ...]:
    return tuple(
        Verification(statement_hash=row.statement_hash.hex(), actor=row.actor, at=row.created_at)
        for row in rows
        if row.licence_id == licence_id
    )


def looks_of(rows: Sequence[AcknowledgementRow], licence_id: UUID) -> tuple[Look, ...]:
    return tuple(
        Look(statement_hash=row.statement_hash.hex(), reason=row.reason, actor=row.actor, at=row.created_at)
        for row in rows
        if row.licence_id == licence_id
    )


def waivers_of(rows: Sequence[WaiverRow], thing: UUID) -> tuple[Waiver, ...]:
    """The waivers of one licence or one claimant."""
    return tuple(
        Waiver(rule=w.rule, reason=w.reason, actor=w.actor, at=w.created_at, covers=frozenset(w.covers))
        for w in rows
        if thing in {w.licence_id, w.claimant_id}
    )
