"""Log and topics on the real broker."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiokafka import TopicPartition

from deploy.embedded.info import StackInfo
from shared.contracts.topics import MESSAGE_BYTES_MAX, Topic
from shared.settings import KafkaSettings
from shared.stream.admin import TopicsWrong, create_or_check_topics
from shared.stream.log import Log, StreamUnavailable
from tests.integration.shared.reading import read_values
from tests.stream_tables import make_topic

pytestmark = pytest.mark.integration


@pytest.fixture
async def log(kafka: KafkaSettings) -> AsyncIterator[Log]:
    opened = await Log.open(kafka, client="test-log")
    yield opened
    await opened.close()


async def test_offsets_are_returned_and_rise_by_one(log: Log, topic: Topic, kafka: KafkaSettings) -> None:
    assert [await log.append(topic.name, 1, b"%d" % n) for n in range(3)] == [0, 1, 2]
    offsets = await asyncio.gather(*(log.append(topic.name, 2, b"%d" % n) for n in range(20)))
    assert sorted(offsets) == list(range(20))
    assert len(await read_values(kafka, topic)) == 23


async def test_the_largest_frame_goes_through_and_one_byte_more_is_refused(
    log: Log, topic: Topic, kafka: KafkaSettings
) -> None:
    from shared.contracts.frame import FRAME_BYTES_MAX

    largest = bytes(FRAME_BYTES_MAX)
    assert await log.append(topic.name, 0, largest) == 0
    assert await read_values(kafka, topic) == [largest]
    with pytest.raises(ValueError, match="split it"):
        await log.append(topic.name, 0, bytes(MESSAGE_BYTES_MAX + 1))


async def test_after_an_out_of_order_sequence_the_producer_is_replaced_and_the_frame_lands(
    log: Log, topic: Topic, kafka: KafkaSettings
) -> None:
    await log.append(topic.name, 0, b"first")
    broken = log._producer
    assert broken is not None
    broken._txn_manager.increment_sequence_number(TopicPartition(topic.name, 0), 5)  # as after a batch that was lost
    await asyncio.gather(*(log.append(topic.name, 0, b"%d" % n) for n in range(4)))
    assert log._producer is not broken
    assert set(await read_values(kafka, topic)) == {b"first", b"0", b"1", b"2", b"3"}


async def test_the_deadline_is_ours_where_the_topic_is_not_there(log: Log) -> None:
    started = time.monotonic()
    with pytest.raises(StreamUnavailable, match="not durable within 1 s"):
        await log.append("test.absent", 0, b"x", deadline_s=1)
    assert time.monotonic() - started < 3


async def test_a_closed_log_says_so(kafka: KafkaSettings, topic: Topic) -> None:
    opened = await Log.open(kafka, client="test-closed")
    await opened.close()
    with pytest.raises(StreamUnavailable, match="closed"):
        await opened.append(topic.name, 0, b"x")


async def test_no_broker_at_the_address_is_said_at_the_start() -> None:
    nowhere = KafkaSettings(kafka_bootstrap_servers="127.0.0.1:1", embedded=True)
    with pytest.raises(StreamUnavailable, match=r"127\.0\.0\.1:1"):
        await Log.open(nowhere, client="test-nowhere")


async def test_a_wrong_password_is_said_at_the_start(kafka: KafkaSettings) -> None:
    from pydantic import SecretStr

    wrong = kafka.model_copy(update={"kafka_password": SecretStr("not the password")})
    with pytest.raises(StreamUnavailable):
        await Log.open(wrong, client="test-wrong")


async def test_G1_outside_the_embedded_stack_one_replica_is_refused(infra: StackInfo, kafka: KafkaSettings) -> None:
    await create_or_check_topics(kafka, replication=1)
    demanding = kafka.model_copy(update={"embedded": False})
    with pytest.raises(TopicsWrong) as refused:
        await Log.open(demanding, client="test-g1")
    assert "ruc.pings.v1 has 1 replicas, fewer than 3" in str(refused.value)
    assert "min.insync.replicas=1, below 2" in str(refused.value)
    assert "RUCOR_EMBEDDED=1" in str(refused.value)


async def test_topics_are_created_once_and_every_difference_is_named(infra: StackInfo, kafka: KafkaSettings) -> None:
    topic = await make_topic(infra, 2)
    assert await create_or_check_topics(kafka, replication=1, topics=[topic]) == []
    other = topic._replace(partitions=5, retention_ms=1)
    with pytest.raises(TopicsWrong) as wrong:
        await create_or_check_topics(kafka, replication=1, topics=[other])
    assert f"{topic.name} has 2 partitions, not 5" in str(wrong.value)
    assert f"{topic.name} has retention.ms=3600000, not 1" in str(wrong.value)
