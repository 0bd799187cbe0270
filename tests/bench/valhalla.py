"""Child: Valhalla's map matcher (`trace_attributes`) over the same pings on the same roads, by its own service on one core.

    python -m tests.bench.valhalla PREFIX SOURCE PINGS.npz SECONDS        PREFIX: where `install` put the wheel

The wheel carries Valhalla's programs besides the Python binding; only these are used, so that the Python version (the binding
asks for 3.12) does not matter.  CPU time is the service's own: JSON in and out is Valhalla's price, the client's is not counted.
"""

import http.client
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import osmium

from shared.contracts.pings import Pings
from tests.bench import inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 500
"""Fixes in one request: one without any road near it is refused whole."""
FAR_M: Final = 5_000_000.0
ANSWER: Final = ("edge.way_id", "matched.edge_index", "matched.type", "matched.distance_from_trace_point")
READY_S: Final = 20.0


def install(prefix: Path) -> str:
    """The newest wheel for this platform into `prefix`; returns its version.  Raises RuntimeError with pip's last words."""
    if not list(prefix.glob("pyvalhalla-*.dist-info")):
        run = subprocess.run(
            [
                sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", "--no-deps", "--target", str(prefix),
                "--only-binary", ":all:", "--python-version", "3.12", "--implementation", "cp", "--abi", "abi3",
                *[part for tag in _platforms() for part in ("--platform", tag)], "pyvalhalla",
            ],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(f"pyvalhalla's wheel does not install: {run.stderr.strip()[-500:]}")
    found = sorted(prefix.glob("pyvalhalla-*.dist-info"))
    if not found or not (prefix / "valhalla/bin/valhalla_build_tiles").is_file():
        raise RuntimeError("pyvalhalla's wheel carries no valhalla_build_tiles: nothing to make routing tiles with")
    return found[-1].name.removesuffix(".dist-info").split("-")[1]


def _platforms() -> list[str]:
    machine = os.uname().machine
    return [f"manylinux_2_{minor}_{machine}" for minor in (28, 27, 17)]


def config(prefix: Path, folder: Path, port: int) -> Path:
    """The service's settings: the wheel's defaults, tiles and sockets in `folder`, one cache large enough for all tiles."""
    package = ModuleType("valhalla")
    package.__path__ = [str(prefix / "valhalla")]
    sys.modules["valhalla"] = package  # its __init__ loads the binding; the settings do not need it
    tiles = folder / "tiles"
    tiles.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = importlib.import_module("valhalla.config").get_config("", str(tiles), verbose=False)
    settings["httpd"]["service"]["listen"] = f"tcp://127.0.0.1:{port}"
    settings["service_limits"]["trace"]["max_distance"] = settings["service_limits"]["auto"]["max_distance"] = FAR_M
    path = folder / "valhalla.json"
    path.write_text(json.dumps(settings), "utf-8")
    return path


def build_tiles(prefix: Path, settings: Path, source: Path) -> None:
    """Routing tiles of an OSM file; XML is turned into PBF first, which is all that Valhalla reads."""
    pbf = source
    if source.suffix == ".osm":
        pbf = settings.parent / "source.osm.pbf"
        pbf.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(pbf)) as writer:
            for one in osmium.FileProcessor(str(source)):
                writer.add(one)
    run = subprocess.run(
        [str(prefix / "valhalla/bin/valhalla_build_tiles"), "-c", str(settings), "-j", "1", str(pbf)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if run.returncode or not list((settings.parent / "tiles").rglob("*.gph")):
        raise RuntimeError(f"valhalla_build_tiles made no tiles: {(run.stderr or run.stdout).strip()[-500:]}")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def service(prefix: Path, settings: Path, port: int) -> "Iterator[int]":
    """The running service's pid; it inherits this process's core."""
    command = [str(prefix / "valhalla/bin/valhalla_service"), str(settings), "1"]
    with (settings.parent / "service.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1.0).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("valhalla_service did not come up: see service.log") from None
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bodies(pings: Pings) -> list[tuple[int, bytes]]:
    """(fixes, request): each device's fixes in order of time, cut into chunks."""
    out = []
    order = np.lexsort((pings.ts_ms, pings.key))
    edges = np.flatnonzero(np.diff(pings.key[order].astype(np.int64))) + 1
    for rows in np.split(order, edges):
        for first in range(0, len(rows), CHUNK):
            part = rows[first : first + CHUNK]
            if len(part) < 2:
                continue
            shape = [
                {"lat": lat, "lon": lng}
                for lat, lng in zip(
                    (pings.lat_e6[part] * 1e-6).tolist(), (pings.lng_e6[part] * 1e-6).tolist(), strict=True
                )
            ]
            asked = {
                "shape": shape, "costing": "auto", "shape_match": "map_snap",
                "filters": {"attributes": ANSWER, "action": "include"},
            }  # fmt: skip
            out.append((len(part), json.dumps(asked).encode()))
    return out


def match(port: int, pid: int, requests: list[tuple[int, bytes]], seconds: float) -> dict[str, Any]:
    """All requests again and again for at least `seconds` of CPU; refused ones (no road near) count neither time nor fixes."""
    taken, spent, rounds = 0, 0.0, 0
    refused: Counter[str] = Counter()
    while spent < seconds and rounds < 50:
        for count, body in requests:
            before = _cpu_s(pid)
            refusal = _post(port, body)
            if refusal:
                refused[refusal] += count
            else:
                taken, spent = taken + count, spent + _cpu_s(pid) - before
        rounds += 1
    total = taken + sum(refused.values())
    return {
        "items": taken, "refused_share": {why: round(n / total, 3) for why, n in refused.items()},
        "best_s": spent, "per_s_best": taken / spent, "per_s_median": taken / spent,
    }  # fmt: skip


def _post(port: int, body: bytes) -> str:
    """Why the request was refused, "" where it was not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", "/trace_attributes", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return "" if answer.status == 200 else str(json.loads(text)["error"])
    finally:
        connection.close()


def _cpu_s(pid: int) -> float:
    """CPU seconds of all threads, to the nanosecond."""
    total = sum(int(one.read_text("ascii").split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return total * 1e-9


def run(prefix: Path, source: Path, pings: Pings, seconds: float) -> dict[str, Any]:
    folder = prefix.parent / "valhalla-run"
    port = free_port()
    settings = config(prefix, folder, port)
    build_tiles(prefix, settings, source)
    with service(prefix, settings, port) as pid:
        return match(port, pid, bodies(pings), seconds)


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]), inputs.load(Path(sys.argv[3])), float(sys.argv[4]))))
