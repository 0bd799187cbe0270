"""Is this the log we read before?  A re-created, shrunk or overrun log is data loss: it is shown, never skipped over.

Checked on every assignment, before the first record is handed out: the topic's id, that the position lies inside the log,
and, where the frame before the position is still there, that its CRC is the one we remember."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.frame import crc_of
from shared.db.pool import Pool, tx
from shared.stream.positions import TP, Position, load
from shared.stream.probe import LogState, Probe

SHRUNK_PATIENCE: Final = 10
"""Times to ask again, half a second apart, before a log that ends too early is believed: a new leader may still lag."""
_PAUSE_S: Final = 0.5
_WITNESS_WAIT_MS: Final = 500


class Verdict(NamedTuple):
    """Every partition asked about is in exactly one of the two."""

    good: dict[TP, Position]
    failed: dict[TP, str]


def fault(position: Position, state: LogState) -> str | None:
    """Why `position` does not belong to this log, or None.  The CRC of the frame before it is checked beside this."""
    if position.topic_id != state.topic_id:
        return (
            f"the topic was re-created: its id is {state.topic_id}, we read {position.topic_id}. "
            "Bring the old topic back, or restore database and topics together from a backup"
        )
    if state.start > position.next_offset:
        lost = state.start - position.next_offset
        return f"retention passed our position: {lost} records from {position.next_offset} on are gone unread"
    if state.end < position.next_offset:
        return f"the log ends at {state.end}, before our position {position.next_offset}: acknowledged records are gone"
    return None


def has_witness(position: Position, state: LogState) -> bool:
    """True when the frame before the position is still in the log, so that its CRC can be compared."""
    return position.last_crc is not None and state.start < position.next_offset <= state.end


def witness_fault(position: Position, offset: int, value: bytes) -> str | None:
    """Why the record found before the position is not the one we read, or None."""
    crc = crc_of(value)
    if offset == position.next_offset - 1 and crc == position.last_crc:
        return None
    return (
        f"the frame before our position {position.next_offset} is not the one we read "
        f"(offset {offset}, CRC {crc:08x}, we read {position.last_crc or 0:08x}): the log was rewritten"
    )


class Identity:
    """Reads positions and checks them against the brokers, with the consumer's own connection for frames."""

    def __init__(self, probe: Probe, pool: Pool) -> None:
        self._probe = probe
        self._pool = pool

    async def verify(self, consumer: AIOKafkaConsumer, partitions: Collection[TP]) -> Verdict:
        """Load (at first sight: insert at the log's start) and check positions, and seek the good ones.

        Raises KafkaError, StreamUnavailable or DatabaseUnavailable: nothing is known then, ask again."""
        states = await self._probe.states(partitions)
        starts = {(t, p): Position(t, p, state.topic_id, state.start, None, 0) for (t, p), state in states.items()}
        async with tx(self._pool) as conn:
            positions = await load(conn, partitions, starts)
        for _ in range(SHRUNK_PATIENCE):
            if not any(states[tp].end < position.next_offset for tp, position in positions.items()):
                break
            await asyncio.sleep(_PAUSE_S)
            states = await self._probe.states(partitions)
        failed = {tp: why for tp, position in positions.items() if (why := fault(position, states[tp]))}
        known = {tp: position for tp, position in positions.items() if tp not in failed}
        failed |= await _read_witnesses(consumer, {tp: p for tp, p in known.items() if has_witness(p, states[tp])})
        good = {tp: position for tp, position in known.items() if tp not in failed}
        for tp, position in good.items():
            consumer.seek(TopicPartition(*tp), position.next_offset)
        return Verdict(good, failed)


async def _read_witnesses(consumer: AIOKafkaConsumer, positions: Mapping[TP, Position]) -> dict[TP, str]:
    """Fetch the frame before each position; returns the faults.  The caller seeks afterwards and bounds the time."""
    faults: dict[TP, str] = {}
    waiting = {TopicPartition(*tp): position for tp, position in positions.items()}
    for tp, position in waiting.items():
        consumer.resume(tp)
        consumer.seek(tp, position.next_offset - 1)
    while waiting:
        fetched = await consumer.getmany(*waiting, timeout_ms=_WITNESS_WAIT_MS)
        for tp, records in fetched.items():
            position = waiting.pop(tp)
            why = witness_fault(position, records[0].offset, records[0].value or b"")
            if why is not None:
                faults[position.tp] = why
    return faults
