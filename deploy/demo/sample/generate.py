"""`generate`: the whole sample into a folder; the same bytes for the same seed and last day."""

import gzip
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from deploy.demo.sample import delivery, district, fleet, osm, situations, truth
from deploy.demo.sample.district import District
from deploy.demo.sample.fleet import Driven
from deploy.demo.sample.vehicles import DAYS
from shared.nz_days import bounds_ms, day_of, from_ordinal, to_ordinal

SEED: Final = 1
LATE_WINDOW_MS: Final = 72 * 3_600_000
"""Design section 4: what is older than this can be lodged."""
MAP_AGE: Final = timedelta(days=60)
VERSION: Final = 1
"""Raise when the same seed no longer gives the same bytes."""
PERSON: Final = "M Harrow"
TENANT: Final = "Sample fleet"
MADE: Final = "sample.json"


@dataclass(frozen=True)
class Sample:
    """Where everything lies."""

    folder: Path
    until: date
    seed: int
    pings: int

    @property
    def roads(self) -> Path:
        return self.folder / "district.osm"

    @property
    def coverage(self) -> Path:
        return self.folder / "coverage.geojson"

    @property
    def stream(self) -> Path:
        return self.folder / "pings.ndjson.gz"

    @property
    def register(self) -> Path:
        return self.folder / "register.json"

    @property
    def truth_devices(self) -> Path:
        return self.folder / "truth_devices.csv"


def default_until(now_ms: int) -> date:
    """The last NZ day that lies wholly before the late window."""
    return from_ordinal(day_of(now_ms - LATE_WINDOW_MS) - 1)


def made_before(folder: Path) -> tuple[date, int] | None:
    """(until, seed) of the sample that is in the folder, so that a second run makes the same one."""
    try:
        found = json.loads((folder / MADE).read_text(encoding="utf-8"))
        return date.fromisoformat(found["until"]), int(found["seed"])
    except (OSError, ValueError, KeyError):
        return None


@dataclass(frozen=True)
class Fortnight:
    """The movement itself, in memory."""

    until: date
    seed: int
    area: District
    driven: list[Driven]

    @property
    def last_day(self) -> int:
        """NZ day ordinal."""
        return to_ordinal(self.until)

    @property
    def first_day(self) -> int:
        return self.last_day - DAYS + 1


def drive(until: date, seed: int = SEED) -> Fortnight:
    """District and fleet of this seed, driven through the fortnight."""
    area = district.build(fleet.generator(seed, 0))
    return Fortnight(until, seed, area, fleet.drive_all(area, to_ordinal(until), seed))


def generate(folder: Path, until: date, seed: int = SEED) -> Sample:
    """District, pings, truth and register into `folder`, which is made where it is missing."""
    return write(folder, drive(until, seed))


def write(folder: Path, made: Fortnight) -> Sample:
    """All files of one fortnight."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = delivery.stream(made.driven, made.first_day, made.seed)
    table = truth.rows(made.driven, made.first_day)
    sample = Sample(folder, made.until, made.seed, len(frame))
    osm.write_osm(sample.roads, made.area, fleet.generator(made.seed, 4), f"{made.until - MAP_AGE}T00:00:00Z")
    osm.write_coverage(sample.coverage)
    _write_gzip(sample.stream, delivery.lines(frame))
    _write(folder / "truth.csv", truth.by_day_csv(table))
    _write(sample.truth_devices, truth.by_device_csv(table))
    _write(sample.register, _register(made, sample))
    note = {"until": str(made.until), "seed": made.seed, "pings": len(frame), "version": VERSION}
    _write(folder / MADE, json.dumps(note) + "\n")
    return sample


def _register(made: Fortnight, sample: Sample) -> str:
    by_ref = {one.vehicle.ref: one for one in made.driven}
    start, end = bounds_ms(made.first_day)[0], bounds_ms(made.last_day)[1]
    filled = situations.fill(by_ref, made.first_day, float(start), float(end))
    body = {
        "tenant": f"{TENANT} {sample.until} seed {sample.seed}",
        "until": str(sample.until),
        "seed": sample.seed,
        "person_completing": PERSON,
        "posts": filled.posts,
        "expect": [row.as_json() for row in filled.rows],
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_gzip(path: Path, data: bytes) -> None:
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
        packed.write(data)
