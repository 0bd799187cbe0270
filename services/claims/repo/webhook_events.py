"""Events, deliveries of them and each attempt.  Times are the database's: many workers share one clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of
from shared.db.pool import Connection

INSERT_EVENT: Final = "insert into claims.webhook_event (tenant_id, id, type, data) values ($1, $2, $3, $4)"
INSERT_TEST: Final = """
insert into claims.webhook_event (tenant_id, id, type, data, fanned_at) values ($1, $2, $3, $4, now())"""
INSERT_DELIVERIES: Final = """
insert into claims.webhook_delivery (tenant_id, id, endpoint_id, event_id, round, state)
select $1, gen_random_uuid(), $2, e.id, coalesce(max(d.round), 0) + 1, 'waiting'
from claims.webhook_event e
left join claims.webhook_delivery d on d.tenant_id = e.tenant_id and d.event_id = e.id and d.endpoint_id = $2
where e.tenant_id = $1 and e.id = any($3::uuid[])
group by e.id returning id"""
EVENTS_SINCE: Final = """
select e.id from claims.webhook_event e
join claims.webhook_endpoint w on w.tenant_id = e.tenant_id and w.id = $2
where e.tenant_id = $1 and e.created_at >= $3 and e.type <> 'webhook.test' and (w.types = '{}' or e.type = any(w.types))
order by e.created_at, e.id limit $4"""
KNOWN_EVENTS: Final = "select id from claims.webhook_event where tenant_id = $1 and id = any($2::uuid[])"
# Rows, not a position: an event that is committed late is found all the same.
FAN_OUT: Final = """
with taken as (
    select tenant_id, id, type from claims.webhook_event where fanned_at is null
    order by created_at limit $1 for update skip locked
), marked as (
    update claims.webhook_event e set fanned_at = now() from taken t where e.tenant_id = t.tenant_id and e.id = t.id
    returning e.id
), made as (
    insert into claims.webhook_delivery (tenant_id, id, endpoint_id, event_id, round, state)
    select t.tenant_id, gen_random_uuid(), w.id, t.id, 1, 'waiting'
    from taken t
    join claims.webhook_endpoint w
        on w.tenant_id = t.tenant_id and w.state = 'enabled' and (w.types = '{}' or t.type = any(w.types))
    on conflict on constraint webhook_delivery_once do nothing
)
select count(*) from marked"""
# A few of each endpoint, a few of each tenant, every tenant's first before anybody's second: one that is slow or far behind
# takes its own places only.
TAKE: Final = """
with busy as (
    select tenant_id, endpoint_id, count(*) as leases from claims.webhook_delivery
    where leased_until > clock_timestamp() group by 1, 2
), waiting as (
    select w.tenant_id, d.id, d.due_at, d.place + coalesce(b.leases, 0) as of_endpoint
    from claims.webhook_endpoint w
    left join busy b on b.tenant_id = w.tenant_id and b.endpoint_id = w.id
    cross join lateral (
        select id, due_at, row_number() over (order by due_at, id) as place from (
            select id, due_at from claims.webhook_delivery
            where tenant_id = w.tenant_id and endpoint_id = w.id and state = 'waiting' and due_at <= clock_timestamp()
            order by due_at limit $1
        ) as first_few
    ) as d
    where w.state = 'enabled' and (w.paused_until is null or w.paused_until <= clock_timestamp())
), ranked as (
    select n.tenant_id, n.id, n.due_at,
        row_number() over (partition by n.tenant_id order by n.of_endpoint, n.due_at, n.id)
            + coalesce((select sum(leases) from busy b where b.tenant_id = n.tenant_id), 0) as of_tenant
    from waiting n where n.of_endpoint <= $1
), chosen as (
    select d.tenant_id, d.id from claims.webhook_delivery d
    join ranked r on r.tenant_id = d.tenant_id and r.id = d.id
    where r.of_tenant <= $2 and d.state = 'waiting' and d.due_at <= clock_timestamp()
    order by r.of_tenant, r.due_at limit $3 for update of d skip locked
)
update claims.webhook_delivery d
set due_at = clock_timestamp() + $4::interval, leased_until = clock_timestamp() + $4::interval, attempts = d.attempts + 1
from chosen c, claims.webhook_endpoint w, claims.webhook_event e
where d.tenant_id = c.tenant_id and d.id = c.id and w.tenant_id = d.tenant_id and w.id = d.endpoint_id
    and e.tenant_id = d.tenant_id and e.id = d.event_id
returning d.tenant_id, d.id, d.endpoint_id, d.event_id, d.attempts, d.created_at, w.url, e.type, e.data,
    e.created_at as event_at"""
# A worker whose lease ran out finds another number of attempts: what it learnt is dropped.
FINISH: Final = """
update claims.webhook_delivery
set state = $4, leased_until = null, due_at = coalesce(clock_timestamp() + $5::interval, due_at),
    finished_at = case when $4 = 'waiting' then null else clock_timestamp() end
where tenant_id = $1 and id = $2 and attempts = $3 and state = 'waiting' returning id"""
INSERT_ATTEMPT: Final = """
insert into claims.webhook_attempt (tenant_id, delivery_id, no, status, error, took_ms) values ($1, $2, $3, $4, $5, $6)"""
DELIVERIES: Final = """
select d.id, d.endpoint_id, d.event_id, e.type, d.round, d.state, d.attempts, d.created_at, d.finished_at,
    case when d.state = 'waiting' then d.due_at end as due_at
from claims.webhook_delivery d join claims.webhook_event e on e.tenant_id = d.tenant_id and e.id = d.event_id
where d.tenant_id = $1 and d.endpoint_id = $2 and ($3::text is null or d.state = $3)
    and (d.created_at, d.id) > ($4, $5)
order by d.created_at, d.id limit $6"""
ATTEMPTS: Final = """
select delivery_id, no, status, error, took_ms, created_at from claims.webhook_attempt
where tenant_id = $1 and delivery_id = any($2::uuid[]) order by delivery_id, no"""
OLD_DELIVERIES: Final = """
select tenant_id, id from claims.webhook_delivery
where state <> 'waiting' and finished_at < clock_timestamp() - $1::interval limit $2"""
DROP_ATTEMPTS: Final = """
delete from claims.webhook_attempt a using unnest($1::uuid[], $2::uuid[]) as o (tenant_id, id)
where a.tenant_id = o.tenant_id and a.delivery_id = o.id"""
DROP_DELIVERIES: Final = """
delete from claims.webhook_delivery d using unnest($1::uuid[], $2::uuid[]) as o (tenant_id, id)
where d.tenant_id = o.tenant_id and d.id = o.id"""
DROP_EVENTS: Final = """
delete from claims.webhook_event where (tenant_id, id) in (
    select e.tenant_id, e.id from claims.webhook_event e
    where e.created_at < clock_timestamp() - $1::interval and e.fanned_at is not null and not exists (
        select from claims.webhook_delivery d where d.tenant_id = e.tenant_id and d.event_id = e.id)
    limit $2)"""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A delivery that nobody else attempts while the lease lasts.  `attempts`: this one included."""

    tenant_id: UUID
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    attempts: int
    created_at: datetime
    url: str
    type: str
    data: str
    event_at: datetime


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    round: int
    state: str
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    delivery_id: UUID
    no: int
    status: int | None
    error: str
    took_ms: int
    created_at: datetime


async def insert_event(conn: Connection, tenant: UUID, event_id: UUID, event_type: str, data: str) -> None:
    await conn.execute(INSERT_EVENT, tenant, event_id, event_type, data)


async def insert_test(conn: Connection, tenant: UUID, event_id: UUID, event_type: str, data: str) -> None:
    """An event that is not fanned out."""
    await conn.execute(INSERT_TEST, tenant, event_id, event_type, data)


async def insert_deliveries(conn: Connection, tenant: UUID, endpoint_id: UUID, event_ids: Sequence[UUID]) -> int:
    """One more round of each event to this endpoint; how many."""
    return len(await conn.fetch(INSERT_DELIVERIES, tenant, endpoint_id, list(event_ids)))


async def events_since(conn: Connection, tenant: UUID, endpoint_id: UUID, since: datetime, limit: int) -> list[UUID]:
    """Of the types that the endpoint asks for."""
    return [row["id"] for row in await conn.fetch(EVENTS_SINCE, tenant, endpoint_id, since, limit)]


async def known_events(conn: Connection, tenant: UUID, event_ids: Sequence[UUID]) -> set[UUID]:
    return {row["id"] for row in await conn.fetch(KNOWN_EVENTS, tenant, list(event_ids))}


async def fan_out(conn: Connection, limit: int) -> int:
    """Make deliveries of events that have none yet; of how many events."""
    found: int = await conn.fetchval(FAN_OUT, limit)
    return found


async def take(conn: Connection, of_endpoint: int, of_tenant: int, limit: int, lease: timedelta) -> list[Taken]:
    """Due deliveries of enabled endpoints, at most so many under way for each endpoint and tenant."""
    return all_of(Taken, await conn.fetch(TAKE, of_endpoint, of_tenant, limit, lease))


async def finish(conn: Connection, one: Taken, state: str, delay: timedelta | None) -> bool:
    """False where the lease was lost."""
    return await conn.fetchval(FINISH, one.tenant_id, one.id, one.attempts, state, delay) is not None


async def insert_attempt(conn: Connection, one: Taken, status: int | None, error: str, took_ms: int) -> None:
    await conn.execute(INSERT_ATTEMPT, one.tenant_id, one.id, one.attempts, status, error, took_ms)


async def deliveries(
    conn: Connection, tenant: UUID, endpoint_id: UUID, page: Page, state: str | None
) -> list[DeliveryRow]:
    rows = await conn.fetch(DELIVERIES, tenant, endpoint_id, state, page.after_at, page.after_id, page.limit)
    return all_of(DeliveryRow, rows)


async def attempts(conn: Connection, tenant: UUID, delivery_ids: Sequence[UUID]) -> list[AttemptRow]:
    return all_of(AttemptRow, await conn.fetch(ATTEMPTS, tenant, list(delivery_ids)))


async def drop_old(conn: Connection, age: timedelta, limit: int) -> int:
    """Forget finished deliveries of that age, then events that have none; how many rows went."""
    old = await conn.fetch(OLD_DELIVERIES, age, limit)
    columns = [row["tenant_id"] for row in old], [row["id"] for row in old]
    await conn.execute(DROP_ATTEMPTS, *columns)
    await conn.execute(DROP_DELIVERIES, *columns)
    dropped = await conn.execute(DROP_EVENTS, age, limit)
    return len(old) + int(dropped.rpartition(" ")[2])
