"""The sample through the very commands a user types: no over-claim against truth beyond what the demo allows."""

import csv
import json
from collections import defaultdict
from datetime import date
from pathlib import Path

from click.testing import CliRunner

from deploy.demo.sample.generate import generate
from services.classifier.cli import classify, roads

OVER_CLAIM_MAX = 0.02
"""Of true off-road kilometres, an excess on one device never paying for a lack on another."""


def test_G3_off_road_is_a_lower_bound_on_the_sample(tmp_path: Path) -> None:
    sample = generate(tmp_path / "sample", date(2026, 11, 18))
    runner = CliRunner()
    built = runner.invoke(
        roads, ["build", str(sample.roads), "--out", str(tmp_path / "roads"), "--coverage", str(sample.coverage)]
    )
    assert built.exit_code == 0, built.output
    segments = tmp_path / "segments.ndjson"
    done = runner.invoke(
        classify, ["--roads", str(tmp_path / "roads"), "--pings", str(sample.stream), "--out", str(segments)]
    )
    assert done.exit_code == 0, done.output
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for line in segments.read_text(encoding="utf-8").splitlines():
        segment = json.loads(line)
        found[segment["device_id"]][segment["surface"]] += segment["distance_m"]
    with sample.truth_devices.open(newline="") as file:
        truth = list(csv.DictReader(file))
    true_off = sum(float(row["off_m"]) for row in truth)
    over = sum(max(0.0, found[row["device_id"]]["off_road"] - float(row["off_m"])) for row in truth)
    assert over <= OVER_CLAIM_MAX * true_off
    for row in truth:
        if row["kind"] == "courier":
            assert found[row["device_id"]]["off_road"] <= 100.0
        if row["device_id"] != "log-7":  # two days without the device, and no odometer to say how far it went
            assert found[row["device_id"]]["off_road"] >= 0.9 * float(row["off_m"])
    afloat = next(row for row in truth if row["device_id"] == "Courier 1")
    assert found["Courier 1"]["carried"] >= 0.8 * float(afloat["carried_m"])
