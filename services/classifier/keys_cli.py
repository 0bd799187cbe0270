"""`rucor keys classifier create|revoke`: keys for those who declare land, exclude data or look at tracks."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from shared.db import api_keys
from shared.db.pool import Connection, open_pool, tx
from shared.errors import Retryable

SCOPES: Final = ("land:read", "land:write", "exclusions:write", "tracks:read", "reprocess:write")


@asynccontextmanager
async def _transaction(worker_dsn: str) -> AsyncIterator[Connection]:
    pool = await open_pool(worker_dsn, name="rucor-classifier-keys", size=1)
    try:
        async with tx(pool) as conn:
            yield conn
    finally:
        await pool.close()


async def issue_key(worker_dsn: str, tenant_id: UUID, name: str, scopes: Sequence[str] = SCOPES) -> str:
    """A new key of a tenant, shown only here.  `worker_dsn`: the classifier's worker role.  Raises DatabaseUnavailable."""
    async with _transaction(worker_dsn) as conn:
        return await api_keys.issue_key(conn, tenant_id, name, scopes)


async def revoke_key(worker_dsn: str, tenant_id: UUID, key_id: str) -> bool:
    """True when the key was live; it works for at most 30 s more."""
    async with _transaction(worker_dsn) as conn:
        return await api_keys.revoke_key(conn, tenant_id, key_id)


def _worker_dsn(data_dir: Path) -> str:
    path = data_dir / "stack.json"
    try:
        dsn: str = json.loads(path.read_text())["dsns"]["classifier"]["worker"]
    except FileNotFoundError:
        raise click.ClickException(
            f"no running stack in {data_dir}: start it with `rucor up --data-dir {data_dir}`"
        ) from None
    except (KeyError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be read ({error!r}): start the stack again") from error
    return dsn


_data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Where the stack keeps its data.",
)


@click.group()
def keys() -> None:
    """API keys of the classifier."""


@keys.command("create")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.option("--name", required=True, help="Who or what will use the key.")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="Repeatable; all where it is left out."
)
@_data_dir
def create_key(tenant: UUID, name: str, scopes: Sequence[str], data_dir: Path) -> None:
    """Make a key and print it: it is never shown again."""
    try:
        click.echo(asyncio.run(issue_key(_worker_dsn(data_dir), tenant, name, scopes or SCOPES)))
    except Retryable as error:
        raise click.ClickException(str(error)) from error


@keys.command("revoke")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.argument("key_id")
@_data_dir
def end_key(tenant: UUID, key_id: str, data_dir: Path) -> None:
    """Revoke the key whose public part (8 characters after `rucor_`) is KEY_ID."""
    try:
        live = asyncio.run(revoke_key(_worker_dsn(data_dir), tenant, key_id))
    except Retryable as error:
        raise click.ClickException(str(error)) from error
    if not live:
        raise click.ClickException("the tenant has no live key of that id")
    click.echo("revoked; it stops working within 30 seconds")
