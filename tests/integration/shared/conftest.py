"""Fixtures of the shared library's integration tests."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.embedded.info import StackInfo
from shared.contracts.topics import Topic
from shared.db.pool import Pool
from shared.settings import KafkaSettings
from tests.stream_tables import SharedDatabase, make_topic, shared_database


@pytest.fixture
async def shared_db(infra: StackInfo, tmp_path: Path) -> AsyncIterator[SharedDatabase]:
    """A database with the shared tables in one service's schema."""
    directory = tmp_path / "migrations"
    directory.mkdir()
    async with shared_database(infra, directory) as database:
        yield database


@pytest.fixture
async def pool(shared_db: SharedDatabase) -> AsyncIterator[Pool]:
    """The worker's pool."""
    opened = await shared_db.pool()
    yield opened
    await opened.close()


@pytest.fixture
def kafka(infra: StackInfo) -> KafkaSettings:
    """Kafka with every right."""
    return infra.kafka_settings("admin")


@pytest.fixture
async def topic(infra: StackInfo) -> Topic:
    """A fresh topic of three partitions."""
    return await make_topic(infra)


@pytest.fixture
def group() -> str:
    return f"test.{secrets.token_hex(4)}"
