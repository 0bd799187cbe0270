"""`rucor keys SERVICE list|rotate|revoke|limit`: what operators do with keys, the same in every service that has them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import click

from shared import command_log
from shared.clock import system_clock
from shared.db import api_keys
from shared.db.api_keys import KeyFacts
from shared.db.pool import Connection, lone_tx
from shared.errors import Retryable
from shared.nz_days import instant_of
from shared.running_stack import data_dir_option, dsn_of

SHOWN_MAX: Final = 10_000
GRACE_HOURS: Final = 24
R = TypeVar("R")

tenant_option = click.option(
    "--tenant", type=click.UUID, required=True, help="The tenant's id; all zeros: the operator."
)
key_argument = click.argument("key_id", metavar="KEY_ID")
expires_option = click.option(
    "--expires-days", type=click.IntRange(1, 3_650), help="It ends after so many days; left out: when it is revoked."
)
NO_KEY: Final = "the tenant has no live key of that id"


def expiry(days: int | None) -> datetime | None:
    return None if days is None else instant_of(system_clock()) + timedelta(days=days)


def add_commands(group: click.Group, service: str) -> None:
    """The commands of a key's life, beside the service's own `create`.  KEY_ID: the 8 characters after `rucor_`."""
    for make in (_list, _rotate, _revoke, _limit):
        group.add_command(make(service))


def _run(
    data_dir: Path, service: str, tenant: UUID, asked: tuple[str, str | None], act: Callable[[Connection], Awaitable[R]]
) -> R:
    """One transaction of the service's worker, with its row in the audit log where there was something to show or change.
    `asked`: the command's word, and the key's id.  Raises click.ClickException."""
    word, key_id = asked

    async def once() -> R:
        async with lone_tx(dsn_of(data_dir, service), name=f"rucor-{service}-keys") as conn:
            found = await act(conn)
            if found:
                things = {} if key_id is None else {"key_id": key_id}
                await command_log.note(conn, tenant, f"rucor keys {service} {word}", things)
            return found

    try:
        return asyncio.run(once())
    except Retryable as error:
        raise click.ClickException(str(error)) from error


def _list(service: str) -> click.Command:
    @click.command("list")
    @tenant_option
    @data_dir_option
    def list_(tenant: UUID, data_dir: Path) -> None:
        """A tenant's keys, the revoked ones too; never a secret."""
        found = _run(
            data_dir, service, tenant, ("list", None),
            lambda conn: api_keys.keys_of(conn, tenant, api_keys.FIRST, SHOWN_MAX),
        )  # fmt: skip
        for one in found:
            click.echo(_line(one))

    return list_


def _rotate(service: str) -> click.Command:
    @click.command("rotate")
    @tenant_option
    @key_argument
    @click.option("--grace-hours", type=click.IntRange(0, 168), default=GRACE_HOURS, show_default=True)
    @data_dir_option
    def rotate(tenant: UUID, key_id: str, grace_hours: int, data_dir: Path) -> None:
        """Give the key a new secret and print it; the present one works for the grace, an earlier one ends at once."""
        until = instant_of(system_clock()) + timedelta(hours=grace_hours)
        asked = ("rotate", key_id)
        key = _run(data_dir, service, tenant, asked, lambda conn: api_keys.rotate_key(conn, tenant, key_id, until))
        if key is None:
            raise click.ClickException(NO_KEY)
        click.echo(key)

    return rotate


def _revoke(service: str) -> click.Command:
    @click.command("revoke")
    @tenant_option
    @key_argument
    @data_dir_option
    def revoke(tenant: UUID, key_id: str, data_dir: Path) -> None:
        """Revoke the key whose public part (8 characters after `rucor_`) is KEY_ID."""
        asked = ("revoke", key_id)
        if not _run(data_dir, service, tenant, asked, lambda conn: api_keys.revoke_key(conn, tenant, key_id)):
            raise click.ClickException(NO_KEY)
        click.echo("revoked; it stops working within 30 seconds")

    return revoke


def _limit(service: str) -> click.Command:
    @click.command("limit")
    @tenant_option
    @key_argument
    @click.option("--requests-per-s", type=click.IntRange(1, 1_000_000), help="Left out: as everybody.")
    @data_dir_option
    def limit(tenant: UUID, key_id: str, requests_per_s: int | None, data_dir: Path) -> None:
        """Let a key ask more or less often than others."""
        asked = ("limit", key_id)

        def act(conn: Connection) -> Awaitable[bool]:
            return api_keys.limit_key(conn, tenant, key_id, requests_per_s)

        if not _run(data_dir, service, tenant, asked, act):
            raise click.ClickException(NO_KEY)
        click.echo("set; it holds within 30 seconds")

    return limit


def _line(one: KeyFacts) -> str:
    now = instant_of(system_clock())
    over = one.expires_at is not None and one.expires_at <= now
    state = "revoked" if one.revoked_at else "expired" if over else "live"
    parts = [
        one.key_id,
        f"{state:7}",
        f"made {one.created_at.astimezone(UTC):%Y-%m-%d}",
        f"used {one.last_used_on or '-'}",
    ]
    parts += [f"ends {one.expires_at.astimezone(UTC):%Y-%m-%d %H:%MZ}"] if one.expires_at else []
    parts += [f"old secret until {one.old_until:%Y-%m-%d %H:%MZ}"] if one.old_until and one.old_until > now else []
    parts += [f"{one.requests_per_s}/s"] if one.requests_per_s else []
    return "  ".join([*parts, one.name, ",".join(one.scopes)])
