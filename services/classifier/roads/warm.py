"""Compile every kernel ahead of use: `python -m services.classifier.roads.warm` (part of `make setup`).

Runs the builder and the scheme once on a road of two points, which fills the cache on disk (domain.compiled).
Later processes load machine code in a second instead of compiling for a minute."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from services.classifier.domain.device_day import classify_days
from services.classifier.roads import trust
from services.classifier.roads.build import Wishes, columns_of, meta_of
from services.classifier.roads.dataset import RoadSet, write
from services.classifier.roads.ways import SourceMeta, Ways, join
from shared.contracts.pings import LAYOUT, make


def tiny_ways() -> Ways:
    """A public road with a private way off its middle."""
    return Ways(
        lat_e6=np.array([-41_000_000, -41_000_000, -41_000_000, -41_001_000], dtype=np.int32),
        lng_e6=np.array([175_000_000, 175_010_000, 175_010_000, 175_010_000], dtype=np.int32),
        first=np.array([0, 2, 4], dtype=np.int32),
        way_id=np.array([1, 2], dtype=np.int64),
        kind=np.array([1, 2], dtype=np.uint8),
        half_dm=np.array([50, 30], dtype=np.uint16),
        flags=np.zeros(2, dtype=np.uint8),
        rule=np.zeros(2, dtype=np.int32),
        name=np.zeros(2, dtype=np.int32),
        source=np.zeros(2, dtype=np.uint8),
        texts=("",),
        sources=(
            SourceMeta("warm", "", "2026-01-01", "warm", 2, (174_900_000, -41_100_000, 175_100_000, -40_900_000)),
        ),
    )


def warm() -> None:
    """Compile, or load from the cache, everything that `roads build`, `classify` and the classifier run."""
    ways = trust.settle(join([tiny_ways(), tiny_ways()]), ()).ways
    with TemporaryDirectory() as folder:
        columns, covered = columns_of(ways, None)
        road_set = RoadSet.open(write(Path(folder), columns, meta_of(ways, columns, covered, Wishes())))
        rows = 4
        column = {name: np.full(rows, -1) for name, _ in LAYOUT}
        column |= {
            "key": np.zeros(rows),
            "ts_ms": np.arange(rows) * 10_000 + 1_772_474_400_000,
            "lat_e6": np.full(rows, -41_000_000),
            "lng_e6": 175_000_000 + np.arange(rows) * 1000,
        }
        classify_days(make([("warm", "warm")], column), None, road_set)


if __name__ == "__main__":
    warm()
    sys.stdout.write("kernels are compiled\n")
