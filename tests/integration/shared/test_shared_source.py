"""Source on the real broker: nothing lost, nothing twice, and a log that is not ours any more stops its partition."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from deploy.embedded.info import StackInfo
from deploy.kafka.admin import delete_topics
from shared.contracts.device_day import Progress
from shared.contracts.frame import crc_of, encode_structs
from shared.contracts.topics import SCHEMA_PROGRESS, Topic
from shared.db.pool import Pool, tx
from shared.errors import Superseded
from shared.settings import KafkaSettings
from shared.stream.log import Log, Record
from shared.stream.positions import TP, compare_and_set, load
from shared.stream.source import Source
from tests.stream_tables import make_topic, partitions_of

pytestmark = pytest.mark.integration


def frame(number: int) -> bytes:
    return encode_structs(SCHEMA_PROGRESS, [Progress(partition=0, tick_ms=number)])


@asynccontextmanager
async def opened_log(kafka: KafkaSettings) -> AsyncIterator[Log]:
    log = await Log.open(kafka, client="test-log")
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def started(source: Source) -> AsyncIterator[Source]:
    await source.start()
    try:
        yield source
    finally:
        await source.stop()


async def take(source: Source, pool: Pool) -> list[Record]:
    """One round of a consumer: poll, commit the positions, accept."""
    polled = await source.poll(timeout_s=0.3)
    try:
        async with tx(pool) as conn:
            after = await compare_and_set(conn, polled.expected, polled.advanced)
    except Superseded:
        source.forget(polled.expected)
        return []
    source.accept(after)
    await source.hint_committed(polled)
    return polled.records


async def until(source: Source, pool: Pool, done: Callable[[list[Record]], bool], limit_s: float = 30) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(limit_s):
        while not done(records):
            records += await take(source, pool)
    return records


async def send(kafka: KafkaSettings, topic: Topic, numbers: range) -> None:
    async with opened_log(kafka) as log:
        await asyncio.gather(*(log.append(topic.name, n % topic.partitions, frame(n)) for n in numbers))


async def test_first_sight_starts_at_the_log_start_and_reads_everything_once(
    kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(30))
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        records = await until(source, pool, lambda seen: len(seen) >= 30)
        assert sorted(r.value for r in records) == sorted(frame(n) for n in range(30))
        assert source.owned == partitions_of([topic])
        assert {p.next_offset for p in source.positions.values()} == {10}
        assert source.problem() is None
        assert await take(source, pool) == []
        version = {tp: p.version for tp, p in source.positions.items()}
        await take(source, pool)
        assert {tp: p.version for tp, p in source.positions.items()} == {tp: v + 1 for tp, v in version.items()}


async def test_a_restart_goes_on_after_the_last_commit(
    kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(9))
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        await until(source, pool, lambda seen: len(seen) >= 9)
        await send(kafka, topic, range(9, 12))
        polled = await source.poll()  # handed out, never committed: a crash
        while not polled.records:
            polled = await source.poll()
    await send(kafka, topic, range(12, 15))
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        records = await until(source, pool, lambda seen: len(seen) >= 6)
    assert sorted(r.value for r in records) == sorted(frame(n) for n in range(9, 15))


async def test_forgotten_and_dropped_batches_are_read_again(
    kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(3))
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        first = await source.poll()
        while not first.records:
            first = await source.poll()
        source.forget(first.expected)
        again = await source.poll()  # dropped: neither accepted nor forgotten
        records = await until(source, pool, lambda seen: len(seen) >= 3)
    assert again.records
    assert Counter(r.value for r in records) == Counter(frame(n) for n in range(3))


async def recreate(infra: StackInfo, topic: Topic) -> None:
    user, password = infra.kafka_login("admin")
    await delete_topics(infra.kafka_bootstrap, user, password, [topic.name])
    await make_topic(infra, topic.partitions, topic.name)


async def read_all(kafka: KafkaSettings, topic: Topic, pool: Pool, group: str, count: int) -> None:
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        await until(source, pool, lambda seen: len(seen) >= count)


async def failures(kafka: KafkaSettings, topic: Topic, pool: Pool, group: str) -> tuple[dict[TP, str], list[Record]]:
    """What a fresh member says and hands out in a few rounds."""
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        records: list[Record] = []
        async with asyncio.timeout(30):
            while not source.owned and not source.failed:
                records += await take(source, pool)
        for _ in range(3):
            records += await take(source, pool)
        assert (source.problem() or "").startswith("stopped, data loss") == bool(source.failed)
        return dict(source.failed), records


async def test_a_topic_created_again_stops_all_its_partitions(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(9))
    await read_all(kafka, topic, pool, group, 9)
    await recreate(infra, topic)
    await send(kafka, topic, range(30))
    async with tx(pool) as conn:
        before = await load(conn, partitions_of([topic]))
    failed, records = await failures(kafka, topic, pool, group)
    assert set(failed) == partitions_of([topic])
    assert all("re-created" in reason for reason in failed.values())
    assert records == []
    async with tx(pool) as conn:
        assert await load(conn, partitions_of([topic])) == before


async def test_a_topic_created_again_while_it_is_read_is_noticed(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(30))
    async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
        await until(source, pool, lambda seen: len(seen) >= 30)
        await recreate(infra, topic)
        await send(kafka, topic, range(100, 103))
        async with asyncio.timeout(40):
            while not source.failed:
                assert await take(source, pool) == []
        assert all("re-created" in reason for reason in source.failed.values())


async def test_a_wrong_crc_before_the_position_stops_that_partition_alone(
    kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(9))
    await read_all(kafka, topic, pool, group, 9)
    async with tx(pool) as conn:
        assert await conn.fetchval("select last_crc from stream_position where partition = 0") == crc_of(frame(6))
        await conn.execute("update stream_position set last_crc = (last_crc + 1) % 4294967296 where partition = 1")
    await send(kafka, topic, range(9, 12))
    failed, records = await failures(kafka, topic, pool, group)
    assert set(failed) == {(topic.name, 1)}
    assert "rewritten" in failed[topic.name, 1]
    assert sorted(r.value for r in records) == sorted(frame(n) for n in (9, 11))


async def test_a_log_cut_before_the_position_is_loss_and_one_behind_it_is_not(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(9))
    await read_all(kafka, topic, pool, group, 9)
    await send(kafka, topic, range(9, 15))
    await cut(infra, topic, {0: 4, 1: 3, 2: 2})  # unread and gone; exactly up to the position; the witness still there
    failed, records = await failures(kafka, topic, pool, group)
    assert set(failed) == {(topic.name, 0)}
    assert "retention passed" in failed[topic.name, 0]
    assert sorted(r.value for r in records) == sorted(frame(n) for n in (10, 11, 13, 14))


async def cut(infra: StackInfo, topic: Topic, before: dict[int, int]) -> None:
    from aiokafka import TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

    from shared.stream.connection import client_options

    admin = AIOKafkaAdminClient(**client_options(infra.kafka_settings("admin"), "test-cut"))
    await admin.start()
    await admin.delete_records({TopicPartition(topic.name, p): RecordsToDelete(offset) for p, offset in before.items()})
    await admin.close()


async def test_a_log_that_ends_before_the_position_is_loss(
    kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    await send(kafka, topic, range(9))
    await read_all(kafka, topic, pool, group, 9)
    async with tx(pool) as conn:
        await conn.execute("update stream_position set next_offset = 5 where partition = 2")
    failed, records = await failures(kafka, topic, pool, group)
    assert set(failed) == {(topic.name, 2)}
    assert "ends at 3" in failed[topic.name, 2]
    assert records == []


async def test_two_members_share_hand_over_and_lose_nothing(
    kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    """A second member comes, the first one goes, all the while frames arrive; each is committed exactly once."""
    committed: list[bytes] = []
    total = 600

    async def member(stop: asyncio.Event) -> None:
        async with started(Source(kafka, group=group, topics=[topic], pool=pool)) as source:
            while not stop.is_set():
                committed.extend(record.value for record in await take(source, pool))

    async def produce() -> None:
        async with opened_log(kafka) as log:
            for first in range(0, total, 20):
                await asyncio.gather(
                    *(log.append(topic.name, n % topic.partitions, frame(n)) for n in range(first, first + 20))
                )
                await asyncio.sleep(0.2)

    stops = [asyncio.Event(), asyncio.Event()]
    async with AsyncExitStack(), asyncio.TaskGroup() as tasks, asyncio.timeout(90):
        tasks.create_task(member(stops[0]))
        tasks.create_task(produce())
        await asyncio.sleep(2)
        tasks.create_task(member(stops[1]))
        await asyncio.sleep(3)
        stops[0].set()
        while len(committed) < total:
            await asyncio.sleep(0.1)
        stops[1].set()
    assert Counter(committed) == Counter(frame(n) for n in range(total))
