"""Child: a national road set: building it, then opening it in a fresh process and classifying all over the country.

    python -m tests.bench.national build SOURCE OUT PUBLIC_KM        → time, peak memory, size, the tiles
    python -m tests.bench.national move OUT PINGS.npz TO.npz         → the pings on one tile in the middle of the nation
    python -m tests.bench.national use OUT PINGS.npz STARTED KIND    → ready time, memory after opening and after a load

STARTED is the parent's monotonic clock just before the child began; KIND `service` also imports what the classifier service does.
Memory is told apart: anonymous (the process's own), and file-backed (mapped columns and libraries, which the system may drop).
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

BATCH: Final = 20_000
"""Pings of one call, a busy second of the consumer; each falls on another tile, until all of the nation has been driven on."""


def build(source: Path, out: Path, public_km: float) -> dict[str, Any]:
    from services.classifier.roads import dataset
    from services.classifier.roads.build import Wishes, columns_of, meta_of
    from services.classifier.roads.sources import read
    from tests.bench.nation import simulate_nation
    from tests.bench.pinned import memory_kb

    nation = simulate_nation(read(source).ways, public_km)
    before, began = memory_kb(), time.monotonic()
    columns, covered = columns_of(nation.ways, None)
    meta = meta_of(nation.ways, columns, covered, Wishes(date="2026-01-01"))
    folder = dataset.write(out, columns, meta)
    (out / "tiles.json").write_text(json.dumps(nation.tiles), "utf-8")
    return {
        "tiles": len(nation.tiles), "public_km": meta.public_km, "private_km": meta.private_km, "ways": meta.ways,
        "fine_cells": meta.fine_cells, "build_s": time.monotonic() - began, "peak_mb": memory_kb()["peak"] / 1024,
        "ways_in_memory_mb": before["all"] / 1024,
        "size_mb": sum(one.stat().st_size for one in folder.iterdir()) / 1e6,
    }  # fmt: skip


def use(out: Path, pings_file: Path, started: float, kind: str) -> dict[str, Any]:
    steps: dict[str, list[float]] = {}

    def step(name: str) -> None:
        steps[name] = [round(time.monotonic() - started, 3), round(time.process_time(), 3)]

    step("python")
    if kind == "service":
        import_module("services.classifier.wiring")
    from services.classifier.domain.device_day import classify_days
    from services.classifier.roads.dataset import RoadSet

    step("imports")
    roads = RoadSet.open(out)
    step("open")
    classify_days(_one_leg(roads), None, roads)
    step("first_answer")
    import numpy as np

    from services.classifier.resident import hand_back
    from services.classifier.settings import ClassifierSettings
    from tests.bench import inputs
    from tests.bench.nation import Tile
    from tests.bench.pinned import memory_kb

    opened = memory_kb()
    tiles = [Tile(*one) for one in json.loads((out / "tiles.json").read_text("utf-8"))]
    pings = inputs.load(pings_file)
    count, spent, most = 0, 0.0, opened["all"]
    budget_mb = ClassifierSettings.model_fields["roads_resident_mb"].default if kind == "service" else float("inf")
    rng = np.random.Generator(np.random.PCG64(1))
    for number in rng.permutation(len(tiles)).tolist():
        rows = np.arange(number * BATCH, (number + 1) * BATCH) % len(pings)
        batch = tiles[number].move_pings(pings.take(np.unique(rows)), f"tile{number}")
        began = time.process_time()
        classify_days(batch, None, roads)
        most = max(most, memory_kb()["all"])
        hand_back([roads], budget_mb)  # as the service does after a kernel call
        spent, count = spent + time.process_time() - began, count + len(batch)
    return {
        "ready_wall_and_cpu_s": steps, "memory_open_kb": opened, "memory_loaded_kb": memory_kb(), "pings": count,
        "tiles_touched": len(tiles), "per_s": count / spent, "memory_most_kb": most,
    }  # fmt: skip


def move(out: Path, pings_file: Path, to: Path) -> dict[str, Any]:
    from tests.bench import inputs
    from tests.bench.nation import Tile

    tiles = json.loads((out / "tiles.json").read_text("utf-8"))
    tile = Tile(*tiles[len(tiles) // 2])
    inputs.save(to, tile.move_pings(inputs.load(pings_file), "moved"))
    return {"tile": len(tiles) // 2}


def _one_leg(roads: Any) -> Any:
    import numpy as np

    from shared.contracts.pings import LAYOUT, make

    columns = {name: np.full(2, -1) for name, _ in LAYOUT} | {
        "key": np.zeros(2), "ts_ms": np.array([0, 10_000]) + 1_772_474_400_000,
        "lat_e6": roads.roads.lat_e6[:1].repeat(2), "lng_e6": roads.roads.lng_e6[:1].repeat(2),
    }  # fmt: skip
    return make([("t", "d")], columns)


if __name__ == "__main__":
    if sys.argv[1] == "build":
        print(json.dumps(build(Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))))
    elif sys.argv[1] == "move":
        print(json.dumps(move(Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))))
    else:
        print(json.dumps(use(Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]), sys.argv[5])))
