"""What a started Kafka and Postgres need before a service can use them; all of it may be run again at any time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg

from deploy.embedded.credentials import DATABASE_SERVICES, KAFKA_ADMIN
from deploy.embedded.errors import StackError
from deploy.embedded.info import StackInfo, on_database
from deploy.embedded.parts import Say
from deploy.embedded.postgres import DATABASE
from deploy.embedded.roles import bootstrap
from deploy.kafka.acls import rules
from deploy.kafka.admin import KafkaError, allow
from shared.db.migrate import MigrationError, migrate
from shared.errors import Fatal, Retryable
from shared.stream.admin import REPLICATION_MIN, create_or_check_topics

_SERVICES_FOLDER: Final = Path(__file__).resolve().parents[2] / "services"
_DATABASE_EXISTS: Final = "select exists (select from pg_database where datname = $1)"
_CREATE_DATABASE: Final = "select format('create database %I', $1::text)"


async def prepare(info: StackInfo, passwords: dict[str, str], say: Say) -> None:
    """The database with its roles and migrations, and the cluster's topics and access lists, at the same time."""
    await asyncio.gather(_database(info, passwords, say), _cluster(info, say))


async def _database(info: StackInfo, passwords: dict[str, str], say: Say) -> None:
    if info.postgres_embedded:
        await create_database(info.superuser_dsn, DATABASE)
    await bootstrap(info.superuser_dsn, passwords)
    for service, applied in (await migrate_all(info)).items():
        say(f"{service}: {len(applied)} migration(s) applied")


async def create_database(superuser_dsn: str, name: str) -> None:
    """Create a database if it is not there yet."""
    connection = await asyncpg.connect(on_database(superuser_dsn, "postgres"), timeout=10)
    try:
        if not await connection.fetchval(_DATABASE_EXISTS, name):
            await connection.execute(await connection.fetchval(_CREATE_DATABASE, name))
    finally:
        await connection.close()


async def migrate_all(info: StackInfo) -> dict[str, Sequence[str]]:
    """Run every service's migrations as its owner; gives the names applied now, by service."""
    applied: dict[str, Sequence[str]] = {}
    for service in DATABASE_SERVICES:
        folder = _SERVICES_FOLDER / service / "migrations"
        if not any(folder.glob("*.sql")):
            continue
        try:
            names = await migrate(info.dsns[service]["owner"], folder)
        except MigrationError as error:
            raise StackError(f"The database of {service} cannot be migrated: {error}") from error
        if names:
            applied[service] = names
    return applied


async def _cluster(info: StackInfo, say: Say) -> None:
    try:
        made = await create_or_check_topics(
            info.kafka_settings(KAFKA_ADMIN), replication=1 if info.kafka_embedded else REPLICATION_MIN
        )
        if (
            info.kafka_embedded
        ):  # a user's own cluster has its own principals: deploy/kafka/acls.py lists what they need
            user, password = info.kafka_login(KAFKA_ADMIN)
            await allow(info.kafka_bootstrap, user, password, rules())
    except (KafkaError, Retryable, Fatal) as error:
        raise StackError(f"Kafka at {info.kafka_bootstrap} cannot be prepared: {error}") from error
    if made:
        say(f"kafka: {len(made)} topic(s) created")
