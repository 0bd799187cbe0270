"""The map of all sites: OpenStreetMap XML as a map maker would have drawn it, and the coverage polygon."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from deploy.demo.sample.fleet import generator
from deploy.demo.sample.geometry import Floats, to_degrees
from deploy.demo.sample.osm import MapError, MapWriter, write_document
from deploy.demo.sample.scenarios.plan import Point, Site

STAMP: Final = "2026-03-01T00:00:00Z"
_SEED: Final = 4
_BESIDE_M: Final = 7_000.0
"""Covered around the outermost sites."""


def write_world(folder: Path, sites: Sequence[Site]) -> tuple[Path, Path]:
    """(map, coverage polygon) of these sites."""
    if len({(site.column, site.row) for site in sites}) < len(sites):
        raise ValueError("two sites lie at one place")
    writer = MapWriter(MapError(generator(_SEED, 0)), STAMP)
    for site in sites:
        for way in site.ways:
            name = (("name", way.name),) if way.name else ()
            writer.way(writer.node(np.array(way.points) + site.origin), (*way.tags, *name))
    box = _box(sites)
    west_south, east_north = np.column_stack(to_degrees(box))
    path, coverage = folder / "scenarios.osm", folder / "coverage.geojson"
    write_document(path, writer, (west_south[1], west_south[0], east_north[1], east_north[0]))
    (west, south), (east, north) = box.tolist()
    outer = np.array([(west, south), (east, south), (east, north), (west, north), (west, south)])
    rings = [_ring(outer), *(_ring(_closed(site.uncovered) + site.origin) for site in sites if site.uncovered)]
    coverage.write_text(json.dumps({"type": "Polygon", "coordinates": rings}) + "\n", encoding="utf-8")
    return path, coverage


def _box(sites: Sequence[Site]) -> Floats:
    """South-west and north-east corner."""
    origins = np.array([site.origin for site in sites])
    return np.array([origins.min(axis=0) - _BESIDE_M, origins.max(axis=0) + _BESIDE_M])


def _closed(points: tuple[Point, ...]) -> Floats:
    return np.array([*points, points[0]])


def _ring(xy: Floats) -> list[list[float]]:
    lat, lng = to_degrees(xy)
    return np.round(np.column_stack([lng, lat]), 6).tolist()  # type: ignore[no-any-return]
