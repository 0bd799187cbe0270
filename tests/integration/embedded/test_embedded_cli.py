"""`rucor up` as a user runs it: a process of its own, ended by Ctrl-C, or killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from deploy.embedded.cli import status
from deploy.embedded.info import StackInfo

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
RUCOR = [sys.executable, "-c", "from services.cli import main; main()"]


def up(data: Path, *options: str) -> "subprocess.Popen[str]":
    command = [*RUCOR, "up", "--data-dir", str(data), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)


def until_running(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if line.startswith("Running:"):
            return seen
    raise AssertionError(f"it ended before it ran:\n{seen}")


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_killed_then_started_at_once_then_stopped_by_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "var"
    with up(data, "--no-services") as first:
        until_running(first)
        orphans = StackInfo.read(data / "stack.json").pids
        first.kill()
    with up(data, "--no-services") as second:  # the first one's servers are ending only now, or still run
        until_running(second)
        assert all(gone(pid) for pid in orphans.values())
        pids = StackInfo.read(data / "stack.json").pids
        assert set(pids) == {"kafka", "postgres"}
        begin = time.monotonic()
        os.killpg(second.pid, signal.SIGINT)  # as a terminal does
        said, _ = second.communicate(timeout=60)
        assert second.returncode == 0, said
        assert time.monotonic() - begin < 30
    assert "the data stay in" in said
    assert all(gone(pid) for pid in pids.values())
    assert not (data / "stack.json").exists()


def test_a_taken_port_ends_it_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with up(tmp_path / "var", "--port-base", str(port)) as process:
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"port {port} (for ingest; held by" in said
    assert "Traceback" not in said


def test_status_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    answer = CliRunner().invoke(status, ["--data-dir", str(tmp_path)])
    assert answer.exit_code == 1
    assert f"rucor up --data-dir {tmp_path}" in answer.output
