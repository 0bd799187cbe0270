"""A lane beside the first topic, on the real broker: bites, live records first, one owner of a partition number."""

import asyncio

import pytest

from deploy.embedded.info import StackInfo
from shared.contracts.topics import Topic
from shared.db.pool import Pool, tx
from shared.errors import Fatal
from shared.settings import KafkaSettings
from shared.stream.positions import compare_and_set
from shared.stream.source import Source
from tests.integration.shared.test_shared_source import send, started
from tests.stream_tables import make_topic, partitions_of

pytestmark = pytest.mark.integration


def source(kafka: KafkaSettings, group: str, live: Topic, lane: Topic, pool: Pool) -> Source:
    return Source(kafka, group=group, topics=[live, lane], pool=pool, lane=lane)


async def counts(one: Source, pool: Pool, live: Topic, *, records_max: int = 500, bite: int) -> tuple[int, int]:
    """One round: how many live records it brought, and how many of the lane."""
    polled = await one.poll(records_max=records_max, timeout_s=0.2, bite=bite)
    async with tx(pool) as conn:
        after = await compare_and_set(conn, polled.expected, polled.advanced)
    one.accept(after)
    of_live = sum(record.topic == live.name for record in polled.records)
    return of_live, len(polled.records) - of_live


async def poll_for_ever(one: Source) -> None:
    while True:
        await one.poll(timeout_s=0.2)


async def test_live_records_come_before_any_backlog_of_the_lane(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    lane = await make_topic(infra, topic.partitions)
    await send(kafka, lane, range(300))
    seen_live = seen_lane = 0
    async with asyncio.timeout(60), started(source(kafka, group, topic, lane, pool)) as one:
        while seen_lane < 30:
            seen_lane += (await counts(one, pool, topic, bite=10))[1]
        assert one.owned == partitions_of([topic, lane])
        await send(kafka, topic, range(60))
        waited = 0
        while seen_live < 60:
            live, beside = await counts(one, pool, topic, bite=10)
            assert beside <= 10
            waited += beside
            seen_live += live
        assert waited <= 60, "live records passed nearly all of the backlog"
        while seen_lane + waited < 300:
            waited += (await counts(one, pool, topic, bite=500))[1]
        assert await counts(one, pool, topic, bite=500) == (0, 0)


async def test_the_lane_waits_while_live_records_fill_the_rounds(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    lane = await make_topic(infra, topic.partitions)
    await send(kafka, topic, range(40))
    await send(kafka, lane, range(40))
    async with asyncio.timeout(60), started(source(kafka, group, topic, lane, pool)) as one:
        rounds = [await counts(one, pool, topic, records_max=5, bite=5)]
        while sum(beside for _, beside in rounds) < 40:
            rounds.append(await counts(one, pool, topic, records_max=5, bite=5))
    assert sum(live for live, _ in rounds) == 40
    assert all(beside == 0 for live, beside in rounds if live == 5)


async def test_two_members_hold_the_same_numbers_of_both_topics(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    lane = await make_topic(infra, topic.partitions)
    async with (
        asyncio.timeout(90),
        started(source(kafka, group, topic, lane, pool)) as one,
        started(source(kafka, group, topic, lane, pool)) as other,
    ):
        while not (one.owned and other.owned and one.owned | other.owned == partitions_of([topic, lane])):
            await asyncio.gather(*(each.poll(timeout_s=0.2) for each in (one, other)))
        for each in (one, other):
            assert {p for name, p in each.owned if name == topic.name} == {
                p for name, p in each.owned if name == lane.name
            }
        assert not one.owned & other.owned


async def test_a_lane_of_other_partitions_ends_the_process(
    infra: StackInfo, kafka: KafkaSettings, topic: Topic, pool: Pool, group: str
) -> None:
    lane = await make_topic(infra, topic.partitions + 1)
    async with asyncio.timeout(60), started(source(kafka, group, topic, lane, pool)) as one:
        with pytest.raises(Fatal, match="one lane only"):
            await poll_for_ever(one)
