"""`rucor tenants create`, `rucor keys claims …`: what operators do to the claims service's tenants."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from services.claims.domain.register.roles import OPERATOR_SCOPES
from services.claims.repo import tenants as repo
from shared import command_log
from shared.clock import new_id
from shared.db import api_keys
from shared.db.api_keys import key_id_of
from shared.db.pool import lone_tx
from shared.http.auth import OPERATOR
from shared.keys_cli import add_commands, expires_option, expiry
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-claims-cli"
SCOPES: Final = (
    "claims:read", "claims:write", "people:write", "audit-log:read", "keys:write", "ops-grants:write", "privacy:write",
)  # fmt: skip
"""Of a tenant's keys.  `claims:write` implies `claims:verify`, `claims:lodge` and `webhooks:write`, which may also be given
alone."""
NAMED_SCOPES: Final = (
    "claims:verify", "claims:lodge", "webhooks:write", "pings:write", "pings:read", "land:read", "land:write",
    "exclusions:write", "tracks:read", "reprocess:write", "providers:write",
)  # fmt: skip
"""Only where they are named: those implied by another, and those of the other services, which count through access tokens
(docs/guide/sign-in.md)."""


async def create_tenant(worker_dsn: str, name: str) -> UUID:
    """A new tenant's id.  The same name may be given twice: tenants are told apart by id."""
    tenant = new_id()
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        await repo.insert_tenant(conn, tenant, name)
        await command_log.note(conn, tenant, "rucor tenants create")
    return tenant


async def issue_key(
    worker_dsn: str, tenant_id: UUID, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> str:
    """A new key of a tenant: shown once, stored as a hash.  Raises LookupError for a tenant that is not there."""
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        if await repo.tenant_name(conn, tenant_id) is None:
            raise LookupError(f"there is no tenant {tenant_id}")
        key = await api_keys.issue_key(conn, tenant_id, name, scopes, expires_at)
        await command_log.note(conn, tenant_id, "rucor keys claims create", {"key_id": key_id_of(key) or ""})
        return key


async def revoke_key(worker_dsn: str, tenant_id: UUID, key_id: str) -> bool:
    """True when the key was live; it works for at most 30 s more."""
    async with lone_tx(worker_dsn, name=CONNECTION) as conn:
        live = await api_keys.revoke_key(conn, tenant_id, key_id)
        if live:
            await command_log.note(conn, tenant_id, "rucor keys claims revoke", {"key_id": key_id})
        return live


@click.group()
def tenants() -> None:
    """Tenants of the claims service."""


@tenants.command("create")
@click.argument("name")
@data_dir_option
def tenants_create(name: str, data_dir: Path) -> None:
    """Make a tenant called NAME and print its id."""
    click.echo(asyncio.run(create_tenant(dsn_of(data_dir, "claims"), name)))


@click.group()
def keys() -> None:
    """API keys of the claims service."""


@keys.command("create")
@click.option("--tenant", type=click.UUID, help="The tenant's id.")
@click.option("--operator", is_flag=True, help="A key of those who run the system instead of a tenant's.")
@click.option("--name", required=True, help="Who or what will use the key.")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES + NAMED_SCOPES + OPERATOR_SCOPES), multiple=True, help="Repeatable."
)
@expires_option
@data_dir_option
def keys_create(
    tenant: UUID | None, *, operator: bool, name: str, scopes: Sequence[str], expires_days: int | None, data_dir: Path
) -> None:
    """Make a key and print it: it is never shown again.  Without --scope: all of a tenant's; or all of
    the operator's."""
    if operator == (tenant is not None):
        raise click.UsageError("give either --tenant or --operator")
    allowed = OPERATOR_SCOPES if operator else SCOPES
    scopes = scopes or allowed
    if strange := sorted(set(scopes) - {*allowed, *(() if operator else NAMED_SCOPES)}):
        raise click.UsageError(f"{', '.join(strange)}: not for {'the operator' if operator else 'a tenant'}")
    tenant = tenant or OPERATOR
    try:
        click.echo(asyncio.run(issue_key(dsn_of(data_dir, "claims"), tenant, name, scopes, expiry(expires_days))))
    except LookupError as error:
        raise click.ClickException(str(error)) from None


add_commands(keys, "claims")
