"""The audit log's table: who read or wrote what.  DDL in `shared/db/tables.sql`, copied into each service's migrations.

Rows are added and read.  Only `purge` removes any, and the database lets it take none that is younger than its time."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from shared.db.pool import Connection, Pool, tx
from shared.observability.logging import get_logger

OPERATOR: Final = UUID(int=0)
"""The tenant of those who run the system.  It has no vehicles; its keys alone may bear operator scopes (rule PA4)."""
PURGE_ROWS: Final = 5_000
"""In one transaction."""
PURGE_LOOP: Final = "audit log"
PURGE_EVERY_S: Final = 6 * 3_600.0
PURGE_STALE_S: Final = 24 * 3_600.0
FINISHED: Final = """
select record_access(a.tenant, a.key, a.person, a.actor_tenant, a.method, a.route, a.things, a.status, a.request)
from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::int[], $9::text[])
    as a (tenant, key, person, actor_tenant, method, route, things, status, request)
"""
# Adds a row only where the transaction has written something; inside it, so that both stand or fall together.
EFFECT: Final = """
insert into audit_log (tenant_id, key_id, person, actor_tenant, method, route, things, status, request_id)
select coalesce(nullif(current_setting('rucor.tenant', true), '')::uuid, $1), $2, $3, $4, $5, $6, $7, $8, $9
where pg_current_xact_id_if_assigned() is not null
"""
# With the worker's role, which may add rows of any tenant.
ADD: Final = """
insert into audit_log (tenant_id, key_id, person, actor_tenant, method, route, things, status, request_id)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::int[], $9::text[])
"""
PAGE: Final = """
select at, id, key_id, person, actor_tenant, method, route, things, status, request_id from audit_log
where tenant_id = $1
    and ($2::timestamptz is null or (at, id) < ($2, $3))
    and ($4::timestamptz is null or at >= $4)
    and ($5::timestamptz is null or at <= $5)
    and ($6::text is null or key_id = $6 or person = $6)
    and ($7::text is null or route = $7)
    and ($8::text is null or exists (select from jsonb_each_text(things) as t where t.value = $8))
order by at desc, id desc
limit $9
"""
PURGE: Final = "select purge_audit_log($1)"

log = get_logger(__name__)


class Access(NamedTuple):
    """What is recorded.  `things`: ids by name, from the path and the query; never a body's."""

    tenant: UUID
    key_id: str
    person: str | None
    actor_tenant: UUID | None
    method: str
    route: str
    things: Mapping[str, str]
    status: int
    request_id: str


class AccessRow(NamedTuple):
    at: datetime
    id: UUID
    key_id: str
    person: str | None
    actor_tenant: UUID | None
    method: str
    route: str
    things: dict[str, str]
    status: int
    request_id: str


class Wanted(NamedTuple):
    """Filters of a page; None: any."""

    from_at: datetime | None = None
    to_at: datetime | None = None
    actor: str | None = None
    route: str | None = None
    thing: str | None = None


async def add_finished(pool: Pool, rows: Sequence[Access], wait_s: float) -> None:
    """A transaction of their own.  `pool`: the API role's.  `wait_s`: for a connection.  Raises what the driver raises."""
    async with pool.acquire(timeout=wait_s) as conn:
        await conn.execute(FINISHED, *_columns(rows))


async def add_effect(conn: Connection, access: Access) -> bool:
    """In the transaction of the effect; False where it has written nothing so far, and nothing was added."""
    return await conn.execute(EFFECT, *_values(access)) != "INSERT 0 0"


async def add_rows(conn: Connection, rows: Sequence[Access]) -> None:
    """Of whatever tenants, in the transaction of what they are about.  `conn`: the worker's."""
    await conn.execute(ADD, *_columns(rows))


async def page(
    conn: Connection, tenant: UUID, wanted: Wanted, before: tuple[datetime, UUID] | None, limit: int
) -> list[AccessRow]:
    """Newest first."""
    at, row_id = before or (None, None)
    rows = await conn.fetch(
        PAGE, tenant, at, row_id, wanted.from_at, wanted.to_at, wanted.actor, wanted.route, wanted.thing, limit
    )
    return [AccessRow(**{**dict(row), "things": json.loads(row["things"])}) for row in rows]


async def purge(pool: Pool) -> int:
    """Remove what is kept no longer; how many rows that was.  `pool`: the worker's."""
    total = 0
    while True:
        async with tx(pool) as conn:
            gone = int(await conn.fetchval(PURGE, PURGE_ROWS))
        total += gone
        if gone < PURGE_ROWS:
            return total


async def purge_round(pool: Pool) -> bool:
    """A round of the loop that purges: all there is, so False."""
    if gone := await purge(pool):
        log.info("audit log purged", rows=gone, rule="RE1")
    return False


def _columns(rows: Sequence[Access]) -> list[list[object]]:
    return [list(column) for column in zip(*map(_values, rows), strict=True)]


def _values(access: Access) -> tuple[object, ...]:
    return (*access[:6], json.dumps(dict(access.things)), *access[7:])
