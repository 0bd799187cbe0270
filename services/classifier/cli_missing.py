"""`rucor roads missing`: rule SU4's batch report, over a running stack's evidence or over a file."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import click

from shared.running_stack import dsn_of

if TYPE_CHECKING:
    from services.classifier.application.probable_roads import ProbableRoad
    from services.classifier.roads.dataset import RoadSet
    from shared.db.pool import Connection

_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.command("missing")
@click.option("--tenant", type=click.UUID, help="Whose travel; with --pings not needed.")
@click.option("--from", "from_day", type=_DAY, help="First NZ day.")
@click.option("--to", "to_day", type=_DAY, help="Last NZ day.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line, each with an exclusion ready to post.")
@click.option(
    "--roads", "roads_dir", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Road data sets; the running stack's where it is left out.",
)  # fmt: skip
@click.option("--pings", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Neutral pings, offline.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="Folder of the running stack."
)  # fmt: skip
def missing(
    tenant: UUID | None,
    from_day: datetime | None,
    to_day: datetime | None,
    as_lines: bool,
    roads_dir: Path | None,
    pings: Path | None,
    data_dir: Path,
) -> None:
    """Probable public roads that the data set lacks, from travel off every way (rule SU4).  It changes nothing by itself."""
    from services.classifier.application import missing_roads
    from services.classifier.roads.dataset import DataSetError, RoadSet
    from shared.errors import Retryable

    try:
        first, last = (asked.date() if asked else None for asked in (from_day, to_day))
        road_set = RoadSet.open(roads_dir or data_dir / "roads")
        if pings is not None:
            found = _offline(pings, road_set, first, last)
        elif tenant is not None and first is not None and last is not None:
            dsn = dsn_of(data_dir, "classifier", "api", "give --roads and --pings")
            asyncio.run(_note(dsn_of(data_dir, "classifier"), tenant))
            found = asyncio.run(_of_tenant(dsn, tenant, first, last, road_set))
        else:
            raise click.UsageError("name --tenant, --from and --to, or --roads and --pings")
    except (DataSetError, Retryable, OSError, EOFError) as error:
        raise click.ClickException(str(error)) from error
    if as_lines:
        for one in found:
            click.echo(json.dumps(missing_roads.as_json(one), ensure_ascii=False))
    else:
        click.echo(missing_roads.as_text(found))


def _offline(pings: Path, road_set: "RoadSet", from_day: date | None, to_day: date | None) -> "list[ProbableRoad]":
    from services.classifier.application.missing_roads import in_pings
    from services.classifier.domain.scheme import V1
    from shared.contracts.neutral import read_ndjson
    from shared.nz_days import days_of, to_ordinal

    parsed = read_ndjson(pings)
    for refused in parsed.refused[:5]:
        click.echo(f"line {refused.row + 1}: {refused.code}: {refused.detail}", err=True)
    days = days_of(parsed.pings.ts_ms)
    keep = (days >= (to_ordinal(from_day) if from_day else 0)) & (days <= (to_ordinal(to_day) if to_day else 1 << 30))
    return in_pings(parsed.pings.take(keep), road_set, V1)


async def _note(worker_dsn: str, tenant: UUID) -> None:
    """In the audit log, before anything is read."""
    from shared import command_log
    from shared.db.pool import lone_tx

    async with lone_tx(worker_dsn, name="rucor-roads-missing") as conn:
        await command_log.note(conn, tenant, "rucor roads missing")


async def _of_tenant(dsn: str, tenant: UUID, from_day: date, to_day: date, road_set: "RoadSet") -> "list[ProbableRoad]":
    """Through the API's role: row-level security shows this tenant's evidence only."""
    from services.classifier.application.missing_roads import in_evidence
    from services.classifier.domain.scheme import V1
    from shared.db.pool import open_pool, tenant_tx
    from shared.nz_days import to_ordinal

    pool = await open_pool(dsn, name="rucor-roads-missing", size=1)

    def transaction() -> "AbstractAsyncContextManager[Connection]":
        return tenant_tx(pool, tenant)

    try:
        days = to_ordinal(from_day), to_ordinal(to_day)
        return await in_evidence(transaction, str(tenant), days, road_set, V1)
    finally:
        await pool.close()
