"""`rucor claims purge`: drop what no rule and no hold keeps any longer, in claims and in ingest's quarantine (rule RE1).

The services do it by themselves: claims its own part daily, ingest the quarantine by what claims tells it, the classifier its
months (`rucor evidence retention`).  This does it at once, and says before what would go."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from services.claims.application.privacy import purge as of_claims
from services.claims.repo import retention
from services.ingest.repo import quarantine
from shared.clock import system_clock
from shared.db.pool import open_pool, tx
from shared.errors import Retryable
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-purge-cli"
BATCH: Final = 500
DRY_MAX: Final = 1_000_000
QUARANTINE: Final = "four years after it came, no audit, hold or disclosure of the tenant is open"


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
    except Retryable as error:
        raise click.ClickException(str(error)) from error
    words = {rule.table: rule.words for rule in of_claims.RULES} | {"quarantine": QUARANTINE}
    for table, count in counts.items():
        click.echo(f"{count:>9,} {'would go' if dry_run else 'gone'} of {table}: {words[table]}")
