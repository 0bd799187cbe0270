"""Vector sources for tests, written with pyogrio in NZTM2000: what LINZ and National Road Centreline exports come in.

The projection is computed here from its definition (Krüger's series), independently of the library that reads it back."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely

from tests.unit.kernel.world import KX, KY, LAT0, LNG0

GRS80_M, FLATTENING = 6_378_137.0, 1.0 / 298.257222101


def nztm(lat: float, lng: float) -> tuple[float, float]:
    """Easting and northing in metres of a position in degrees (EPSG:2193)."""
    n = FLATTENING / (2.0 - FLATTENING)
    radius = GRS80_M / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 / 3 * n**2 + 5 / 16 * n**3 + 41 / 180 * n**4,
        13 / 48 * n**2 - 3 / 5 * n**3 + 557 / 1440 * n**4,
        61 / 240 * n**3 - 103 / 140 * n**4,
        49561 / 161280 * n**4,
    )
    e = math.sqrt(FLATTENING * (2 - FLATTENING))
    phi, lam = math.radians(lat), math.radians(lng - 173.0)
    t = math.sinh(math.atanh(math.sin(phi)) - e * math.atanh(e * math.sin(phi)))
    xi, eta = math.atan2(t, math.cos(lam)), math.asinh(math.sin(lam) / math.hypot(t, math.cos(lam)))
    north = xi + sum(a * math.sin(2 * k * xi) * math.cosh(2 * k * eta) for k, a in enumerate(alpha, 1))
    east = eta + sum(a * math.cos(2 * k * xi) * math.sinh(2 * k * eta) for k, a in enumerate(alpha, 1))
    return 1_600_000 + 0.9996 * radius * east, 10_000_000 + 0.9996 * radius * north


def place(x: float, y: float) -> tuple[float, float]:
    """Easting and northing of a place of tests.unit.kernel.world."""
    return nztm((LAT0 + y / KY) / 1e6, (LNG0 + x / KX) / 1e6)


def in_nztm(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape of the world's metres in NZTM2000."""
    return shapely.transform(shape, lambda xy: np.array([place(*point) for point in xy.tolist()]).reshape(-1, 2))


def line(*points: tuple[float, float]) -> shapely.Geometry:
    return shapely.LineString(points)


def square(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    return shapely.box(west, south, east, north)


def vector_file(
    path: Path,
    shapes: Sequence[shapely.Geometry],
    columns: Mapping[str, Sequence[object]],
    crs: str | None = "EPSG:2193",
    layer: str | None = None,
) -> Path:
    """A GeoPackage, GeoJSON or Shapefile (by the file's ending) of shapes in the world's metres."""
    placed = [in_nztm(shape) for shape in shapes]
    data = [
        np.array(values) if isinstance(values[0], int | float) else np.array(values, dtype=object)
        for values in columns.values()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a source that names no coordinate system is one of the cases
        pyogrio.raw.write(
            path,
            np.array([shapely.to_wkb(one) for one in placed], dtype=object),
            data,
            list(columns),
            geometry_type=placed[0].geom_type if len({one.geom_type for one in placed}) == 1 else "Unknown",
            crs=crs,
            layer=layer,
            append=layer is not None and path.exists(),
        )
    return path


def mapping_file(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)
