"""Running `rucor demo` as a user does: a process on its own data folder, its output read, its processes known."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TOTALS = re.compile(r"claims: (\d+) · licences: (\d+) · totals ([0-9a-f]{16})")
DEMO_TIMEOUT_S = 420


@dataclass(frozen=True)
class DemoEnd:
    code: int
    output: str

    @property
    def totals(self) -> tuple[int, int, str]:
        """(claims, licences, digest of every licence's millimetres)."""
        found = TOTALS.search(self.output)
        assert found is not None, f"the demo printed no totals:\n{self.output[-4000:]}"
        return int(found[1]), int(found[2]), found[3]


class DemoRun:
    """One `rucor demo` under way."""

    def __init__(self, data: Path, out: Path, *arguments: str) -> None:
        self.data = data
        self._log = data.parent / f"{data.name}-demo.log"
        command = str(Path(sys.executable).parent / "rucor")
        environment = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"} | {"COLUMNS": "200"}
        self._stream = self._log.open("wb")
        self.process = subprocess.Popen(
            [command, "demo", "--data-dir", str(data), "--out", str(out), "--port-base", "0", *arguments],
            stdout=self._stream, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, timeout_s: float = DEMO_TIMEOUT_S) -> None:
        give_up = time.monotonic() + timeout_s
        while text not in self.output:
            assert self.process.poll() is None, f"the demo ended before {text!r}:\n{self.output[-4000:]}"
            assert time.monotonic() < give_up, f"no {text!r} within {timeout_s} s:\n{self.output[-4000:]}"
            time.sleep(0.1)

    def pids(self) -> dict[str, int]:
        """The stack's processes of this moment."""
        for _ in range(50):
            try:
                found: dict[str, int] = json.loads((self.data / "stack.json").read_text())["pids"]
            except (FileNotFoundError, ValueError):
                time.sleep(0.1)
            else:
                return found
        raise AssertionError("the stack wrote no stack.json")

    def kill(self, name: str) -> None:
        os.kill(self.pids()[name], signal.SIGKILL)

    def end(self) -> DemoEnd:
        try:
            code = self.process.wait(DEMO_TIMEOUT_S)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGTERM)
                self.process.wait(60)
            self._stream.close()
        return DemoEnd(code, self.output)
