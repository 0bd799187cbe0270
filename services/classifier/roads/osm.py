"""OpenStreetMap PBF and XML → ways and areas, through osmium.

Three passes at most: the few relations that are areas, then all nodes and ways, then the ways that those relations are made of.
Only ways with a tag that matters reach Python."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from services.classifier.roads.rings import rings
from services.classifier.roads.tagging import Taken, take, take_area
from services.classifier.roads.ways import BRIDGE, Row, SourceError, SourceMeta, Ways, columns_of_rows

SUFFIXES: Final = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_WORLD: Final = 1_800_000_000
_AREA_KEYS: Final = ("amenity", "area:highway", "highway", "natural")
_KEYS: Final = (*_AREA_KEYS, "route")


class _Area(NamedTuple):
    number: int
    taken: Taken
    name: str
    shape: Any
    """Shapely polygon, degrees."""


class _Way(NamedTuple):
    number: int
    taken: Taken | None
    area: Taken | None
    lifted: bool
    name: str


def read_osm(path: Path, sha256: str) -> Ways:
    """All ways and areas of an OSM file.  Raises SourceError."""
    try:
        return _read(path, sha256)
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"{path.name} cannot be read: {error}") from error


def _read(path: Path, sha256: str) -> Ways:
    places = osmium.index.create_map("flex_mem")
    ways, lines, newest = _ways(path, places)
    rows: list[Row] = []
    areas: list[_Area] = []
    for way, points in zip(ways, _points(lines), strict=True):
        if way.taken is not None and len(points) > 1:
            taken = way.taken
            half_dm, flags = round(taken.half_m * 10), BRIDGE * way.lifted
            rows.append((way.number, taken.kind, half_dm, flags, taken.rule, way.name, points))
        if way.area is not None and len(points) > 3:
            areas.append(_Area(way.number, way.area, way.name, shapely.Polygon(points[:, ::-1] / 1e6)))
    rows += _area_rows([*areas, *_relations(path, places)])
    if not rows:
        raise SourceError(f"{path.name} holds no ways with a highway tag and locations")
    return columns_of_rows(rows, SourceMeta(path.name, sha256, _date(path, newest), "", len(rows), _box(path)))


def _ways(path: Path, places: Any) -> tuple[list[_Way], list[str], int]:
    """All ways that matter, their lines as WKB, and when the newest was made (seconds)."""
    ways: list[_Way] = []
    lines: list[str] = []
    newest = 0
    factory = osmium.geom.WKBFactory()
    every = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations(places)
    tagged = every.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(osmium.filter.KeyFilter(*_KEYS))
    for way in cast("Iterable[Any]", tagged):
        tags = dict(way.tags)
        taken = take(tags)
        area = take_area(tags) if way.is_closed() else None
        if taken is None and area is None:
            continue
        newest = max(newest, int(way.timestamp.timestamp()))
        name = " ".join(text for text in (tags.get("ref", ""), tags.get("name", "")) if text)
        lifted = any(tags.get(key, "no") != "no" for key in ("bridge", "tunnel")) or tags.get("layer", "0") != "0"
        ways.append(_Way(way.id, taken, area, lifted, name))
        lines.append(_line(way, factory))
    return ways, lines, newest


def _line(way: Any, factory: Any) -> str:
    """A way's line as WKB, hexadecimal; nodes outside the file are left out."""
    try:
        return str(factory.create_linestring(way))
    except RuntimeError:  # a node is not there, or all are one place
        known = [(node.x / 1e7, node.y / 1e7) for node in way.nodes if -_WORLD <= node.x <= _WORLD]
        return str(shapely.to_wkb(shapely.LineString(known if len(known) > 1 else []), hex=True))


def _points(lines: Sequence[str]) -> list[NDArray[np.int32]]:
    """For each line its points, (n, 2) latitude and longitude in micro-degrees, none twice running.

    osmium holds positions in 1e-7 degrees; halves are rounded up."""
    if not lines:
        return []
    xy, line = shapely.get_coordinates(shapely.from_wkb(np.array(lines, dtype=object)), return_index=True)
    points = ((np.rint(xy[:, ::-1] * 1e7).astype(np.int64) + 5) // 10).astype(np.int32)
    fresh = np.ones(len(line), dtype=np.bool_)
    fresh[1:] = (line[1:] != line[:-1]) | np.any(points[1:] != points[:-1], axis=1)
    ends = np.cumsum(np.bincount(line[fresh], minlength=len(lines)))
    return np.split(points[fresh], ends[:-1])


def _relations(path: Path, places: Any) -> Iterable[_Area]:
    """Areas that are multipolygons; what lies outside the file leaves their outline open, and they are left out."""
    found: list[tuple[int, Taken, str, tuple[int, ...]]] = []
    every = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(osmium.filter.KeyFilter(*_AREA_KEYS))
    for relation in cast("Iterable[Any]", every):
        tags = dict(relation.tags)
        held = take_area(tags) if tags.get("type") == "multipolygon" else None
        if held is not None:
            members = tuple(one.ref for one in relation.members if one.type == "w")
            found.append((relation.id, held, tags.get("name", ""), members))
    lines = _lines_of(path, places, {one for *_, members in found for one in members})
    for number, held, name, members in found:
        shape = shapely.build_area(shapely.multilinestrings([lines[one] for one in members if one in lines]))
        if not shape.is_empty:
            yield _Area(-number, held, name, shape)


def _lines_of(path: Path, places: Any, numbers: set[int]) -> dict[int, Any]:
    """The lines of some ways, by number; degrees."""
    if not numbers:
        return {}
    only = osmium.filter.IdFilter(numbers)
    only.enable_for(osmium.osm.WAY)
    locations = osmium.NodeLocationsForWays(places)
    locations.ignore_errors()
    factory = osmium.geom.WKBFactory()
    with osmium.io.Reader(str(path), osmium.osm.WAY) as reader:
        found = {way.id: _line(way, factory) for way in osmium.OsmFileIterator(reader, locations, only)}
    shapes = shapely.from_wkb(np.array(list(found.values()), dtype=object))
    return {number: shape for number, shape in zip(found, shapes, strict=True) if not shape.is_empty}


def _area_rows(areas: Sequence[_Area]) -> list[Row]:
    if not areas:
        return []
    made = rings(np.array([one.shape for one in areas], dtype=object))
    out: list[Row] = []
    for points, owner in zip(np.split(made.points, made.first[1:-1]), made.owner.tolist(), strict=True):
        one = areas[owner]
        out.append((one.number, one.taken.kind, 0, 0, one.taken.rule, one.name, points))
    return out


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
