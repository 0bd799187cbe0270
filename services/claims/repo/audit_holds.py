"""What audits and legal holds keep from being deleted (rules PA4, RE1): the one place to ask before anything is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

# A case keeps its lines while it is open, and under a legal hold for as long as that stands.
OPEN_HOLDS: Final = """
select h.id, h.case_id, c.reference, h.claim_id, h.licence_id, l.from_day, l.to_day
from claims.audit_hold h
join claims.audit_case c on c.tenant_id = h.tenant_id and c.id = h.case_id
join claims.audit_case_line l on l.tenant_id = h.tenant_id and l.case_id = h.case_id and l.claim_id = h.claim_id
    and l.licence_id = h.licence_id
where h.tenant_id = $1 and h.released_at is null order by c.reference, h.claim_id, h.licence_id"""
HOLD: Final = """
insert into claims.audit_hold (tenant_id, id, case_id, claim_id, licence_id)
select $1, gen_random_uuid(), l.case_id, l.claim_id, l.licence_id
from claims.audit_case_line l where l.tenant_id = $1 and l.case_id = $2
on conflict (tenant_id, case_id, claim_id, licence_id) where released_at is null do nothing"""
RELEASE: Final = """
update claims.audit_hold set released_at = $3 where tenant_id = $1 and case_id = $2 and released_at is null"""
# For the worker, which spans tenants: the oldest first, of one tenant at a time.
TO_TELL: Final = """
select h.tenant_id, h.id, c.reference, l.from_day, l.to_day, h.released_at is not null as released
from claims.audit_hold h
join claims.audit_case c on c.tenant_id = h.tenant_id and c.id = h.case_id
join claims.audit_case_line l on l.tenant_id = h.tenant_id and l.case_id = h.case_id and l.claim_id = h.claim_id
    and l.licence_id = h.licence_id
where (h.told_at is null or (h.released_at is not null and h.told_released_at is null))
    and h.tenant_id = (select n.tenant_id from claims.audit_hold n
        where n.told_at is null or (n.released_at is not null and n.told_released_at is null) order by n.opened_at limit 1)
order by h.opened_at, h.id limit $1"""
TOLD: Final = """
update claims.audit_hold h set told_at = coalesce(h.told_at, now()),
    told_released_at = case when t.released then now() else h.told_released_at end
from unnest($2::uuid[], $3::boolean[]) as t (id, released)
where h.tenant_id = $1 and h.id = t.id"""


@dataclass(frozen=True)
class OpenHold:
    """One claimed licence that a case keeps, with the NZ days (since 1970-01-01) of its evidence, both included."""

    id: UUID
    case_id: UUID
    reference: str
    claim_id: UUID
    licence_id: UUID
    from_day: int
    to_day: int


@dataclass(frozen=True)
class HoldToTell:
    tenant_id: UUID
    id: UUID
    reference: str
    from_day: int
    to_day: int
    released: bool


async def open_holds(conn: Connection, tenant: UUID) -> list[OpenHold]:
    """Everything of a tenant that must not be deleted: the claims with their lines, snapshots and documents, the licences,
    and the evidence of these days."""
    return all_of(OpenHold, await conn.fetch(OPEN_HOLDS, tenant))


async def hold_lines(conn: Connection, tenant: UUID, case_id: UUID) -> None:
    """Keep every line of the case that is not kept for it already."""
    await conn.execute(HOLD, tenant, case_id)


async def release_lines(conn: Connection, tenant: UUID, case_id: UUID, at: datetime) -> None:
    await conn.execute(RELEASE, tenant, case_id, at)


async def to_tell(conn: Connection, limit: int) -> list[HoldToTell]:
    """Holds of one tenant that the classifier does not know of yet, or not that they are released."""
    return all_of(HoldToTell, await conn.fetch(TO_TELL, limit))


async def told(conn: Connection, tenant: UUID, holds: Sequence[HoldToTell]) -> None:
    await conn.execute(TOLD, tenant, [one.id for one in holds], [one.released for one in holds])
