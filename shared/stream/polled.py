"""What one poll fetches, and hands out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.observability.logging import get_logger
from shared.stream.connection import StreamUnavailable
from shared.stream.log import Record
from shared.stream.positions import TP, Position

BACKOFF_S: Final = 0.05

Fetched: TypeAlias = Mapping[TopicPartition, Sequence[ConsumerRecord]]

log = get_logger(__name__)


@dataclass
class Polled:
    """Records in offset order per partition; `expected` and `advanced` go to `positions.compare_and_set`.

    Both hold every verified partition, also those without records: each transaction fences them all."""

    records: list[Record] = field(default_factory=list)
    expected: dict[TP, Position] = field(default_factory=dict)
    advanced: dict[TP, Position] = field(default_factory=dict)


def contiguous(found: Sequence[ConsumerRecord], next_offset: int) -> list[Record]:
    """The records up to the first gap; our producers never leave one, so a gap is loss."""
    taken: list[Record] = []
    for record in found:
        if record.offset != next_offset + len(taken):
            break
        taken.append(Record(record.topic, record.partition, record.offset, record.value or b""))
    return taken


async def fetch(
    consumer: AIOKafkaConsumer, group: str, partitions: Sequence[TP], records_max: int, timeout_s: float
) -> Fetched:
    """Nothing where it can be tried again.  Raises StreamUnavailable, and OffsetOutOfRangeError where the log has moved."""
    try:
        # During a rebalance getmany waits without limit for the assignment, hence the outer one.
        async with asyncio.timeout(timeout_s + BACKOFF_S):
            fetched: Fetched = await consumer.getmany(
                *(TopicPartition(*tp) for tp in partitions), timeout_ms=int(timeout_s * 1_000), max_records=records_max
            )
            return fetched
    except TimeoutError:
        return {}
    except NoOffsetForPartitionError:  # of a partition that is not sought yet, or stopped: expected, and often
        await asyncio.sleep(BACKOFF_S)
    except OffsetOutOfRangeError:
        raise
    except KafkaError as error:
        if not error.retriable:
            raise StreamUnavailable(f"{group} cannot read: {error!r}") from error
        log.warning("poll failed", group=group, error=repr(error))
        await asyncio.sleep(BACKOFF_S)
    return {}


def count(fetched: Fetched) -> int:
    return sum(len(records) for records in fetched.values())
