"""Polygons as people send them (GeoJSON, rule SU7) and as the scheme reads them: whole micro-degrees, longitude first, outer
rings counter-clockwise, the same bytes for the same land.

Raises PolygonError with what is wrong and what to do; nothing is repaired in silence."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.polygon import orient

from services.classifier.repo.ruling_versions import Box

VERTICES_MAX: Final = 5_000
AREA_M2_MAX: Final = 3_000_000_000.0
"""Half as much again as the largest station of the country."""
AREA_M2_MIN: Final = 1.0
SPAN_E6_MAX: Final = 2_000_000
"""Two degrees either way: two hundred kilometres."""
LAT_E6_MAX: Final = 85_000_000
LNG_E6_MAX: Final = 180_000_000
_FAR: Final = 1_000.0
"""Degrees: beyond the world, and short of what a float can scale."""
_EARTH_M: Final = 6_371_008.8
_RING_POINTS_MIN: Final = 4
_LITTLE_ENDIAN: Final = 1


class PolygonError(ValueError):
    """`pointer`: the member of the GeoJSON that is wrong; the message says what to do."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class Ground(NamedTuple):
    """A polygon ready for the scheme."""

    wkb: bytes
    box: Box
    area_m2: float
    vertices: int


def from_geojson(geometry: dict[str, Any]) -> Ground:
    """A GeoJSON Polygon or MultiPolygon, rounded to micro-degrees.  Raises PolygonError."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in {"Polygon", "MultiPolygon"}:
        raise PolygonError("/type", "send a GeoJSON Polygon or MultiPolygon")
    if not isinstance(coordinates, list) or not coordinates:
        raise PolygonError("/coordinates", "is empty: send at least one ring of positions")
    _count(coordinates)
    if kind == "Polygon":
        polygons = [_polygon(coordinates, "/coordinates")]
    else:
        polygons = [_polygon(one, f"/coordinates/{i}") for i, one in enumerate(coordinates)]
    return _ground(polygons[0] if len(polygons) == 1 else MultiPolygon(polygons))


def to_geojson(wkb: bytes) -> dict[str, Any]:
    """The same polygon in degrees."""
    found = shapely.from_wkb(wkb)
    parts = [_rings(one) for one in (found.geoms if isinstance(found, MultiPolygon) else (found,))]
    if isinstance(found, MultiPolygon):
        return {"type": "MultiPolygon", "coordinates": parts}
    return {"type": "Polygon", "coordinates": parts[0]}


def area_m2(wkb: bytes) -> float:
    """Near enough for people."""
    return sum(_area_m2(one) for one in shapely.get_parts(shapely.from_wkb(wkb)))


def _rings(polygon: Polygon) -> list[list[list[float]]]:
    return [[[x / 1e6, y / 1e6] for x, y in ring.coords] for ring in (polygon.exterior, *polygon.interiors)]


def _count(coordinates: list[Any]) -> None:
    """Positions, counted before anything is built of them."""
    seen, waiting = 0, [coordinates]
    while waiting:
        some = waiting.pop()
        if some and all(isinstance(one, int | float) for one in some):
            seen += 1
        else:
            waiting.extend(one for one in some if isinstance(one, list))
        if seen > VERTICES_MAX:
            raise PolygonError("/coordinates", f"more than {VERTICES_MAX} positions: simplify the outline")


def _polygon(rings: Any, pointer: str) -> Polygon:
    if not isinstance(rings, list) or not rings:
        raise PolygonError(pointer, "a polygon is a list of rings, the outline first")
    outer, *holes = [_ring(ring, f"{pointer}/{i}") for i, ring in enumerate(rings)]
    return Polygon(outer, holes)


def _ring(ring: Any, pointer: str) -> list[tuple[int, int]]:
    if not isinstance(ring, list) or len(ring) < _RING_POINTS_MIN:
        raise PolygonError(pointer, "a ring has at least four positions, the last the same as the first")
    points = [_point(position, f"{pointer}/{i}") for i, position in enumerate(ring)]
    if points[0] != points[-1]:
        raise PolygonError(pointer, "the ring is not closed: repeat its first position at the end")
    kept = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
    if len(kept) < _RING_POINTS_MIN:
        raise PolygonError(pointer, "the ring has no area once rounded to a millionth of a degree")
    return kept


def _point(position: Any, pointer: str) -> tuple[int, int]:
    if not isinstance(position, list) or len(position) not in {2, 3}:
        raise PolygonError(pointer, "a position is [longitude, latitude] in degrees")
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in position):
        raise PolygonError(pointer, "a position is made of numbers")
    lng_e6, lat_e6 = (_e6(min(max(one, -_FAR), _FAR)) for one in position[:2])
    if abs(lat_e6) > LAT_E6_MAX or abs(lng_e6) > LNG_E6_MAX:
        swapped = abs(lng_e6) <= LAT_E6_MAX and abs(lat_e6) <= LNG_E6_MAX
        hint = "longitude comes first" if swapped else "longitude lies within ±180, latitude within ±85 degrees"
        raise PolygonError(pointer, f"{position[:2]} is not in the world: {hint}")
    return lng_e6, lat_e6


def _e6(degrees: float) -> int:
    return round(degrees * 1e6)


def _ground(shape: Polygon | MultiPolygon) -> Ground:
    if not shape.is_valid:
        raise PolygonError("/coordinates", f"the outline is not valid: {_reason(shape)}")
    box = Box(*(int(shape.bounds[i]) for i in (1, 0, 3, 2)))
    if box.north_e6 - box.south_e6 > SPAN_E6_MAX or box.east_e6 - box.west_e6 > SPAN_E6_MAX:
        raise PolygonError("/coordinates", "reaches over more than two degrees: declare its parts one by one")
    ordered = [orient(one) for one in shapely.get_parts(shapely.normalize(shape))]
    area_m2 = sum(_area_m2(one) for one in ordered)
    if not AREA_M2_MIN <= area_m2 <= AREA_M2_MAX:
        limits = f"{AREA_M2_MIN:.0f} m² to {AREA_M2_MAX / 1e6:,.0f} km²"
        raise PolygonError("/coordinates", f"has {area_m2 / 1e4:,.4f} ha; land has {limits}")
    whole = ordered[0] if len(ordered) == 1 else MultiPolygon(ordered)
    wkb = shapely.to_wkb(whole, output_dimension=2, byte_order=_LITTLE_ENDIAN)
    return Ground(wkb, box, area_m2, int(shapely.get_num_coordinates(whole)))


def _reason(shape: Polygon | MultiPolygon) -> str:
    """What is wrong and where, in degrees: the library speaks in our micro-degrees."""
    text, _, place = str(shapely.is_valid_reason(shape)).partition("[")
    try:
        lng, lat = (float(one) / 1e6 for one in place.rstrip("]").split())
    except ValueError:
        return text.lower()
    return f"{text.lower()} at [{lng:.6f}, {lat:.6f}]"


def _area_m2(polygon: Polygon) -> float:
    """On the sphere, near enough for a limit."""
    holes = sum(_ring_area_m2(ring.coords) for ring in polygon.interiors)
    return _ring_area_m2(polygon.exterior.coords) - holes


def _ring_area_m2(coords: Iterable[Sequence[float]]) -> float:
    points = [(math.radians(x / 1e6), math.sin(math.radians(y / 1e6))) for x, y in coords]
    turned = sum((b[0] - a[0]) * (2 + a[1] + b[1]) for a, b in pairwise(points))
    return abs(turned) * _EARTH_M * _EARTH_M / 2
