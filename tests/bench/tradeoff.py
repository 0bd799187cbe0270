"""The scheme's accuracy on the shared corpus, and what its constants trade: the tables of docs/scheme/1.md.

    python -m tests.bench.tradeoff [NAME=VALUE[,NAME=VALUE] ...]     constants of the scheme to try besides the published curve

Over- and under-claim are counted device by device, as the corpus' own score does, after closing on the devices' odometers.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.classifier.domain.closed import close_day
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.scheme import V1, Scheme
from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from shared.contracts.neutral import read_ndjson
from shared.contracts.pings import Pings
from tests.bench.inputs import CORPUS

GROUPS: Final = ("<= 15 s", "15-30 s", "60 s")
LIMITS: Final = ((0.3, 2.5), (0.3, 5.0), (0.3, 100.0))
"""Design section 9: over- and under-claim, per cent."""
CURVE: Final = tuple({"claim_margin": m} for m in (0.3, 0.6, 1.0, 2.0, 4.0)) + tuple({"shave": s} for s in (0.01, 0.02))
DRAWS: Final = 4000


class Device(NamedTuple):
    device_id: str
    interval_s: float
    off_m: float


def main() -> None:
    asked = [dict(pair.split("=") for pair in one.split(",")) for one in sys.argv[1:]]
    tries = [{name: float(value) for name, value in one.items()} for one in asked] or list(CURVE)
    with TemporaryDirectory() as folder:
        days = build([CORPUS / "roads/isle-of-man.osm.pbf"], Path(folder) / "iom")
        tracks = build([CORPUS / "real-public/roads.osm.pbf"], Path(folder) / "real")
        fleet = read_ndjson(CORPUS / "iom-days/pings.ndjson.gz").pings
        public = read_ndjson(CORPUS / "real-public/pings.ndjson.gz").pings
        devices = read_truth(CORPUS / "iom-days/truth.csv")
        print("simulated days; intervals hold 95 of 100 draws of as many devices")
        table(devices, off_m(fleet, days, V1))
        print(f"real public tracks: {false_share(public, tracks, V1):.4f} % of distance called off road")
        print("\ntrade-off: over / under, % by group; largest over-claim of a device; real tracks called off road")
        for one in tries:
            scheme = V1._replace(**one)
            found = errors(devices, off_m(fleet, days, scheme))
            words = ", ".join(f"{name} {value:g}" for name, value in one.items())
            cells = "   ".join(f"{over:.2f} / {under:.2f}" for over, under in (share(found[g]) for g in GROUPS))
            worst = max(float(rows[:, 1].max()) for rows in found.values())
            print(f"{words:40} {cells}   {worst:4.0f} m   {false_share(public, tracks, scheme):.4f} %", flush=True)
        print("\nlength against the true one, % by cadence: sum of chords, Doppler only, the scheme")
        lengths(fleet, days)


def read_truth(path: Path) -> list[Device]:
    with path.open() as file:
        return [Device(row["device_id"], float(row["interval_s"]), float(row["off_m"])) for row in csv.DictReader(file)]


def off_m(pings: Pings, roads: RoadSet, scheme: Scheme) -> dict[str, float]:
    """Closed off-road metres of each device."""
    sums: dict[str, float] = defaultdict(float)
    for day in classify_days(pings, None, roads, scheme):
        sums[day.key[1]] += sum(part.mm for part in close_day(day).segments if part.surface == "off_road") / 1000.0
    return sums


def false_share(pings: Pings, roads: RoadSet, scheme: Scheme) -> float:
    """Per cent of the distance of tracks on public roads that is called off road."""
    parts = [part for day in classify_days(pings, None, roads, scheme) for part in close_day(day).segments]
    return 100.0 * sum(part.mm for part in parts if part.surface == "off_road") / sum(part.mm for part in parts)


def errors(devices: list[Device], found: dict[str, float]) -> dict[str, NDArray[np.float64]]:
    """By group, a row a device: true off-road metres, over-claim, under-claim."""
    rows: dict[str, list[tuple[float, float, float]]] = {group: [] for group in GROUPS}
    for device in devices:
        group = GROUPS[0 if device.interval_s <= 15 else 1 if device.interval_s <= 30 else 2]
        difference = found[device.device_id] - device.off_m
        rows[group].append((device.off_m, max(0.0, difference), max(0.0, -difference)))
    return {group: np.array(one) for group, one in rows.items()}


def share(rows: NDArray[np.float64]) -> tuple[float, float]:
    """Over- and under-claim in per cent of true off-road metres."""
    true, over, under = rows.sum(axis=0)
    return 100.0 * over / true, 100.0 * under / true


def table(devices: list[Device], found: dict[str, float]) -> None:
    """The published table, with bootstrap intervals: few devices carry most of either error."""
    rng = np.random.Generator(np.random.PCG64(1))
    for (group, rows), limit in zip(errors(devices, found).items(), LIMITS, strict=True):
        drawn = rows[rng.integers(0, len(rows), (DRAWS, len(rows)))].sum(axis=1)
        drawn = drawn[drawn[:, 0] > 0]
        spread = 100.0 * drawn[:, 1:] / drawn[:, :1]
        low, high = np.percentile(spread, [2.5, 97.5], axis=0)
        over, under = share(rows)
        beyond = (spread > np.array(limit)).mean(axis=0)
        print(
            f"{group:8} {len(rows):3} devices, {rows[:, 0].sum() / 1000:.0f} km off road: over {over:.2f} % ({low[0]:.2f}-{high[0]:.2f}), "
            f"under {under:.2f} % ({low[1]:.2f}-{high[1]:.2f}); draws beyond the limit {100 * beyond[0]:.0f} % and {100 * beyond[1]:.0f} %; "
            f"largest over-claim {rows[:, 1].max():.0f} m"
        )


def lengths(pings: Pings, roads: RoadSet) -> None:
    """Paragraph 24: metres between fixes at most the gap limit apart, not yet closed, over the truth of the same stretches."""
    truth = pl.read_csv(CORPUS / "iom-days/ping_truth.csv.gz").with_columns(
        ms=pl.col("ts").str.to_datetime(time_unit="ms", time_zone="UTC", strict=False).dt.epoch("ms")
    )
    odometer = {
        str(name[0]): (rows["ms"].to_numpy(), rows["true_odo_m"].to_numpy())
        for name, rows in truth.unique(["device_id", "ms"]).sort("ms").group_by("device_id", maintain_order=True)
    }
    intervals = {one.device_id: one.interval_s for one in read_truth(CORPUS / "iom-days/truth.csv")}
    sums: dict[float, list[float]] = defaultdict(lambda: [0.0] * 4)
    for column, scheme in ((2, V1._replace(arc_share_max=0.0)), (3, V1)):
        for day in classify_days(pings, None, roads, scheme):
            ms, metres = odometer[day.key[1]]
            row = sums[intervals[day.key[1]]]
            for part in day.segments:
                if part.kind != "drive":
                    continue
                row[column] += part.mm / 1000.0
                if column == 3:
                    a, b = np.searchsorted(ms, (part.start_ms, part.end_ms))
                    row[0] += float(metres[min(b, len(ms) - 1)] - metres[a])
    for number, key in enumerate(pings.keys):
        rows = np.flatnonzero((pings.key == number) & (pings.valid != 0))
        rows = rows[np.argsort(pings.ts_ms[rows], kind="stable")]
        lat, lng = pings.lat_e6[rows] * 0.11132, pings.lng_e6[rows] * 0.11132
        step = np.hypot(np.diff(lat), np.diff(lng) * np.cos(np.radians(pings.lat_e6[rows][1:] * 1e-6)))
        near = (np.diff(pings.ts_ms[rows]) <= V1.gap_limit_ms) & (step < 60.0 * np.diff(pings.ts_ms[rows]) / 1000.0)
        sums[intervals[key[1]]][1] += float(step[near].sum())
    for interval, (true, *seen) in sorted(sums.items()):
        print(f"{interval:4.0f} s  " + "  ".join(f"{100 * (one / true - 1):+6.1f}" for one in seen))


if __name__ == "__main__":
    main()
