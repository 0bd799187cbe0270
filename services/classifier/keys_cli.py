"""`rucor keys classifier create|revoke`: keys for those who declare land, exclude data or look at tracks."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from shared.db import api_keys
from shared.db.pool import lone_tx
from shared.errors import Retryable
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-classifier-keys"
SCOPES: Final = ("land:read", "land:write", "exclusions:write", "tracks:read", "reprocess:write", "audit-log:read")


async def issue_key(worker_dsn: str, tenant_id: UUID, name: str, scopes: Sequence[str] = SCOPES) -> str:
    """A new key of a tenant, shown only here.  `worker_dsn`: the classifier's worker role.  Raises DatabaseUnavailable."""
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        return await api_keys.issue_key(conn, tenant_id, name, scopes)


async def revoke_key(worker_dsn: str, tenant_id: UUID, key_id: str) -> bool:
    """True when the key was live; it works for at most 30 s more."""
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        return await api_keys.revoke_key(conn, tenant_id, key_id)


@click.group()
def keys() -> None:
    """API keys of the classifier."""


@keys.command("create")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.option("--name", required=True, help="Who or what will use the key.")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="Repeatable; all where it is left out."
)
@data_dir_option
def create_key(tenant: UUID, name: str, scopes: Sequence[str], data_dir: Path) -> None:
    """Make a key and print it: it is never shown again."""
    try:
        click.echo(asyncio.run(issue_key(dsn_of(data_dir, "classifier"), tenant, name, scopes or SCOPES)))
    except Retryable as error:
        raise click.ClickException(str(error)) from error


@keys.command("revoke")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.argument("key_id")
@data_dir_option
def end_key(tenant: UUID, key_id: str, data_dir: Path) -> None:
    """Revoke the key whose public part (8 characters after `rucor_`) is KEY_ID."""
    try:
        live = asyncio.run(revoke_key(dsn_of(data_dir, "classifier"), tenant, key_id))
    except Retryable as error:
        raise click.ClickException(str(error)) from error
    if not live:
        raise click.ClickException("the tenant has no live key of that id")
    click.echo("revoked; it stops working within 30 seconds")
