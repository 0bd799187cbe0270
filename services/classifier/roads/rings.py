"""Polygons → clean rings in whole micro-degrees: closed, free of crossings, outer ones against the clock, holes with it."""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

_WHOLE: Final = 1.0


def rings(polygon: Any) -> list[NDArray[np.int32]]:
    """The rings, each (n, 2) latitude and longitude in micro-degrees, of a polygon or multipolygon in degrees.

    Broken outlines are mended (the even-odd reading); nothing is left of a polygon smaller than the grid."""
    plane = shapely.transform(shapely.force_2d(polygon), lambda xy: np.rint(xy * 1e6))
    if not shapely.is_valid(plane):
        plane = shapely.make_valid(plane)
    clean = shapely.orient_polygons(shapely.set_precision(plane, _WHOLE))
    out: list[NDArray[np.int32]] = []
    for part in shapely.get_parts(clean):
        if part.geom_type == "Polygon" and not part.is_empty:
            out.extend(_points(ring) for ring in (part.exterior, *part.interiors))
        elif part.geom_type == "MultiPolygon":
            out.extend(rings(shapely.transform(part, lambda xy: xy / 1e6)))
    return out


def _points(ring: Any) -> NDArray[np.int32]:
    xy = np.rint(shapely.get_coordinates(ring)).astype(np.int32)
    return np.ascontiguousarray(xy[:, ::-1])
