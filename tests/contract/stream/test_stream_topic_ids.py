"""Metadata v12 against the real broker: the request stands on aiokafka's internals, so its pin is tested here."""

import aiokafka
import pytest

from deploy.embedded.info import StackInfo
from deploy.kafka.admin import delete_topics
from shared.stream.admin import topic_ids
from shared.stream.connection import StreamUnavailable
from tests.stream_tables import make_topic

pytestmark = pytest.mark.integration


def test_the_pinned_library_is_the_one_the_request_was_written_for() -> None:
    assert aiokafka.__version__.startswith("0.14.")


async def test_a_topic_has_an_id_that_stays(infra: StackInfo) -> None:
    first, second = await make_topic(infra), await make_topic(infra)
    names = [first.name, second.name]
    ids = await topic_ids(infra.kafka_settings("admin"), names)
    assert set(ids) == set(names)
    assert ids[first.name] != ids[second.name]
    assert await topic_ids(infra.kafka_settings("admin"), names) == ids


async def test_the_id_changes_when_the_topic_is_created_again(infra: StackInfo) -> None:
    topic = await make_topic(infra)
    settings = infra.kafka_settings("admin")
    before = await topic_ids(settings, [topic.name])
    user, password = infra.kafka_login("admin")
    await delete_topics(infra.kafka_bootstrap, user, password, [topic.name])
    await make_topic(infra, name=topic.name)
    assert (await topic_ids(settings, [topic.name]))[topic.name] != before[topic.name]


async def test_a_topic_that_is_not_there_is_said_so_and_not_created(infra: StackInfo) -> None:
    settings = infra.kafka_settings("admin")
    for _ in range(2):
        with pytest.raises(StreamUnavailable, match=r"test\.absent"):
            await topic_ids(settings, ["test.absent"])
