"""Everything on a topic, read without a group: the tests' own view, apart from `Source`."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.topics import Topic
from shared.settings import KafkaSettings
from shared.stream.connection import client_options


async def read_values(kafka: KafkaSettings, topic: Topic) -> list[bytes]:
    """The values of all records, partition by partition."""
    consumer = AIOKafkaConsumer(**client_options(kafka, "test-reader"), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        values: list[bytes] = []
        async with asyncio.timeout(30):
            while len(values) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=300)).values():
                    values += [record.value for record in records]
        return values
    finally:
        await consumer.stop()
