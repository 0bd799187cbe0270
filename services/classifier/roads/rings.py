"""Polygons → clean rings in whole micro-degrees: closed, free of crossings, outer ones against the clock, holes with it."""

from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

_WHOLE: Final = 1.0
_NESTED: Final = 3
"""A mended outline is at most a collection of multipolygons of polygons."""


class Rings(NamedTuple):
    """Ring r has the points first[r] to first[r + 1] - 1 and belongs to polygon owner[r]; a polygon's rings stand together."""

    points: NDArray[np.int32]
    """(n, 2) latitude and longitude, micro-degrees."""
    first: NDArray[np.int64]
    owner: NDArray[np.int64]


def rings(polygons: NDArray[Any]) -> Rings:
    """The rings of polygons and multipolygons in degrees.

    Broken outlines are mended (the even-odd reading); nothing is left of a polygon smaller than the grid."""
    plane = shapely.transform(shapely.force_2d(polygons), lambda xy: np.rint(xy * 1e6))
    broken = ~shapely.is_valid(plane)
    plane[broken] = shapely.make_valid(plane[broken])
    parts, owner = shapely.set_precision(plane, _WHOLE), np.arange(len(plane))
    for _ in range(_NESTED):
        parts, of = shapely.get_parts(parts, return_index=True)
        owner = owner[of]
    kept = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    lines, of = shapely.get_rings(shapely.orient_polygons(parts[kept]), return_index=True)
    xy = np.rint(shapely.get_coordinates(lines)).astype(np.int32)
    first = np.concatenate(([0], np.cumsum(shapely.get_num_coordinates(lines))))
    return Rings(np.ascontiguousarray(xy[:, ::-1]), first, owner[kept][of])
