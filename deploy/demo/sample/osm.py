"""The district as a map maker would have drawn it: OpenStreetMap XML and a coverage polygon.

The map is not the ground: every node is off by a slowly varying error of a metre or two, as traced from aerial pictures,
and curves are simplified to chords.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

import numpy as np

from deploy.demo.sample import geometry
from deploy.demo.sample.district import District
from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.plan import AREAS, BOX_KM, COVERAGE_MARGIN_KM, KINDS, PLACES

_FIRST_NODE: Final = 7_000_000_001
_FIRST_WAY: Final = 700_000_001
_CHORD_M: Final = 0.8
_WAVES: Final = 6
_ERROR_M: Final = 0.9
"""Per wave and axis: about 1.5 m together."""

Tags = tuple[tuple[str, str], ...]


class MapError:
    """A smooth displacement of the whole picture: neighbours move together, so junctions stay junctions."""

    def __init__(self, rng: np.random.Generator) -> None:
        angle = rng.uniform(0, 2 * np.pi, _WAVES)
        wave = rng.uniform(700.0, 3000.0, _WAVES)
        self._k = 2 * np.pi / wave * np.vstack([np.cos(angle), np.sin(angle)])
        self._phase = rng.uniform(0, 2 * np.pi, (2, _WAVES))
        self._size = _ERROR_M * rng.normal(0, 1, (2, _WAVES))

    def at(self, xy: Floats) -> Floats:
        """Metres east and north by which the map is wrong at each point."""
        turn = xy @ self._k
        return np.column_stack([(self._size[i] * np.sin(turn + self._phase[i])).sum(axis=1) for i in (0, 1)])


class MapWriter:
    """Collects nodes and ways as a map maker sees them."""

    def __init__(self, error: MapError, timestamp: str) -> None:
        self._error = error
        self._stamp = f'version="1" timestamp="{timestamp}"'
        self._by_place: dict[bytes, int] = {}
        self.nodes: list[str] = []
        self.ways: list[str] = []

    def node(self, xy: Floats, tags: Tags = ()) -> list[int]:
        """Ids of the points; a point met before is the same node, which is what joins ways."""
        lat, lng = geometry.to_degrees(xy + self._error.at(xy))
        ids: list[int] = []
        for point, y, x in zip(np.round(xy, 3) + 0.0, lat.tolist(), lng.tolist(), strict=True):
            key = point.tobytes()
            known = self._by_place.get(key)
            if known is None or tags:
                known = _FIRST_NODE + len(self.nodes)
                if not tags:
                    self._by_place[key] = known
                head = f'<node id="{known}" {self._stamp} lat="{y:.7f}" lon="{x:.7f}"'
                self.nodes.append(f"{head}>{_tags(tags)}</node>" if tags else f"{head}/>")
            ids.append(known)
        return ids

    def way(self, ids: list[int], tags: Tags) -> None:
        refs = "".join(f'<nd ref="{i}"/>' for i in ids)
        self.ways.append(f'<way id="{_FIRST_WAY + len(self.ways)}" {self._stamp}>{refs}{_tags(tags)}</way>')


def _tags(tags: Tags) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags)


def write_osm(path: Path, district: District, rng: np.random.Generator, timestamp: str) -> None:
    """`path` gets the whole map; `timestamp` (ISO) dates every object, so that the map is older than the travel on it."""
    writer = MapWriter(MapError(rng), timestamp)
    for way, xy, at in district.ways:
        tags = (*KINDS[way.kind].tags, *((("name", way.name),) if way.name else ()))
        keep = np.unique(np.concatenate([*_chords(xy, at), np.array(sorted(at.values()))]))
        writer.way(writer.node(xy[keep]), tags)
    for tags, ring in AREAS:
        outline = np.array(ring) * 1000.0
        writer.way(writer.node(np.vstack([outline, outline[:1]])), tags)
    for name, place, node in PLACES:
        writer.node(district.nodes[node][None, :] + [25.0, 25.0], (("place", place), ("name", name)))
    write_document(path, writer, box_degrees(0.0))


def write_document(path: Path, writer: MapWriter, box: tuple[float, float, float, float]) -> None:
    """All that was collected, as an .osm file; `box` is west, south, east, north in degrees."""
    west, south, east, north = box
    head = f'<bounds minlat="{south:.7f}" minlon="{west:.7f}" maxlat="{north:.7f}" maxlon="{east:.7f}"/>'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="rucor sample">', head]
    path.write_text("\n".join([*lines, *writer.nodes, *writer.ways, "</osm>", ""]), encoding="utf-8")


def _chords(xy: Floats, at: dict[str, int]) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    stops = sorted(at.values())
    for first, last in itertools.pairwise(stops):
        yield first + geometry.simplify(xy[first : last + 1], _CHORD_M)


def box_degrees(margin_km: float) -> tuple[float, float, float, float]:
    """West, south, east, north of the map's box, widened."""
    west, south, east, north = BOX_KM
    corners = np.array([(west - margin_km, south - margin_km), (east + margin_km, north + margin_km)]) * 1000.0
    lat, lng = geometry.to_degrees(corners)
    return float(lng[0]), float(lat[0]), float(lng[1]), float(lat[1])


def write_coverage(path: Path) -> None:
    """The polygon inside which the map claims to be complete (rules SU4, SU5)."""
    west, south, east, north = (round(v, 6) for v in box_degrees(COVERAGE_MARGIN_KM))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    feature = {
        "type": "Feature",
        "properties": {"name": "Sample district"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}, indent=1) + "\n", encoding="utf-8")
