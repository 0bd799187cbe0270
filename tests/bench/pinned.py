"""A measurement in a process of its own: pinned to one core, every library held to one thread."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
ONE_THREAD: Final = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1")  # fmt: skip


class Timing(NamedTuple):
    """CPU seconds of one call: the best and the middle of several, and how many items it handled."""

    best_s: float
    median_s: float
    items: int

    def row(self, **more: Any) -> dict[str, Any]:
        """As JSON, rates in items a second."""
        return {
            "items": self.items, "best_s": self.best_s, "median_s": self.median_s,
            "per_s_best": self.items / self.best_s, "per_s_median": self.items / self.median_s, **more,
        }  # fmt: skip


def timed(call: Callable[[], object], items: int, repeat: int) -> Timing:
    """Run `call` once to warm up, then `repeat` times.

    CPU time of this process with all its threads: another process on the same core costs nothing but cache."""
    call()
    spans = []
    for _ in range(repeat):
        began = time.process_time()
        call()
        spans.append(time.process_time() - began)
    return Timing(min(spans), median(spans), items)


def child(module: str, arguments: Sequence[str], core: int | None = None, timeout_s: float = 1800.0) -> Any:
    """`python -m MODULE ARGUMENTS` on one core; its last line of output is JSON.  Raises RuntimeError with its last words."""
    pin = max(os.sched_getaffinity(0)) if core is None else core
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.pinned", str(pin), module, *arguments],
        cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    if run.returncode or not run.stdout.strip():
        raise RuntimeError(f"{module} failed: {run.stderr.strip()[-2000:]}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def memory_kb() -> dict[str, int]:
    """Resident memory of this process now: all, its own (anonymous) and mapped from files; `peak` so far."""
    wanted = {"VmRSS": "all", "RssAnon": "anonymous", "RssFile": "file", "VmHWM": "peak"}
    lines = (line.split() for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return {wanted[parts[0][:-1]]: int(parts[1]) for parts in lines if parts and parts[0][:-1] in wanted}


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.execvp(sys.executable, [sys.executable, "-m", *sys.argv[2:]])  # noqa: S606 - affinity stays, arguments are a list
