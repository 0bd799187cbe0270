"""Positions: how far this service has read each partition, in Postgres, in the transaction of the effect (design §3, §4).

The table `stream_position` (DDL in `shared/db/tables.sql`) lies in the service's own schema; the role's `search_path` finds
it.  `version` rises with every transaction of the partition's owner, with or without records: that is the fence against a
zombie, which still holds an older version and gets `Superseded`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from shared.db.pool import Connection
from shared.errors import Superseded
from shared.observability.metrics import SUPERSEDED

TP: TypeAlias = tuple[str, int]
"""(topic, partition)."""

LOAD: Final = """
select p.topic, p.partition, p.topic_id, p.next_offset, p.last_crc, p.version
from stream_position as p join unnest($1::text[], $2::int[]) as w (topic, partition) using (topic, partition)
"""
INSERT_MISSING: Final = """
insert into stream_position (topic, partition, topic_id, next_offset, last_crc, version)
select topic, partition, topic_id, next_offset, null, 0
from unnest($1::text[], $2::int[], $3::text[], $4::bigint[]) as m (topic, partition, topic_id, next_offset)
order by topic, partition
on conflict on constraint stream_position_pkey do nothing
"""
# Rows are locked in one order, so that two owners meet as one waiting for the other, never as a deadlock; a row that
# changed while we waited no longer has the version we expect and is not updated.
COMPARE_AND_SET: Final = """
update stream_position as p
set topic_id = l.topic_id, next_offset = l.next_offset, last_crc = l.last_crc, version = p.version + 1
from (
    select e.topic, e.partition, e.version, e.topic_id, e.next_offset, e.last_crc
    from unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
        as e (topic, partition, version, topic_id, next_offset, last_crc)
    join stream_position as q on q.topic = e.topic and q.partition = e.partition
    where q.version = e.version
    order by e.topic, e.partition
    for update of q
) as l
where p.topic = l.topic and p.partition = l.partition and p.version = l.version
returning p.topic, p.partition, p.version
"""


@dataclass(frozen=True, slots=True)
class Position:
    """Everything below `next_offset` has had its effect; `last_crc` is the CRC field of the frame before it."""

    topic: str
    partition: int
    topic_id: str
    next_offset: int
    last_crc: int | None
    version: int

    @property
    def tp(self) -> TP:
        return (self.topic, self.partition)

    def passed(self, offset: int, crc: int) -> "Position":
        """This position after the frame at `offset`; the version is raised by the compare-and-set alone."""
        return replace(self, next_offset=offset + 1, last_crc=crc)


async def load(
    conn: Connection, topics_partitions: Iterable[TP], starts: Mapping[TP, Position] | None = None
) -> dict[TP, Position]:
    """The stored positions; partitions without one are inserted first as `starts` has them (the log's start).

    A partition that is neither stored nor in `starts` is absent from the result."""
    wanted = sorted(set(topics_partitions))
    fresh = [starts[tp] for tp in wanted if tp in starts] if starts else []
    if fresh:
        await conn.execute(
            INSERT_MISSING,
            [p.topic for p in fresh],
            [p.partition for p in fresh],
            [p.topic_id for p in fresh],
            [p.next_offset for p in fresh],
        )
    rows = await conn.fetch(LOAD, [topic for topic, _ in wanted], [partition for _, partition in wanted])
    return {(row["topic"], row["partition"]): Position(*row) for row in rows}


async def compare_and_set(
    conn: Connection, expected: Mapping[TP, Position], advanced: Mapping[TP, Position]
) -> dict[TP, Position]:
    """Move every partition of `expected` to `advanced` (unchanged where it has none) and raise its version by one.

    All or nothing, in one statement of the caller's transaction.  Raises Superseded when another owner has moved any of
    them: forget what memory holds and read again.  Returns the new positions, for `Source.accept` after the commit."""
    targets = [advanced.get(tp, expected[tp]) for tp in sorted(expected)]
    sources = [expected[tp] for tp in sorted(expected)]
    _check(expected, advanced, zip(sources, targets, strict=True))
    if not targets:
        return {}
    rows = await conn.fetch(
        COMPARE_AND_SET,
        [p.topic for p in targets],
        [p.partition for p in targets],
        [p.version for p in sources],
        [p.topic_id for p in targets],
        [p.next_offset for p in targets],
        [p.last_crc for p in targets],
    )
    versions = {(row["topic"], row["partition"]): row["version"] for row in rows}
    lost = [tp for tp in sorted(expected) if tp not in versions]
    if lost:
        SUPERSEDED.inc()
        raise Superseded(f"another owner moved {', '.join(f'{topic}/{partition}' for topic, partition in lost)}")
    return {p.tp: replace(p, version=versions[p.tp]) for p in targets}


def _check(expected: Collection[TP], advanced: Collection[TP], moves: Iterable[tuple[Position, Position]]) -> None:
    strangers = set(advanced) - set(expected)
    if strangers:
        raise ValueError(f"advanced without being expected: {sorted(strangers)}")
    for source, target in moves:
        if target.next_offset < source.next_offset or target.topic_id != source.topic_id:
            raise ValueError(f"{source.topic}/{source.partition} would go back from {source} to {target}")
