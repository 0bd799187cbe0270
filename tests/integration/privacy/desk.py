"""An operator's commands on the tests' database, and a tenant with something in every table of the three services."""

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import asyncpg
import click
from click.testing import CliRunner

from deploy.embedded.info import FILE
from services.claims.adapters.http_peers import ClassifierClient
from services.claims.application.privacy import erase_names, erase_vehicles, refused_rows
from services.claims.application.privacy.keep_house import House
from services.classifier.repo import evidence
from services.classifier.repo.evidence import EvidenceFrame, Span
from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.db.pool import open_pool, tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.claims.conftest import BANK_KEY, Claims
from tests.integration.claims.peers import open_ingest
from tests.integration.claims.test_claims_keys import seal_form
from tests.integration.claims.test_claims_row_security import fill
from tests.integration.claims.world import FIRST_DAY, Fleet, device_day, put_days
from tests.simulation.district import drive

SCHEMAS = ("claims", "classifier", "ingest")
COLUMNS = """
select c.table_schema, c.table_name from information_schema.columns c
join information_schema.tables t using (table_schema, table_name)
where c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE' and c.table_schema = any($1::text[])
    and c.table_name not like 'fix\\_chunk\\_%' order by 1, 2"""


@dataclass
class Desk:
    """An operator's commands on the tests' database."""

    claims: Claims
    data_dir: Path

    async def run(self, command: click.Command, *options: str, code: int = 0) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, command, [*options, "--data-dir", str(self.data_dir)])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    async def rows(self, tenant: UUID) -> dict[str, int]:
        """table → rows of the tenant, in every table of every schema."""
        conn = await asyncpg.connect(self.claims.database.superuser)
        try:
            counts = {}
            for schema, table in await conn.fetch(COLUMNS, list(SCHEMAS)):
                query = await conn.fetchval(
                    "select format('select count(*) from %I.%I where tenant_id = $1', $1::text, $2::text)",
                    schema,
                    table,
                )
                counts[f"{schema}.{table}"] = await conn.fetchval(query, tenant)
        finally:
            await conn.close()
        return {table: count for table, count in counts.items() if count}

    async def sql(self, statement: str, *values: Any) -> None:
        conn = await asyncpg.connect(self.claims.database.superuser)
        try:
            await conn.execute(statement, *values)
        finally:
            await conn.close()


def desk_at(claims: Claims, tmp_path: Path) -> Desk:
    keys = {"bank": base64.b64encode(BANK_KEY).decode(), "bank_old": "", "licence_hash": ""}
    info = replace(claims.database.on_this_database(), keys=keys, data_dir=str(tmp_path))
    (tmp_path / FILE).write_text(info.as_json())
    return Desk(claims, tmp_path)


async def fixes(desk: Desk, tenant: UUID, device: str, days: Sequence[int]) -> None:
    """A short drive on each day, as frames of evidence."""
    pool = await open_pool(desk.claims.database.dsn("classifier", "worker"), name="test-fixes", size=1)
    frames = []
    for i, day in enumerate(days):
        some = drive((str(tenant), device), bounds_ms(day)[0] + 36_000_000, 5)
        first, last = int(some.ts_ms[0]), int(some.ts_ms[-1])
        frame = EvidenceFrame(
            str(tenant),
            partition_of(str(tenant), device),
            1_000 + day,
            i,
            5,
            pings.encode_pings(some),
            (Span(device, day, 5, first, last),),
        )
        frames.append(frame)
    async with tx(pool) as conn:
        await evidence.append(conn, frames)
    await pool.close()


async def beside(desk: Desk, tenant: UUID, device: str = "imei-1") -> None:
    """Rows of the tenant in classifier and ingest."""
    await fixes(desk, tenant, device, [FIRST_DAY, to_ordinal(date(2025, 1, 5))])
    for statement in (
        "insert into classifier.api_key (tenant_id, key_id, name, secret_sha256, scopes) values ($1, '0123abcd', 'k', sha256(''), '{}')",
        "insert into ingest.api_key (tenant_id, key_id, name, secret_sha256, scopes) values ($1, '0123abcd', 'k', sha256(''), '{}')",
        "insert into classifier.idempotency (tenant_id, key, request_hash) values ($1, 'k', '')",
        "insert into classifier.day_due values ($1, 'imei-1', 1, 'settle', 0, 1)",
        "insert into classifier.recompute_waiting values ($1, gen_random_uuid(), 'dirty', '', 1, 1, '', 1)",
        (
            "insert into classifier.land_version select $1, gen_random_uuid(), 1, 1, 'declared', 'owned', 'Home', '12 Ridge Road', 1, 2, false, '', '', "
            "'R Hill', 'k', '', 1, 1, 2, 2, now()"
        ),
        (
            "insert into classifier.exclusion_version select $1, gen_random_uuid(), 1, 2, 'active', 'imei-1', 1, 2, 'faulty', '', 'R Hill', 'k', '', "
            "0, 0, 0, 0, now()"
        ),
        (
            "insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body, "
            "received_at, code_version) values ($1, 'x', 0, 0, 1, 'imei-1', 'c', '', '{}', now(), '1'), "
            "($1, 'x', 0, 0, 2, 'gone', 'c', '', '{}', now(), '1')"
        ),
    ):
        await desk.sql(statement, tenant)


async def everybody_does_their_part(desk: Desk, classifier: ClassifierClient) -> None:
    """The loops of claims."""
    claims = desk.claims
    await House(claims.worker, claims.context.hasher, claims.clock).round()
    for tell_next in (erase_vehicles.tell_next, erase_names.tell_next):
        while await tell_next(claims.worker, classifier):
            pass
    async with open_ingest(claims) as (ingest, _):
        while await refused_rows.tell_next(claims.worker, ingest):
            pass


@contextmanager
def opened(path: Path) -> Iterator[tuple[ZipFile, dict[str, Any]]]:
    with ZipFile(path) as archive:
        yield archive, json.loads(archive.read("index.json"))


async def whole(desk: Desk, name: str = "Leaver") -> Fleet:
    fleet = await desk.claims.fleet(name)
    await fill(fleet, desk.claims)
    await seal_form(desk.claims, fleet)
    await beside(desk, fleet.tenant)
    await put_days(fleet.worker, [device_day(fleet.tenant, "nobodys", FIRST_DAY)])
    return fleet
