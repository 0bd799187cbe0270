"""The fixtures that every other integration test stands on."""

import asyncpg
import pytest

from deploy.embedded.info import StackInfo
from shared.contracts.topics import PINGS, TOPICS
from shared.stream.admin import topic_ids
from shared.stream.log import Log
from tests.stack import Database, Topics

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("role", ["owner", "worker", "api"])
@pytest.mark.parametrize("service", ["ingest", "classifier", "claims"])
async def test_every_role_logs_in_and_sees_its_own_schema(database: Database, service: str, role: str) -> None:
    connection = await asyncpg.connect(database.dsn(service, role))
    try:
        seen = await connection.fetchrow(
            "select current_user as role, current_schema() as schema, current_database() as db"
        )
    finally:
        await connection.close()
    assert (seen["role"], seen["schema"], seen["db"]) == (f"rucor_{service}_{role}", service, database.name)


async def test_a_clone_is_a_database_of_its_own(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("ingest", "owner"))
    try:
        await connection.execute("create table only_here (id int)")
        assert await connection.fetchval("select count(*) from only_here") == 0
    finally:
        await connection.close()


async def test_a_service_appends_to_its_topic(topics: Topics) -> None:
    log = await Log.open(topics.settings("ingest"), client="fixture-test")
    try:
        offsets = [await log.append(PINGS.name, 3, bytes([number])) for number in range(3)]
    finally:
        await log.close()
    assert offsets == [0, 1, 2]


async def test_topics_are_made_again_with_new_ids(
    infra: StackInfo, topics: Topics, request: pytest.FixtureRequest
) -> None:
    from tests.stack import recreate_topics

    names = [topic.name for topic in TOPICS]
    before = await topic_ids(topics.settings("admin"), names)
    after = await topic_ids(recreate_topics(infra).settings("admin"), names)
    assert set(before) == set(after) == set(names)
    assert not set(before.values()) & set(after.values())
