"""A few square kilometres: a public road from west to east, a private track that leaves it to the north, and fields."""

from pathlib import Path

import numpy as np

from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import LAYOUT, NONE, Key, Pings, make
from shared.nz_days import bounds_ms

ROAD_LAT, TRACK_LNG = -40.100, 175.250
WEST, EAST, NORTH = 175.230, 175.270, -40.080
OSM = f"""<?version?>
<osm version="0.6">
  <bounds minlat="-40.12" minlon="175.22" maxlat="-40.07" maxlon="175.28"/>
  <node id="1" version="1" lat="{ROAD_LAT}" lon="{WEST}"/>
  <node id="2" version="1" lat="{ROAD_LAT}" lon="{TRACK_LNG}"/>
  <node id="3" version="1" lat="{ROAD_LAT}" lon="{EAST}"/>
  <node id="4" version="1" lat="{NORTH}" lon="{TRACK_LNG}"/>
  <way id="10" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/>
    <tag k="highway" v="secondary"/><tag k="access" v="<?access?>"/><tag k="name" v="Valley Road"/></way>
  <way id="11" version="1"><nd ref="2"/><nd ref="4"/>
    <tag k="highway" v="track"/><tag k="access" v="private"/><tag k="name" v="Woolshed Track"/></way>
</osm>
""".replace("<?version?>", '<?xml version="1.0" encoding="UTF-8"?>')


def build_district(
    folder: Path, *, access: str = "yes", valid_from: str = "2026-01-01", supersedes: str = ""
) -> RoadSet:
    """The district's road data set, built by the real builder; `access` is that of the road."""
    source = folder / "district.osm"
    source.write_text(OSM.replace("<?access?>", access))
    made = build([source], folder / "roads", None, "2026-01-01", valid_from, supersedes)
    return RoadSet.open(made.path)


def drive(key: Key, start_ms: int, count: int, *, every_ms: int = 20_000, along: float = 0.0) -> Pings:
    """Fixes of a device that goes east on the road at 15 m/s, then north on the track, from share `along` of the way."""
    step = np.arange(count) * every_ms * 15 / 1_000  # metres
    metres = along * 4_000 + step
    on_road = metres < 1_700
    lng = np.where(on_road, WEST + metres / 85_300, TRACK_LNG)
    lat = np.where(on_road, ROAD_LAT, np.minimum(ROAD_LAT + (metres - 1_700) / 111_000, NORTH))
    columns = {name: np.full(count, NONE) for name, _ in LAYOUT} | {
        "key": np.zeros(count),
        "ts_ms": start_ms + np.arange(count) * every_ms,
        "lat_e6": np.rint(lat * 1e6),
        "lng_e6": np.rint(lng * 1e6),
        "speed_mmps": np.full(count, 15_000),
        "odometer_mm": 1_000_000 + np.rint(step * 1_000),
        "ignition": np.ones(count),
        "received_ms": start_ms + np.arange(count) * every_ms + 1_000,
    }
    return make([key], columns)


def across_midnight(key: Key, day: int, count: int = 24) -> Pings:
    """A drive of which half lies in NZ day `day` and half in the next."""
    return drive(key, bounds_ms(day)[1] - count // 2 * 20_000 + 7_000, count)
