"""Requests to be forgotten (rule RE2).  The database judges whether rule RE1 still holds a record about their subject."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of
from shared.db.pool import Connection

INSERT: Final = """
insert into claims.erasure_request (tenant_id, id, kind, subject_id, reason, actor, created_at)
values ($1, $2, $3, $4, $5, $6, $7)"""
REQUESTS: Final = """
select id, kind, subject_id, reason, actor, created_at, done_at,
    case when done_at is null then claims.forget_after(tenant_id, id) end as held_until
from claims.erasure_request
where tenant_id = $1 and id = coalesce($2, id) and (created_at, id) > ($3, $4) order by created_at, id limit $5"""
OPEN: Final = "select tenant_id, id from claims.erasure_request where done_at is null order by created_at, id"
FORGET: Final = "select claims.forget($1, $2)"
CLAIMANT: Final = "select 1 from claims.claimant where tenant_id = $1 and id = $2"
PERSON: Final = "select 1 from claims.person where tenant_id = $1 and id = $2"


@dataclass(frozen=True)
class RequestRow:
    """`held_until`: of one that is not done, the last day that a record about its subject may be held."""

    id: UUID
    kind: str
    subject_id: UUID
    reason: str
    actor: str
    created_at: datetime
    done_at: datetime | None = None
    held_until: date | None = None


async def insert(conn: Connection, tenant: UUID, row: RequestRow) -> None:
    """Raises a violation of `erasure_request_once`."""
    await conn.execute(INSERT, tenant, row.id, row.kind, row.subject_id, row.reason, row.actor, row.created_at)


async def requests(conn: Connection, tenant: UUID, page: Page, request: UUID | None = None) -> list[RequestRow]:
    return all_of(RequestRow, await conn.fetch(REQUESTS, tenant, request, page.after_at, page.after_id, page.limit))


async def open_requests(conn: Connection) -> list[tuple[UUID, UUID]]:
    """(tenant, request), of all tenants."""
    return [(row["tenant_id"], row["id"]) for row in await conn.fetch(OPEN)]


async def forget(conn: Connection, tenant: UUID, request: UUID) -> bool:
    """True when it is done; False while a hold covers a record about the subject.  The transaction must be the tenant's."""
    done: bool = await conn.fetchval(FORGET, tenant, request)
    return done


async def is_there(conn: Connection, tenant: UUID, kind: str, subject: UUID) -> bool:
    return await conn.fetchval(CLAIMANT if kind == "claimant" else PERSON, tenant, subject) is not None
