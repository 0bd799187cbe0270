"""`rucor evidence`: what the evidence store holds, how long, and a device's fixes out of it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import click

from services.classifier.application import retention
from services.classifier.application.exporting import export
from services.classifier.application.retention import Status
from shared import command_log
from shared.clock import new_id, system_clock
from shared.db.pool import Pool, open_pool, tx
from shared.errors import Retryable
from shared.nz_days import from_ordinal, to_ordinal
from shared.running_stack import data_dir_option, dsn_of

T = TypeVar("T")
_DAY: Final = click.DateTime(["%Y-%m-%d"])
_tenant = click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
_first = click.option("--from", "first", type=_DAY, required=True, help="First NZ day.")
_last = click.option("--to", "last", type=_DAY, required=True, help="Last NZ day, included.")


@asynccontextmanager
async def _open(data_dir: Path) -> AsyncIterator[Pool]:
    pool = await open_pool(dsn_of(data_dir, "classifier"), name="rucor-evidence-cli", size=1)
    try:
        yield pool
    finally:
        await pool.close()


def _on(
    data_dir: Path, work: Callable[[Pool], Awaitable[T]], seen: tuple[UUID, str, dict[str, str]] | None = None
) -> T:
    """`seen`: whose data it is, the command and what it is about, which the audit log has before anything is done."""

    async def run() -> T:
        async with _open(data_dir) as pool:
            if seen is not None:
                async with tx(pool) as conn:
                    await command_log.note(conn, *seen)
            return await work(pool)

    try:
        return asyncio.run(run())
    except Retryable as error:
        raise click.ClickException(str(error)) from error


def _days(first: datetime, last: datetime) -> tuple[int, int]:
    days = to_ordinal(first.date()), to_ordinal(last.date())
    if days[0] > days[1]:
        raise click.BadParameter("--from lies after --to")
    return days


@click.group()
def evidence() -> None:
    """The evidence store: fixes kept for years, by rule RE1."""


@evidence.command("status")
@data_dir_option
def status_command(data_dir: Path) -> None:
    """What there is, month by month, and its size on disk."""
    for line in describe(_on(data_dir, partial(retention.status, today=retention.today_of(system_clock)))):
        click.echo(line)


def describe(found: Status) -> list[str]:
    """The store in lines of text."""
    months = [one for one in found.months if one.counted.chunks]
    chunks, fixes = sum(one.counted.chunks for one in months), sum(one.counted.fixes for one in months)
    size, encoded = sum(one.month.bytes for one in found.months), sum(one.counted.encoded for one in months)
    oldest = f"{months[0].month.month:%Y-%m}" if months else "none"
    total = f"chunks: {chunks:,} device-days, {fixes:,} fixes, {size:,} bytes on disk ({encoded:,} encoded), "
    each = f"{size / fixes:.2f} bytes a fix" if fixes else "no fix yet"
    lines = [f"{total}{each}; oldest month {oldest}"]
    lines += [
        f"  {one.month.month:%Y-%m}  {one.counted.chunks:>9,} device-days  {one.counted.fixes:>12,} fixes  "
        f"{one.month.bytes:>14,} bytes  {one.month.bytes / max(one.counted.fixes, 1):6.2f} a fix  {one.month.verdict}"
        for one in months
    ]
    waiting = found.waiting
    since = f", oldest day {from_ordinal(waiting.oldest_day)}" if waiting.oldest_day is not None else ""
    lines.append(f"frames waiting: {waiting.frames:,} with {waiting.fixes:,} fixes, {waiting.bytes:,} bytes{since}")
    lines += [
        f"hold {one.id} of tenant {one.tenant}: {from_ordinal(one.from_day)} to {from_ordinal(one.to_day)}, "
        f"since {one.opened_at:%Y-%m-%d}: {one.reason}"
        for one in found.holds
    ]
    return lines


@evidence.command("hold")
@_tenant
@_first
@_last
@click.option("--reason", required=True, help="Why: the audit's name, the dispute, who asked.")
@data_dir_option
def hold_command(tenant: UUID, first: datetime, last: datetime, reason: str, data_dir: Path) -> None:
    """Keep the months of these days until the hold is released, and print the hold's id."""
    hold_id = new_id()
    days = _days(first, last)
    seen = (tenant, "rucor evidence hold", {"hold_id": str(hold_id)})
    _on(data_dir, lambda pool: retention.hold(pool, tenant, hold_id, days, reason), seen)
    click.echo(hold_id)


@evidence.command("release")
@_tenant
@click.argument("hold", type=click.UUID)
@data_dir_option
def release_command(tenant: UUID, hold: UUID, data_dir: Path) -> None:
    """End the hold with the id HOLD."""
    seen = (tenant, "rucor evidence release", {"hold_id": str(hold)})
    if not _on(data_dir, lambda pool: retention.release(pool, tenant, hold), seen):
        raise click.ClickException("the tenant has no open hold of that id")
    click.echo("released")


@evidence.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what rule RE1 lets go.")
@data_dir_option
def retention_command(dry_run: bool, data_dir: Path) -> None:
    """Drop the months that nothing needs any more (done daily by the service itself)."""
    today: date = retention.today_of(system_clock)
    if dry_run:
        over = [one for one in _on(data_dir, lambda pool: retention.months(pool, today)) if one.verdict == "over"]
    else:
        over = _on(data_dir, lambda pool: retention.sweep(pool, today))
    for one in over:
        click.echo(f"{'would drop' if dry_run else 'dropped'} {one.month:%Y-%m} ({one.bytes:,} bytes)")
    if not over:
        click.echo(
            "nothing may be dropped: every month is younger than four years, held, or claims has not said lately what it holds"
        )


@evidence.command("export")
@_tenant
@click.option("--device", required=True, help="The device's id.")
@_first
@_last
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output where left out.")
@data_dir_option
def export_command(
    tenant: UUID, device: str, first: datetime, last: datetime, out: Path | None, data_dir: Path
) -> None:
    """Write a device's fixes as neutral NDJSON, by time."""
    days = _days(first, last)

    async def write(pool: Pool) -> None:
        lines = export(lambda: tx(pool), (str(tenant), device), *days)
        if out is None:
            async for some in lines:
                sys.stdout.buffer.write(some)
            return
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as file:
            async for some in lines:
                file.write(some)

    _on(data_dir, write, (tenant, "rucor evidence export", {"device": device}))
