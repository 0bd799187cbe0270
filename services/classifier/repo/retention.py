"""What the evidence store holds, month by month, what rule RE1 says of each, and the holds that keep one longer.

Takes a connection and never opens or ends a transaction.  The database judges: `classifier.drop_chunk_month` refuses a
month that is younger than four years or held, whoever calls it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal, NamedTuple, cast
from uuid import UUID

from shared.db.pool import Connection

READ_MONTHS: Final = """
select month, classifier.retention_of(month, $1) as verdict, pg_total_relation_size(relid) as bytes
from classifier.chunk_month order by month
"""
DROP_MONTH: Final = "select classifier.drop_chunk_month($1, $2)"
COUNT_CHUNKS: Final = """
select count(*) as chunks, coalesce(sum(rows), 0)::bigint as fixes, coalesce(sum(octet_length(chunk)), 0)::bigint as encoded
from classifier.fix_chunk where day between $1 and $2
"""
READ_WAITING: Final = """
select count(*) as frames, coalesce(sum(rows), 0)::bigint as fixes, min(day) as oldest_day,
    pg_total_relation_size('classifier.evidence_frame') + pg_total_relation_size('classifier.evidence_span') as bytes
from classifier.evidence_frame
"""
OPEN_HOLD: Final = """
insert into classifier.retention_hold (tenant_id, id, from_day, to_day, reason) values ($1, $2, $3, $4, $5)
"""
OPEN_HOLD_ONCE: Final = """
insert into classifier.retention_hold (tenant_id, id, from_day, to_day, reason) values ($1, $2, $3, $4, $5)
on conflict on constraint retention_hold_pkey do nothing
"""
CLOSE_HOLD: Final = """
update classifier.retention_hold set closed_at = now() where tenant_id = $1 and id = $2 and closed_at is null returning id
"""
DROP_ANSWERS: Final = """
with old as (select tenant_id, key from classifier.idempotency where created_at < $1 limit $2),
gone as (delete from classifier.idempotency i using old where i.tenant_id = old.tenant_id and i.key = old.key returning 1)
select count(*) from gone"""
READ_HOLDS: Final = """
select tenant_id, id, from_day, to_day, reason, opened_at from classifier.retention_hold
where closed_at is null order by opened_at, id
"""

ALL_TOLD: Final = """
insert into classifier.claims_told (told_at) values (now()) on conflict (only_row) do update set told_at = excluded.told_at
"""

Verdict = Literal["young", "held", "unknown", "over"]


class Month(NamedTuple):
    month: date
    """Its first day."""
    verdict: Verdict
    """`over`: nothing needs it any more (rule RE1); `unknown`: claims has not said lately what it holds."""
    bytes: int
    """On disk, with its index and out-of-line storage."""


class Count(NamedTuple):
    chunks: int
    fixes: int
    encoded: int
    """Bytes of the chunks themselves."""


class Frames(NamedTuple):
    """What is not yet compacted."""

    frames: int
    fixes: int
    oldest_day: int | None
    bytes: int


class Hold(NamedTuple):
    tenant: UUID
    id: UUID
    from_day: int
    to_day: int
    reason: str
    opened_at: datetime


async def read_months(conn: Connection, today: date) -> list[Month]:
    """Every month that is there, the oldest first, as rule RE1 judges it on `today`."""
    rows = await conn.fetch(READ_MONTHS, today)
    return [Month(row["month"], cast("Verdict", row["verdict"]), row["bytes"]) for row in rows]


async def drop_month(conn: Connection, month: date, today: date) -> None:
    """The month is gone.  The database raises `retention_keeps` for one that is young or held."""
    await conn.execute(DROP_MONTH, month, today)


async def count_chunks(conn: Connection, first_day: int, last_day: int) -> Count:
    row = await conn.fetchrow(COUNT_CHUNKS, first_day, last_day)
    if row is None:
        raise LookupError("an aggregate has one row")
    return Count(*row)


async def read_waiting(conn: Connection) -> Frames:
    row = await conn.fetchrow(READ_WAITING)
    if row is None:
        raise LookupError("an aggregate has one row")
    return Frames(*row)


async def open_hold(conn: Connection, tenant: UUID, hold: UUID, days: tuple[int, int], reason: str) -> None:
    """Months with these days, both included, are kept whole until the hold is closed."""
    await conn.execute(OPEN_HOLD, tenant, hold, *days, reason)


async def open_hold_once(conn: Connection, tenant: UUID, hold: UUID, days: tuple[int, int], reason: str) -> None:
    """Like `open_hold`; nothing happens where there is a hold of that id, open or closed."""
    await conn.execute(OPEN_HOLD_ONCE, tenant, hold, *days, reason)


async def close_hold(conn: Connection, tenant: UUID, hold: UUID) -> bool:
    """True when it was open."""
    return await conn.fetchval(CLOSE_HOLD, tenant, hold) is not None


async def all_told(conn: Connection) -> None:
    """Claims has told every hold it has, at this moment."""
    await conn.execute(ALL_TOLD)


async def read_holds(conn: Connection) -> Sequence[Hold]:
    """Open holds of all tenants, the oldest first."""
    return [Hold(*row) for row in await conn.fetch(READ_HOLDS)]


async def drop_answers(conn: Connection, before: datetime, limit: int) -> int:
    """How many went."""
    count: int = await conn.fetchval(DROP_ANSWERS, before, limit)
    return count
