"""The classifier as a process on real Kafka and Postgres: pings in, `ruc.days` out, whatever is killed in between."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import httpx
import numpy as np
import pytest

from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import BACKFILL, DAYS, PARTITIONS, PINGS, QUARANTINE
from shared.nz_days import bounds_ms, to_ordinal
from shared.stream.log import Log
from tests.integration.shared.reading import read_values
from tests.simulation.district import across_midnight, build_district, drive
from tests.simulation.service import Sent, assert_is_f, decode_sent
from tests.stack import Database, Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

MODULE = [sys.executable, "-m", "services.classifier.main"]
TENANT = str(uuid.UUID(int=5))
DAY = to_ordinal(date(2026, 3, 2))
KEYS = [(TENANT, f"ute-{number}") for number in range(6)]
SETTLED_MS = bounds_ms(DAY + 1)[1] + 150_000
WAIT_S = 180.0


def environment(database: Database, roads: Path, port: int) -> dict[str, str]:
    told = {name: value for name, value in os.environ.items() if not name.startswith("RUCOR_")}
    told |= database.environment("classifier", port=port)
    return told | {"RUCOR_ROADS_DIR": str(roads), "RUCOR_CADENCE_MS": "100"}


class Service:
    """One process and its address."""

    def __init__(self, database: Database, roads: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        told = environment(database, roads, self.port)
        self.token = told["RUCOR_INTERNAL_TOKEN"]
        self.process = subprocess.Popen(MODULE, env=told)

    def get(self, path: str) -> httpx.Response | None:
        assert self.process.poll() is None, f"the classifier ended with {self.process.returncode}"
        headers = {"Authorization": f"Bearer {self.token}"}
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, trust_env=False)
        return None

    def wait_ready(self, status: int = 200) -> httpx.Response:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            answer = self.get("/readyz")
            if answer is not None and answer.status_code == status:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"no {status} from /readyz: {answer.text if answer else 'no answer'}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(database: Database, roads: Path) -> Iterator[Service]:
    service = Service(database, roads)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.terminate()
            assert service.process.wait(30) == 0


async def append(log: Log, fixes: pings.Pings) -> None:
    for partition in range(PARTITIONS):
        mine = [at for at, key in enumerate(fixes.keys) if partition_of(*key) == partition]
        some = fixes.take(np.isin(fixes.key, mine))
        if len(some):
            await log.append(PINGS.name, partition, pings.encode_pings(some))


async def tick(log: Log, tick_ms: int) -> None:
    for lane, partition in itertools.product((PINGS, BACKFILL), range(PARTITIONS)):
        await log.append(lane.name, partition, pings.encode_tick(tick_ms))


async def until_complete(topics: Topics, tick_ms: int, service: Service) -> Sent:
    """Everything on `ruc.days` once every partition is complete through `tick_ms`."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        assert service.process.poll() is None
        out = decode_sent(await read_values(topics.settings("claims"), DAYS))
        if {one.partition for one in out.progress if one.tick_ms == tick_ms} == set(range(PARTITIONS)):
            return out
        await asyncio.sleep(0.3)
    raise AssertionError(f"not complete through {tick_ms}: {out.progress}")


async def test_pings_in_days_out_through_kill_9_poison_and_a_missing_road_set(
    database: Database, topics: Topics, tmp_path: Path
) -> None:
    fixes = pings.concat([across_midnight(key, DAY) for key in KEYS])
    order = np.random.default_rng(3).permutation(len(fixes))
    halves = fixes.take(order[: len(order) // 2]), fixes.take(order[len(order) // 3 :])
    log = await Log.open(topics.settings("ingest"), client="test-ingest")
    try:
        with running(database, tmp_path / "district" / "roads") as service:
            waiting = service.wait_ready(503)
            assert "rucor roads build" in waiting.text
            assert service.get("/healthz").status_code == 200  # type: ignore[union-attr]
            (tmp_path / "district").mkdir()
            district = await asyncio.to_thread(build_district, tmp_path / "district")
            await asyncio.to_thread(service.wait_ready)
            await append(log, halves[0])
            await log.append(PINGS.name, partition_of(*KEYS[0]), b"\x00 no frame at all")
            await asyncio.sleep(0.5)
            service.kill()
        await append(log, halves[1])
        await tick(log, SETTLED_MS)
        with running(database, tmp_path / "district" / "roads") as service:
            out = await until_complete(topics, SETTLED_MS, service)
            track = service.get(
                f"/v1/tracks?tenant={TENANT}&device=ute-1&from_ms={fixes.ts_ms.min()}&to_ms={fixes.ts_ms.max()}"
            )
    finally:
        await log.close()
    latest = out.latest()
    assert set(latest) == {(*key, day) for key in KEYS for day in (DAY, DAY + 1)}
    for one in latest.values():
        assert one.settled
        assert_is_f(one, fixes.take(np.isin(fixes.key, [fixes.keys.index((one.tenant, one.device))])), district)
    poison = decode_sent(await read_values(topics.settings("ingest"), QUARANTINE)).quarantined
    assert {(one.code, one.body) for one in poison} == {("frame_broken", b"\x00 no frame at all")}
    assert track is not None
    assert {"public_road", "off_road"} <= {line["surface"] for line in track.json()["tracks"]}


async def test_two_processes_share_the_partitions_and_one_that_dies_is_replaced(
    database: Database, topics: Topics, tmp_path: Path
) -> None:
    district = await asyncio.to_thread(build_district, tmp_path)
    keys = [(TENANT, f"van-{number}") for number in range(24)]
    drives = pings.concat([drive(key, bounds_ms(DAY)[0] + 40_000_000, 30) for key in keys])
    log = await Log.open(topics.settings("ingest"), client="test-ingest")
    try:
        with running(database, tmp_path / "roads") as first, running(database, tmp_path / "roads") as second:
            await asyncio.to_thread(first.wait_ready)
            await asyncio.to_thread(second.wait_ready)
            for at in range(0, len(drives), 90):
                await append(log, drives.take(np.arange(at, at + 90)))
                if at == 270:
                    first.kill()
            await tick(log, SETTLED_MS)
            out = await until_complete(topics, SETTLED_MS, second)
    finally:
        await log.close()
    latest = out.latest()
    assert len(latest) == len(keys)
    for one in latest.values():
        assert one.settled
        assert_is_f(one, drives.take(np.isin(drives.key, [drives.keys.index((one.tenant, one.device))])), district)


def test_check_config_names_every_wrong_setting_at_once(database: Database, tmp_path: Path) -> None:
    told = environment(database, tmp_path, 0) | {"RUCOR_INTERNAL_TOKEN": "short", "RUCOR_CADENCE_MS": "-1"}
    wrong = subprocess.run([*MODULE, "--check-config"], env=told, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "RUCOR_INTERNAL_TOKEN" in wrong.stderr
    assert "RUCOR_CADENCE_MS" in wrong.stderr
    told = environment(database, tmp_path, 0)
    right = subprocess.run([*MODULE, "--check-config"], env=told, capture_output=True, text=True, check=False)
    assert right.returncode == 0, right.stderr
    assert told["RUCOR_INTERNAL_TOKEN"] not in right.stdout
