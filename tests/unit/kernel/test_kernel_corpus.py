"""The figures of design section 9 on the shared corpus, as floors: a change of the scheme may not fall behind them."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from services.classifier.domain.closed import close_day
from services.classifier.domain.device_day import classify_days
from services.classifier.roads.build import build
from shared.contracts.neutral import read_ndjson

pytestmark = pytest.mark.corpus


def surfaces_m(source: Path, pings: Path, out: Path) -> dict[str, dict[str, float]]:
    """Closed metres by device and surface."""
    roads = build([source], out)
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for day in classify_days(read_ndjson(pings).pings, None, roads):
        for part in close_day(day).segments:
            sums[day.key[1]][part.surface] += part.mm / 1000.0
    return sums


def truth(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_over_and_under_claim_on_simulated_days(corpus: Path, tmp_path: Path) -> None:
    days = corpus / "iom-days"
    found = surfaces_m(corpus / "roads" / "isle-of-man.osm.pbf", days / "pings.ndjson.gz", tmp_path)
    groups: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for row in truth(days / "truth.csv"):
        off, true_off = found[row["device_id"]]["off_road"], float(row["off_m"])
        assert off - true_off <= 500.0, row["device_id"]
        step = float(row["interval_s"])
        group = groups["<=15s" if step <= 15 else "<=30s" if step <= 30 else ">30s"]
        for i, value in enumerate((true_off, max(0.0, off - true_off), max(0.0, true_off - off))):
            group[i] += value
        assert sum(found[row["device_id"]].values()) == pytest.approx(float(row["total_m"]), rel=0.06)
    for name, under_max in (("<=15s", 2.5), ("<=30s", 5.0), (">30s", 8.0)):
        true_off, over, under = groups[name]
        assert 100 * over / true_off <= 0.3, name
        assert 100 * under / true_off <= under_max, name


def test_false_off_road_on_real_public_tracks(corpus: Path, tmp_path: Path) -> None:
    tracks = corpus / "real-public"
    found = surfaces_m(tracks / "roads.osm.pbf", tracks / "pings.ndjson.gz", tmp_path)
    off = sum(surfaces["off_road"] for surfaces in found.values())
    total = sum(sum(surfaces.values()) for surfaces in found.values())
    assert len(found) == len(truth(tracks / "truth.csv"))
    assert 100 * off / total <= 0.03
