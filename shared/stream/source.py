"""Source: a consumer group's share of some topics, read from the positions in Postgres (design §3, §4; style §3.1).

The loop owns everything.  aiokafka's rebalance listener only notes what happened; verifying, seeking and the callbacks
happen inside `poll`, in the caller's task: nothing changes while a batch is in progress, and no exception is swallowed in
a listener.  Before a partition's first record is handed out its position has been read, its log has been identified and
it has been sought.  A partition that fails is stopped and stays so: `failed` and `problem` show it; nothing ever resets."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.contracts.frame import crc_of
from shared.contracts.topics import MESSAGE_BYTES_MAX, Topic
from shared.db.pool import Pool
from shared.observability.logging import get_logger
from shared.observability.metrics import HINT_FAILURES, LAG, PARTITIONS_FAILED, REBALANCES, RECORDS
from shared.settings import KafkaSettings
from shared.stream.connection import StreamUnavailable, client_options
from shared.stream.identity import Identity, Verdict
from shared.stream.log import Record
from shared.stream.positions import TP, Position

SESSION_TIMEOUT_MS: Final = 6_000
HEARTBEAT_MS: Final = 1_500
REBALANCE_TIMEOUT_MS: Final = 30_000
REQUEST_TIMEOUT_MS: Final = 40_000
"""Above the rebalance timeout: a JoinGroup is answered only when all members have come."""
FETCH_BYTES_MAX: Final = 16_000_000
SETTLE_S: Final = 20.0
PATROL_S: Final = 3.0
PATROL_EVERY_S: Final = 10.0
STALLED_AFTER_S: Final = 40.0
HINT_S: Final = 2.0
HINT_EVERY_S: Final = 5.0
STOP_S: Final = 10.0
_BACKOFF_S: Final = 0.05

Callback: TypeAlias = Callable[[frozenset[TP]], Awaitable[None] | None]

log = get_logger(__name__)


@dataclass
class Polled:
    """Records in offset order per partition; `expected` and `advanced` go to `positions.compare_and_set`.

    Both hold every verified partition, also those without records: each transaction fences them all."""

    records: list[Record] = field(default_factory=list)
    expected: dict[TP, Position] = field(default_factory=dict)
    advanced: dict[TP, Position] = field(default_factory=dict)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what the group decided; runs while a batch may be in progress, so it does nothing else."""

    def __init__(self) -> None:
        self.number = 0
        self.assigned: frozenset[TP] | None = None
        """None while the group is rebalancing."""

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka calls it so
        self.number += 1
        self.assigned = None

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.number += 1
        self.assigned = frozenset((tp.topic, tp.partition) for tp in assigned)


class Source:
    """One member of a consumer group.  `poll` → effect → commit → `accept`; after `Superseded`: `forget`."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        group: str,
        topics: Sequence[Topic],
        pool: Pool,
        on_assigned: Callback | None = None,
        on_revoked: Callback | None = None,
    ) -> None:
        self._settings = settings
        self._group = group
        self._topics = [topic.name for topic in topics]
        self._pool = pool
        self.on_assigned = on_assigned
        self.on_revoked = on_revoked
        self.failed: dict[TP, str] = {}
        self._listener = _Listener()
        self._consumer: AIOKafkaConsumer | None = None
        self._identity: Identity | None = None
        self._settled = 0
        self._unverified: set[TP] = set()
        self._positions: dict[TP, Position] = {}
        self._outstanding: set[TP] = set()
        self._progress: dict[TP, float] = {}
        self._patrolled = self._hinted = 0.0

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
        if self._listener.assigned is None:
            return "waiting for the group's assignment"
        return f"{len(self._unverified)} partitions are not verified yet" if self._unverified else None

    async def start(self) -> None:
        """Join the group.  Raises StreamUnavailable."""
        options = client_options(self._settings, self._group)
        self._identity = Identity(self._settings, client=self._group, topics=self._topics, pool=self._pool)
        await self._identity.start()
        self._consumer = AIOKafkaConsumer(
            **options,
            group_id=self._group,
            auto_offset_reset="none",
            enable_auto_commit=False,
            fetch_max_bytes=FETCH_BYTES_MAX,
            max_partition_fetch_bytes=2 * MESSAGE_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
        )
        self._consumer.subscribe(self._topics, listener=self._listener)
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._consumer.start()
        except (KafkaError, TimeoutError) as error:
            await self.stop()
            raise StreamUnavailable(f"cannot join the group {self._group}: {error!r}") from error

    async def stop(self) -> None:
        """Leave the group; the revoke callback gets what was owned, as aiokafka itself does not call it here."""
        consumer, self._consumer = self._consumer, None
        identity, self._identity = self._identity, None
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(STOP_S):
                if consumer is not None:
                    await consumer.stop()
                if identity is not None:
                    await identity.stop()
        gone, self._positions = frozenset(self._positions), {}
        await _call(self.on_revoked, gone)

    async def poll(self, *, records_max: int = 500, timeout_s: float = 1.0) -> Polled:
        """Up to `records_max` records of verified partitions, as soon as there are any, or none after `timeout_s`.

        A batch that was neither accepted nor forgotten is read again.  Callbacks run in here.  Raises StreamUnavailable
        when Kafka is away or hands out nothing though there is something, DatabaseUnavailable, and what callbacks raise."""
        if self._consumer is None:
            raise RuntimeError("the source is not started")
        if self._outstanding:
            log.warning("batch was neither accepted nor forgotten", group=self._group)
            self.forget(set(self._outstanding))
        await self._settle(self._consumer)
        await self._patrol(self._consumer)
        generation = self._listener.number
        fetched = await self._fetch(self._consumer, records_max, timeout_s)
        if generation != self._listener.number or self._listener.assigned is None or self._settled != generation:
            return Polled()  # the records belong to an assignment that is over: they are read again by their owner
        return self._hand_out(self._consumer, fetched, records_max)

    def accept(self, positions: Mapping[TP, Position]) -> None:
        """The transaction is committed: `positions` is what `compare_and_set` returned."""
        for tp, position in positions.items():
            if tp in self._positions:
                self._positions[tp] = position
        self._outstanding -= positions.keys()

    def forget(self, partitions: Iterable[TP]) -> None:
        """Read these positions and records again at the next poll: after Superseded, or when a commit failed."""
        for tp in partitions:
            if self._positions.pop(tp, None) is not None:
                self._unverified.add(tp)
            self._outstanding.discard(tp)

    async def hint_committed(self, polled: Polled) -> None:
        """Tell the broker how far we are, for its lag tools; at most every 5 s, never believed, failures only counted."""
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
        generation, assigned = self._listener.number, self._listener.assigned
        if assigned is None:
            return
        if self._settled != generation:
            REBALANCES.labels(self._group).inc()
            gone = frozenset(self._positions.keys() - assigned)
            for tp in gone:
                del self._positions[tp]
            self.failed.clear()
            self._outstanding.clear()
            self._unverified = set(assigned)  # every seek is lost with the old assignment, and others may have read on
            self._settled = generation
            await _call(self.on_revoked, gone)
        if not self._unverified or self._identity is None:
            return
        try:
            async with asyncio.timeout(SETTLE_S):
                verdict = await self._identity.verify(consumer, self._unverified)
        except (KafkaError, TimeoutError) as error:
            if generation != self._listener.number:
                return
            raise StreamUnavailable(f"positions of {self._group} can't be verified: {error!r}") from error
        if generation == self._listener.number:
            await self._apply(consumer, verdict)

    async def _apply(self, consumer: AIOKafkaConsumer, verdict: Verdict) -> None:
        self._unverified.clear()
        for tp, reason in verdict.failed.items():
            self._fail(consumer, tp, reason)
        moved = frozenset(tp for tp, position in verdict.good.items() if self._positions.get(tp) != position)
        stale = frozenset(moved & self._positions.keys())
        now = time.monotonic()
        for tp, position in verdict.good.items():
            consumer.resume(TopicPartition(*tp))
            self._positions[tp] = position
            self._progress[tp] = now
        await _call(self.on_revoked, stale)
        await _call(self.on_assigned, moved)

    def _fail(self, consumer: AIOKafkaConsumer, tp: TP, reason: str) -> None:
        self._positions.pop(tp, None)
        self.failed[tp] = reason
        consumer.pause(TopicPartition(*tp))
        PARTITIONS_FAILED.labels(self._group).set(len(self.failed))
        log.error("partition stopped: data loss", group=self._group, topic=tp[0], partition=tp[1], reason=reason)

    async def _fetch(
        self, consumer: AIOKafkaConsumer, records_max: int, timeout_s: float
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        wanted = [TopicPartition(*tp) for tp in self._positions]
        try:
            # During a rebalance getmany waits without limit for the assignment, hence the outer one.
            async with asyncio.timeout(timeout_s + _BACKOFF_S):
                fetched: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(
                    *wanted, timeout_ms=int(timeout_s * 1_000), max_records=records_max
                )
                return fetched
        except TimeoutError:
            return {}
        except NoOffsetForPartitionError:  # of a partition that is not sought yet, or stopped: expected, often
            await asyncio.sleep(_BACKOFF_S)
        except OffsetOutOfRangeError:  # the log moved under us: identify it again
            self.forget(set(self._positions))
        except KafkaError as error:
            if not error.retriable:
                raise StreamUnavailable(f"{self._group} cannot read: {error!r}") from error
            log.warning("poll failed", group=self._group, error=repr(error))
            await asyncio.sleep(_BACKOFF_S)
        return {}

    def _hand_out(
        self, consumer: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[ConsumerRecord]], records_max: int
    ) -> Polled:
        polled = Polled(expected=dict(self._positions), advanced=dict(self._positions))
        now = time.monotonic()
        for kafka_tp, found in fetched.items():
            tp = (kafka_tp.topic, kafka_tp.partition)
            if tp not in polled.expected:
                continue
            position = polled.expected[tp]
            taken = _contiguous(found, position.next_offset)
            if len(taken) < len(found):
                if not taken:
                    self._fail(consumer, tp, f"records {position.next_offset} to {found[0].offset - 1} are missing")
                    del polled.expected[tp], polled.advanced[tp]
                    continue
                consumer.seek(kafka_tp, taken[-1].offset + 1)  # the next poll meets the gap first, and stops there
            polled.records += taken
            polled.advanced[tp] = position.passed(taken[-1].offset, crc_of(taken[-1].value))
            self._progress[tp] = now
            RECORDS.labels(tp[0]).inc(len(taken))
        if polled.records:
            self._outstanding = set(polled.expected)
        if len(polled.records) >= records_max:  # others had no chance
            self._progress = dict.fromkeys(self._progress, now)
        return polled

    async def _patrol(self, consumer: AIOKafkaConsumer) -> None:
        """Every 10 s: is each topic still the same one, how far behind are we, and does anything come at all?

        aiokafka can hang after a broker's restart without an error, so a log that grows while nothing arrives for 40 s
        raises StreamUnavailable: the process ends and starts anew."""
        now = time.monotonic()
        if not self._positions or self._identity is None or now - self._patrolled < PATROL_EVERY_S:
            return
        self._patrolled = now
        try:
            async with asyncio.timeout(PATROL_S):
                recreated = await self._identity.recreated(self._positions)
                ends = await consumer.end_offsets([TopicPartition(*tp) for tp in self._positions])
        except (StreamUnavailable, KafkaError, TimeoutError) as error:
            log.warning("patrol failed", group=self._group, error=repr(error))
            return
        for tp, reason in recreated.items():
            self._fail(consumer, tp, reason)
        for kafka_tp, end in ends.items():
            tp = (kafka_tp.topic, kafka_tp.partition)
            if tp not in self._positions:
                continue
            lag = end - self._positions[tp].next_offset
            LAG.labels(*map(str, tp)).set(lag)
            if lag <= 0:
                self._progress[tp] = now
            elif now - self._progress.get(tp, now) > STALLED_AFTER_S:
                raise StreamUnavailable(
                    f"{tp[0]}/{tp[1]}: {lag} records wait and none came for {STALLED_AFTER_S:.0f} s"
                )


def _contiguous(found: Sequence[ConsumerRecord], next_offset: int) -> list[Record]:
    """The records up to the first gap; our producers never leave one, so a gap is loss."""
    taken: list[Record] = []
    for record in found:
        if record.offset != next_offset + len(taken):
            break
        taken.append(Record(record.topic, record.partition, record.offset, record.value or b""))
    return taken


async def _call(callback: Callback | None, partitions: frozenset[TP]) -> None:
    if callback is None or not partitions:
        return
    result = callback(partitions)
    if inspect.isawaitable(result):
        await result
