"""Which paper licences are in the register, as keyed hashes, and ops' cases about those in several tenants (rule LI4).

Tenants write through one SECURITY DEFINER function and read nothing; reading needs the worker's role."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

NOTE_PAPER: Final = """
select claims.note_paper($1, p.licence_id, p.hash) from unnest($2::uuid[], $3::bytea[]) as p (licence_id, hash)"""
MISSING: Final = """
select l.tenant_id, l.id, l.vehicle_id from claims.licence l
where not exists (select from claims.paper_licence p where p.tenant_id = l.tenant_id and p.licence_id = l.id)
order by l.tenant_id limit $1"""
CLASHES: Final = """
with clash as (
    select paper_hash from claims.paper_licence group by paper_hash having min(tenant_id::text) <> max(tenant_id::text)
)
select c.case_id, c.tenant_id, t.name as tenant_name, c.licence_id, l.number, l.issued_at, c.registered_at,
    coalesce((select p.plate from claims.vehicle_plate p
        where p.tenant_id = l.tenant_id and p.vehicle_id = l.vehicle_id
        order by p.period @> l.issued_at desc, lower(p.period) limit 1), '') as plate,
    (select k.kind from claims.lodged_licence k
        where k.tenant_id = l.tenant_id and k.licence_id = l.id and k.released_at is null) as claimed
from (select p.tenant_id, p.licence_id, p.registered_at, encode(substring(p.paper_hash, 1, 16), 'hex')::uuid as case_id
    from claims.paper_licence p where p.paper_hash in (select paper_hash from clash)) c
join claims.licence l on l.tenant_id = c.tenant_id and l.id = c.licence_id
join claims.tenant t on t.tenant_id = c.tenant_id
where $1::uuid is null or c.case_id = $1
order by c.registered_at, c.tenant_id, c.licence_id"""
# By the database's clock, as the registrations: which came first decides whether a case is open again.
INSERT_STEP: Final = """
insert into claims.ops_case_step (tenant_id, id, case_id, kind, reason, actor) values ($1, $2, $3, $4, $5, $6)
returning case_id, kind, reason, actor, created_at"""
STEPS: Final = """
select case_id, kind, reason, actor, created_at from claims.ops_case_step
where case_id = any($1::uuid[]) order by created_at, id"""


@dataclass(frozen=True)
class Unnoted:
    tenant_id: UUID
    id: UUID
    vehicle_id: UUID


@dataclass(frozen=True)
class ClashRow:
    """One registration of a paper that several tenants have.  `claimed`: "claim", "outside" or None."""

    case_id: UUID
    tenant_id: UUID
    tenant_name: str
    licence_id: UUID
    number: str
    issued_at: datetime
    registered_at: datetime
    plate: str
    claimed: str | None


@dataclass(frozen=True)
class StepRow:
    case_id: UUID
    kind: str
    reason: str
    actor: str
    created_at: datetime


async def note_papers(conn: Connection, tenant: UUID, papers: Sequence[tuple[UUID, bytes]]) -> None:
    """(licence, keyed hash of plate and number); one that is noted stays as it is."""
    await conn.execute(NOTE_PAPER, tenant, [licence for licence, _ in papers], [digest for _, digest in papers])


async def missing(conn: Connection, limit: int) -> list[Unnoted]:
    """Licences that no paper is noted of, of any tenant."""
    return all_of(Unnoted, await conn.fetch(MISSING, limit))


async def clashes(conn: Connection, case_id: UUID | None = None) -> list[ClashRow]:
    return all_of(ClashRow, await conn.fetch(CLASHES, case_id))


async def insert_step(
    conn: Connection, operator: UUID, step_id: UUID, case_id: UUID, kind: str, reason: str, actor: str
) -> StepRow:
    rows = await conn.fetch(INSERT_STEP, operator, step_id, case_id, kind, reason, actor)
    return all_of(StepRow, rows)[0]


async def steps(conn: Connection, case_ids: Sequence[UUID]) -> list[StepRow]:
    return all_of(StepRow, await conn.fetch(STEPS, list(case_ids)))
