"""The stream's three calls over memory: append, poll, accept.  Positions stay in the real Postgres.  For property tests only."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.contracts.frame import crc_of
from shared.contracts.topics import Topic
from shared.db.pool import Pool, tx
from shared.stream import positions
from shared.stream.log import Record
from shared.stream.polled import Polled
from shared.stream.positions import TP, Position

TOPIC_ID = "simulated"


class SimulatedLog:
    """What a broker keeps: records by partition, in the order of their appends."""

    def __init__(self) -> None:
        self.records: dict[TP, list[Record]] = defaultdict(list)

    def append(self, topic: str, partition: int, value: bytes) -> int:
        kept = self.records[topic, partition]
        kept.append(Record(topic, partition, len(kept), value))
        return len(kept) - 1


class SimulatedSource:
    """One member that believes it owns every partition of both lanes: any second one is a zombie, or the first is."""

    def __init__(self, log: SimulatedLog, topics: Sequence[Topic], pool: Pool) -> None:
        self._log = log
        self._tps = [(topic.name, partition) for topic in topics for partition in range(topic.partitions)]
        self._lane = topics[-1].name
        self._pool = pool
        self._positions: dict[TP, Position] = {}

    async def poll(self, *, records_max: int = 500, timeout_s: float = 1.0, bite: int = 500) -> Polled:
        missing = [tp for tp in self._tps if tp not in self._positions]
        if missing:
            starts = {tp: Position(*tp, TOPIC_ID, 0, None, 0) for tp in missing}
            async with tx(self._pool) as conn:
                self._positions |= await positions.load(conn, missing, starts)
        polled = Polled(expected=dict(self._positions))
        advanced = dict(self._positions)
        for tp in (tp for tp in self._tps if tp in self._positions):  # the lane's come last
            position = self._positions[tp]
            most = records_max - len(polled.records)
            if tp[0] == self._lane:
                beside = sum(record.topic == self._lane for record in polled.records)
                most = bite - beside if len(polled.records) - beside < records_max else 0
            some = self._log.records[tp][position.next_offset :][:most]
            if some:
                polled.records += some
                advanced[tp] = position.passed(some[-1].offset, crc_of(some[-1].value))
        polled.advanced = advanced
        return polled

    def accept(self, accepted: Mapping[TP, Position]) -> None:
        self._positions |= accepted

    def forget(self, partitions: Iterable[TP]) -> None:
        for tp in partitions:
            self._positions.pop(tp, None)

    async def hint_committed(self, polled: Polled) -> None:
        """Nobody to tell."""
