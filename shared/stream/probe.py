"""Probe: what the brokers have now, asked over a connection of its own.

A topic's id is made when the topic is created and never used again, so it tells a re-created topic from the one we read
before.  The connection is apart from the consumer's because answers come in order: behind a waiting fetch every small
question would take half a second."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import BrokerResponseError, KafkaError, LeaderNotAvailableError, for_code
from aiokafka.protocol.offset import OffsetRequest

from shared.settings import KafkaSettings
from shared.stream.connection import CONTROL_TIMEOUT_MS, StreamUnavailable, client_options
from shared.stream.metadata import MetadataRequest, MetadataResponseV12
from shared.stream.positions import TP

ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.2
_EARLIEST: Final = -2
_LATEST: Final = -1


class LogState(NamedTuple):
    """A partition as the broker has it now: records lie in start ≤ offset < end."""

    topic_id: str
    start: int
    end: int


class _Topics(NamedTuple):
    ids: dict[str, str]
    leaders: dict[TP, int]


class Probe:
    """Comes back by itself after a broker's restart."""

    def __init__(self, settings: KafkaSettings, *, client: str) -> None:
        self._options = client_options(settings, client) | {"request_timeout_ms": CONTROL_TIMEOUT_MS}
        self._client: AIOKafkaClient | None = None

    async def start(self) -> None:
        """Connect.  Raises StreamUnavailable."""
        client = AIOKafkaClient(**self._options)
        try:
            await client.bootstrap()
        except KafkaError as error:
            await client.close()
            raise StreamUnavailable(f"Kafka does not answer: {error}") from error
        self._client = client

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Topic name → id as text.  Raises StreamUnavailable, also for a topic that is not there."""
        names = list(topics)
        for attempt in range(ATTEMPTS):
            try:
                return (await self._topics(names)).ids
            except KafkaError as error:
                await self._again(attempt, error)
        raise AssertionError("unreachable")

    async def states(self, partitions: Collection[TP]) -> dict[TP, LogState]:
        """Id, start and end of every partition.  Raises StreamUnavailable."""
        names = sorted({topic for topic, _ in partitions})
        for attempt in range(ATTEMPTS):
            try:
                topics = await self._topics(names)
                starts, ends = await asyncio.gather(
                    self._offsets(topics, partitions, _EARLIEST), self._offsets(topics, partitions, _LATEST)
                )
            except KafkaError as error:
                await self._again(attempt, error)
            else:
                return {tp: LogState(topics.ids[tp[0]], starts[tp], ends[tp]) for tp in partitions}
        raise AssertionError("unreachable")

    def _started(self) -> AIOKafkaClient:
        if self._client is None:
            raise StreamUnavailable("the probe is not started")
        return self._client

    async def _again(self, attempt: int, error: KafkaError) -> None:
        if attempt == ATTEMPTS - 1:
            raise StreamUnavailable(f"the brokers can't be asked: {error!r}") from error
        await self._started().force_metadata_update()
        await asyncio.sleep(_PAUSE_S)

    async def _topics(self, names: list[str]) -> _Topics:
        client = self._started()
        answer: MetadataResponseV12 = await client.send(client.get_random_node(), MetadataRequest(names))
        ids: dict[str, str] = {}
        leaders: dict[TP, int] = {}
        for code, name, topic_id, _, partitions, *_ in answer.topics:
            _check(code, name)
            ids[name] = str(topic_id)
            leaders |= {(name, partition): leader for _, partition, leader, *_ in partitions}
        return _Topics(ids, leaders)

    async def _offsets(self, topics: _Topics, partitions: Collection[TP], which: int) -> dict[TP, int]:
        by_leader: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for topic, partition in partitions:
            leader = topics.leaders.get((topic, partition), -1)
            if leader < 0:
                raise LeaderNotAvailableError(f"{topic}/{partition}")
            by_leader[leader][topic].append((partition, which))
        offsets: dict[TP, int] = {}
        for leader, asked in by_leader.items():
            answer = await self._started().send(leader, OffsetRequest(-1, 0, list(asked.items())))
            for topic, found in answer.topics:
                for partition, code, _, offset in found:
                    _check(code, f"{topic}/{partition}")
                    offsets[topic, partition] = offset
        return offsets


def _check(code: int, what: str) -> None:
    if code:
        error: type[BrokerResponseError] = for_code(code)
        raise error(what)
