"""Exemptions of vehicles (Act s 40), their steps, and travel beyond their reach that is allowed (rules EX1 to EX4)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT: Final = """
insert into claims.exemption (tenant_id, id, ref, vehicle_id, state, details, boundary, created_at)
values ($1, $2, $3, $4, 'draft', $5::jsonb, $6::jsonb, $7)"""
EXEMPTIONS: Final = """
select id, ref, vehicle_id, state, details::text as details, boundary::text as boundary, from_at, until_at, created_at
from claims.exemption
where tenant_id = $1 and id = coalesce($2, id) and vehicle_id = coalesce($3, vehicle_id) and ($4::text is null or state = $4)
    and ($5::text is null or ref = $5) and (created_at, id) > ($6, $7)
order by created_at, id limit $8"""
LOCK: Final = "select id from claims.exemption where tenant_id = $1 and id = $2 for update"
SAME: Final = """
select id from claims.exemption where tenant_id = $1 and vehicle_id = $2 and state in ('draft', 'sent', 'granted')
union all
select id from claims.exemption where tenant_id = $1 and ref = $3 limit 1"""
AMEND: Final = "update claims.exemption set details = $3::jsonb, boundary = $4::jsonb where tenant_id = $1 and id = $2"
SET_STATE: Final = """
update claims.exemption set state = $3, from_at = coalesce($4, from_at), until_at = coalesce($5, until_at)
where tenant_id = $1 and id = $2"""
ANNUL: Final = """
update claims.exemption set state = $3, from_at = null, until_at = null where tenant_id = $1 and id = $2"""
BEGUN: Final = """
select vehicle_id, from_at, until_at from claims.exemption
where tenant_id = $1 and vehicle_id = any($2::uuid[]) and from_at is not null order by vehicle_id, from_at"""
EXEMPT_AT: Final = """
select 1 from claims.exemption
where tenant_id = $1 and vehicle_id = $2 and from_at <= $3 and (until_at is null or $3 < until_at)"""
INSERT_STEP: Final = """
insert into claims.exemption_step
    (tenant_id, id, exemption_id, seq, kind, on_day, code, reference, reason, reading, cents, attachment_id, actor, created_at,
    boundary_before)
select $1, $2, $3, coalesce(max(s.seq), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb
from claims.exemption_step s where s.tenant_id = $1 and s.exemption_id = $3"""
STEPS: Final = """
select id, seq, kind, on_day, code, reference, reason, reading, cents, attachment_id, actor, created_at,
    boundary_before::text as boundary_before
from claims.exemption_step where tenant_id = $1 and exemption_id = $2 order by seq"""
# Of every exemption that is or was in force.
STEPS_IN_FORCE: Final = """
select e.id as exemption_id, e.vehicle_id, s.kind, s.on_day, s.code
from claims.exemption e
join claims.exemption_step s on s.tenant_id = e.tenant_id and s.exemption_id = e.id
where e.tenant_id = $1 and e.state in ('granted', 'ended') order by e.created_at, e.id, s.seq"""
DUTY_TOLD: Final = """
update claims.exemption_step set duty_told = $4
where tenant_id = $1 and exemption_id = $2 and seq = $3 and duty_told is distinct from $4 returning id"""
INSERT_EXCEPTION: Final = """
insert into claims.exemption_exception
    (tenant_id, id, exemption_id, kind, during, back, destination, attachment_id, actor, created_at)
values ($1, $2, $3, $4, tstzrange($5, $6, '[]'), $7, $8, $9, $10, $11)"""
EXCEPTIONS: Final = """
select id, kind, lower(during) as from_at, upper(during) as until_at, back, destination, attachment_id, actor, looked_by,
    looked_words, created_at
from claims.exemption_exception where tenant_id = $1 and exemption_id = $2 order by lower(during), id"""
LOOK: Final = """
update claims.exemption_exception set looked_by = $4, looked_words = $5
where tenant_id = $1 and exemption_id = $2 and id = $3 and looked_by = '' returning id"""


@dataclass(frozen=True, kw_only=True)
class ExemptionRow:
    id: UUID
    ref: str | None
    vehicle_id: UUID
    state: str
    details: str
    """JSON of what form RUCEX asks."""
    boundary: str
    """GeoJSON."""
    from_at: datetime | None = None
    until_at: datetime | None = None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ExemptionStep:
    """Something that happened to an exemption on an NZ day."""

    id: UUID
    seq: int = 0
    kind: str
    on_day: date
    code: str = ""
    reference: str = ""
    reason: str = ""
    reading: int | None = None
    cents: int | None = None
    attachment_id: UUID | None = None
    actor: str
    created_at: datetime
    boundary_before: str | None = None
    """GeoJSON of the boundary that this step changed: it stood until that day."""


@dataclass(frozen=True)
class StepInForce:
    """What duties come of, with the exemption and vehicle that it is of."""

    exemption_id: UUID
    vehicle_id: UUID
    kind: str
    on_day: date
    code: str


@dataclass(frozen=True)
class BegunRow:
    """From when a vehicle was exempt: the claimable time of licences bought before ends there (rule LI2)."""

    vehicle_id: UUID
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExceptionRow:
    id: UUID
    kind: str
    from_at: datetime
    until_at: datetime
    back: bool
    destination: str
    attachment_id: UUID
    actor: str
    looked_by: str = ""
    looked_words: str = ""
    created_at: datetime


async def insert(conn: Connection, tenant: UUID, row: ExemptionRow) -> None:
    """Raises a violation of `exemption_one_at_a_time` or `exemption_ref_unique`."""
    await conn.execute(INSERT, tenant, row.id, row.ref, row.vehicle_id, row.details, row.boundary, row.created_at)


async def exemption(conn: Connection, tenant: UUID, exemption_id: UUID) -> ExemptionRow | None:
    record = await conn.fetchrow(EXEMPTIONS, tenant, exemption_id, None, None, None, START, FIRST_ID, 1)
    return one_of(ExemptionRow, record)


async def exemptions(
    conn: Connection, tenant: UUID, page: Page, vehicle_id: UUID | None, state: str | None, ref: str | None
) -> list[ExemptionRow]:
    records = await conn.fetch(
        EXEMPTIONS, tenant, None, vehicle_id, state, ref, page.after_at, page.after_id, page.limit
    )
    return all_of(ExemptionRow, records)


async def locked(conn: Connection, tenant: UUID, exemption_id: UUID) -> ExemptionRow | None:
    """With its row locked until the transaction ends."""
    if await conn.fetchrow(LOCK, tenant, exemption_id) is None:
        return None
    return await exemption(conn, tenant, exemption_id)


async def same(conn: Connection, tenant: UUID, vehicle_id: UUID, ref: str | None) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME, tenant, vehicle_id, ref)
    return found


async def amend(conn: Connection, tenant: UUID, exemption_id: UUID, details: str, boundary: str) -> None:
    await conn.execute(AMEND, tenant, exemption_id, details, boundary)


async def set_state(
    conn: Connection, tenant: UUID, exemption_id: UUID, state: str, from_at: datetime | None, until_at: datetime | None
) -> None:
    await conn.execute(SET_STATE, tenant, exemption_id, state, from_at, until_at)


async def annul(conn: Connection, tenant: UUID, exemption_id: UUID, state: str) -> None:
    """It never was in force."""
    await conn.execute(ANNUL, tenant, exemption_id, state)


async def is_exempt(conn: Connection, tenant: UUID, vehicle_id: UUID, at: datetime) -> bool:
    return await conn.fetchval(EXEMPT_AT, tenant, vehicle_id, at) is not None


async def add_step(conn: Connection, tenant: UUID, exemption_id: UUID, step: ExemptionStep) -> None:
    """The exemption's row is locked, so `seq` has no rival."""
    await conn.execute(
        INSERT_STEP, tenant, step.id, exemption_id, step.kind, step.on_day, step.code, step.reference, step.reason,
        step.reading, step.cents, step.attachment_id, step.actor, step.created_at, step.boundary_before,
    )  # fmt: skip


async def steps(conn: Connection, tenant: UUID, exemption_id: UUID) -> list[ExemptionStep]:
    return all_of(ExemptionStep, await conn.fetch(STEPS, tenant, exemption_id))


async def steps_in_force(conn: Connection, tenant: UUID) -> list[StepInForce]:
    """Each exemption's together, in order."""
    return all_of(StepInForce, await conn.fetch(STEPS_IN_FORCE, tenant))


async def duty_told(conn: Connection, tenant: UUID, exemption_id: UUID, seq: int, lateness: str) -> bool:
    """Whether so much lateness of the duty of this step was never told; from now on it was."""
    return await conn.fetchval(DUTY_TOLD, tenant, exemption_id, seq, lateness) is not None


async def insert_exception(conn: Connection, tenant: UUID, exemption_id: UUID, row: ExceptionRow) -> None:
    await conn.execute(
        INSERT_EXCEPTION, tenant, row.id, exemption_id, row.kind, row.from_at, row.until_at, row.back, row.destination,
        row.attachment_id, row.actor, row.created_at,
    )  # fmt: skip


async def exceptions(conn: Connection, tenant: UUID, exemption_id: UUID) -> list[ExceptionRow]:
    return all_of(ExceptionRow, await conn.fetch(EXCEPTIONS, tenant, exemption_id))


async def look(conn: Connection, tenant: UUID, exemption_id: UUID, exception_id: UUID, actor: str, words: str) -> bool:
    """False where there is none, or somebody looked at it before."""
    return await conn.fetchval(LOOK, tenant, exemption_id, exception_id, actor, words) is not None
