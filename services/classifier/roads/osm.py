"""OpenStreetMap PBF and XML → ways, through osmium."""

from array import array
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import osmium
from numpy.typing import NDArray

from services.classifier.roads.tagging import take
from services.classifier.roads.ways import BRIDGE, Row, SourceError, SourceMeta, Ways, columns_of_rows

SUFFIXES: Final = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_WORLD: Final = 1_800_000_000


def read_osm(path: Path, sha256: str) -> Ways:
    """All ways of an OSM file.  Raises SourceError."""
    try:
        return _read(path, sha256)
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"{path.name} cannot be read: {error}") from error


def _read(path: Path, sha256: str) -> Ways:
    rows: list[Row] = []
    newest = 0
    keep = osmium.filter.KeyFilter("highway", "route")
    for way in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations().with_filter(keep):
        if not isinstance(way, osmium.osm.Way):
            continue
        tags = dict(way.tags)
        taken = take(tags)
        if taken is None:
            continue
        points = _points(way)
        if len(points) < 2:
            continue
        newest = max(newest, int(way.timestamp.timestamp()))
        name = " ".join(text for text in (tags.get("ref", ""), tags.get("name", "")) if text)
        lifted = any(tags.get(key, "no") != "no" for key in ("bridge", "tunnel")) or tags.get("layer", "0") != "0"
        rows.append((way.id, taken.kind, round(taken.half_m * 10), BRIDGE * lifted, taken.rule, name, points))
    if not rows:
        raise SourceError(f"{path.name} holds no ways with a highway tag and locations")
    return columns_of_rows(rows, SourceMeta(path.name, sha256, _date(path, newest), "", len(rows), _box(path)))


def _points(way: Any) -> NDArray[np.int32]:
    """(n, 2) latitude and longitude; nodes outside the file and repeated positions are left out.

    osmium holds positions in 1e-7 degrees, and one far outside the world where the node is not in the file."""
    flat = array("i")
    last = None
    for node in way.nodes:
        x, y = node.x, node.y
        place = (y + 5) // 10, (x + 5) // 10
        if place != last and -_WORLD <= x <= _WORLD:
            flat.extend(place)
            last = place
    return np.frombuffer(flat, dtype=np.int32).reshape(-1, 2) if flat else np.empty((0, 2), dtype=np.int32)


def _box(path: Path) -> tuple[int, int, int, int] | None:
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return round(low.lon * 1e6), round(low.lat * 1e6), round(high.lon * 1e6), round(high.lat * 1e6)


def _date(path: Path, newest: int) -> str:
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        stamp = reader.header().get("osmosis_replication_timestamp") or reader.header().get("timestamp")
    if stamp:
        return str(stamp)[:10]
    return datetime.fromtimestamp(newest, tz=UTC).date().isoformat() if newest > 0 else ""
