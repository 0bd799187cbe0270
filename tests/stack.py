"""Real Kafka and Postgres for the tests: one stack a session, a fresh database and empty topics a test."""

import dataclasses
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.embedded.credentials import KAFKA_ADMIN
from deploy.embedded.info import StackInfo, on_database
from deploy.embedded.parts import run_async
from deploy.embedded.prepare import create_database, migrate_all
from deploy.embedded.roles import bootstrap
from deploy.embedded.stack import Stack
from deploy.kafka.admin import delete_topics
from shared.contracts.topics import TOPICS
from shared.settings import KafkaSettings
from shared.stream.admin import create_or_check_topics

RUNNING_STACK = "RUCOR_TEST_STACK"


@contextmanager
def running_stack(data_dir: Path) -> Iterator[StackInfo]:
    """The stack named by $RUCOR_TEST_STACK (a `stack.json`), else one of our own with free ports and no services."""
    named = os.environ.get(RUNNING_STACK)
    if named:
        yield StackInfo.read(Path(named))
        return
    stack = Stack(data_dir, port_base=None, services=(), log=lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):  # a developer's own servers are no place for tests
            patch.delenv(name, raising=False)
        info = stack.start()
    try:
        yield info
    finally:
        stack.stop()


@dataclasses.dataclass(frozen=True)
class Database:
    """One migrated database of a test's own."""

    info: StackInfo
    name: str

    def dsn(self, service: str, role: str) -> str:
        """Connection URI of a service's `owner`, `worker` or `api` role."""
        return on_database(self.info.dsns[service][role], self.name)

    @property
    def superuser(self) -> str:
        return on_database(self.info.superuser_dsn, self.name)

    def environment(self, service: str, *, port: int = 0) -> dict[str, str]:
        """The `RUCOR_*` variables of a service that works on this database."""
        return self.on_this_database().environment(service, port=port)

    def on_this_database(self) -> StackInfo:
        """The stack's description with every DSN leading to this database."""
        dsns = {service: {role: self.dsn(service, role) for role in roles} for service, roles in self.info.dsns.items()}
        return dataclasses.replace(self.info, dsns=dsns, superuser_dsn=self.superuser)


@dataclasses.dataclass(frozen=True)
class Topics:
    """The declared topics, empty, and how to log in."""

    info: StackInfo

    @property
    def bootstrap(self) -> str:
        return self.info.kafka_bootstrap

    def settings(self, principal: str) -> KafkaSettings:
        """Settings of a client that logs in as `ingest`, `classifier`, `claims` or `admin`."""
        return self.info.kafka_settings(principal)


class Databases:
    """A template with every service's migrations, and its clones: about 50 ms each, and a test may commit."""

    def __init__(self, info: StackInfo) -> None:
        self._info = info
        self._template = Database(info, f"rucor_template_{secrets.token_hex(4)}")

    def make_template(self) -> None:
        """Create and migrate the template."""

        async def make() -> None:
            await create_database(self._info.superuser_dsn, self._template.name)
            logins = [urlsplit(dsn) for roles in self._info.dsns.values() for dsn in roles.values()]
            passwords = {str(login.username): str(login.password) for login in logins}
            await bootstrap(self._template.superuser, passwords)
            await migrate_all(self._template.on_this_database())

        run_async(make)

    @contextmanager
    def clone(self) -> Iterator[Database]:
        """A fresh database, dropped at the end together with whoever is still connected."""
        database = Database(self._info, f"rucor_test_{secrets.token_hex(6)}")
        self._execute(f"create database {database.name} template {self._template.name} strategy file_copy")
        try:
            yield database
        finally:
            self._execute(f"drop database {database.name} with (force)")

    def drop_template(self) -> None:
        self._execute(f"drop database {self._template.name} with (force)")

    def _execute(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(on_database(self._info.superuser_dsn, "postgres"), timeout=10)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_async(execute)


def recreate_topics(info: StackInfo) -> Topics:
    """Delete the declared topics and create them again, empty and with new ids."""

    async def recreate() -> None:
        user, password = info.kafka_login(KAFKA_ADMIN)
        await delete_topics(info.kafka_bootstrap, user, password, [topic.name for topic in TOPICS])
        await create_or_check_topics(info.kafka_settings(KAFKA_ADMIN), replication=1)

    run_async(recreate)
    return Topics(info)
