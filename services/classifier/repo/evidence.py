"""Fixes as evidence: append frames with their index, read back the fixes of devices in stretches of time.

Takes a connection and never opens or ends a transaction.  Through the API role (`tenant_tx`) row-level security leaves
one tenant's frames, and a frame never holds two tenants' fixes, so no statement here can cross tenants (design G6)."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts import pings
from shared.contracts.pings import Key, Pings
from shared.db.pool import Connection

INSERT_FRAMES: Final = """
insert into classifier.evidence_frame (tenant_id, partition, rev, part, rows, frame)
select * from unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::bytea[])
"""
INSERT_SPANS: Final = """
insert into classifier.evidence_span (tenant_id, device_id, day, partition, rev, part, rows, first_ms, last_ms)
select * from unnest(
    $1::uuid[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[], $7::int[], $8::bigint[], $9::bigint[]
)
"""
# A fix lies in the span of its own NZ day; a stretch reaches at most one day over its first and last.
FIND_FRAMES: Final = """
select distinct s.tenant_id::text as tenant, s.partition, s.rev, s.part
from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::bigint[])
    as w (tenant_id, device_id, first_day, last_day, from_ms, to_ms)
join classifier.evidence_span as s on s.tenant_id = w.tenant_id and s.device_id = w.device_id
    and s.day between w.first_day and w.last_day and s.first_ms <= w.to_ms and s.last_ms >= w.from_ms
order by tenant, s.partition, s.rev, s.part
"""
READ_FRAMES: Final = """
select f.frame
from unnest($1::uuid[], $2::int[], $3::bigint[], $4::int[]) as w (tenant_id, partition, rev, part)
join classifier.evidence_frame as f using (tenant_id, partition, rev, part)
"""
# Which device-days have fixes at all: the one place to ask, wherever those fixes are kept.
FIND_DAYS: Final = """
select distinct device_id, day from classifier.evidence_span
where tenant_id = $1 and ($2::text is null or device_id = $2) and day between $3 and $4
order by device_id, day
"""


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


async def find(conn: Connection, stretches: Sequence[Stretch]) -> list[FrameId]:
    """The frames that hold fixes of the stretches (and, beside them, other fixes of the same tenants)."""
    rows = await conn.fetch(
        FIND_FRAMES,
        [s.key[0] for s in stretches],
        [s.key[1] for s in stretches],
        [s.first_day for s in stretches],
        [s.last_day for s in stretches],
        [s.from_ms for s in stretches],
        [s.to_ms for s in stretches],
    )
    return [FrameId(*row) for row in rows]


async def device_days(
    conn: Connection, tenant: str, device: str | None, first_day: int, last_day: int
) -> list[tuple[str, int]]:
    """(device, day) of every device-day of a tenant (of one device, or None: of all) that has fixes in evidence."""
    rows = await conn.fetch(FIND_DAYS, tenant, device, first_day, last_day)
    return [(row["device_id"], row["day"]) for row in rows]


async def fetch(conn: Connection, ids: Sequence[FrameId]) -> list[bytes]:
    """The frames themselves."""
    rows = await conn.fetch(
        READ_FRAMES,
        [one.tenant for one in ids],
        [one.partition for one in ids],
        [one.rev for one in ids],
        [one.part for one in ids],
    )
    return [row["frame"] for row in rows]


def select(frames: Iterable[bytes], stretches: Sequence[Stretch]) -> Pings:
    """The fixes of the stretches, of no other device and no other time.  Order is not promised.  CPU work."""
    return pings.concat([part for frame in frames if len(part := _within(pings.decode_pings(frame), stretches))])


def _within(frame: Pings, stretches: Iterable[Stretch]) -> Pings:
    """The rows of the frame that a stretch asks for, each once."""
    codes = {key: code for code, key in enumerate(frame.keys)}
    keep: NDArray[np.bool_] = np.zeros(len(frame), np.bool_)
    mine = [(codes[s.key], s.from_ms, s.to_ms) for s in stretches if s.key in codes]
    if not mine:
        return frame.take(keep)
    order = np.argsort(frame.key, kind="stable")
    heads = np.searchsorted(frame.key[order], np.arange(len(frame.keys) + 1))
    for code, from_ms, to_ms in mine:
        rows = order[heads[code] : heads[code + 1]]
        keep[rows] |= (frame.ts_ms[rows] >= from_ms) & (frame.ts_ms[rows] <= to_ms)
    return frame.take(keep)
