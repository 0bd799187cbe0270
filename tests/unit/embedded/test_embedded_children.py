"""Child processes: real ones, small Python programs."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.embedded import children, supervisor
from deploy.embedded.children import Child, Spec
from deploy.embedded.errors import StackError
from deploy.embedded.parts import ChildEnded, ServicePart
from deploy.embedded.supervisor import RESTARTS_MAX, Supervisor, back_off_s

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def program(tmp_path: Path, code: str, name: str = "part", grace_s: float = 5.0) -> Spec:
    return Spec(
        name=name,
        argv=[sys.executable, "-c", code],
        cwd=tmp_path,
        log=tmp_path / f"{name}.log",
        record=tmp_path / f"{name}.pid.json",
        stop_grace_s=grace_s,
    )


def eventually(true: Callable[[], bool], within_s: float = 30.0) -> None:
    give_up_at = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.02)


def test_a_child_leads_a_group_of_its_own_and_stops_cleanly(tmp_path: Path) -> None:
    child = Child.start(program(tmp_path, SLEEPER))
    eventually(lambda: "up" in child.tail())
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    assert (tmp_path / "part.log").stat().st_mode & 0o777 == 0o600
    child.stop()
    assert child.exit_code() == -signal.SIGTERM
    assert not (tmp_path / "part.pid.json").exists()


def test_a_child_that_does_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = Child.start(program(tmp_path, STUBBORN, grace_s=0.2))
    eventually(lambda: "up" in child.tail())
    child.stop()
    assert child.exit_code() == -signal.SIGKILL


def test_only_chosen_variables_reach_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JAVA_HOME", "JDK_JAVA_OPTIONS", "PGDATA", "PYTHONPATH"):
        monkeypatch.setenv(name, "/somewhere")
    child = Child.start(program(tmp_path, "import os; print(sorted(os.environ))"))
    eventually(lambda: child.exit_code() is not None)
    seen = child.tail()
    assert "PATH" in seen
    assert not any(name in seen for name in ("JAVA_HOME", "JDK_JAVA_OPTIONS", "PGDATA", "PYTHONPATH"))


def test_the_tail_shows_this_start_and_not_the_one_before(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = Child.start(program(tmp_path, f"print('{word}')"))
        eventually(lambda child=child: child.exit_code() is not None)
    assert child.tail() == "second"
    assert children.tail(tmp_path / "part.log") == "first\nsecond"


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOG_BYTES_MAX", 10)
    (tmp_path / "part.log").write_text("long enough to be moved")
    child = Child.start(program(tmp_path, "print('fresh')"))
    eventually(lambda: child.exit_code() is not None)
    assert child.tail() == "fresh"
    assert (tmp_path / "part.log.1").read_text() == "long enough to be moved"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent-death signal")
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Started from a thread that ends at once: the kernel's signal must follow the process, not that thread."""
    parent_code = f"""
        import sys, threading, time
        from pathlib import Path
        from deploy.embedded.children import Child, Spec
        spec = Spec("part", [sys.executable, "-c", {SLEEPER!r}], Path({str(tmp_path)!r}), Path({str(tmp_path / "part.log")!r}), Path({str(tmp_path / "record")!r}))
        thread = threading.Thread(target=lambda: print(Child.start(spec).pid, flush=True))
        thread.start(); thread.join(); time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(parent_code)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.3)
        assert child.is_running()
        parent.kill()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_stale_record_harms_nobody(tmp_path: Path) -> None:
    """A pid is reused: the record names a living process, but one that started at another time."""
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.DEVNULL) as bystander:
        record = tmp_path / "kafka.pid.json"
        started = psutil.Process(bystander.pid).create_time()
        record.write_text(json.dumps({"pid": bystander.pid, "started": started - 3600}))
        children.end_leftover(record, signal.SIGTERM, print)
        assert bystander.poll() is None
        assert not record.exists()
        record.write_text(json.dumps({"pid": bystander.pid, "started": started}))
        children.end_leftover(record, signal.SIGTERM, print)
        assert bystander.poll() is not None
    for damaged in ("", "{}", '{"pid": "x"}', '{"pid": 999999999, "started": 1}'):
        record.write_text(damaged)
        assert children.recorded_process(record) is None


@dataclass(frozen=True)
class Small:
    """A part that is ready once its log says "up"."""

    spec: Spec
    patience_s: float = 10.0
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def record(self) -> Path:
        return self.spec.record

    def prepare(self, say: Callable[[str], None]) -> Spec:
        return self.spec

    def is_ready(self, patience_s: float) -> bool:
        return "up" in children.tail(self.spec.log)


def test_a_killed_part_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = Supervisor(said.append)
    keeper.start([Small(program(tmp_path, SLEEPER, "one")), Small(program(tmp_path, SLEEPER, "two"))])
    restarted = threading.Event()
    keeper.on_restart = restarted.set
    keeper.watch()
    before = keeper.pids()
    os.kill(before["two"], signal.SIGKILL)
    assert restarted.wait(10)
    after = keeper.pids()
    keeper.stop()
    assert after["one"] == before["one"]
    assert after["two"] != before["two"]
    assert any("two was ended by SIGKILL" in line and "1 of 5" in line for line in said)
    assert not any(psutil.pid_exists(pid) for pid in after.values())
    assert keeper.pids() == {}


def test_a_part_that_keeps_dying_stops_everything_and_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "BACK_OFF_MAX_S", 0.05)
    flag = tmp_path / "started"
    dying = f"import pathlib, sys, time\nf = pathlib.Path({str(flag)!r})\nif f.exists(): sys.exit('no, not again')\nf.touch(); print('up', flush=True); time.sleep(0.3)"
    keeper = Supervisor(lambda _: None)
    keeper.start([Small(program(tmp_path, SLEEPER, "healthy")), Small(program(tmp_path, dying, "dying"))])
    healthy = psutil.Process(keeper.pids()["healthy"])
    (tmp_path / "dying.log").write_text("")  # "up" of the first start must not count for the next
    keeper.watch()
    assert keeper.ended.wait(20)
    assert isinstance(keeper.failure, StackError)
    assert f"dying was restarted {RESTARTS_MAX} times in a minute" in str(keeper.failure)
    assert "no, not again" in str(keeper.failure)
    assert not healthy.is_running()
    keeper.stop()


def test_back_off_grows_and_is_bounded() -> None:
    assert [back_off_s(n) for n in range(7)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


def test_a_part_that_cannot_start_fails_the_start_with_its_log(tmp_path: Path) -> None:
    keeper = Supervisor(lambda _: None)
    slow = Small(program(tmp_path, "import time; time.sleep(60)", "slow"), patience_s=60)
    begin = time.monotonic()
    with pytest.raises(ChildEnded, match=r"broken ended with exit code 3[\s\S]*the reason"):
        keeper.start([slow, Small(program(tmp_path, "print('the reason'); raise SystemExit(3)", "broken"))])
    keeper.stop()
    assert time.monotonic() - begin < 20  # it did not wait for the slow one's patience
    assert keeper.pids() == {}


def test_a_full_disk_in_a_log_is_named(tmp_path: Path) -> None:
    keeper = Supervisor(lambda _: None)
    with pytest.raises(ChildEnded, match="The disk is full"):
        keeper.start([Small(program(tmp_path, "raise SystemExit('write failed: No space left on device')", "part"))])
    keeper.stop()


def test_a_hanging_service_is_killed_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_HEALTH_EVERY_S", 0.2)
    monkeypatch.setattr(supervisor, "_HEALTH_ANSWER_S", 0.2)
    from deploy.embedded.ports import free_ports

    [port] = free_ports(1)
    server = f"""
        import http.server
        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200); self.end_headers()
        http.server.HTTPServer(("127.0.0.1", {port}), Health).serve_forever()
    """
    keeper = Supervisor(lambda _: None)
    keeper.start([ServicePart("web", program(tmp_path, textwrap.dedent(server), "web"), port, patience_s=20)])
    restarted = threading.Event()
    keeper.on_restart = restarted.set
    keeper.watch()
    before = keeper.pids()["web"]
    os.kill(before, signal.SIGSTOP)
    assert restarted.wait(20)
    assert keeper.pids()["web"] != before
    keeper.stop()
