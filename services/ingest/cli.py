"""`rucor replay`, `rucor quarantine` and `rucor keys`: a provider's and an operator's commands around ingest."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import httpx

from services.ingest.adapters.replay import BATCH_PINGS, REQUESTS_AT_ONCE, Replayed, ReplayFailed, replay
from services.ingest.settings import PINGS_MAX
from shared import command_log
from shared.db import api_keys
from shared.db.api_keys import key_id_of
from shared.db.pool import lone_tx
from shared.errors import Retryable
from shared.keys_cli import add_commands, expires_option, expiry
from shared.running_stack import data_dir_option, dsn_of, read_stack

SCOPES: Final = ("pings:write", "pings:read", "audit-log:read", "keys:write", "providers:write")
PROVIDER_SCOPES: Final = ("provider-pings:write", "provider:read", "keys:write")
"""Of a provider's keys (rule PA3): none of them opens a tenant's own routes."""
KEY_VARIABLE: Final = "RUCOR_KEY"
_url = click.option("--url", help="Ingest's base URL; the running stack's where it is left out.")
_key = click.option(
    "--key",
    envvar=KEY_VARIABLE,
    show_envvar=True,
    required=True,
    help=f"API key; better in ${KEY_VARIABLE} than here.",
)


async def issue_key(
    worker_dsn: str, tenant_id: UUID, name: str, scopes: tuple[str, ...] = SCOPES, expires_at: datetime | None = None
) -> str:
    """A new key of this tenant, shown only here.  `worker_dsn`: ingest's worker role.  Raises DatabaseUnavailable."""
    async with lone_tx(worker_dsn, name="rucor-ingest-keys") as conn:
        key = await api_keys.issue_key(conn, tenant_id, name, scopes, expires_at)
        await command_log.note(conn, tenant_id, "rucor keys ingest create", {"key_id": key_id_of(key) or ""})
        return key


def _base_url(url: str | None, data_dir: Path) -> str:
    return (url or str(read_stack(data_dir, "name the address with --url")["urls"]["ingest"])).rstrip("/")


@click.group()
def keys() -> None:
    """API keys of ingest."""


@keys.command("create")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.option("--name", required=True, help="What the key is for, in your words.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="Repeatable; all where it is left out."
)
@expires_option
@data_dir_option
def create_key(tenant: UUID, name: str, scopes: tuple[str, ...], expires_days: int | None, data_dir: Path) -> None:
    """Issue a key and print it: it is shown this once and stored as a hash only."""
    dsn = dsn_of(data_dir, "ingest")
    try:
        click.echo(asyncio.run(issue_key(dsn, tenant, name, scopes or SCOPES, expiry(expires_days))))
    except Retryable as error:
        raise click.ClickException(str(error)) from error


add_commands(keys, "ingest")


def _bar() -> tuple[Callable[[Replayed], None], Callable[[], None]]:
    """A line that is rewritten on a terminal, silent elsewhere; and what ends it."""
    if not sys.stderr.isatty():
        return lambda _: None, lambda: None

    def show(so_far: Replayed) -> None:
        click.echo(f"\r{so_far.accepted:>12,} accepted {so_far.refused:>8,} refused", nl=False, err=True)

    return show, lambda: click.echo(err=True)


def _waits(why: str) -> None:
    click.echo(f"waiting: {why}", err=True)


@click.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_url
@_key
@data_dir_option
@click.option(
    "--batch", type=click.IntRange(1, PINGS_MAX), default=BATCH_PINGS, show_default=True, help="Pings in a request."
)
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=REQUESTS_AT_ONCE, show_default=True, help="Requests at a time."
)
@click.option(
    "--skip", type=click.IntRange(0), default=0, show_default=True, help="Lines that are acknowledged already."
)
def replay_command(file: Path, url: str | None, key: str, data_dir: Path, batch: int, at_once: int, skip: int) -> None:
    """Send FILE (.ndjson or .ndjson.gz of neutral pings) to ingest.  Sending it again changes nothing."""
    show, end = _bar()
    base = _base_url(url, data_dir)
    try:
        total = asyncio.run(
            replay(file, base, key, batch_pings=batch, at_once=at_once, skip=skip, progress=show, waiting=_waits)
        )
    except (ReplayFailed, OSError, EOFError) as error:
        end()
        raise click.ClickException(str(error)) from error
    end()
    click.echo(f"{total.accepted:,} pings accepted, {total.refused:,} refused")
    for code, count in sorted(total.reasons.items()):
        click.echo(f"  {code}: {count:,}")


@click.group()
def quarantine() -> None:
    """Refused rows: what they were and why."""


def _page(base: str, key: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = httpx.get(
            f"{base}/v1/quarantine", params=parameters, headers={"Authorization": f"Bearer {key}"}, timeout=30.0
        )
        document: dict[str, Any] = answer.json()
    except (httpx.TransportError, ValueError) as error:
        raise click.ClickException(f"ingest does not answer at {base}: {error}") from error
    if answer.status_code != httpx.codes.OK:
        raise click.ClickException(f"{document.get('title')}: {document.get('detail')}")
    return document


@quarantine.command("list")
@_url
@_key
@data_dir_option
@click.option("--code", help="Only rows refused for this reason.")
@click.option("--device", help="Only rows of this device.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
def list_rows(url: str | None, key: str, data_dir: Path, code: str | None, device: str | None, limit: int) -> None:
    """One line a row, newest first: when, place, device, code, reason."""
    asked = {"code": code, "device_id": device, "limit": limit}
    page = _page(_base_url(url, data_dir), key, {name: value for name, value in asked.items() if value is not None})
    for item in page["items"]:
        place = f"{item['origin']}/{item['partition']}/{item['offset']}/{item['row']}"
        click.echo(f"{item['received_at']}  {place}  {item['device_id'] or '-'}  {item['code']}  {item['detail']}")
    if page["next_cursor"]:
        click.echo(f"(more than {limit})", err=True)


@quarantine.command("show")
@click.argument("place")
@_url
@_key
@data_dir_option
def show_row(place: str, url: str | None, key: str, data_dir: Path) -> None:
    """The row at PLACE (as `list` prints it) with everything that is known of it, as JSON."""
    base = _base_url(url, data_dir)
    cursor: dict[str, Any] = {}
    while True:
        page = _page(base, key, {"limit": 500, **cursor})
        for item in page["items"]:
            if place == f"{item['origin']}/{item['partition']}/{item['offset']}/{item['row']}":
                click.echo(json.dumps(item, indent=2, ensure_ascii=False))
                return
        if not page["next_cursor"]:
            raise click.ClickException(f"there is no row at {place}")
        cursor = {"cursor": page["next_cursor"]}
