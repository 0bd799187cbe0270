"""Until when records are held, holds, and what may be purged (rule RE1).  The database judges: views and functions of its
migrations say what is held, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of
from shared.db.pool import Connection

RETENTION: Final = """
select licence_id, issued_on, applied_on, held_until, held_by, coalesce(held_until >= claims.nz_today(), true) as held
from claims.licence_retention where tenant_id = $1 and licence_id = any($2::uuid[]) order by licence_id"""
LICENCES_OF_CLAIM: Final = "select licence_id from claims.claim_line where tenant_id = $1 and claim_id = $2"

INSERT_HOLD: Final = """
insert into claims.retention_hold (tenant_id, id, kind, licence_id, from_day, to_day, reason, actor)
select $1, $2, 'legal', $3, coalesce(r.from_day, $4), coalesce(r.to_day, $5), $6, $7
from (select 1) one left join claims.licence_retention r on r.tenant_id = $1 and r.licence_id = $3"""
HOLDS: Final = """
select id, kind, licence_id, reason, actor, created_at, released_at, released_by, released_reason
from claims.retention_hold
where tenant_id = $1 and id = coalesce($2, id) and (not $3 or released_at is null) and (created_at, id) > ($4, $5)
order by created_at, id limit $6"""
RELEASE_HOLD: Final = """
update claims.retention_hold set released_at = now(), released_by = $3, released_reason = $4
where tenant_id = $1 and id = $2 and kind = 'legal' and released_at is null returning id"""

# What the classifier would let go after four years and claims still hold: told some weeks ahead.
OPEN_NEEDED: Final = """
insert into claims.retention_hold (tenant_id, id, kind, licence_id, from_day, to_day, reason, actor)
select r.tenant_id, gen_random_uuid(), 'needed', r.licence_id, r.from_day - 1,
    coalesce(r.to_day, claims.nz_today() - date '1970-01-01') + 1, 'held by rule RE1: ' || r.held_by, 'claims'
from claims.held_licence r
where r.tenant_id = $1 and date '1970-01-01' + r.from_day - 1 < claims.nz_today() - interval '4 years' + interval '60 days'
on conflict (tenant_id, licence_id) where kind = 'needed' and released_at is null do nothing returning id"""
CLOSE_NEEDED: Final = """
update claims.retention_hold h set released_at = now(), released_by = 'claims', released_reason = 'rule RE1 holds it no longer'
where h.tenant_id = $1 and h.kind = 'needed' and h.released_at is null and not exists (
    select from claims.held_licence r where r.tenant_id = h.tenant_id and r.licence_id = h.licence_id) returning id"""
TO_TELL: Final = """
select tenant_id, id, reason, from_day, to_day, released_at is not null as released from claims.retention_hold
where (told_at is null or (released_at is not null and told_released_at is null))
    and tenant_id = (select n.tenant_id from claims.retention_hold n
        where n.told_at is null or (n.released_at is not null and n.told_released_at is null) order by n.created_at limit 1)
order by created_at, id limit $1"""
TOLD: Final = """
update claims.retention_hold h set told_at = coalesce(h.told_at, now()),
    told_released_at = case when t.released then now() else h.told_released_at end
from unnest($2::uuid[], $3::boolean[]) as t (id, released)
where h.tenant_id = $1 and h.id = t.id"""

TENANTS_HELD: Final = """
select tenant_id from claims.audit_hold where released_at is null
union select tenant_id from claims.retention_hold where released_at is null
union select tenant_id from claims.disclosure where closed_on is null"""
TENANTS: Final = "select tenant_id from claims.tenant order by tenant_id"
PURGE: Final = "select claims.purge($1, $2, $3, $4)"
OLD_ANSWERS: Final = "select count(*) from claims.idempotency where tenant_id = $1 and created_at < $2"
DROP_ANSWERS: Final = """
with gone as (delete from claims.idempotency where ctid = any(array(
    select ctid from claims.idempotency where tenant_id = $1 and created_at < $2 limit $3)) returning 1)
select count(*) from gone"""
OLD_PREVIEWS: Final = """
select count(*) from claims.claim_preview p where p.tenant_id = $1 and p.expires_at < $2
    and not exists (select from claims.claim c where c.tenant_id = p.tenant_id and c.preview_id = p.id)"""
DROP_PREVIEWS: Final = """
with gone as (delete from claims.claim_preview where tenant_id = $1 and id = any(array(
    select p.id from claims.claim_preview p where p.tenant_id = $1 and p.expires_at < $2
        and not exists (select from claims.claim c where c.tenant_id = p.tenant_id and c.preview_id = p.id)
    limit $3)) returning 1)
select count(*) from gone"""
# A revision that only expired previews stood on is ordinary again; while any preview may still be lodged, none is touched.
NAMED_FOR_NOTHING: Final = """
select count(*) from claims.device_day d where d.tenant_id = $1 and d.named
    and not exists (select from claims.claim_line_day l
        where (l.tenant_id, l.device, l.day, l.rev) = (d.tenant_id, d.device, d.day, d.rev))
    and not exists (select from claims.claim_preview p where p.tenant_id = $1 and not exists (
        select from claims.claim c where c.tenant_id = p.tenant_id and c.preview_id = p.id))"""
UNNAME: Final = """
with past as (select d.ctid from claims.device_day d where d.tenant_id = $1 and d.named
    and not exists (select from claims.claim_line_day l
        where (l.tenant_id, l.device, l.day, l.rev) = (d.tenant_id, d.device, d.day, d.rev))
    and not exists (select from claims.claim_preview p where p.tenant_id = $1 and not exists (
        select from claims.claim c where c.tenant_id = p.tenant_id and c.preview_id = p.id)) limit $2 for update skip locked),
changed as (update claims.device_day d set named = false from past where d.ctid = past.ctid returning 1)
select count(*) from changed"""


@dataclass(frozen=True)
class LicenceRetention:
    """`held_until`: the last day; None while what `held_by` names is open.  Dates are New Zealand's."""

    licence_id: UUID
    issued_on: date
    applied_on: date | None
    held_until: date | None
    held_by: str
    held: bool


@dataclass(frozen=True)
class HoldRow:
    id: UUID
    kind: str
    licence_id: UUID | None
    reason: str
    actor: str
    created_at: datetime
    released_at: datetime | None
    released_by: str
    released_reason: str


@dataclass(frozen=True)
class HoldToTell:
    tenant_id: UUID
    id: UUID
    reason: str
    from_day: int
    to_day: int
    released: bool


async def retention_of(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[LicenceRetention]:
    return all_of(LicenceRetention, await conn.fetch(RETENTION, tenant, list(licence_ids)))


async def licences_of_claim(conn: Connection, tenant: UUID, claim_id: UUID) -> list[UUID]:
    return [row["licence_id"] for row in await conn.fetch(LICENCES_OF_CLAIM, tenant, claim_id)]


async def insert_hold(
    conn: Connection, tenant: UUID, hold: UUID, licence: UUID | None, days: tuple[int, int], reason: str, actor: str
) -> None:
    """`days`: kept where the licence's own are not known, or for everything of the tenant."""
    await conn.execute(INSERT_HOLD, tenant, hold, licence, *days, reason, actor)


async def holds(
    conn: Connection, tenant: UUID, page: Page, *, only_open: bool, hold: UUID | None = None
) -> list[HoldRow]:
    return all_of(HoldRow, await conn.fetch(HOLDS, tenant, hold, only_open, page.after_at, page.after_id, page.limit))


async def release_hold(conn: Connection, tenant: UUID, hold: UUID, actor: str, reason: str) -> bool:
    """True when it was open."""
    return await conn.fetchval(RELEASE_HOLD, tenant, hold, actor, reason) is not None


async def settle_needed(conn: Connection, tenant: UUID) -> int:
    """Open and close what the classifier must keep longer than by itself; how many changed."""
    return len(await conn.fetch(CLOSE_NEEDED, tenant)) + len(await conn.fetch(OPEN_NEEDED, tenant))


async def to_tell(conn: Connection, limit: int) -> list[HoldToTell]:
    """Holds of one tenant that the classifier does not know of yet, or not that they are released."""
    return all_of(HoldToTell, await conn.fetch(TO_TELL, limit))


async def told(conn: Connection, tenant: UUID, found: Sequence[HoldToTell]) -> None:
    await conn.execute(TOLD, tenant, [one.id for one in found], [one.released for one in found])


async def tenants_held(conn: Connection) -> list[UUID]:
    """Tenants with anything open: an audit, a hold, a disclosure."""
    return [row["tenant_id"] for row in await conn.fetch(TENANTS_HELD)]


async def tenants(conn: Connection) -> list[UUID]:
    return [row["tenant_id"] for row in await conn.fetch(TENANTS)]


async def purge_held_table(conn: Connection, tenant: UUID, table: str, limit: int, *, dry: bool) -> int:
    """Rows of the table that nothing holds: gone, or that would go.  The transaction must be the tenant's."""
    count: int = await conn.fetchval(PURGE, tenant, table, limit, dry)
    return count


async def purge_old(
    conn: Connection, tenant: UUID, queries: tuple[str, str], before: datetime, limit: int, *, dry: bool
) -> int:
    """`queries` counts, or deletes some of, rows from before an instant."""
    count: int = await (
        conn.fetchval(queries[0], tenant, before) if dry else conn.fetchval(queries[1], tenant, before, limit)
    )
    return count


async def unname(conn: Connection, tenant: UUID, limit: int, *, dry: bool) -> int:
    count: int = await (conn.fetchval(NAMED_FOR_NOTHING, tenant) if dry else conn.fetchval(UNNAME, tenant, limit))
    return count
