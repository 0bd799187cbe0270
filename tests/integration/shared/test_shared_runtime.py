"""The life of a process, as a process: start, drain, failure, port taken, --check-config."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

PROCESS = Path(__file__).with_name("service_process.py")
LIMIT_S = 30

pytestmark = pytest.mark.integration


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(PROCESS), *arguments]


def environment(port: int, behaviour: str = "steady") -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "RUCOR_PORT": str(port), "RUCOR_BEHAVIOUR": behaviour}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def running(behaviour: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        command(), env=environment(port, behaviour), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            give_up = time.monotonic() + LIMIT_S
            while True:
                try:
                    if httpx.get(f"{url}/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    assert time.monotonic() < give_up
                    assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            yield process, url
        finally:
            process.kill()


def events(stderr: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in stderr.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_requests_then_ends_the_loops_and_exits_0(number: signal.Signals) -> None:
    with running("steady") as (process, url), ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.get, f"{url}/slow", timeout=LIMIT_S)
        time.sleep(0.4)
        process.send_signal(number)
        assert answer.result().json() == "done"
        stdout, stderr = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert stdout == "loop closed\n"
    assert [event["event"] for event in events(stderr)][-2:] == ["stopping", "stopped"]
    assert {event["service"] for event in events(stderr)}


@pytest.mark.parametrize("behaviour", ["fails", "ends"])
def test_a_loop_that_ends_ends_the_process_with_1_and_says_why(behaviour: str) -> None:
    with running(behaviour) as (process, url):
        assert httpx.get(f"{url}/slow", timeout=LIMIT_S).json() == "done"
        _, stderr = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    ended = next(event for event in events(stderr) if event["event"] == "background task ended")
    assert ended["task"] == "loop"
    assert ("the loop broke" in str(ended.get("exception"))) == (behaviour == "fails")


def test_a_taken_port_is_said_and_exits_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command(), env=environment(port), capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    assert ended.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "RUCOR_PORT" in ended.stderr


def test_a_dependency_away_at_the_start_exits_1_without_a_traceback() -> None:
    ended = subprocess.run(
        command(), env=environment(0, "away"), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert ended.returncode == 1
    assert "Kafka does not answer at 127.0.0.1:1" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_check_config_prints_masked_settings_and_exits_0_or_2() -> None:
    good = subprocess.run(
        command("--check-config"), env=environment(8081), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert good.returncode == 0
    shown = json.loads(good.stdout)
    assert (shown["port"], shown["token"]) == (8081, "**********")
    bad = subprocess.run(
        command("--check-config"), env=environment(70_000), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert bad.returncode == 2
    assert "RUCOR_PORT" in bad.stderr
