"""Everything that statements and eligibility of some licences stand on, loaded in a fixed number of queries; then, pure, what
it comes to.  Every use case that looks at licences goes through these two steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.claims.application.binding import looks_of, mark_from, record_of, verifications_of, waivers_of
from services.claims.domain.eligibility import Assessment, ClaimContext, assess_licence
from services.claims.domain.faulty import OpenMark
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.licence import Licence, VehicleRecord
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate, rate_of
from services.claims.domain.statement import EvidencePeriod, Revision, Statement, evidence_period, make_statement
from services.claims.domain.usual_share import Look
from services.claims.domain.verification import Verification
from services.claims.repo import faulty, ledger
from services.claims.repo.ledger import LedgerDay, Window
from services.claims.repo.licences import LicenceRow
from services.claims.repo.records import Mark, Register, register_around
from shared.contracts.device_day import Hold
from shared.contracts.partitioning import partition_of
from shared.db.pool import Connection


@dataclass(frozen=True)
class Bound:
    """One licence with its vehicle's record and the device-days it may need."""

    row: LicenceRow
    licence: Licence
    record: VehicleRecord
    period: EvidencePeriod


@dataclass(frozen=True)
class Facts:
    """As read in one transaction."""

    tenant: UUID
    today: date
    register: Register
    bound: tuple[Bound, ...]
    days: dict[str, list[LedgerDay]]
    holds: list[Hold]
    progress: dict[int, int]
    marks: list[OpenMark]
    """Data marked as faulty that are not settled yet."""


@dataclass(frozen=True)
class Assessed:
    """One licence, judged."""

    row: LicenceRow
    licence: Licence
    record: VehicleRecord
    statement: Statement
    assessment: Assessment
    rate: Rate | None
    mark: Mark | None
    verifications: tuple[Verification, ...]
    """Of this licence, over any statement (rule CL2)."""
    looks: tuple[Look, ...]
    """Likewise (rule EL7)."""
    gps_type: str
    """Of the device that speaks for the vehicle last in the licence's period, "" where none was given."""


async def load_facts(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID], policy: Policy, now_ms: int) -> Facts:
    """At most eighteen queries, whatever the number of licences.  Unknown licences are left out."""
    register = await register_around(conn, tenant, licence_ids)
    rows = {row.id: row for row in register.licences}
    records = {row.id: record_of(row.id, register) for row in register.vehicles}
    bound = []
    for licence_id in register.asked:
        row = rows[licence_id]
        record = records[row.vehicle_id]
        licence = next(lic for lic in record.licences if lic.id == licence_id)
        bound.append(Bound(row, licence, record, evidence_period(licence, record, policy.rate_rises, now_ms)))
    windows = [Window(*window) for window in sorted({w for b in bound for w in b.period.device_days})]
    days: dict[str, list[LedgerDay]] = {}
    for day in await ledger.days_in(conn, tenant, windows):
        days.setdefault(day.day.device, []).append(day)
    return Facts(
        tenant=tenant,
        today=nz_date(from_ms(now_ms)),
        register=register,
        bound=tuple(bound),
        days=days,
        holds=await ledger.open_holds(conn, tenant, windows),
        progress=await ledger.progress(conn),
        marks=await faulty.open_marks(conn, tenant, windows),
    )


def assess(facts: Facts, policy: Policy, claimant_id: UUID | None = None) -> list[Assessed]:
    """Pure.  `claimant_id`: the claim's, None while nobody claims (rule EL5)."""
    return [_assess_one(facts, bound, policy, claimant_id) for bound in facts.bound]


def _assess_one(facts: Facts, bound: Bound, policy: Policy, claimant_id: UUID | None) -> Assessed:
    windows = bound.period.device_days
    revisions = [
        Revision(day.day, day.content_hash)
        for device in sorted({device for device, _, _ in windows})
        for day in facts.days.get(device, ())
        if any(device == d and first <= day.day.day <= last for d, first, last in windows)
    ]
    statement = make_statement(bound.licence, bound.record, revisions, policy.rate_rises)
    mark = facts.register.marks.get(bound.row.id)
    context = ClaimContext(
        today=facts.today,
        mark=mark_from(mark),
        complete_through_ms={
            span.device: facts.progress.get(partition_of(str(facts.tenant), span.device)) for span in bound.period.spans
        },
        holds=tuple(facts.holds),
        marks=tuple(facts.marks),
        waivers=waivers_of(facts.register.waivers, bound.row.id),
        claimant_id=claimant_id,
    )
    recorder = bound.record.recorder_of(bound.licence)
    return Assessed(
        row=bound.row,
        licence=bound.licence,
        record=bound.record,
        statement=statement,
        assessment=assess_licence(bound.licence, bound.record, statement, context, policy),
        rate=rate_of(bound.licence, recorder.unit, policy.rates),
        mark=mark,
        verifications=verifications_of(facts.register.verifications, bound.row.id),
        looks=looks_of(facts.register.acknowledgements, bound.row.id),
        gps_type=_gps_type(facts, bound),
    )


def _gps_type(facts: Facts, bound: Bound) -> str:
    """Rule CL1: "specify type" is prefilled from the device."""
    devices = [span.device for span in sorted(bound.period.spans)]
    types = {a.device: a.gps_type for a in sorted(facts.register.assignments, key=lambda a: a.from_at) if a.gps_type}
    return next((types[device] for device in reversed(devices) if device in types), "")
