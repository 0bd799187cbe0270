"""`rucor claims purge`: drop what no rule and no hold keeps any longer, in claims and in ingest's quarantine (rule RE1).

The claims service does its own part daily; the classifier drops its months itself (`rucor evidence retention`).  The quarantine
needs two services that may not ask each other, ingest for the rows and claims for what is held: the stack does it daily."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from deploy.embedded.parts import run_async
from services.claims.application.privacy import erase_vehicles
from services.claims.application.privacy import purge as of_claims
from services.claims.repo import erasures, retention
from services.ingest.repo import quarantine
from shared.clock import system_clock
from shared.db.pool import Pool, lone_tx, open_pool, tenant_tx, tx
from shared.errors import Retryable
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-purge-cli"
BATCH: Final = 500
DRY_MAX: Final = 1_000_000
QUARANTINE: Final = "four years after it came, no audit, hold or disclosure of the tenant is open"
FORGOTTEN: Final = "of vehicles that are to be forgotten, on days that nothing holds any more"
STRETCHES_MAX: Final = 1_000
"""In one run: it is run every day."""


async def purge_claims(worker_dsn: str, tenant: UUID | None, *, dry: bool) -> tuple[Counter[str], list[UUID]]:
    """Rows by table, and the tenants of which everything else must be kept."""
    total: Counter[str] = Counter()
    pool = await open_pool(worker_dsn, name=CONNECTION, size=1)
    try:
        async with tx(pool) as conn:
            held = await retention.tenants_held(conn)
        for one in [tenant] if tenant else await of_claims.tenants(pool):
            total.update(await of_claims.purge(pool, one, system_clock(), dry=dry))
    finally:
        await pool.close()
    return total, held


async def purge_quarantine(worker_dsn: str, kept: Sequence[UUID], *, dry: bool) -> int:
    total = 0
    pool = await open_pool(worker_dsn, name=CONNECTION, size=1)
    try:
        while True:
            async with tx(pool) as conn:
                count = await quarantine.purge(conn, kept, DRY_MAX if dry else BATCH, dry=dry)
            total += count
            if dry or count < BATCH:
                return total
    finally:
        await pool.close()


async def forget_refused(claims_dsn: str, ingest_dsn: str, *, dry: bool) -> int:
    """Refused rows of vehicles that were let go of (rule RE2)."""
    claims = await open_pool(claims_dsn, name=CONNECTION, size=1)
    ingest = await open_pool(ingest_dsn, name=CONNECTION, size=1)
    try:
        async with tx(claims) as conn:
            found = await erasures.refused_left(conn, STRETCHES_MAX)
        total = 0
        for one in found:
            total += await _forget_stretch(ingest, one, dry=dry)
            if not dry:
                await erase_vehicles.refused_gone(claims, one.tenant_id, [one])
        return total
    finally:
        await claims.close()
        await ingest.close()


async def _forget_stretch(ingest: Pool, one: erasures.Stretch, *, dry: bool) -> int:
    total = 0
    while True:
        async with tenant_tx(ingest, one.tenant_id) as conn:
            count = await quarantine.forget(
                conn, one.tenant_id, one.device, (one.from_day, one.to_day), DRY_MAX if dry else BATCH, dry=dry
            )
        total += count
        if dry or count < BATCH:
            return total


def purge_refused(claims_dsn: str, ingest_dsn: str) -> int:
    """The quarantine's part alone, as the stack does it every day; how many rows went.  Raises DatabaseUnavailable."""

    async def run() -> int:
        async with lone_tx(claims_dsn, name=CONNECTION) as conn:
            held = await retention.tenants_held(conn)
        gone = await purge_quarantine(ingest_dsn, held, dry=False)
        return gone + await forget_refused(claims_dsn, ingest_dsn, dry=False)

    return run_async(run)


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--tenant", type=click.UUID, help="Of this tenant only, and of claims only.")
@data_dir_option
def purge(*, dry_run: bool, tenant: UUID | None, data_dir: Path) -> None:
    """Drop what no rule and no hold keeps any longer.  It may be broken off and begun again."""
    try:
        claims, ingest = dsn_of(data_dir, "claims"), dsn_of(data_dir, "ingest")
        counts, held = asyncio.run(purge_claims(claims, tenant, dry=dry_run))
        if tenant is None:
            counts["quarantine"] = asyncio.run(purge_quarantine(ingest, held, dry=dry_run))
            counts["refused rows"] = asyncio.run(forget_refused(claims, ingest, dry=dry_run))
    except Retryable as error:
        raise click.ClickException(str(error)) from error
    words = {rule.table: rule.words for rule in of_claims.RULES} | {"quarantine": QUARANTINE, "refused rows": FORGOTTEN}
    for table, count in counts.items():
        click.echo(f"{count:>9,} {'would go' if dry_run else 'gone'} of {table}: {words[table]}")
