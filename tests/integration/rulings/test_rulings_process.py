"""Classifier and claims as processes on real Kafka and Postgres: a declaration over HTTP is in the ledger within seconds."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from click.testing import CliRunner

from services.claims.cli import create_tenant
from services.claims.reprocess_cli import reprocess
from services.classifier.keys_cli import issue_key
from shared.contracts.device_day import DeviceDay
from shared.nz_days import bounds_ms, to_ordinal
from shared.stream.log import Log
from tests.integration.classifier.test_classifier_process import append, running, tick
from tests.integration.rulings.conftest import land_body
from tests.simulation.district import build_district, drive
from tests.stack import Database, Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

DAY = to_ordinal(date(2026, 3, 2))
WAIT_S = 120.0
WRITTEN = "The council closed this road for our quarry in 2025."


@contextmanager
def claims_running(database: Database, classifier_url: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = {name: value for name, value in os.environ.items() if not name.startswith("RUCOR_")}
    told |= database.environment("claims", port=port)
    told |= {
        "RUCOR_CLASSIFIER_URL": classifier_url,
        "RUCOR_PDF_URL": "http://127.0.0.1:9",
        "RUCOR_INGEST_URL": "http://127.0.0.1:9",
    }
    process = subprocess.Popen([sys.executable, "-m", "services.claims.main"], env=told)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(30) == 0


class Ledger:
    """What claims has, as the superuser reads it."""

    def __init__(self, conn: "asyncpg.Connection[asyncpg.Record]", tenant: UUID) -> None:
        self._conn, self._tenant = conn, tenant

    async def mm(self, basis: str) -> int:
        rows = await self._conn.fetch("select summary from claims.device_day where tenant_id = $1", self._tenant)
        days = [msgspec.msgpack.decode(row["summary"], type=DeviceDay) for row in rows]
        return sum(total.mm for day in days for total in day.totals if total.basis == basis)

    async def holds(self) -> list[tuple[str, bool]]:
        rows = await self._conn.fetch("select kind, open from claims.hold where tenant_id = $1", self._tenant)
        return [(row["kind"], row["open"]) for row in rows]

    async def until(self, basis: str, *, there: bool) -> float:
        """Seconds until the ledger has (or has no longer) metres of this basis."""
        started = time.monotonic()
        while time.monotonic() < started + WAIT_S:
            if (await self.mm(basis) > 0) is there:
                return time.monotonic() - started
            await asyncio.sleep(0.1)
        raise AssertionError(f"{basis} did not {'come' if there else 'go'}")


async def test_SU7_a_declaration_is_in_the_ledger_within_seconds_and_its_hold_is_cleared(
    database: Database, topics: Topics, tmp_path: Path
) -> None:
    district = await asyncio.to_thread(build_district, tmp_path)
    tenant = await create_tenant(database.dsn("claims", "worker"), "Hill Farms")
    key = await issue_key(database.dsn("classifier", "worker"), tenant, "test")
    log = await Log.open(topics.settings("ingest"), client="test-ingest")
    conn = await asyncpg.connect(database.superuser)
    ledger = Ledger(conn, tenant)
    try:
        with running(database, tmp_path / "roads") as classifier:
            url = f"http://127.0.0.1:{classifier.port}"
            with claims_running(database, url) as claims_url:
                await append(log, drive((str(tenant), "ute-1"), bounds_ms(DAY)[0] + 40_000_000, 13))
                await tick(log, bounds_ms(DAY + 1)[1])
                await asyncio.to_thread(classifier.wait_ready)
                await ledger.until("mapped_public", there=True)
                before = await ledger.mm("mapped_public")
                async with httpx.AsyncClient(
                    base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False
                ) as http:
                    body = land_body(over_public=True, kind="closed_works_site", reason=WRITTEN)
                    made = (await http.post("/v1/land", json=body)).raise_for_status().json()
                    assert made["device_days"] == 1
                    took = await ledger.until("declared_over_public", there=True)
                    assert took < 60
                    assert await ledger.mm("mapped_public") < before
                    while ("dirty", False) not in await ledger.holds():
                        await asyncio.sleep(0.1)
                    assert await ledger.holds() == [("dirty", False)]
                    report = await asyncio.to_thread(dry_run, database, tmp_path, claims_url, tenant)
                    assert "1 device-days computed, 0 would change" in report
                    told = {"reason": "the road is open again"}
                    (await http.post(f"/v1/land/{made['id']}/withdraw", json=told)).raise_for_status()
                    await ledger.until("declared_over_public", there=False)
                    assert await ledger.mm("mapped_public") == before
    finally:
        await conn.close()
        await log.close()
    assert district.name


def dry_run(database: Database, folder: Path, claims_url: str, tenant: UUID) -> str:
    """`rucor reprocess --dry-run` as an operator types it."""
    stack = {"urls": {"claims": claims_url}, "dsns": {"claims": {"worker": database.dsn("claims", "worker")}}}
    (folder / "stack.json").write_text(json.dumps(stack))
    asked = [
        "--tenant",
        str(tenant),
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-31",
        "--dry-run",
        "--data-dir",
        str(folder),
    ]
    result = CliRunner().invoke(reprocess, asked)
    assert result.exit_code == 0, result.output
    return result.output
