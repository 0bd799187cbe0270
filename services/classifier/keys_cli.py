"""`rucor keys classifier …`: keys for those who declare land, exclude data or look at tracks."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from shared import command_log
from shared.db import api_keys
from shared.db.api_keys import key_id_of
from shared.db.pool import lone_tx
from shared.errors import Retryable
from shared.keys_cli import add_commands, expires_option, expiry
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-classifier-keys"
SCOPES: Final = (
    "land:read",
    "land:write",
    "exclusions:write",
    "tracks:read",
    "reprocess:write",
    "audit-log:read",
    "keys:write",
)


async def issue_key(
    worker_dsn: str, tenant_id: UUID, name: str, scopes: Sequence[str] = SCOPES, expires_at: datetime | None = None
) -> str:
    """A new key of a tenant, shown only here.  `worker_dsn`: the classifier's worker role.  Raises DatabaseUnavailable."""
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        key = await api_keys.issue_key(conn, tenant_id, name, scopes, expires_at)
        await command_log.note(conn, tenant_id, "rucor keys classifier create", {"key_id": key_id_of(key) or ""})
        return key


@click.group()
def keys() -> None:
    """API keys of the classifier."""


@keys.command("create")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.option("--name", required=True, help="Who or what will use the key.")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="Repeatable; all where it is left out."
)
@expires_option
@data_dir_option
def create_key(tenant: UUID, name: str, scopes: Sequence[str], expires_days: int | None, data_dir: Path) -> None:
    """Make a key and print it: it is never shown again."""
    try:
        click.echo(
            asyncio.run(issue_key(dsn_of(data_dir, "classifier"), tenant, name, scopes or SCOPES, expiry(expires_days)))
        )
    except Retryable as error:
        raise click.ClickException(str(error)) from error


add_commands(keys, "classifier")
