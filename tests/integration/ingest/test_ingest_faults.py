"""Ingest killed, frozen, limited and cut off from its broker: nothing acknowledged is lost, nothing counts twice (G1, G7)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.info import StackInfo
from deploy.embedded.parts import run_async
from services.ingest.adapters.replay import Replayed, replay
from shared.clock import system_clock
from shared.contracts.frame import read_header
from shared.contracts.pings import decode_pings
from shared.contracts.topics import PINGS, QUARANTINE, SCHEMA_TICK
from shared.stream.connection import client_options
from tests.integration.ingest.conftest import Ingest

pytestmark = pytest.mark.integration


def ping(device: str = "ute-7", **more: Any) -> dict[str, Any]:
    return {"device_id": device, "ts": system_clock() - 60_000, "lat": -40.25, "lng": 175.5} | more


def devices(ingest: Ingest) -> list[str]:
    """The device of every ping in the topic."""
    frames = [value for _, value in ingest.values(PINGS) if read_header(value).schema != SCHEMA_TICK]
    return [pings.keys[key][1] for pings in map(decode_pings, frames) for key in pings.key.tolist()]


@pytest.fixture
def own(unstarted: Ingest) -> Ingest:
    """A process of the test's own."""
    return unstarted


def test_quarantine_rows_arrive_exactly_once_over_kill_and_restart(own: Ingest) -> None:
    own.start()
    sent = 0
    for round_number in range(2):
        for number in range(10):
            answer = own.post([ping(f"d{round_number}-{number}", lat=91), ping(f"e{round_number}-{number}", lng=181)])
            assert answer.json()["quarantined"] == 2
            sent += 2
        own.end(signal.SIGKILL)
        own.start()
    own.wait_until(lambda: len(own.rows("select 1 from ingest.quarantine")) >= sent)
    time.sleep(0.5)
    found = own.rows("select device_id, count(*) as times from ingest.quarantine group by device_id")
    assert len(found) == sent
    assert {row["times"] for row in found} == {1}
    positions = own.rows("select sum(next_offset) as next from ingest.stream_position")
    assert positions[0]["next"] == len(own.values(QUARANTINE))


def test_foreign_bytes_on_the_quarantine_topic_stop_nothing(own: Ingest) -> None:
    own.start()

    async def write() -> None:
        producer = AIOKafkaProducer(**client_options(own.topics.settings("ingest"), "test-writer"))
        await producer.start()
        for partition in range(QUARANTINE.partitions):
            await producer.send_and_wait(QUARANTINE.name, b"RUCF not a frame of ours", partition=partition)
        await producer.stop()

    run_async(write)
    own.post([ping("after", lat=91)])
    own.wait_until(lambda: [row["device_id"] for row in own.quarantine()["items"]] == ["after"])
    rows = own.rows("select code from ingest.quarantine where device_id = ''")
    own.wait_until(
        lambda: len(own.rows("select 1 from ingest.quarantine where device_id = ''")) == QUARANTINE.partitions
    )
    assert {row["code"] for row in rows} <= {"frame_broken", "frame_version"}


def test_rate_limit_is_per_key_and_says_when(own: Ingest) -> None:
    own.extra = {"RUCOR_PINGS_PER_S_PER_KEY": "50", "RUCOR_BURST_S": "1"}
    own.start()
    assert own.post([ping(ts=system_clock() - i) for i in range(200)]).status_code == 202
    answer = own.post([ping()])
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 4
    own.key = own.new_key(own.tenant)
    assert own.post([ping()]).status_code == 202


def test_full_disk_refuses_before_it_is_full(own: Ingest) -> None:
    own.extra = {"RUCOR_SPACE_PATH": str(own.folder), "RUCOR_SPACE_BYTES_MIN": str(1 << 60)}
    own.start(ready=False)
    own.wait_until(lambda: "group commit" in own.log.read_text())
    answer = own.post([ping()])
    assert answer.status_code == 503
    assert "nearly full" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "30"
    assert "disk" in httpx.get(f"{own.url}/readyz").text


def test_sigterm_answers_what_is_under_way_and_ends_clean(own: Ingest) -> None:
    own.start()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(own.post, [ping(f"d{i}")]) for i in range(40)]
        time.sleep(0.05)
        assert own.end() == 0
        done = 0
        for future in answers:
            with contextlib.suppress(httpx.TransportError):
                done += future.result().status_code == 202
    assert len(devices(own)) >= done


def test_check_config_names_every_error(own: Ingest) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RUCOR_")}
    command = [sys.executable, "-m", "services.ingest.main", "--check-config"]
    good = environment | own.database.environment("ingest", port=0)
    passed = subprocess.run(command, env=good, capture_output=True, text=True, check=False)
    assert passed.returncode == 0
    assert "clock_ahead_s_max" in passed.stdout
    bad = subprocess.run(
        command,
        env=good | {"RUCOR_PORT": "x", "RUCOR_FIX_AGE_DAYS_MAX": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode == 2
    assert "RUCOR_PORT" in bad.stderr
    assert "RUCOR_FIX_AGE_DAYS_MAX" in bad.stderr


@pytest.mark.parametrize("seconds", [4.0])
def test_G1_frozen_broker_gives_503_loses_nothing_acknowledged_and_ingest_recovers(
    own: Ingest, infra: StackInfo, seconds: float
) -> None:
    if "kafka" not in infra.pids:
        pytest.fail("this test freezes the embedded broker: run it with the embedded stack")
    own.extra = {"RUCOR_COMMIT_DEADLINE_S": "1.5"}
    own.start()
    assert own.post([ping("before")]).status_code == 202
    acknowledged = ["before"]
    os.kill(infra.pids["kafka"], signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = own.post([ping("during")])
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "not acknowledged" in answer.json()["detail"] or "Nothing of this batch" in answer.json()["detail"]
        assert time.monotonic() - began < seconds
        assert httpx.get(f"{own.url}/healthz").status_code == 200
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    finally:
        os.kill(infra.pids["kafka"], signal.SIGCONT)

    def taken() -> bool:
        answer = own.post([ping("after")])
        if answer.status_code == 202:
            acknowledged.append("after")
        else:
            assert answer.status_code == 503
        return answer.status_code == 202

    own.wait_until(taken, within_s=30)
    found = devices(own)
    assert set(acknowledged) <= set(found)
    assert set(found) <= {"before", "during", "after"}


def test_replay_goes_on_after_a_restart_of_ingest(own: Ingest, tmp_path: Path) -> None:
    own.start()
    now = system_clock()
    path = tmp_path / "pings.ndjson"
    path.write_bytes(b"\n".join(json.dumps(ping(f"d{i}", ts=now - i)).encode() for i in range(4000)))
    restarts: list[threading.Thread] = []

    def kill_once(so_far: Replayed) -> None:
        if so_far.lines >= 1000 and not restarts:
            own.end(signal.SIGKILL)
            restarts.append(threading.Thread(target=own.start))
            restarts[0].start()

    done: list[Replayed] = []

    async def work() -> None:
        done.append(await replay(path, own.url, own.key, batch_pings=200, progress=kill_once))

    run_async(work)
    restarts[0].join()
    assert (done[0].accepted, done[0].refused) == (4000, 0)
    assert set(devices(own)) == {f"d{i}" for i in range(4000)}


def test_G1_kill_9_under_load_loses_nothing_acknowledged(own: Ingest) -> None:
    own.start()
    acknowledged: list[str] = []

    def send(number: int) -> None:
        names = [f"k{number}-{i}" for i in range(20)]
        with contextlib.suppress(httpx.TransportError):
            if own.post([ping(name) for name in names]).status_code == 202:
                acknowledged.extend(names)

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, number) for number in range(120)]
        while len(acknowledged) < 400:
            time.sleep(0.01)
        own.end(signal.SIGKILL)
        for future in sent:
            future.result()
    assert len(acknowledged) < 120 * 20  # it died in the middle
    assert set(acknowledged) <= set(devices(own))
