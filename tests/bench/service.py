"""The claims service as a process of its own, on a database of the bench."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

import httpx

from tests.stack import Database

READY_S: Final = 60.0
NOWHERE: Final = "http://127.0.0.1:9"


class ClaimsService(NamedTuple):
    url: str
    pid: int


@contextmanager
def running_claims(database: Database, now: datetime) -> Iterator[ClaimsService]:
    """`services.claims.main` with the given present; peers are away."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = {name: value for name, value in os.environ.items() if not name.startswith("RUCOR_")}
    peers = {
        "RUCOR_CLASSIFIER_URL": NOWHERE,
        "RUCOR_PDF_URL": NOWHERE,
        "RUCOR_INGEST_URL": NOWHERE,
        "RUCOR_LOG_LEVEL": "ERROR",
    }
    peers["RUCOR_REQUESTS_PER_S_PER_KEY"] = "100000"  # how fast it answers is measured, not how often it may be asked
    told |= database.environment("claims", port=port) | peers
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.service", now.isoformat()], env=told)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url)
        yield ClaimsService(url, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("claims did not become ready")


if __name__ == "__main__":
    from services.claims.settings import ClaimsSettings
    from services.claims.wiring import build
    from shared.runtime import main

    instant_ms = int(datetime.fromisoformat(sys.argv.pop()).timestamp() * 1000)
    main(ClaimsSettings, lambda settings: build(settings, lambda: instant_ms))
