"""What the bench runs on: pings of the sample fleet at every cadence, its district, and the shared corpus where it is present."""

from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from deploy.demo.sample import district, fleet, osm, receiver
from deploy.demo.sample.receiver import Fixes
from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from shared.contracts.neutral import read_ndjson
from shared.contracts.pings import LAYOUT, Pings, concat, make
from shared.nz_days import to_ordinal

CORPUS: Final = Path(__file__).resolve().parents[3] / "shared" / "corpus"
UNTIL: Final = date(2026, 6, 30)
SEED: Final = 41
CADENCES_S: Final = (1, 60, 5, 30, 10, 15)
TENANT: Final = "bench"


class Load(NamedTuple):
    """Pings with the source file of the roads under them."""

    name: str
    source: Path
    pings: Pings


def sample_load(folder: Path, devices: int = 24) -> Load:
    """The sample fleet's fortnight, each vehicle under several devices of differing cadence and error: seeded, so always the
    same pings.  About 1.0 million fixes for 24 devices, 35 % of them at 1 Hz."""
    area = district.build(fleet.generator(SEED, 0))
    vehicles = fleet.FLEET[:devices]
    driven = [fleet._drive(one, area, to_ordinal(UNTIL), SEED, number) for number, one in enumerate(vehicles)]
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "district.osm"
    osm.write_osm(source, area, fleet.generator(SEED, 4), f"{UNTIL}T00:00:00Z")
    parts = []
    for number in range(devices):
        one = driven[number % len(driven)]
        cadence = CADENCES_S[(number + number // len(driven)) % len(CADENCES_S)]
        device = one.vehicle.device._replace(interval_s=cadence)
        seen = receiver.sample(one.track, device, one.odometer_base_m, fleet.generator(SEED, 9, number))
        parts.append(to_pings(f"{one.vehicle.ref}-{number}-{cadence}s", seen))
    return Load("sample fleet", source, concat(parts))


def to_pings(device: str, fixes: Fixes) -> Pings:
    """The columns that ingest would make of what the device sends."""
    count = len(fixes.ts_ms)

    def scaled(values: np.ndarray, factor: float) -> np.ndarray:
        return np.where(values < 0, -1, np.round(values * factor))

    columns = {name: np.full(count, -1) for name, _ in LAYOUT} | {
        "key": np.zeros(count), "ts_ms": fixes.ts_ms, "lat_e6": fixes.lat_e6, "lng_e6": fixes.lng_e6,
        "speed_mmps": scaled(fixes.speed_dkmh, 1000 / 36), "heading_cdeg": scaled(fixes.heading_deg, 100),
        "accuracy_mm": scaled(fixes.accuracy_dm, 100), "hdop_e2": scaled(fixes.hdop_e1, 10),
        "odometer_mm": scaled(fixes.odometer_m, 1000), "ignition": fixes.ignition, "valid": fixes.valid,
    }  # fmt: skip
    return make([(TENANT, device)], columns)


def corpus_loads() -> list[Load]:
    """Both sets of the shared corpus; none where it is absent."""
    if not CORPUS.is_dir():
        return []
    return [
        Load("iom-days", CORPUS / "roads/isle-of-man.osm.pbf", read_ndjson(CORPUS / "iom-days/pings.ndjson.gz").pings),
        Load("real-public", CORPUS / "real-public/roads.osm.pbf", read_ndjson(CORPUS / "real-public/pings.ndjson.gz").pings),
    ]  # fmt: skip


def road_set(source: Path, folder: Path) -> RoadSet:
    """The data set of a source, built anew."""
    return build([source], folder)


def save(path: Path, pings: Pings) -> None:
    """For a child process: opens in milliseconds, where NDJSON would take seconds."""
    np.savez(path, keys=np.array(pings.keys), **pings.columns())


def load(path: Path) -> Pings:
    """What `save` wrote."""
    with np.load(path) as file:
        return make([(str(a), str(b)) for a, b in file["keys"]], {name: file[name] for name, _ in LAYOUT})


def shares(pings: Pings, parts: int) -> list[Pings]:
    """The first 1/parts, 2/parts, 4/parts ... of the devices' days: each twice the one before, all different pings."""
    day = pings.ts_ms // 86_400_000
    unit = np.unique(np.column_stack((pings.key.astype(np.int64), day)), axis=0, return_inverse=True)[1].ravel()
    luck = np.random.Generator(np.random.PCG64(SEED)).permutation(int(unit.max()) + 1)[unit]
    out, share = [], parts
    while share >= 1:
        out.append(pings.take(luck < (int(unit.max()) + 1) / share))
        share //= 2
    return out
