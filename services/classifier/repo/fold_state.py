"""How far each partition's fold has come, and the device-days it still owes a revision."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from shared.db.pool import Connection

READ_EPOCH: Final = "select epoch from classifier.restore_epoch"
READ_TICKS: Final = "select partition, tick_ms from classifier.partition_tick where partition = any($1::int[])"
WRITE_TICKS: Final = """
insert into classifier.partition_tick as t (partition, tick_ms) select * from unnest($1::int[], $2::bigint[])
on conflict on constraint partition_tick_pkey do update set tick_ms = greatest(t.tick_ms, excluded.tick_ms)
"""
# The oldest first; one row more than wanted is asked for, to know whether any are left.
READ_DUE: Final = """
select tenant_id::text as tenant, device_id, day, cause
from unnest($1::int[], $2::bigint[]) as w (partition, tick_ms)
join classifier.day_due as d on d.partition = w.partition and d.due_ms <= w.tick_ms
order by d.due_ms, d.tenant_id, d.device_id, d.day
limit $3
"""
# A settle row stays as it is; a failed one moves on to its next attempt.
NOTE_DUE: Final = """
insert into classifier.day_due (tenant_id, device_id, day, cause, partition, due_ms)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::int[], $6::bigint[])
on conflict on constraint day_due_pkey do update set due_ms = excluded.due_ms
"""
CLEAR_DUE: Final = """
delete from classifier.day_due as d
using unnest($1::uuid[], $2::text[], $3::int[], $4::text[]) as w (tenant_id, device_id, day, cause)
where d.tenant_id = w.tenant_id and d.device_id = w.device_id and d.day = w.day and d.cause = w.cause
"""
LAST_OUTBOX_ID: Final = "select coalesce(max(id), 0) from classifier.outbox"
FIRST_UNSENT: Final = """
select partition, min(id) as id from classifier.outbox where topic = $1 and partition = any($2::int[]) group by partition
"""


class Due(NamedTuple):
    """A device-day that is owed a revision."""

    tenant: str
    device: str
    day: int
    cause: str


class Owed(NamedTuple):
    """A new entry: `due` from the tick `due_ms` on."""

    due: Due
    partition: int
    due_ms: int


async def read_epoch(conn: Connection) -> int:
    """The restore epoch, the upper part of every revision number."""
    epoch: int = await conn.fetchval(READ_EPOCH)
    return epoch


async def read_ticks(conn: Connection, partitions: Collection[int]) -> dict[int, int]:
    """The last tick each partition's fold has passed; 0 for one that has passed none."""
    rows = await conn.fetch(READ_TICKS, sorted(partitions))
    return dict.fromkeys(partitions, 0) | {row["partition"]: row["tick_ms"] for row in rows}


async def write_ticks(conn: Connection, ticks: Mapping[int, int]) -> None:
    if ticks:
        await conn.execute(WRITE_TICKS, list(ticks), list(ticks.values()))


async def read_due(conn: Connection, ticks: Mapping[int, int], limit: int) -> tuple[list[Due], bool]:
    """What is due at these ticks, at most `limit`, and whether there is more."""
    rows = await conn.fetch(READ_DUE, list(ticks), list(ticks.values()), limit + 1)
    return [Due(*row) for row in rows[:limit]], len(rows) > limit


async def note_due(conn: Connection, owed: Sequence[Owed]) -> None:
    if owed:
        await conn.execute(
            NOTE_DUE,
            [one.due.tenant for one in owed],
            [one.due.device for one in owed],
            [one.due.day for one in owed],
            [one.due.cause for one in owed],
            [one.partition for one in owed],
            [one.due_ms for one in owed],
        )


async def clear_due(conn: Connection, paid: Sequence[Due]) -> None:
    if paid:
        await conn.execute(
            CLEAR_DUE,
            [one.tenant for one in paid],
            [one.device for one in paid],
            [one.day for one in paid],
            [one.cause for one in paid],
        )


async def last_outbox_id(conn: Connection) -> int:
    """Ids of one partition's rows rise in the order of its commits, because the compare-and-set comes before them."""
    last: int = await conn.fetchval(LAST_OUTBOX_ID)
    return last


async def first_unsent(conn: Connection, topic: str, partitions: Collection[int]) -> dict[int, int]:
    """The oldest id of each partition that has a row in the outbox: all rows with smaller ids have reached the topic."""
    rows = await conn.fetch(FIRST_UNSENT, topic, sorted(partitions))
    return {row["partition"]: row["id"] for row in rows}
