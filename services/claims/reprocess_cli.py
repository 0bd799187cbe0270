"""`rucor reprocess`: what computing device-days again would change, in metres and dollars; and having it done."""

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import httpx

from services.claims.cli import issue_key, revoke_key
from shared.db.api_keys import key_id_of
from shared.errors import Retryable
from shared.running_stack import read_stack

KEY_VARIABLE: Final = "RUCOR_KEY"
TIMEOUT: Final = httpx.Timeout(600.0, connect=5.0)
"""A dry run computes as many device-days as it is asked for."""
DAYS_SHOWN: Final = 40
SURFACES: Final = ("public_road", "off_road", "unknown", "carried")
_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])


@click.command("reprocess")
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.option("--device", "devices", multiple=True, help="Repeatable; all devices where it is left out.")
@click.option("--from", "from_on", type=_DAY, required=True, help="First NZ day.")
@click.option("--to", "to_on", type=_DAY, required=True, help="Last NZ day, included.")
@click.option("--road-set", help="With --dry-run: as if this road data set counted for every day.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="The answer as it comes.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Folder of the running stack.",
)
def reprocess(
    tenant: UUID, devices: Sequence[str], from_on: datetime, to_on: datetime, road_set: str | None, dry_run: bool,
    as_json: bool, data_dir: Path,
) -> None:  # fmt: skip
    """Compute device-days again from their evidence.

    Uses the key in $RUCOR_KEY, which must be the tenant's; without it, and on the machine of the stack, one that lives for
    this command only."""
    body = {
        "devices": list(devices), "from_on": f"{from_on:%Y-%m-%d}", "to_on": f"{to_on:%Y-%m-%d}", "road_set": road_set,
        "dry_run": dry_run,
    }  # fmt: skip
    answer = asyncio.run(_ask(data_dir, tenant, body))
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif dry_run:
        _show(answer)
    else:
        click.echo(f"{answer['device_days']:,} device-days are computed again; each is held until it is done")


async def _ask(data_dir: Path, tenant: UUID, body: dict[str, Any]) -> dict[str, Any]:
    stack = read_stack(data_dir)
    url, dsn = stack["urls"]["claims"], stack["dsns"]["claims"]["worker"]
    key = os.environ.get(KEY_VARIABLE)
    try:
        if key:
            return await _post(url, key, body)
        key = await issue_key(dsn, tenant, "rucor reprocess", ("claims:write",))
        try:
            return await _post(url, key, body)
        finally:
            await revoke_key(dsn, tenant, key_id_of(key) or "")
    except (LookupError, Retryable) as error:
        raise click.ClickException(str(error)) from error


async def _post(url: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            answer = await client.post(f"{url.rstrip('/')}/v1/reprocess", json=body, headers=headers)
        document: dict[str, Any] = answer.json()
    except (httpx.TransportError, ValueError) as error:
        raise click.ClickException(f"claims does not answer at {url}: {error!r}") from error
    if answer.is_success:
        return document
    named = "".join(f"\n  {one['pointer']}: {one['detail']}" for one in document.get("errors") or ())
    raise click.ClickException(f"{document.get('title')}: {document.get('detail')}{named}")


def _show(answer: dict[str, Any]) -> None:
    """Day by day, licence by licence, and what it comes to."""
    click.echo(f"{answer['device_days']:,} device-days computed, {answer['changed_days']:,} would change")
    if answer["days"]:
        click.echo(
            f"\n{'NZ day':10}  {'device':24}" + "".join(f"{name.replace('_', ' ') + ' m':>16}" for name in SURFACES)
        )
    for day in answer["days"][:DAYS_SHOWN]:
        figures = "".join(f"{_metres(day['surfaces_mm'][name]):>16}" for name in SURFACES)
        click.echo(f"{day['day']:10}  {day['device'][:24]:24}{figures}{'  new' if day['new'] else ''}")
    if answer["changed_days"] > DAYS_SHOWN:
        click.echo(f"… and {answer['changed_days'] - DAYS_SHOWN:,} more")
    click.echo(f"{'sum':36}" + "".join(f"{_metres(answer['surfaces_mm'][name]):>16}" for name in SURFACES))
    if answer["licences"]:
        click.echo(f"\n{'plate':8}  {'licence':16}{'off road m':>14}{'whole km':>10}{'dollars':>12}  {'of metres':>12}")
    for one in answer["licences"]:
        claimed = f"  claimed already as {one['claimed_as']}: stays as lodged" if one["claimed_as"] else ""
        click.echo(
            f"{one['plate'][:8]:8}  {one['number'][:16]:16}{_metres(one['off_road_mm']):>14}"
            f"{_whole_km(one['claimable_km']):>10}{_dollars(one['cents']):>12}  {_dollars(one['metre_cents']):>12}{claimed}"
        )
    click.echo(
        f"\nlicences not claimed yet: {_whole_km(answer['claimable_km'])} whole km, {_dollars(answer['cents'])}"
        f" ({_dollars(answer['metre_cents'])} before the floor to whole kilometres)"
    )
    if answer["claimed_already"]:
        click.echo(f"{answer['claimed_already']} licences are claimed already: they are flagged, their figures stay")
    if answer["days_without_licence"]:
        click.echo(f"{answer['days_without_licence']:,} of the changed days lie on no licence")


def _whole_km(km: int | None) -> str:
    return "unknown" if km is None else f"{km:+,}"


def _metres(mm: int | None) -> str:
    """Signed metres with millimetres, "·" for none."""
    if mm is None:
        return "unknown"
    return f"{'-' if mm < 0 else '+'}{abs(mm) // 1000:,}.{abs(mm) % 1000:03d}" if mm else "·"


def _dollars(cents: int | None) -> str:
    if cents is None:
        return "unknown"
    return f"{'-' if cents < 0 else '+'}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
