"""A database with the shared tables alone, and topics of a test's own: for tests of `shared`, free of every service."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from deploy.embedded.info import StackInfo, on_database
from deploy.embedded.prepare import create_database
from deploy.embedded.roles import bootstrap
from shared.contracts.topics import Topic
from shared.db.migrate import migrate
from shared.db.pool import Pool, open_pool
from shared.stream.admin import create_or_check_topics

SERVICE = "classifier"
TABLES = Path(__file__).parents[1] / "shared" / "db" / "tables.sql"


def tables_sql(service: str = SERVICE) -> str:
    """The published DDL with a service's name in its place, as that service's first migration has it."""
    return TABLES.read_text().replace("SERVICE", service)


@dataclass(frozen=True)
class SharedDatabase:
    """`dsn("owner" | "worker" | "api")` of one service's schema with nothing but the shared tables."""

    info: StackInfo
    name: str

    def dsn(self, role: str) -> str:
        return on_database(self.info.dsns[SERVICE][role], self.name)

    async def pool(self, role: str = "worker") -> Pool:
        return await open_pool(self.dsn(role), name=f"test-{role}", size=6)


@asynccontextmanager
async def bare_database(info: StackInfo) -> AsyncIterator[SharedDatabase]:
    """Roles and schemas, no tables."""
    database = SharedDatabase(info, f"rucor_shared_{secrets.token_hex(6)}")
    superuser = on_database(info.superuser_dsn, database.name)
    await create_database(info.superuser_dsn, database.name)
    try:
        logins = (urlsplit(dsn) for roles in info.dsns.values() for dsn in roles.values())
        await bootstrap(superuser, {unquote(one.username or ""): unquote(one.password or "") for one in logins})
        yield database
    finally:
        connection = await asyncpg.connect(on_database(info.superuser_dsn, "postgres"))
        await connection.execute(f"drop database {database.name} with (force)")
        await connection.close()


@asynccontextmanager
async def shared_database(info: StackInfo, directory: Path) -> AsyncIterator[SharedDatabase]:
    """Roles, schemas and the shared tables, made by the migration runner itself."""
    async with bare_database(info) as database:
        (directory / "0001_shared.sql").write_text(tables_sql())
        await migrate(database.dsn("owner"), directory)
        yield database


async def make_topic(info: StackInfo, partitions: int = 3, name: str | None = None) -> Topic:
    """A fresh topic, ready for use."""
    topic = Topic(name or f"test.{secrets.token_hex(6)}", partitions, 3_600_000, "a test's own")
    await create_or_check_topics(info.kafka_settings("admin"), replication=1, topics=[topic])
    return topic


def partitions_of(topics: Sequence[Topic]) -> set[tuple[str, int]]:
    return {(topic.name, partition) for topic in topics for partition in range(topic.partitions)}
