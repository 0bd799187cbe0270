"""`rucor providers …`: providers of telematics, who hold one credential for many tenants (rule PA3)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import click

from services.ingest.cli import PROVIDER_SCOPES
from services.ingest.repo import providers as repo
from shared import command_log
from shared.clock import new_id
from shared.db import api_keys
from shared.db.api_keys import key_id_of
from shared.db.pool import lone_tx
from shared.errors import Retryable
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-ingest-providers"
R = TypeVar("R")


async def create_provider(worker_dsn: str, name: str) -> UUID:
    """A new provider's id."""
    provider = new_id()
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        await repo.add(conn, provider, name)
        await command_log.note(conn, provider, "rucor providers create")
    return provider


async def issue_provider_key(worker_dsn: str, provider: UUID, name: str) -> str:
    """A key of the provider, shown only here.  Raises LookupError for one that is not there."""
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        if await repo.name_of(conn, provider) is None:
            raise LookupError(f"there is no provider {provider}")
        key = await api_keys.issue_key(conn, provider, name, PROVIDER_SCOPES)
        await command_log.note(conn, provider, "rucor providers key", {"key_id": key_id_of(key) or ""})
        return key


def _run(act: Callable[[], Awaitable[R]]) -> R:
    async def once() -> R:
        return await act()

    try:
        return asyncio.run(once())
    except (Retryable, LookupError) as error:
        raise click.ClickException(str(error)) from error


@click.group()
def providers() -> None:
    """Providers of telematics.  Tenants consent to them by id."""


@providers.command("create")
@click.argument("name")
@data_dir_option
def create(name: str, data_dir: Path) -> None:
    """Make a provider called NAME and print its id: tenants name it when they consent."""
    dsn = dsn_of(data_dir, "ingest")
    click.echo(_run(lambda: create_provider(dsn, name)))


@providers.command("list")
@data_dir_option
def list_(data_dir: Path) -> None:
    """One line a provider: id and name."""

    async def read() -> list[tuple[UUID, str]]:
        async with lone_tx(dsn_of(data_dir, "ingest"), name=CONNECTION) as conn:
            return await repo.providers(conn)

    for provider, name in _run(read):
        click.echo(f"{provider}  {name}")


@providers.command("key")
@click.argument("provider", type=click.UUID)
@click.option("--name", required=True, help="What will use the key.")
@data_dir_option
def key(provider: UUID, name: str, data_dir: Path) -> None:
    """Make a key of PROVIDER and print it.  List, rotate or revoke: `rucor keys ingest … --tenant PROVIDER`."""
    dsn = dsn_of(data_dir, "ingest")
    click.echo(_run(lambda: issue_provider_key(dsn, provider, name)))
