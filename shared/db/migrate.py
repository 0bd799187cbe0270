"""Migrations: numbered plain SQL files, forward only, each applied once in a transaction of its own.

The connection's role owns the schema and has it as its `search_path`; the record of what was applied lives beside the
tables.  An applied file never changes: its SHA-256 is compared on every run."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
from pydantic import SecretStr

from shared.db.pool import plain
from shared.errors import Fatal

LOCK_WAIT_S: Final = 60.0
_FILE: Final = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")

CREATE_RECORD: Final = """
create table if not exists schema_migration (
    name text constraint schema_migration_pkey primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""
READ_RECORD: Final = "select name, sha256 from schema_migration order by name"
ADD_RECORD: Final = "insert into schema_migration (name, sha256) values ($1, $2)"
TRY_LOCK: Final = "select pg_try_advisory_lock(hashtextextended('rucor.migrate.' || current_schema(), 0))"
SCHEMA: Final = "select current_schema()"
TIMEOUTS: Final = "set local lock_timeout = '4s'; set local statement_timeout = '5s'"


class MigrationError(Fatal):
    """The files and the database do not fit together; the message says which file and what to do."""


class Migration(NamedTuple):
    name: str
    sha256: str
    sql: str


def read_files(directory: Path) -> list[Migration]:
    """The files in order.  Raises MigrationError for a name or a number that is out of line."""
    paths = sorted(directory.glob("*.sql"))
    if not paths:
        raise MigrationError(f"no migrations in {directory}")
    for expected, path in enumerate(paths, start=1):
        found = _FILE.fullmatch(path.name)
        if not found:
            raise MigrationError(f"{path.name}: a migration is named NNNN_what_it_does.sql")
        if int(found["number"]) != expected:
            raise MigrationError(f"{path.name}: number {expected:04} is expected here")
    texts = [path.read_bytes() for path in paths]
    return [
        Migration(path.name, hashlib.sha256(text).hexdigest(), text.decode())
        for path, text in zip(paths, texts, strict=True)
    ]


def pending(files: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """What is still to run.  Raises MigrationError when history was edited, or was written by a newer release."""
    known = {file.name: file for file in files}
    for name, sha256 in applied.items():
        if name not in known:
            raise MigrationError(f"the database has {name}, this release does not: run the newer release")
        if known[name].sha256 != sha256:
            raise MigrationError(f"{name} was changed after it was applied: restore it and add a new migration instead")
    missing = [file for file in files if file.name not in applied]
    if missing and applied and missing[0].name < max(applied):
        raise MigrationError(f"{missing[0].name} was not applied but {max(applied)} was: migrations only go forward")
    return missing


async def _lock(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        async with asyncio.timeout(LOCK_WAIT_S):
            while not await connection.fetchval(TRY_LOCK):  # noqa: ASYNC110 - the lock is in another process
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise MigrationError(f"another migration has held the lock for {LOCK_WAIT_S:.0f} s") from None


async def migrate(dsn: str | SecretStr, directory: Path) -> list[str]:
    """Apply what is missing, in order; returns the names applied now.  Safe to run from several processes at once."""
    files = read_files(directory)
    connection = await asyncpg.connect(plain(dsn), server_settings={"application_name": "rucor-migrate"})
    try:
        if await connection.fetchval(SCHEMA) in {None, "public"}:
            raise MigrationError("the role's search_path is not its service's schema: run the bootstrap of roles first")
        await _lock(connection)
        await connection.execute(CREATE_RECORD)
        applied = {row["name"]: row["sha256"] for row in await connection.fetch(READ_RECORD)}
        todo = pending(files, applied)
        for file in todo:
            try:
                async with connection.transaction():
                    await connection.execute(TIMEOUTS)
                    await connection.execute(file.sql)
                    await connection.execute(ADD_RECORD, file.name, file.sha256)
            except asyncpg.PostgresError as error:
                raise MigrationError(f"{file.name}: {error}") from error
        return [file.name for file in todo]
    finally:
        await connection.close()
