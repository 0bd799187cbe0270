"""The bench runs to its end on a tiny input; its figures are never asserted."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.classifier.domain.cells import chord_m
from services.classifier.roads.warm import tiny_ways
from tests.bench.nation import kilometres, simulate_nation

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(300)
def test_bench_runs_on_a_tiny_input(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--tiny", "--out", str(out)],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(out.read_text("utf-8"))
    sample = found["loads"]["sample fleet"]
    for row in ("kernel", "lattice", "polars_h3", "strtree"):
        assert sample[row]["items"] == sample["pings"], row
    pings = [row["items"] for row in sample["linear"]]
    assert pings == sorted(pings) and pings[-1] == sample["pings"]
    assert {"gather", "cut_legs", "rest"} <= set(sample["kernel"]["parts_ns"])
    assert found["national"]["build"]["public_km"] >= 250
    assert found["national"]["service"]["tiles_touched"] == found["national"]["build"]["tiles"] > 1
    assert "resident" in run.stdout and "x STRtree" in run.stdout


def test_a_simulated_nation_keeps_lengths_and_parts() -> None:
    region = tiny_ways()
    nation = simulate_nation(region, public_km=7.5 * kilometres(region))
    assert len(nation.tiles) == 8
    assert kilometres(nation.ways) == pytest.approx(8 * kilometres(region), rel=0.003)
    assert len(np.unique(nation.ways.way_id)) == len(nation.ways.kind) == 16
    middles = {(tile.to_lat_e6, tile.to_lng_e6) for tile in nation.tiles}
    apart = [chord_m(*one, *other) for one in middles for other in middles if one != other]
    assert min(apart) > 6000
