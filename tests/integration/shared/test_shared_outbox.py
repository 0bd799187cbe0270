"""Outbox on real Kafka and Postgres: whatever was committed reaches its topic, however the relay dies."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.contracts.topics import MESSAGE_BYTES_MAX, Topic
from shared.db.pool import Pool, tx
from shared.settings import KafkaSettings
from shared.stream import outbox
from shared.stream.log import Log, StreamUnavailable
from tests.integration.shared.reading import read_values
from tests.stream_tables import SharedDatabase

pytestmark = pytest.mark.integration

WRITERS = 8
RELAY = Path(__file__).with_name("relay_process.py")


@pytest.fixture
async def log(kafka: KafkaSettings) -> AsyncIterator[Log]:
    opened = await Log.open(kafka, client="test-outbox")
    yield opened
    await opened.close()


async def write(pool: Pool, topic: Topic, writer: int, transactions: int) -> set[bytes]:
    """Many short transactions of random length, so that ids become visible out of order; a third is rolled back."""
    committed = set()
    pace = random.Random(writer)
    for number in range(transactions):
        frames = [f"{writer}:{number}:{row}".encode() for row in range(pace.randint(1, 5))]
        try:
            async with tx(pool) as conn:
                await outbox.append(conn, [(topic.name, pace.randrange(topic.partitions), frame) for frame in frames])
                await asyncio.sleep(pace.random() * 0.02)
                if pace.random() < 0.33:
                    raise _RolledBack
        except _RolledBack:
            continue
        committed |= set(frames)
    return committed


class _RolledBack(Exception):
    pass


async def remaining(pool: Pool) -> int:
    async with tx(pool) as conn:
        count: int = await conn.fetchval("select count(*) from outbox")
        return count


async def drained(pool: Pool) -> None:
    async with asyncio.timeout(40):
        while await remaining(pool):
            await asyncio.sleep(0.05)


async def test_rows_arrive_in_their_partitions_and_are_deleted(
    pool: Pool, topic: Topic, kafka: KafkaSettings, log: Log
) -> None:
    rows = [(topic.name, n % topic.partitions, f"row {n}".encode()) for n in range(10)]
    async with tx(pool) as conn:
        await outbox.append(conn, rows)
    assert await outbox.Relay(pool, log).once() == 10
    assert await remaining(pool) == 0
    assert Counter(await read_values(kafka, topic)) == Counter(frame for _, _, frame in rows)


async def test_an_uncommitted_row_is_not_relayed(pool: Pool, topic: Topic, log: Log) -> None:
    relay = outbox.Relay(pool, log)
    async with tx(pool) as conn:
        await outbox.append(conn, [(topic.name, 0, b"not yet")])
        assert await relay.once() == 0
    assert await relay.once() == 1


async def test_a_commit_wakes_a_sleeping_relay(
    pool: Pool, topic: Topic, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "POLL_LISTENING_S", 30.0)
    running = asyncio.create_task(outbox.Relay(pool, log).run())
    await asyncio.sleep(0.5)
    async with tx(pool) as conn:
        await outbox.append(conn, [(topic.name, 0, b"wake up")])
    async with asyncio.timeout(5):
        while await remaining(pool):
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


async def test_one_round_is_bounded_in_bytes_and_takes_at_least_one_row(
    pool: Pool, topic: Topic, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tx(pool) as conn:
        await outbox.append(conn, [(topic.name, 0, bytes(1_000)) for _ in range(5)])
    relay = outbox.Relay(pool, log)
    monkeypatch.setattr(outbox, "BATCH_BYTES_MAX", 0)
    assert await relay.once() == 1
    monkeypatch.setattr(outbox, "BATCH_BYTES_MAX", 1_500)
    assert await relay.once() == 2


async def test_a_frame_above_the_limit_is_refused_before_the_outbox(pool: Pool, topic: Topic) -> None:
    async with tx(pool) as conn:
        with pytest.raises(ValueError, match="split it"):
            await outbox.append(conn, [(topic.name, 0, bytes(MESSAGE_BYTES_MAX + 1))])


async def test_what_kafka_does_not_take_stays_and_the_rest_goes(pool: Pool, topic: Topic, log: Log) -> None:
    class Half:
        async def append(self, topic: str, partition: int, value: bytes, *, deadline_s: float = 10.0) -> int:
            if partition == 1:
                raise StreamUnavailable("this partition has no leader")
            return await log.append(topic, partition, value, deadline_s=deadline_s)

    async with tx(pool) as conn:
        await outbox.append(conn, [(topic.name, n % 2, b"x") for n in range(6)])
    with pytest.raises(StreamUnavailable):
        await outbox.Relay(pool, Half()).once()  # type: ignore[arg-type]
    assert await remaining(pool) == 3
    assert await outbox.Relay(pool, log).once() == 3


async def test_eight_writers_and_two_relays_cancelled_at_random_lose_no_row(
    pool: Pool, topic: Topic, kafka: KafkaSettings, log: Log
) -> None:
    chance = random.Random(5)

    async def restarted() -> None:
        while True:
            task = asyncio.create_task(outbox.Relay(pool, log, batch=20).run())
            try:
                await asyncio.sleep(chance.random() * 0.15)
            finally:
                task.cancel()
                await asyncio.wait([task])

    relays = [asyncio.create_task(restarted()) for _ in range(2)]
    written = await asyncio.gather(*(write(pool, topic, writer, 40) for writer in range(WRITERS)))
    await drained(pool)
    for relay in relays:
        relay.cancel()
    await asyncio.wait(relays)
    assert set().union(*written) == set(await read_values(kafka, topic))


async def test_eight_writers_and_a_relay_killed_at_random_lose_no_row(
    pool: Pool, topic: Topic, kafka: KafkaSettings, log: Log, shared_db: SharedDatabase
) -> None:
    """kill -9 of a relay in a process of its own, again and again, at random moments."""
    chance = random.Random(9)
    environment = os.environ | {
        "RELAY_DSN": shared_db.dsn("worker"),
        "RUCOR_KAFKA_BOOTSTRAP_SERVERS": kafka.kafka_bootstrap_servers,
        "RUCOR_KAFKA_USERNAME": kafka.kafka_username,
        "RUCOR_KAFKA_PASSWORD": kafka.kafka_password.get_secret_value(),
        "RUCOR_EMBEDDED": "1",
    }
    writing = asyncio.gather(*(write(pool, topic, writer, 60) for writer in range(WRITERS)))
    kills = 0
    while not writing.done() or kills < 4:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(RELAY), env=environment, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"relaying\n"
            await asyncio.sleep(chance.random() * 0.4)
        finally:
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
        kills += 1
    relay = asyncio.create_task(outbox.Relay(pool, log).run())
    await drained(pool)
    relay.cancel()
    await asyncio.wait([relay])
    values = await read_values(kafka, topic)
    assert set().union(*await writing) == set(values)
