"""Coverage: where a road data set claims to know every public road (rules SU4 and SU5; scheme 1, paragraph 9)."""

import json
import math
from pathlib import Path
from typing import Any, Final

import h3
import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.domain import cells
from services.classifier.domain.geometry import CLEAR_MAX_M
from services.classifier.roads.ways import Box, SourceError

EDGE_MAX_M: Final = 30_000.0
Cells = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Coarse cells (keys ascending) and the distance from each centre to the edge of coverage, negative outside."""


def derived(keys: NDArray[np.int64], way_m: NDArray[np.float64], box: Box | None) -> NDArray[np.float64]:
    """Without a polygon: within CLEAR_MAX_M of any way of the source, and inside the header's box where there is one."""
    edge = CLEAR_MAX_M - way_m
    if box is None:
        return edge
    lat, lng = centres(keys)
    ky = 111_000.0
    kx = ky * np.cos(np.radians(np.minimum(89.0, np.abs(lat) + 0.1)))
    inside = np.minimum.reduce(
        [
            (lng - box.west / 1e6) * kx,
            (box.east / 1e6 - lng) * kx,
            (lat - box.south / 1e6) * ky,
            (box.north / 1e6 - lat) * ky,
        ]
    )
    return np.minimum(edge, inside)


def centres(keys: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude in degrees of coarse cells' centres."""
    points = cells.centres(cells.FACES, keys, cells.COARSE_SCALE)
    return np.degrees(np.arcsin(points[:, 2])), np.degrees(np.arctan2(points[:, 1], points[:, 0]))


def from_polygon(path: Path) -> Cells:
    """A GeoJSON Polygon or MultiPolygon (or a Feature, or a collection of them), longitude first.  Raises SourceError."""
    try:
        area = shapely.unary_union(
            [shapely.geometry.shape(g) for g in _geometries(json.loads(path.read_text("utf-8")))]
        )
    except (OSError, ValueError, KeyError, TypeError, shapely.errors.ShapelyError) as error:
        raise SourceError(f"{path.name} is not a GeoJSON polygon: {error}") from error
    if area.is_empty or not area.is_valid or area.geom_type not in {"Polygon", "MultiPolygon"}:
        raise SourceError(f"{path.name} holds no valid polygon")
    found: set[str] = set()
    for part in getattr(area, "geoms", [area]):
        found.update(h3.geo_to_cells(part, cells.COARSE_RES))
    points = np.rint(np.array([h3.cell_to_latlng(cell) for cell in sorted(found)]).reshape(-1, 2) * 1e6).astype(
        np.int64
    )
    keys = np.unique([cells.keys_at(cells.FACES, int(lat), int(lng))[1] for lat, lng in points]).astype(np.int64)
    return keys, _edge_m(area, keys)


def _geometries(body: Any) -> list[Any]:
    if body["type"] == "FeatureCollection":
        return [feature["geometry"] for feature in body["features"]]
    return [body["geometry"]] if body["type"] == "Feature" else [body]


def _edge_m(area: Any, keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distance of each centre to the polygon's boundary, in a plane stretched for its latitude, never too much."""
    lat, lng = centres(keys)
    out = np.empty(len(keys))
    for band in np.unique(np.floor(lat)):
        rows = np.flatnonzero(np.floor(lat) == band)
        kx = 111_000.0 * math.cos(math.radians(min(89.0, max(abs(band), abs(band + 1.0)))))
        plane = shapely.transform(area, lambda xy, kx=kx: xy * np.array([kx, 110_500.0]))
        points = shapely.points(lng[rows] * kx, lat[rows] * 110_500.0)
        shapely.prepare(plane)
        sign = np.where(shapely.contains(plane, points), 1.0, -1.0)
        out[rows] = sign * shapely.distance(plane.boundary, points)
    return np.minimum(EDGE_MAX_M, out)
