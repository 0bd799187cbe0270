"""Fixes as evidence: append frames with their index, read back the fixes of devices in stretches of time.

New fixes are kept as frames, as they came in; later they are compacted into chunks, one device-day each
(`services.classifier.application.compaction`).  A fix lies in exactly one of both, and whichever it is, it is written once
and never changed: what a list of pieces names is either still there or has been compacted since.

Takes a connection and never opens or ends a transaction.  Through the API role (`tenant_tx`) row-level security leaves
one tenant's frames, and a frame never holds two tenants' fixes, so no statement here can cross tenants (design G6)."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts import pings
from shared.contracts.chunk import Kept, concat
from shared.contracts.pings import Key, Pings
from shared.db.pool import Connection

INSERT_FRAMES: Final = """
insert into classifier.evidence_frame (tenant_id, partition, rev, part, rows, day, frame, tick_ms)
select w.*, coalesce(t.tick_ms, 0)
from unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::int[], $7::bytea[])
    as w (tenant_id, partition, rev, part, rows, day, frame)
left join classifier.partition_tick as t on t.partition = w.partition
"""
INSERT_SPANS: Final = """
insert into classifier.evidence_span (tenant_id, device_id, day, partition, rev, part, rows, first_ms, last_ms)
select * from unnest(
    $1::uuid[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[], $7::int[], $8::bigint[], $9::bigint[]
)
"""
# A fix lies in the span or chunk of its own NZ day; a stretch reaches at most one day over its first and last.  Both kinds
# in one statement: its snapshot has each fix exactly once.
FIND_PIECES: Final = """
with w as materialized (
    select * from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[])
        as w (tenant_id, device_id, first_day, last_day, from_ms, to_ms)
)
select distinct s.tenant_id::text as tenant, s.rev, s.partition, s.part, null::text as device_id, null::int as day
from w join classifier.evidence_span as s on s.tenant_id = w.tenant_id and s.device_id = w.device_id
    and s.day between w.first_day and w.last_day and s.first_ms <= w.to_ms and s.last_ms >= w.from_ms
union all
select distinct c.tenant_id::text, c.rev, null::int, null::int, c.device_id, c.day
from w join classifier.fix_chunk as c on c.tenant_id = w.tenant_id and c.device_id = w.device_id
    and c.day between w.first_day and w.last_day and c.first_ms <= w.to_ms and c.last_ms >= w.from_ms
    and c.day between $7 and $8
order by tenant, device_id, day, partition, rev, part
"""
READ_FRAMES: Final = """
select w.rev, f.frame
from unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[]) as w (tenant_id, partition, rev, part)
join classifier.evidence_frame as f using (tenant_id, partition, rev, part)
"""
READ_CHUNKS: Final = """
select c.chunk
from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[]) as w (tenant_id, device_id, day, rev)
join classifier.fix_chunk as c using (tenant_id, device_id, day, rev)
"""
# Which device-days have fixes at all: the one place to ask, wherever those fixes are kept.
FIND_DAYS: Final = """
select distinct device_id, day from classifier.evidence_day
where tenant_id = $1 and ($2::text is null or device_id = $2) and day between $3 and $4 and (device_id, day) > ($5, $6)
order by device_id, day limit $7
"""
COUNT_DAYS: Final = """
select count(*) from (
    select distinct device_id, day from classifier.evidence_day
    where tenant_id = $1 and ($2::text is null or device_id = $2) and day between $3 and $4
) as d
"""
BEFORE_ALL: Final = ("", -(1 << 31))
"""A (device, day) before every other."""


class Span(NamedTuple):
    """What one frame holds of one device-day."""

    device: str
    day: int
    rows: int
    first_ms: int
    last_ms: int


class EvidenceFrame(NamedTuple):
    """Fixes of one tenant that one transaction of one partition adds."""

    tenant: str
    partition: int
    rev: int
    part: int
    rows: int
    frame: bytes
    spans: tuple[Span, ...]


class FrameId(NamedTuple):
    tenant: str
    partition: int
    rev: int
    part: int


class ChunkId(NamedTuple):
    tenant: str
    device: str
    day: int
    rev: int


class Pieces(NamedTuple):
    """What holds the fixes of some stretches at one moment (and, in the frames, other fixes of the same tenants)."""

    frames: tuple[FrameId, ...]
    chunks: tuple[ChunkId, ...]


class Stretch(NamedTuple):
    """Fixes of one device with from_ms <= ts_ms <= to_ms; first and last day are those instants' NZ days."""

    key: Key
    first_day: int
    last_day: int
    from_ms: int
    to_ms: int


async def append(conn: Connection, frames: Sequence[EvidenceFrame]) -> None:
    """Add frames and their spans, two statements whatever their number."""
    if not frames:
        return
    await conn.execute(
        INSERT_FRAMES,
        [f.tenant for f in frames],
        [f.partition for f in frames],
        [f.rev for f in frames],
        [f.part for f in frames],
        [f.rows for f in frames],
        [max(span.day for span in f.spans) for f in frames],
        [f.frame for f in frames],
    )
    spans = [(f, span) for f in frames for span in f.spans]
    await conn.execute(
        INSERT_SPANS,
        [f.tenant for f, _ in spans],
        [span.device for _, span in spans],
        [span.day for _, span in spans],
        [f.partition for f, _ in spans],
        [f.rev for f, _ in spans],
        [f.part for f, _ in spans],
        [span.rows for _, span in spans],
        [span.first_ms for _, span in spans],
        [span.last_ms for _, span in spans],
    )


async def find(conn: Connection, stretches: Sequence[Stretch]) -> Pieces:
    """The frames and chunks that hold fixes of the stretches."""
    rows = await conn.fetch(
        FIND_PIECES,
        [s.key[0] for s in stretches],
        [s.key[1] for s in stretches],
        [s.first_day for s in stretches],
        [s.last_day for s in stretches],
        [s.from_ms for s in stretches],
        [s.to_ms for s in stretches],
        min((s.first_day for s in stretches), default=0),
        max((s.last_day for s in stretches), default=0),
    )
    frames = [FrameId(r["tenant"], r["partition"], r["rev"], r["part"]) for r in rows if r["device_id"] is None]
    chunks = [ChunkId(r["tenant"], r["device_id"], r["day"], r["rev"]) for r in rows if r["device_id"] is not None]
    return Pieces(tuple(frames), tuple(chunks))


async def device_days(
    conn: Connection,
    tenant: str,
    device: str | None,
    first_day: int,
    last_day: int,
    *,
    after: tuple[str, int] = BEFORE_ALL,
    limit: int | None = None,
) -> list[tuple[str, int]]:
    """(device, day) of every device-day of a tenant (of one device, or None: of all) that has fixes in evidence, in the
    database's order; `limit` of them behind `after`."""
    rows = await conn.fetch(FIND_DAYS, tenant, device, first_day, last_day, *after, limit)
    return [(row["device_id"], row["day"]) for row in rows]


async def count_days(conn: Connection, tenant: str, device: str | None, first_day: int, last_day: int) -> int:
    """How many `device_days` there are."""
    found: int = await conn.fetchval(COUNT_DAYS, tenant, device, first_day, last_day)
    return found


async def fetch_frames(conn: Connection, ids: Sequence[FrameId]) -> list[tuple[int, bytes]]:
    """Revision and bytes of those frames that are still there."""
    rows = await conn.fetch(
        READ_FRAMES,
        [one.tenant for one in ids],
        [one.partition for one in ids],
        [one.rev for one in ids],
        [one.part for one in ids],
    )
    return [(row["rev"], row["frame"]) for row in rows]


async def fetch_chunks(conn: Connection, ids: Sequence[ChunkId]) -> list[bytes]:
    """Those chunks that are still there."""
    rows = await conn.fetch(
        READ_CHUNKS,
        [one.tenant for one in ids],
        [one.device for one in ids],
        [one.day for one in ids],
        [one.rev for one in ids],
    )
    return [row["chunk"] for row in rows]


def unpack_frames(frames: Iterable[tuple[int, bytes]]) -> list[Kept]:
    """All fixes of the frames, each with its frame's revision.  CPU work."""
    unpacked = [(rev, pings.decode_pings(frame)) for rev, frame in frames]
    return [Kept(fixes, np.full(len(fixes), rev, np.int64)) for rev, fixes in unpacked]


def select(parts: Iterable[Kept], stretches: Sequence[Stretch]) -> Kept:
    """The fixes of the stretches, of no other device and no other time.  Order is not promised.  CPU work."""
    return concat([part.take(_within(part.pings, stretches)) for part in parts])


def _within(fixes: Pings, stretches: Iterable[Stretch]) -> NDArray[np.bool_]:
    """The rows that a stretch asks for."""
    codes = {key: code for code, key in enumerate(fixes.keys)}
    keep: NDArray[np.bool_] = np.zeros(len(fixes), np.bool_)
    mine = [(codes[s.key], s.from_ms, s.to_ms) for s in stretches if s.key in codes]
    if not mine:
        return keep
    order = np.argsort(fixes.key, kind="stable")
    heads = np.searchsorted(fixes.key[order], np.arange(len(fixes.keys) + 1))
    for code, from_ms, to_ms in mine:
        rows = order[heads[code] : heads[code + 1]]
        keep[rows] |= (fixes.ts_ms[rows] >= from_ms) & (fixes.ts_ms[rows] <= to_ms)
    return keep
