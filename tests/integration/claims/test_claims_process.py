"""The service as a process: settings, readiness, a restart that changes nothing."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from shared.contracts.device_day import Progress
from shared.contracts.frame import pack_structs
from shared.contracts.topics import DAYS, PARTITIONS, SCHEMA_DEVICE_DAYS, SCHEMA_PROGRESS
from shared.stream.log import Log
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import COMPLETE_MS, FIRST_DAY, Fleet, device_day
from tests.stack import Database, Topics

pytestmark = pytest.mark.integration
MODULE = [sys.executable, "-m", "services.claims.main"]


def environment(database: Database, port: int) -> dict[str, str]:
    told = {name: value for name, value in os.environ.items() if not name.startswith("RUCOR_")}
    peers = {
        "RUCOR_CLASSIFIER_URL": "http://127.0.0.1:9",
        "RUCOR_PDF_URL": "http://127.0.0.1:9",
        "RUCOR_INGEST_URL": "http://127.0.0.1:9",
    }
    return told | database.environment("claims", port=port) | peers


def start(database: Database, **more: str) -> tuple["subprocess.Popen[bytes]", str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(MODULE, env=environment(database, port) | more)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"claims ended with {process.returncode}")
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return process, url
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    pytest.fail("claims did not become ready")


def test_check_config_names_every_wrong_setting_at_once(database: Database) -> None:
    told = environment(database, 0) | {"RUCOR_BANK_KEY": "c2hvcnQ=", "RUCOR_PDF_URL": "ftp://pdf"}
    wrong = subprocess.run([*MODULE, "--check-config"], env=told, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "RUCOR_BANK_KEY" in wrong.stderr
    assert "RUCOR_PDF_URL" in wrong.stderr
    right = subprocess.run(
        [*MODULE, "--check-config"], env=environment(database, 0), capture_output=True, text=True, check=False
    )
    assert right.returncode == 0, right.stderr
    assert told["RUCOR_DATABASE_URL"] not in right.stdout


async def test_kill_and_restart_leave_the_ledger_as_it_was(claims: Claims, fleet: Fleet, topics: Topics) -> None:
    """kill -9 in the middle of the log, restart, everything again: the same rows."""
    days = [device_day(fleet.tenant, f"imei-{i % 7}", FIRST_DAY + i % 14, rev=i) for i in range(1, 200)]
    frames = [pack_structs(SCHEMA_DEVICE_DAYS, [day])[0] for day in days]
    log = await Log.open(topics.settings("classifier"), client="test-classifier")
    for i, frame in enumerate(frames[:100]):
        await log.append(DAYS.name, i % PARTITIONS, frame)
    process, _ = start(claims.database)
    process.kill()
    process.wait()
    for i, frame in enumerate([*frames[100:], *frames[:50]]):
        await log.append(DAYS.name, i % PARTITIONS, frame)
    for partition in range(PARTITIONS):
        tick = pack_structs(SCHEMA_PROGRESS, [Progress(partition=partition, tick_ms=COMPLETE_MS)])[0]
        await log.append(DAYS.name, partition, tick)
    await log.close()
    process, _ = start(claims.database)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        async with claims.worker.acquire() as conn:
            if await conn.fetchval("select count(*) from claims.progress") == PARTITIONS:
                break
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    async with claims.worker.acquire() as conn:
        now = await conn.fetch("select device, day, rev from claims.device_day order by 1, 2")
        kept = await conn.fetchval("select count(*) from claims.device_day_history")
    highest = {(day.device, day.day): day.rev for day in days}
    assert [tuple(row) for row in now] == sorted((device, day, rev) for (device, day), rev in highest.items())
    assert kept == len(days) - len(highest)
