"""How far each partition's fold has come, and the device-days it owes a revision, with the holds that stand for them.

A dirty or reprocess row has an `id` that every request draws anew while it holds the row's lock.  So one row's ids rise in
the order in which its transactions take effect, and everything follows from that: the fold deletes a row only under the
id it computed for, and holds are numbered by it (2 id when opened, 2 id + 1 when closed).  A closing beats the openings
that its computation has seen and loses against every later one, in whatever order the frames reach their reader."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from shared.contracts.device_day import Hold, make_rev
from shared.contracts.frame import pack_structs
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import DAYS, SCHEMA_HOLDS
from shared.db.pool import Connection
from shared.stream import outbox

Cause = Literal["settle", "dirty", "reprocess"]
HeldCause = Literal["dirty", "reprocess"]
ROWS_PER_REQUEST: Final = 5_000
"""More device-days belong into several transactions: each must stay short."""

READ_EPOCH: Final = "select epoch from classifier.restore_epoch"
READ_TICKS: Final = "select partition, tick_ms from classifier.partition_tick where partition = any($1::int[])"
WRITE_TICKS: Final = """
insert into classifier.partition_tick as t (partition, tick_ms) select * from unnest($1::int[], $2::bigint[])
on conflict on constraint partition_tick_pkey do update set tick_ms = greatest(t.tick_ms, excluded.tick_ms)
"""
# Of each cause the oldest first, up to its own number (one more than wanted, to know whether any are left); read from
# the index, however many wait.
READ_DUE: Final = """
select tenant_id::text as tenant, device_id, day, cause, id
from unnest($3::text[], $4::int[]) as c (wanted, take), lateral (
    select d.*
    from unnest($1::int[], $2::bigint[]) as w (partition, tick_ms), lateral (
        select * from classifier.day_due as q
        where q.partition = w.partition and q.cause = c.wanted and q.due_ms <= w.tick_ms
        order by q.due_ms, q.id limit c.take
    ) as d
    order by d.due_ms, d.id limit c.take
) as found
"""
NOTE_SETTLE: Final = """
insert into classifier.day_due (tenant_id, device_id, day, cause, partition, due_ms)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::int[], $6::bigint[]) order by 1, 2, 3, 4
on conflict on constraint day_due_pkey do nothing
"""
# Locks every row, in one order, whether it is there or not; only then are the ids drawn, by a statement of its own.
NOTE_HELD: Final = """
insert into classifier.day_due (tenant_id, device_id, day, cause, partition, due_ms)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::int[], $6::bigint[]) order by 1, 2, 3, 4
on conflict on constraint day_due_pkey do update set due_ms = excluded.due_ms
"""
DRAW_IDS: Final = """
update classifier.day_due as d set id = default
from unnest($1::uuid[], $2::text[], $3::int[], $4::text[]) as w (tenant_id, device_id, day, cause)
where d.tenant_id = w.tenant_id and d.device_id = w.device_id and d.day = w.day and d.cause = w.cause
returning d.tenant_id::text as tenant, d.device_id, d.day, d.cause, d.id
"""
# A settle row is the fold's own and goes whatever its id; one that was asked for again meanwhile has another and stays.
CLEAR_DUE: Final = """
delete from classifier.day_due as d
using (
    select q.tenant_id, q.device_id, q.day, q.cause
    from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::bigint[]) as w (tenant_id, device_id, day, cause, id)
    join classifier.day_due as q using (tenant_id, device_id, day, cause)
    where w.cause = 'settle' or q.id = w.id
    order by q.tenant_id, q.device_id, q.day, q.cause
    for update of q
) as l
where d.tenant_id = l.tenant_id and d.device_id = l.device_id and d.day = l.day and d.cause = l.cause
returning d.tenant_id::text as tenant, d.device_id, d.day, d.cause, d.id
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
    cause: Cause
    id: int = 0
    """Of a row that was read; it plays no part for `settle`."""


class Owed(NamedTuple):
    """A new entry: `due` from the tick `due_ms` on."""

    due: Due
    partition: int
    due_ms: int


async def request(conn: Connection, tenant: str, rows: Iterable[tuple[str, int]], cause: HeldCause) -> None:
    """Have these (device, NZ day)s of a tenant computed again, with a hold on each from now on.

    Part of the caller's transaction, with the worker's rights or the API role's (`tenant_tx`).  Days without a fix are
    welcome: their hold closes with the next round.  Raises ValueError above ROWS_PER_REQUEST device-days."""
    wanted = sorted(set(rows))
    if len(wanted) > ROWS_PER_REQUEST:
        raise ValueError(f"{len(wanted)} device-days in one transaction, at most {ROWS_PER_REQUEST}")
    await note_held(conn, [Owed(Due(tenant, *row, cause), partition_of(tenant, row[0]), 0) for row in wanted])


async def note_held(conn: Connection, owed: Sequence[Owed]) -> None:
    """Owe dirty or reprocess rows and open their holds.  A row that waits already gets the new due time and a new id."""
    if not owed:
        return
    owed = list({one.due[:4]: one for one in owed}.values())
    await conn.execute(NOTE_HELD, *_columns([one.due for one in owed]), *_when(owed))
    rows = await conn.fetch(DRAW_IDS, *_columns([one.due for one in owed]))
    await _tell(conn, [Due(*row) for row in rows], is_open=True)


async def note_settle(conn: Connection, owed: Sequence[Owed]) -> None:
    if owed:
        await conn.execute(NOTE_SETTLE, *_columns([one.due for one in owed]), *_when(owed))


async def clear_due(conn: Connection, paid: Sequence[Due]) -> None:
    """Delete what was computed and close the holds of the rows that are really gone."""
    if not paid:
        return
    rows = await conn.fetch(CLEAR_DUE, *_columns(paid), [one.id for one in paid])
    await _tell(conn, [due for row in rows if (due := Due(*row)).cause != "settle"], is_open=False)


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


async def read_due(
    conn: Connection, ticks: Mapping[int, int], most: Mapping[Cause, int]
) -> tuple[list[Due], set[Cause]]:
    """What is due at these ticks, of each cause at most so many, and the causes of which there is more."""
    rows = await conn.fetch(
        READ_DUE, list(ticks), list(ticks.values()), list(most), [take + 1 for take in most.values()]
    )
    due: list[Due] = []
    more: set[Cause] = set()
    for cause, take in most.items():
        found = [Due(*row) for row in rows if row["cause"] == cause]
        due += found[:take]
        more |= {cause} if len(found) > take else set()
    return due, more


async def last_outbox_id(conn: Connection) -> int:
    """Ids of one partition's revisions rise in the order of its commits: the compare-and-set comes before them."""
    last: int = await conn.fetchval(LAST_OUTBOX_ID)
    return last


async def first_unsent(conn: Connection, topic: str, partitions: Collection[int]) -> dict[int, int]:
    """The oldest id of each partition that has a row in the outbox: all rows with smaller ids have reached the topic."""
    rows = await conn.fetch(FIRST_UNSENT, topic, sorted(partitions))
    return {row["partition"]: row["id"] for row in rows}


async def _tell(conn: Connection, rows: Sequence[Due], *, is_open: bool) -> None:
    """Holds of these rows to claims, in the transaction that changed them."""
    if not rows:
        return
    epoch = await read_epoch(conn)
    by_partition: dict[int, list[Hold]] = {}
    for one in rows:
        if one.cause != "settle":
            rev = make_rev(epoch, 2 * one.id + (not is_open))
            hold = Hold(tenant=one.tenant, device=one.device, day=one.day, kind=one.cause, open=is_open, rev=rev)
            by_partition.setdefault(partition_of(one.tenant, one.device), []).append(hold)
    frames = [
        (DAYS.name, partition, frame)
        for partition, holds in sorted(by_partition.items())
        for frame in pack_structs(SCHEMA_HOLDS, holds)
    ]
    await outbox.append(conn, frames)


def _columns(rows: Sequence[Due]) -> tuple[list[str], list[str], list[int], list[str]]:
    return (
        [one.tenant for one in rows],
        [one.device for one in rows],
        [one.day for one in rows],
        [one.cause for one in rows],
    )


def _when(rows: Sequence[Owed]) -> tuple[list[int], list[int]]:
    return [one.partition for one in rows], [one.due_ms for one in rows]
