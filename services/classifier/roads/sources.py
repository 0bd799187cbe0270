"""Road sources → ways as columns.  OpenStreetMap PBF and XML, through osmium."""

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import osmium
from numpy.typing import NDArray

from services.classifier.roads.tagging import take

SUFFIXES: Final = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_WORLD: Final = 1_800_000_000
BRIDGE: Final = 1
"""Flag: a bridge, tunnel or way on another layer meets others only where they share a point."""


class SourceError(Exception):
    """A source cannot be read; the message says what to do."""


class Box(NamedTuple):
    """Micro-degrees."""

    west: int
    south: int
    east: int
    north: int


@dataclass(frozen=True, slots=True)
class Ways:
    """One row a way, and one row a vertex: way w has the vertices first[w] to first[w + 1] - 1.  Positions in micro-degrees."""

    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    first: NDArray[np.int32]
    osm_id: NDArray[np.int64]
    kind: NDArray[np.uint8]
    half_dm: NDArray[np.uint16]
    flags: NDArray[np.uint8]
    rule: NDArray[np.int32]
    name: NDArray[np.int32]
    texts: tuple[str, ...]
    """What `rule` and `name` point into; 0 is ""."""
    box: Box | None
    """The header's box, where there is one."""
    date: str
    """ISO date of the newest object, or of the header; "" where the source has no dates."""
    source: str


Row = tuple[int, int, int, int, str, str, NDArray[np.int32]]
"""Number, kind, half-width in dm, flags, rule, name, points."""


class _Texts:
    def __init__(self) -> None:
        self.index: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        return self.index.setdefault(text, len(self.index))


def read(path: Path) -> Ways:
    """All ways of an OSM file.  Raises SourceError."""
    if not path.is_file():
        raise SourceError(f"{path} is not there")
    if not path.name.endswith(SUFFIXES):
        raise SourceError(f"{path.name}: only OpenStreetMap files are read yet ({', '.join(SUFFIXES)})")
    try:
        return _read(path)
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"{path.name} cannot be read: {error}") from error


def _read(path: Path) -> Ways:
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
    return _columns(rows, _box(path), _date(path, newest), path.name)


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


def _columns(rows: list[Row], box: Box | None, date: str, source: str) -> Ways:
    """Columns in the order of the ways' numbers, whatever order the source has them in."""
    rows = sorted(rows, key=lambda row: row[0])
    texts = _Texts()
    ids, kinds, halves, flags, rules, names, points = zip(*rows, strict=True)
    rule, name = [texts(text) for text in rules], [texts(text) for text in names]
    vertices = np.concatenate(points)
    first = np.zeros(len(rows) + 1, dtype=np.int32)
    first[1:] = np.cumsum([len(part) for part in points])
    return Ways(
        lat_e6=np.ascontiguousarray(vertices[:, 0]),
        lng_e6=np.ascontiguousarray(vertices[:, 1]),
        first=first,
        osm_id=np.array(ids, dtype=np.int64),
        kind=np.array(kinds, dtype=np.uint8),
        half_dm=np.array(halves, dtype=np.uint16),
        flags=np.array(flags, dtype=np.uint8),
        rule=np.array(rule, dtype=np.int32),
        name=np.array(name, dtype=np.int32),
        texts=tuple(texts.index),
        box=box,
        date=date,
        source=source,
    )


def _box(path: Path) -> Box | None:
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        box = reader.header().box()
        if not box.valid():
            return None
        low, high = box.bottom_left, box.top_right
        return Box(round(low.lon * 1e6), round(low.lat * 1e6), round(high.lon * 1e6), round(high.lat * 1e6))


def _date(path: Path, newest: int) -> str:
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        stamp = reader.header().get("osmosis_replication_timestamp") or reader.header().get("timestamp")
    if stamp:
        return str(stamp)[:10]
    return datetime.fromtimestamp(newest, tz=UTC).date().isoformat() if newest > 0 else ""


def join(parts: list[Ways]) -> Ways:
    """Several sources as one; a way (by id) that a former source holds is left out of the later ones."""
    if len(parts) == 1:
        return parts[0]
    seen: set[int] = set()
    rows: list[Row] = []
    for part in parts:
        fresh = [w for w in range(len(part.osm_id)) if int(part.osm_id[w]) not in seen]
        for w in fresh:
            a, b = part.first[w], part.first[w + 1]
            points = np.column_stack((part.lat_e6[a:b], part.lng_e6[a:b]))
            rule, name = part.texts[part.rule[w]], part.texts[part.name[w]]
            rows.append(
                (int(part.osm_id[w]), int(part.kind[w]), int(part.half_dm[w]), int(part.flags[w]), rule, name, points)
            )
        seen.update(int(part.osm_id[w]) for w in fresh)
    dates = [part.date for part in parts]
    boxes = [part.box for part in parts]
    box = None
    if all(one is not None for one in boxes):
        west, south, east, north = (list(side) for side in zip(*[one for one in boxes if one is not None], strict=True))
        box = Box(min(west), min(south), max(east), max(north))
    return _columns(rows, box, max(dates), " + ".join(part.source for part in parts))
