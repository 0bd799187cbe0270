"""What one poll hands out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from shared.stream.log import Record
from shared.stream.positions import TP, Position


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
