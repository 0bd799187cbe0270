"""kill -9 and freeze of the broker under a producer and a consumer: nothing acknowledged is lost, nothing counts twice."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from shared.contracts.topics import Topic
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import tx
from shared.errors import Superseded
from shared.stream import log as log_module
from shared.stream.log import Log, StreamUnavailable
from shared.stream.positions import compare_and_set
from shared.stream.source import Source
from tests.stream_tables import make_topic, shared_database

pytestmark = [pytest.mark.integration, pytest.mark.chaos, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of our own, whose supervisor restarts what we kill."""
    own = Stack(tmp_path_factory.mktemp("restart"), port_base=None, services=(), log=lambda _: None)
    own.start()
    yield own
    own.stop()


class Reader:
    """A consumer's loop as the services write it; remembers what it committed, by partition and offset."""

    def __init__(self, stack: Stack, topic: Topic, group: str) -> None:
        self._stack, self._topic, self._group = stack, topic, group
        self.committed: Counter[tuple[int, int, bytes]] = Counter()

    async def run(self, directory: Path) -> None:
        async with shared_database(self._stack.info, directory) as database:
            pool = await database.pool()
            source = Source(
                self._stack.info.kafka_settings("admin"), group=self._group, topics=[self._topic], pool=pool
            )
            await source.start()
            try:
                while True:
                    try:
                        polled = await source.poll(timeout_s=0.3)
                        async with tx(pool) as conn:
                            after = await compare_and_set(conn, polled.expected, polled.advanced)
                    except (StreamUnavailable, DatabaseUnavailable, Superseded):
                        source.forget(source.owned)
                        await asyncio.sleep(0.2)
                        continue
                    source.accept(after)
                    self.committed.update((r.partition, r.offset, r.value) for r in polled.records)
                    await source.hint_committed(polled)
            finally:
                await source.stop()
                await pool.close()


async def test_G1_kill_9_of_the_broker_loses_no_acknowledged_frame(stack: Stack, tmp_path: Path) -> None:
    topic = await make_topic(stack.info)
    reader = Reader(stack, topic, "test.restart")
    reading = asyncio.create_task(reader.run(tmp_path))
    log = await Log.open(stack.info.kafka_settings("admin"), client="test-restart")
    acknowledged: dict[tuple[int, int], bytes] = {}
    refused = 0
    enough = asyncio.Event()

    async def produce(worker: int) -> None:
        nonlocal refused
        number = 0
        while not enough.is_set():
            value = b"%d:%d" % (worker, number)
            try:
                offset = await log.append(topic.name, number % topic.partitions, value, deadline_s=10)
                acknowledged[number % topic.partitions, offset] = value
            except StreamUnavailable:
                refused += 1
            number += 1
            await asyncio.sleep(0.005)

    producers = [asyncio.create_task(produce(worker)) for worker in range(4)]
    for _ in range(2):
        await asyncio.sleep(1.5)
        before, killed = len(acknowledged), stack.info.pids["kafka"]
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(60):
            while len(acknowledged) < before + 200:
                await asyncio.sleep(0.1)
        assert stack.info.pids["kafka"] != killed
    enough.set()
    await asyncio.gather(*producers)
    async with asyncio.timeout(60):
        while not {(*at, value) for at, value in acknowledged.items()} <= set(reader.committed):
            assert not reading.done()
            await asyncio.sleep(0.1)
    reading.cancel()
    await asyncio.wait([reading])
    await log.close()
    assert max(reader.committed.values()) == 1
    offsets = Counter((partition, offset) for partition, offset, _ in reader.committed)
    assert max(offsets.values()) == 1


async def test_a_frozen_broker_meets_our_deadline_and_bounded_memory(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await make_topic(stack.info)
    log = await Log.open(stack.info.kafka_settings("admin"), client="test-frozen")
    await log.append(topic.name, 0, b"before")
    monkeypatch.setattr(log_module, "IN_FLIGHT_BYTES_MAX", 2_500)
    broker = stack.info.pids["kafka"]
    os.kill(broker, signal.SIGSTOP)
    try:
        started = time.monotonic()
        sent = [log.append(topic.name, 1, b"%d" % n * 1_000, deadline_s=1) for n in range(6)]
        results = await asyncio.gather(*sent, return_exceptions=True)
        assert all(isinstance(result, StreamUnavailable) for result in results)
        assert time.monotonic() - started < 3
        assert log._in_flight == 2_000  # two frames are with the producer, four never got that far
    finally:
        os.kill(broker, signal.SIGCONT)
    async with asyncio.timeout(30):
        offset = await log.append(topic.name, 1, b"after", deadline_s=25)
    assert offset == 2  # the two landed after all: late, whole, and in front
    await asyncio.sleep(0.1)
    assert log._in_flight == 0
    await log.close()


async def test_closing_without_a_broker_ends(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = await make_topic(stack.info)
    monkeypatch.setattr(log_module, "CLOSE_TIMEOUT_S", 1.0)
    log = await Log.open(stack.info.kafka_settings("admin"), client="test-close")
    broker = stack.info.pids["kafka"]
    os.kill(broker, signal.SIGSTOP)
    try:
        with pytest.raises(StreamUnavailable):
            await log.append(topic.name, 0, b"never answered", deadline_s=0.5)
        started = time.monotonic()
        await log.close()
        assert time.monotonic() - started < 6
    finally:
        os.kill(broker, signal.SIGCONT)
