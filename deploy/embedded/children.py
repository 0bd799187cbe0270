"""Child processes of the supervisor: started in a group of their own, tied to the parent's life, logged to a file."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import psutil

_LAUNCHER: Final = Path(__file__).with_name("launch.py")
LOG_BYTES_MAX: Final = 16 * 1024 * 1024
TAIL_LINES: Final = 30
NO_OUTPUT: Final = "(it wrote nothing)"
LEFTOVER_GRACE_S: Final = 20.0
_START_TIME_TOLERANCE_S: Final = 2.0
# What a child may inherit; everything that could change a JVM, libpq or Python behind our back stays outside.
_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TERM", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")

# The kernel sends the death signal when the thread that forked ends, so one thread that lives as long as the process forks.
_SPAWNER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rucor-spawn")


@dataclass(frozen=True)
class Account:
    """The system user a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Spec:
    """How to start one child.  `stop_signal` asks it to end cleanly; the kernel sends the same when the parent dies."""

    name: str
    argv: Sequence[str]
    cwd: Path
    log: Path
    record: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_s: float = 20.0
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None


def base_environment() -> dict[str, str]:
    """The part of our own environment that children see."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


class Child:
    """One running process.  Its record (pid and start time) lies in a file until it has ended."""

    def __init__(self, spec: Spec, process: subprocess.Popen[bytes], log_start: int) -> None:
        self.spec = spec
        self._process = process
        self._log_start = log_start

    @classmethod
    def start(cls, spec: Spec) -> "Child":
        """Start it.  OSError where the program cannot be run at all."""
        return _SPAWNER.submit(cls._start, spec).result()

    @classmethod
    def _start(cls, spec: Spec) -> "Child":
        uid, gid = (spec.account.uid, spec.account.gid) if spec.account else (-1, -1)
        command = [
            sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(spec.stop_signal)), str(uid), str(gid),
            *spec.argv,
        ]  # fmt: skip
        with _open_log(spec.log) as log:
            log_start = log.tell()
            process = subprocess.Popen(
                command,
                cwd=spec.cwd,
                env={**base_environment(), **spec.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        write_private(spec.record, json.dumps({"pid": process.pid, "started": _start_time(process.pid)}))
        return cls(spec, process, log_start)

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """The exit code (negative: the signal that ended it), None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to end, wait, then end its whole group."""
        if self.exit_code() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, self.spec.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.spec.stop_grace_s)
        self.kill()

    def kill(self) -> None:
        """End its process group at once and forget its record."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self.spec.record.unlink(missing_ok=True)

    def tail(self) -> str:
        """The last lines it has written since this start."""
        return tail(self.spec.log, self._log_start)


def end_leftover(record: Path, stop_signal: signal.Signals, say: Callable[[str], None]) -> None:
    """End what an earlier supervisor left behind, recognised by pid *and* start time: pids are reused, files lie."""
    process = recorded_process(record)
    if process is not None:
        say(f"An earlier {record.name.split('.')[0]} (pid {process.pid}) is still ending; waiting for it")
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(LEFTOVER_GRACE_S)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.kill()
                process.wait(5)
    record.unlink(missing_ok=True)


def recorded_process(record: Path) -> psutil.Process | None:
    """The living process a record speaks of; None where it has ended, or another process has its pid now."""
    try:
        entry = json.loads(record.read_text())
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - float(entry["started"])) < _START_TIME_TOLERANCE_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, psutil.Error):
        return None


def run_tool(
    argv: Sequence[str],
    *,
    cwd: Path,
    account: Account | None = None,
    timeout_s: float = 120.0,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a short-lived program to its end and give its output (also of a failure: subprocess.CalledProcessError)."""
    finished = subprocess.run(
        argv,
        cwd=cwd,
        env={**base_environment(), **(env or {})},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
    )
    return finished.stdout


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner reads (0600), whole or not at all, safe on disk when this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def tail(log: Path, start: int = 0, lines: int = TAIL_LINES) -> str:
    """The last `lines` lines of a log from byte `start` on."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start, size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or NO_OUTPUT


def _open_log(path: Path) -> BinaryIO:
    """Open for appending, 0600; a log that has grown large becomes `<name>.1` first."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _start_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:  # it has ended already: no process will ever match
        return 0.0
