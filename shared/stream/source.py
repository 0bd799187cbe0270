"""Source: a consumer group's share of some topics, read from the positions in Postgres (design §3, §4; style §3.1).

The loop owns everything.  aiokafka's rebalance listener only notes what happened; verifying and seeking happen inside
`poll`, in the caller's task: nothing changes while a batch is in progress, and no exception is swallowed in a listener.
Before a partition's first record is handed out its position has been read, its log has been identified and it has been
sought.  A partition that fails is stopped and stays so: `failed` and `problem` show it; nothing ever resets."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.contracts.frame import crc_of
from shared.contracts.topics import Topic
from shared.db.pool import Pool
from shared.errors import Fatal
from shared.observability.logging import get_logger
from shared.observability.metrics import HINT_FAILURES, PARTITIONS_FAILED, REBALANCES, RECORDS
from shared.settings import KafkaSettings
from shared.stream.connection import StreamUnavailable
from shared.stream.identity import Identity
from shared.stream.membership import Decisions, subscribed
from shared.stream.patrol import Patrol
from shared.stream.polled import Fetched, Polled, contiguous, count, fetch
from shared.stream.positions import TP, Position
from shared.stream.probe import Probe

SETTLE_S: Final = 20.0
HINT_S: Final = 2.0
HINT_EVERY_S: Final = 5.0
STOP_S: Final = 10.0

log = get_logger(__name__)


class Source:
    """One member of a consumer group.  `poll` → effect → commit → `accept`; after `Superseded`: `forget`."""

    def __init__(
        self, settings: KafkaSettings, *, group: str, topics: Sequence[Topic], pool: Pool, lane: Topic | None = None
    ) -> None:
        self.failed: dict[TP, str] = {}
        self._group = group
        self._lane = lane.name if lane is not None else None
        self._decisions = Decisions()
        self._settled = 0
        names = [topic.name for topic in topics]
        self._open: Callable[[], AIOKafkaConsumer] = partial(subscribed, settings, group, names, self._decisions)
        self._consumer: AIOKafkaConsumer | None = None
        self._probe = Probe(settings, client=f"{group}-probe")
        self._identity = Identity(self._probe, pool)
        self._patrol = Patrol(group, self._probe)
        self._unverified: set[TP] = set()
        self._positions: dict[TP, Position] = {}
        self._outstanding: set[TP] = set()
        self._hinted = 0.0

    @property
    def owned(self) -> frozenset[TP]:
        """Verified partitions of ours."""
        return frozenset(self._positions)

    @property
    def positions(self) -> Mapping[TP, Position]:
        """What the next compare-and-set expects; moved by `accept` alone."""
        return self._positions

    def problem(self) -> str | None:
        """For `Health.check`: what keeps this member from reading all its partitions, or None."""
        if self.failed:
            shown = (f"{topic}/{partition}: {reason}" for (topic, partition), reason in sorted(self.failed.items()))
            return "stopped, data loss: " + "; ".join(shown)
        if self._decisions.assigned is None:
            return "waiting for the group's assignment"
        if self._unverified:
            return f"{len(self._unverified)} partitions are not verified yet"
        return self._patrol.trouble

    async def start(self) -> None:
        """Join the group.  Raises StreamUnavailable."""
        await self._probe.start()
        self._consumer = self._open()
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._consumer.start()
        except (KafkaError, TimeoutError) as error:
            await self.stop()
            raise StreamUnavailable(f"cannot join the group {self._group}: {error!r}") from error

    async def stop(self) -> None:
        """Leave the group."""
        consumer, self._consumer = self._consumer, None
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(STOP_S):
                if consumer is not None:
                    await consumer.stop()
                await self._probe.stop()
        self._positions.clear()

    async def poll(self, *, records_max: int = 500, timeout_s: float = 1.0, bite: int = 0) -> Polled:
        """Up to `records_max` records of verified partitions, as soon as there are any, or none after `timeout_s`.

        Where these were fewer, so nothing else waits, up to `bite` records of the lane come with them.
        A batch that was neither accepted nor forgotten is read again.  Raises StreamUnavailable when Kafka is away or gives
        nothing though there is something, and DatabaseUnavailable."""
        if self._consumer is None:
            raise RuntimeError("the source is not started")
        if self._outstanding:
            log.warning("batch was neither accepted nor forgotten", group=self._group)
            self.forget(set(self._outstanding))
        self.forget(await self._patrol.round(self._positions))
        await self._settle(self._consumer)
        generation = self._decisions.number
        fetched = await self._fetch(self._consumer, self._of_lane(False), records_max, timeout_s)
        full = count(fetched) >= records_max
        beside = await self._fetch(self._consumer, self._of_lane(True), bite, 0.0) if bite and not full else {}
        if generation != self._decisions.number or generation != self._settled:
            return Polled()  # the records belong to an assignment that is over: they are read again by their owner
        if full or count(beside) >= bite:  # what was not asked for, or not all of it, is not silent
            self._patrol.arrived(self._of_lane(True))
        return self._hand_out(self._consumer, {**fetched, **beside}, full=full)

    def accept(self, positions: Mapping[TP, Position]) -> None:
        """The transaction is committed: `positions` is what `compare_and_set` returned."""
        for tp, position in positions.items():
            if tp in self._positions:
                self._positions[tp] = position
        self._outstanding -= positions.keys()

    def forget(self, partitions: Iterable[TP]) -> None:
        """Verify these again before reading on: after Superseded, when a commit failed, when the log moved or fell silent."""
        again = self._positions.keys() & set(partitions)
        for tp in again:
            del self._positions[tp]
        self._unverified |= again
        self._outstanding -= again

    async def hint_committed(self, polled: Polled) -> None:
        """Tell the broker how far we are, for its lag tools: at most every 5 s, never believed, failures only counted."""
        now = time.monotonic()
        if self._consumer is None or not polled.advanced or now - self._hinted < HINT_EVERY_S:
            return
        self._hinted = now
        offsets = {TopicPartition(*tp): position.next_offset for tp, position in polled.advanced.items()}
        try:
            async with asyncio.timeout(HINT_S):
                await self._consumer.commit(offsets)
        except (KafkaError, TimeoutError):  # CommitFailedError after a rebalance is the expected one
            HINT_FAILURES.labels(self._group).inc()

    async def _settle(self, consumer: AIOKafkaConsumer) -> None:
        """Follow the group's last decision: drop what is gone, verify and seek what is new."""
        generation, assigned = self._decisions.number, self._decisions.assigned
        if assigned is None:
            return
        if self._settled != generation:
            self._stay_together(assigned)
            REBALANCES.labels(self._group).inc()
            # Every seek is lost with the old assignment, and others may have read on meanwhile.
            self._positions.clear()
            self._outstanding.clear()
            self.failed.clear()
            PARTITIONS_FAILED.labels(self._group).set(0)
            self._unverified = set(assigned)
            self._settled = generation
        if not self._unverified:
            return
        try:
            async with asyncio.timeout(SETTLE_S):
                verdict = await self._identity.verify(consumer, self._unverified)
        except (KafkaError, TimeoutError) as error:
            if generation != self._decisions.number:
                return  # the group decided anew meanwhile: the next poll follows it
            raise StreamUnavailable(f"positions of {self._group} can't be verified: {error!r}") from error
        if generation == self._decisions.number:
            self._apply(consumer, verdict.good, verdict.failed)

    def _stay_together(self, assigned: Iterable[TP]) -> None:
        """A device's fixes lie on one partition number of both topics, and one owner folds them.  Raises Fatal."""
        if self._lane is None:
            return
        beside = {partition for topic, partition in assigned if topic == self._lane}
        others = {partition for topic, partition in assigned if topic != self._lane}
        if beside != others:
            raise Fatal(f"{self._group} was given partitions {sorted(beside ^ others)} of one lane only")

    def _apply(self, consumer: AIOKafkaConsumer, good: Mapping[TP, Position], failed: Mapping[TP, str]) -> None:
        self._unverified.clear()
        for tp, reason in failed.items():
            self._fail(consumer, tp, reason)
        consumer.resume(*(TopicPartition(*tp) for tp in good))
        self._positions |= good
        self._patrol.arrived(good)

    def _fail(self, consumer: AIOKafkaConsumer, tp: TP, reason: str) -> None:
        self._positions.pop(tp, None)
        self._outstanding.discard(tp)
        self.failed[tp] = reason
        consumer.pause(TopicPartition(*tp))
        PARTITIONS_FAILED.labels(self._group).set(len(self.failed))
        log.error("partition stopped: data loss", group=self._group, topic=tp[0], partition=tp[1], reason=reason)

    def _of_lane(self, lane: bool) -> list[TP]:
        """Verified partitions of the lane, or all others.  The lane is read only where its partner is ours too."""
        if not lane:
            return [tp for tp in self._positions if tp[0] != self._lane]
        partners = {partition for topic, partition in self._positions if topic != self._lane}
        return [tp for tp in self._positions if tp[0] == self._lane and tp[1] in partners]

    async def _fetch(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TP], records_max: int, timeout_s: float
    ) -> Fetched:
        if not partitions and self._positions:  # none at all would mean every partition to the client
            return {}
        try:
            return await fetch(consumer, self._group, partitions, records_max, timeout_s)
        except OffsetOutOfRangeError:  # the log moved under us: identify it again
            self.forget(set(self._positions))
            return {}

    def _hand_out(self, consumer: AIOKafkaConsumer, fetched: Fetched, *, full: bool) -> Polled:
        polled = Polled()
        advanced: dict[TP, Position] = {}
        for kafka_tp, found in fetched.items():
            tp = (kafka_tp.topic, kafka_tp.partition)
            if tp not in self._positions:
                continue
            position = self._positions[tp]
            taken = contiguous(found, position.next_offset)
            if not taken:
                self._fail(consumer, tp, f"records {position.next_offset} to {found[0].offset - 1} are missing")
                continue
            if len(taken) < len(found):  # the next poll meets the gap first, and stops there
                consumer.seek(kafka_tp, taken[-1].offset + 1)
            polled.records += taken
            advanced[tp] = position.passed(taken[-1].offset, crc_of(taken[-1].value))
            RECORDS.labels(tp[0]).inc(len(taken))
        polled.expected = dict(self._positions)
        polled.advanced = polled.expected | advanced
        self._outstanding = set(polled.expected) if polled.records else set()
        self._patrol.arrived(advanced, full=full)
        return polled
