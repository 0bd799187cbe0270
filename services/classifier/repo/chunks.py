"""Chunks of the evidence store: what may be compacted, what is there already, and the exchange of the one for the other.

Takes a connection and never opens or ends a transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.classifier.repo.evidence import ChunkId, FrameId
from shared.db.pool import Connection

# The frames of one partition, that with the oldest: by day and tenant, so that whole device-days come together.
FIND_WAITING: Final = """
with first as (
    select w.partition, w.day, w.tick_ms
    from unnest($1::int[], $2::int[], $3::bigint[]) as w (partition, day, tick_ms)
    cross join lateral (
        select f.day from classifier.evidence_frame as f
        where f.partition = w.partition and f.day <= w.day and f.tick_ms <= w.tick_ms order by f.day limit 1
    ) as oldest
    order by oldest.day, w.partition limit 1
)
select f.tenant_id::text as tenant, f.partition, f.rev, f.part, f.rows, f.day
from first join classifier.evidence_frame as f
    on f.partition = first.partition and f.day <= first.day and f.tick_ms <= first.tick_ms
order by f.day, f.tenant_id, f.rev, f.part
limit $4
"""
FIND_CHUNKS: Final = """
select c.tenant_id::text as tenant, c.device_id, c.day, c.rev, c.rows
from unnest($1::uuid[], $2::text[], $3::int[]) as w (tenant_id, device_id, day)
join classifier.fix_chunk as c using (tenant_id, device_id, day)
where c.day between $4 and $5
order by c.rows, tenant, c.device_id, c.day, c.rev
"""
COMPACT: Final = """
select classifier.compact(
    $1::uuid[], $2::int[], $3::bigint[], $4::int[],
    $5::uuid[], $6::text[], $7::int[], $8::bigint[],
    $9::uuid[], $10::text[], $11::int[], $12::bigint[], $13::int[],
    $14::int[], $15::bigint[], $16::bigint[], $17::bytea[]
)
"""
MAKE_MONTH: Final = "select classifier.make_chunk_month($1)"
READ_MONTHS: Final = "select month from classifier.chunk_month order by month"


class Waiting(NamedTuple):
    """A frame that may be compacted."""

    id: FrameId
    rows: int
    day: int
    """The last NZ day of its fixes."""


class Quiet(NamedTuple):
    """Frames of NZ days up to `day` that came at a tick up to `tick_ms` may be compacted."""

    day: int
    tick_ms: int


class Chunk(NamedTuple):
    """Fixes of one device-day, encoded; `id.rev` is the revision of the transaction that writes it."""

    id: ChunkId
    partition: int
    rows: int
    first_ms: int
    last_ms: int
    body: bytes


async def find_waiting(conn: Connection, quiet: Mapping[int, Quiet], limit: int) -> list[Waiting]:
    """The oldest frames of one of the partitions, at most `limit`, by day and tenant; none when nothing may be compacted."""
    rows = await conn.fetch(
        FIND_WAITING,
        list(quiet),
        [one.day for one in quiet.values()],
        [one.tick_ms for one in quiet.values()],
        limit,
    )
    return [Waiting(FrameId(r["tenant"], r["partition"], r["rev"], r["part"]), r["rows"], r["day"]) for r in rows]


async def find_chunks(conn: Connection, days: Collection[tuple[str, str, int]]) -> list[tuple[ChunkId, int]]:
    """The chunks of these device-days (tenant, device, day) with their rows, the smallest first."""
    if not days:
        return []
    rows = await conn.fetch(
        FIND_CHUNKS,
        [tenant for tenant, _, _ in days],
        [device for _, device, _ in days],
        [day for _, _, day in days],
        min(day for _, _, day in days),
        max(day for _, _, day in days),
    )
    return [(ChunkId(r["tenant"], r["device_id"], r["day"], r["rev"]), r["rows"]) for r in rows]


async def compact(
    conn: Connection, frames: Sequence[FrameId], merged: Sequence[ChunkId], chunks: Sequence[Chunk]
) -> None:
    """Frames and chunks go, chunks with as many fixes come; the database refuses anything else."""
    await conn.execute(
        COMPACT,
        [f.tenant for f in frames],
        [f.partition for f in frames],
        [f.rev for f in frames],
        [f.part for f in frames],
        [c.tenant for c in merged],
        [c.device for c in merged],
        [c.day for c in merged],
        [c.rev for c in merged],
        [c.id.tenant for c in chunks],
        [c.id.device for c in chunks],
        [c.id.day for c in chunks],
        [c.id.rev for c in chunks],
        [c.partition for c in chunks],
        [c.rows for c in chunks],
        [c.first_ms for c in chunks],
        [c.last_ms for c in chunks],
        [c.body for c in chunks],
    )


async def make_month(conn: Connection, day: int) -> None:
    """The month of an NZ day is there after this, made or already made."""
    await conn.execute(MAKE_MONTH, day)


async def read_months(conn: Connection) -> list[date]:
    """First days of the months that are there."""
    return [row["month"] for row in await conn.fetch(READ_MONTHS)]
