"""What is held against today's statements: lodged lines by vehicle, and vehicles whose turn is still to come (rule CL7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

LOCK_LICENCES: Final = """
select id from claims.licence where tenant_id = $1 and vehicle_id = any($2::uuid[]) order by id for update"""
# Evidence is kept for two years from the application (rule RE1): what is older cannot be judged any more.
LODGED_LINES: Final = """
select l.claim_id, c.number as claim_number, l.licence_id, l.number, l.plate, l.distance_km,
    l.estimate_cents
from claims.licence p
join claims.claim_line l on l.tenant_id = p.tenant_id and l.licence_id = p.id
join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.claim_id
where p.tenant_id = $1 and p.vehicle_id = $2 and c.state <> 'withdrawn' and c.lodged_at > $3::timestamptz - interval '2 years'
order by c.lodged_at, l.claim_id, l.licence_id"""
IS_DISCLOSED: Final = """
select exists (
    select from claims.disclosure d join claims.licence p on p.tenant_id = d.tenant_id and p.id = d.licence_id
    where d.tenant_id = $1 and p.vehicle_id = $2 and d.closed_on is null)"""
CLAIM_AFTER: Final = """
select tenant_id, id from claims.claim
where (tenant_id, id) > ($1, $2) and state <> 'withdrawn' and lodged_at > $3::timestamptz - interval '2 years'
order by tenant_id, id limit 1"""
ASK: Final = """
insert into claims.review_due (tenant_id, vehicle_id, due_at)
select $1, vehicle_id, clock_timestamp() + $3::interval from unnest($2::uuid[]) as vehicle_id
on conflict on constraint review_due_pk do nothing"""
TAKE: Final = """
update claims.review_due r set due_at = clock_timestamp() + $1::interval
from (select tenant_id, vehicle_id from claims.review_due where due_at <= clock_timestamp()
    order by due_at limit 1 for update skip locked) d
where r.tenant_id = d.tenant_id and r.vehicle_id = d.vehicle_id returning r.tenant_id, r.vehicle_id"""
DONE: Final = "delete from claims.review_due where tenant_id = $1 and vehicle_id = $2"


@dataclass(frozen=True)
class LodgedLine:
    """What a claim says of one licence."""

    claim_id: UUID
    claim_number: str
    licence_id: UUID
    number: str
    plate: str
    distance_km: int
    estimate_cents: int | None


async def lock_vehicles(conn: Connection, tenant: UUID, vehicle_ids: Collection[UUID]) -> None:
    """Locks every licence of the vehicles in ascending order of id, as lodging locks those of a claim: whoever lodges one of
    them waits and reads what was changed."""
    await conn.execute(LOCK_LICENCES, tenant, list(vehicle_ids))


async def lodged_lines(conn: Connection, tenant: UUID, vehicle_id: UUID, at: datetime) -> list[LodgedLine]:
    """Every standing line that the last two years lodged for the vehicle."""
    return all_of(LodgedLine, await conn.fetch(LODGED_LINES, tenant, vehicle_id, at))


async def is_disclosed(conn: Connection, tenant: UUID, vehicle_id: UUID) -> bool:
    """Whether something is to be told of a line that was lodged for the vehicle, which a change may settle."""
    return bool(await conn.fetchval(IS_DISCLOSED, tenant, vehicle_id))


async def claim_after(conn: Connection, tenant: UUID, claim_id: UUID, at: datetime) -> tuple[UUID, UUID] | None:
    """(tenant, claim): the next standing claim of the last two years, over all tenants.  Needs the worker's role."""
    record = await conn.fetchrow(CLAIM_AFTER, tenant, claim_id, at)
    return None if record is None else (record["tenant_id"], record["id"])


async def ask(conn: Connection, tenant: UUID, vehicle_ids: Collection[UUID], after: timedelta) -> None:
    """Somebody reviews the vehicles by then, though we should die before."""
    await conn.execute(ASK, tenant, sorted(vehicle_ids), after)


async def take(conn: Connection, lease: timedelta) -> tuple[UUID, UUID] | None:
    """(tenant, vehicle) that nobody reviewed in time; it comes due again when the lease ends.  Needs the worker's role."""
    record = await conn.fetchrow(TAKE, lease)
    return None if record is None else (record["tenant_id"], record["vehicle_id"])


async def done(conn: Connection, tenant: UUID, vehicle_id: UUID) -> None:
    await conn.execute(DONE, tenant, vehicle_id)
