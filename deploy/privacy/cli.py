"""`rucor tenants export`, `rucor tenants offboard`, `rucor privacy export` (rule RE2; docs/runbooks/privacy.md)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from deploy.privacy import export as giving
from deploy.privacy import offboard as leaving
from deploy.privacy.offboard import NotLeaving, Outcome
from deploy.privacy.reach import Reach, reach, running
from deploy.privacy.subject import Person, Subject, vehicle_of
from services.claims.domain.claim.proof import Leaf, faults
from shared.clock import system_clock
from shared.errors import Fatal, Retryable
from shared.running_stack import data_dir_option

T = TypeVar("T")
_tenant = click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
_out = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The archive (zip).")


def now() -> str:
    return datetime.fromtimestamp(system_clock() / 1_000, UTC).isoformat(timespec="seconds")


def run(data_dir: Path, work: Callable[[Reach], Awaitable[T]]) -> T:
    """Raises click.ClickException with what went wrong."""

    async def do() -> T:
        async with reach(running(data_dir)) as reached:
            return await work(reached)

    try:
        return asyncio.run(do())
    except (LookupError, NotLeaving, Retryable, Fatal) as error:
        raise click.ClickException(str(error)) from error


@click.command("export")
@_tenant
@_out
@data_dir_option
def export_tenant(tenant: UUID, out: Path, data_dir: Path) -> None:
    """Write everything that is held of a tenant into an archive."""
    run(data_dir, lambda reached: giving.export(reached, tenant, out, made_at=now()))
    click.echo(f"{out}: {out.stat().st_size:,} bytes, index.json says what is in it")


@click.command("export")
@_tenant
@click.option("--person", help="A name or e-mail address.")
@click.option("--vehicle", help="A plate, or a vehicle's id.")
@_out
@data_dir_option
def export_subject(tenant: UUID, person: str | None, vehicle: str | None, out: Path, data_dir: Path) -> None:
    """Write everything that is held about a person or a vehicle of a tenant into an archive (access request)."""
    if (person is None) == (vehicle is None):
        raise click.UsageError("give either --person or --vehicle")

    async def work(reached: Reach) -> None:
        subject: Subject = Person(person) if person else await vehicle_of(reached, tenant, vehicle or "")
        await giving.export(reached, tenant, out, subject, made_at=now())

    run(data_dir, work)
    click.echo(f"{out}: {out.stat().st_size:,} bytes, index.json says what is in it")


def _faults_of(item: dict[str, Any]) -> int:
    """How many values of one proof are not what was lodged; says which."""
    leaves = [
        Leaf(**leaf) if leaf["value"] is not None else Leaf(leaf["path"], leaf["hash"]) for leaf in item["leaves"]
    ]
    found = faults(item["root"], leaves)
    shown = sum(leaf.salt is not None for leaf in leaves)
    click.echo(f"{item['kind']} {item['subject_id']}, root {item['root']}: {len(leaves)} leaves, {shown} shown")
    for fault in found:
        click.echo(f"  {fault}")
    return len(found)


@click.command("check")
@click.argument("proof", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(proof: Path) -> None:
    """Check PROOF, the answer of `GET /v1/claims/{id}/proof` or one item of it, without any service.

    To show a personal field, put its value into its leaf: its salt is there while the papers are kept."""
    wrong = 0
    try:
        answer = json.loads(proof.read_text())
        for item in answer.get("items", [answer]):
            wrong += _faults_of(item)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise click.ClickException(f"{proof} is not an answer of GET /v1/claims/{{id}}/proof ({error!r})") from error
    if wrong:
        raise click.ClickException("this is not what was lodged")
    click.echo("every value shown is what was lodged")


@click.command("offboard")
@_tenant
@click.option(
    "--export", "archive", type=click.Path(dir_okay=False, path_type=Path), help="Where its data go first (zip)."
)
@click.option("--reason", default="the tenant leaves", show_default=True)
@click.option("--actor", help="Who does it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@data_dir_option
def offboard(
    *, tenant: UUID, archive: Path | None, reason: str, actor: str | None, dry_run: bool, data_dir: Path
) -> None:
    """Revoke a tenant's keys, give out its data, and erase everything that no hold covers.

    Run it again to go on where it was broken off, or when a hold has ended."""
    if dry_run:
        _say(run(data_dir, lambda reached: leaving.would(reached, tenant)), "would go")
        return
    if not actor:
        raise click.UsageError("name who does it with --actor")
    _say(run(data_dir, lambda reached: leaving.offboard(reached, tenant, archive, reason, actor, now())), "gone")


def _say(outcome: Outcome, verb: str) -> None:
    for table, count in sorted(outcome.rows.items()):
        click.echo(f"{count:>9,} {verb}: {table}")
    if not outcome.left:
        click.echo("nothing of the tenant is left")
    elif outcome.held_until is None:
        click.echo("what is left is held by something open: an audit, a hold or a disclosure")
    else:
        click.echo(f"what is left is held until {outcome.held_until}: run this again after that day")
