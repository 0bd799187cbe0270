"""Requests to be forgotten (rule RE2).  The database judges whether rule RE1 still holds a record about their subject."""

from collections.abc import Sequence
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
select id, kind, subject_id, reason, actor, created_at, let_go_at, done_at, namesake,
    case when done_at is null then claims.forget_after(tenant_id, id) end as held_until
from claims.erasure_request
where tenant_id = $1 and id = coalesce($2, id) and (created_at, id) > ($3, $4) order by created_at, id limit $5"""
OPEN: Final = "select tenant_id, id from claims.erasure_request where done_at is null order by created_at, id"
FORGET: Final = "select claims.forget($1, $2)"
SUBJECTS: Final = {
    "claimant": "select 1 from claims.claimant where tenant_id = $1 and id = $2",
    "person": "select 1 from claims.person where tenant_id = $1 and id = $2",
    "vehicle": "select 1 from claims.vehicle where tenant_id = $1 and id = $2",
}
# Asked once an hour until nothing is left: the classifier may hold a day itself, or has it in a frame with others.
TO_ASK: Final = """
with due as (
    select tenant_id, id from claims.erasure_stretch
    where positions_gone_at is null and (asked_at is null or asked_at < now() - interval '1 hour')
        and tenant_id = (select s.tenant_id from claims.erasure_stretch s
            where s.positions_gone_at is null and (s.asked_at is null or s.asked_at < now() - interval '1 hour')
            order by s.let_go_at, s.id limit 1)
    order by let_go_at, id limit $1 for update skip locked
)
update claims.erasure_stretch s set asked_at = now() from due where s.tenant_id = due.tenant_id and s.id = due.id
returning s.tenant_id, s.request_id, s.id, s.device, s.from_day, s.to_day"""
NAMES_TO_ASK: Final = """
with due as (
    select tenant_id, id from claims.erasure_name
    where rulings_gone_at is null and (asked_at is null or asked_at < now() - interval '1 hour')
        and tenant_id = (select n.tenant_id from claims.erasure_name n
            where n.rulings_gone_at is null and (n.asked_at is null or n.asked_at < now() - interval '1 hour')
            order by n.let_go_at, n.id limit 1)
    order by let_go_at, id limit $1 for update skip locked
)
update claims.erasure_name n set asked_at = now() from due where n.tenant_id = due.tenant_id and n.id = due.id
returning n.tenant_id, n.request_id, n.id, n.name, n.put_away"""
CONSENTS_LEFT: Final = """
select tenant_id, request_id, id, name, put_away from claims.erasure_name
where consents_gone_at is null order by tenant_id, id limit $1"""
RULINGS_GONE: Final = """
update claims.erasure_name set rulings_gone_at = coalesce(rulings_gone_at, now())
where tenant_id = $1 and id = any($2::uuid[])"""
CONSENTS_GONE: Final = """
update claims.erasure_name set consents_gone_at = coalesce(consents_gone_at, now())
where tenant_id = $1 and id = any($2::uuid[])"""
GONE_EVERYWHERE: Final = """
delete from claims.erasure_name where tenant_id = $1 and rulings_gone_at is not null and consents_gone_at is not null"""
HELD_STRETCHES: Final = "select from_day, to_day from claims.held_stretches($1)"
REFUSED_LEFT: Final = """
select tenant_id, request_id, id, device, from_day, to_day from claims.erasure_stretch
where refused_gone_at is null order by tenant_id, id limit $1"""
POSITIONS_GONE: Final = """
update claims.erasure_stretch set positions_gone_at = now()
where tenant_id = $1 and id = any($2::uuid[]) and positions_gone_at is null"""
REFUSED_GONE: Final = """
update claims.erasure_stretch set refused_gone_at = now()
where tenant_id = $1 and id = any($2::uuid[]) and refused_gone_at is null"""


@dataclass(frozen=True)
class RequestRow:
    """`held_until`: of one that is not done, the last day that a record about its subject may be held.  `let_go_at`: every day
    of a vehicle is let go of; the other services may still have some.  `namesake`: somebody else bears a name of the person
    who was forgotten."""

    id: UUID
    kind: str
    subject_id: UUID
    reason: str
    actor: str
    created_at: datetime
    let_go_at: datetime | None = None
    done_at: datetime | None = None
    namesake: bool = False
    held_until: date | None = None


@dataclass(frozen=True)
class Stretch:
    """NZ days since 1970-01-01 of a device, both included, that nothing holds any more."""

    tenant_id: UUID
    request_id: UUID
    id: UUID
    device: str
    from_day: int
    to_day: int


@dataclass(frozen=True)
class Name:
    """A name or an address that was put away in claims, and what stands in its place."""

    tenant_id: UUID
    request_id: UUID
    id: UUID
    name: str
    put_away: str


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
    return await conn.fetchval(SUBJECTS[kind], tenant, subject) is not None


async def to_ask(conn: Connection, limit: int) -> list[Stretch]:
    """Stretches of one tenant of which the classifier may still have fixes; asked for now, so not again within the hour."""
    return all_of(Stretch, await conn.fetch(TO_ASK, limit))


async def refused_left(conn: Connection, limit: int) -> list[Stretch]:
    """Stretches of all tenants of which ingest may still have refused rows."""
    return all_of(Stretch, await conn.fetch(REFUSED_LEFT, limit))


async def positions_gone(conn: Connection, tenant: UUID, stretches: Sequence[UUID]) -> None:
    await conn.execute(POSITIONS_GONE, tenant, list(stretches))


async def refused_gone(conn: Connection, tenant: UUID, stretches: Sequence[UUID]) -> None:
    await conn.execute(REFUSED_GONE, tenant, list(stretches))


async def names_to_ask(conn: Connection, limit: int) -> list[Name]:
    """Names of one tenant that the classifier may still have; asked for now, so not again within the hour."""
    return all_of(Name, await conn.fetch(NAMES_TO_ASK, limit))


async def consents_left(conn: Connection, limit: int) -> list[Name]:
    """Names of all tenants that ingest may still have."""
    return all_of(Name, await conn.fetch(CONSENTS_LEFT, limit))


async def names_gone(
    conn: Connection, tenant: UUID, rulings: Sequence[UUID] = (), consents: Sequence[UUID] = ()
) -> None:
    """From the rulings of the classifier, from the consents of ingest.  A name that is gone from both is known no longer."""
    await conn.execute(RULINGS_GONE, tenant, list(rulings))
    await conn.execute(CONSENTS_GONE, tenant, list(consents))
    await conn.execute(GONE_EVERYWHERE, tenant)


async def held_stretches(conn: Connection, tenant: UUID) -> list[tuple[int, int]]:
    """NZ days since 1970-01-01, both included, that some held licence needs; in the tenant's transaction."""
    return [(row["from_day"], row["to_day"]) for row in await conn.fetch(HELD_STRETCHES, tenant)]
