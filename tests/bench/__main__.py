"""`make bench`: the figures of design section 9 for the classifier, beside what others do with the same pings in the same run.

    python -m tests.bench [--out out/bench.json] [--repeat 7] [--public-km 100000] [--tiny]

Prints tables and writes the same as JSON.  Nothing here asserts a time: a slow machine gives slow figures, the ratios stand.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.bench import inputs, report
from tests.bench.inputs import Load
from tests.bench.pinned import child

VALHALLA_S: Final = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"))
    parser.add_argument(
        "--repeat", type=int, default=7, help="measurements of each row; the best and the middle are kept"
    )
    parser.add_argument("--public-km", type=float, default=100_000.0, help="size of the simulated nation")
    parser.add_argument(
        "--tiny", action="store_true", help="one vehicle, a small nation, no Valhalla: seconds, for the tests"
    )
    asked = parser.parse_args()
    work: Path = asked.out.parent / "bench"
    work.mkdir(parents=True, exist_ok=True)
    repeat, public_km = (1, 250.0) if asked.tiny else (asked.repeat, asked.public_km)
    loads = [inputs.sample_load(work, devices=1 if asked.tiny else 24)] + ([] if asked.tiny else inputs.corpus_loads())
    found: dict[str, Any] = {"machine": machine(), "loads": {}}
    for number, load in enumerate(loads):
        found["loads"][load.name] = rows(
            load, work / f"load{number}", repeat, linear=number == 0, others=not asked.tiny
        )
        report.load(load.name, found["loads"][load.name])
    # the corpus' island is closer to a country's roads than the sample's few; without it the sample does
    at = 1 if len(loads) > 1 else 0
    found["national"] = national(loads[at], work, work / f"load{at}", public_km, repeat)
    report.national(found["national"])
    asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"\nall figures: {asked.out}")
    return 0


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    words = [line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cpu": words[0] if words else platform.machine(), "cores": os.cpu_count(), "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
    }  # fmt: skip


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def rows(load: Load, folder: Path, repeat: int, *, linear: bool, others: bool) -> dict[str, Any]:
    """Kernel and baselines over one load, each in a pinned process of its own, one after another."""
    folder.mkdir(parents=True, exist_ok=True)
    pings = folder / "pings.npz"
    inputs.save(pings, load.pings)
    inputs.road_set(load.source, folder / "roads")
    arguments = [str(folder / "roads"), str(pings), str(repeat)]
    found: dict[str, Any] = {"pings": len(load.pings), "devices": len(load.pings.keys)}
    found |= child("tests.bench.kernel", [*arguments, *(["linear"] if linear else [])])
    found |= child("tests.bench.baselines", [str(load.source), str(pings), str(repeat)])
    if others:
        found["valhalla"] = _valhalla(load, folder)
    return found


def _valhalla(load: Load, folder: Path) -> dict[str, Any]:
    """Its rate, or why there is none.  A part of the pings is enough, without what is no position at all."""
    from tests.bench import valhalla

    try:
        prefix = folder.parent / "valhalla"
        version = valhalla.install(prefix)
        part = inputs.shares(load.pings, 8)[0] if len(load.pings) > 200_000 else load.pings
        real = part.take((part.valid != 0) & ((part.lat_e6 != 0) | (part.lng_e6 != 0)))
        inputs.save(folder / "part.npz", real)
        source = str(load.source.resolve())
        asked = [str(prefix.resolve()), source, str((folder / "part.npz").resolve()), str(VALHALLA_S)]
        return {"version": version, **child("tests.bench.valhalla", asked)}
    except (RuntimeError, OSError, ValueError) as error:
        return {"why_not": str(error)}


def national(load: Load, work: Path, folder: Path, public_km: float, repeat: int) -> dict[str, Any]:
    """Build, open and use a nation of this load's roads; and the load itself on it against the load on its region alone."""
    out = work / "nation"
    found: dict[str, Any] = {
        "build": child("tests.bench.national", ["build", str(load.source), str(out), str(public_km)])
    }
    pings = str(folder / "pings.npz")
    for kind in ("library", "service"):
        runs = []
        for _ in range(min(3, repeat)):
            asked = ["use", str(out), pings, str(time.monotonic()), kind]
            runs.append(child("tests.bench.national", asked))
        found[kind] = min(runs, key=lambda run: run["ready_wall_and_cpu_s"]["first_answer"][0])
    moved = folder / "moved.npz"
    child("tests.bench.national", ["move", str(out), pings, str(moved)])
    found["same_pings_region"] = child("tests.bench.kernel", [str(folder / "roads"), pings, str(repeat)])["kernel"]
    found["same_pings_nation"] = child("tests.bench.kernel", [str(out), str(moved), str(repeat)])["kernel"]
    return found


if __name__ == "__main__":
    sys.exit(main())
