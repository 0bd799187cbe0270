"""How far from the place where it is kept a vehicle was (rule EX3): geodesic metres to the legal boundary's edge, 0 inside.

Distances are measured on a plane that touches the ellipsoid at the boundary's middle (azimuthal equidistant): within 60 km they
are right to a few centimetres, which a test holds against the geodesic itself."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import shapely
from geographiclib.geodesic import Geodesic
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

Position = tuple[float, float]
"""(longitude, latitude) in degrees, as in GeoJSON."""
POSITIONS_MAX: Final = 20_000
RING_MIN: Final = 4
NEW_ZEALAND: Final = (160.0, -56.0, 180.0, -28.0)
"""West, south, east, north: boundaries east of 180° do not occur on the main islands."""


class InvalidBoundary(ValueError):
    """`pointer`: where in the GeoJSON."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class Boundary:
    """The legal boundary of an address: one parcel or several."""

    def __init__(self, shape: BaseGeometry) -> None:
        middle = shape.representative_point() if shape.is_empty else shape.centroid
        self._lng, self._lat = float(middle.x), float(middle.y)
        self._plane = shapely.transform(shape, lambda at: [self._on_plane(lng, lat) for lng, lat in at.tolist()])
        shapely.prepare(self._plane)

    def from_edge_m(self, positions: Iterable[Position]) -> list[float]:
        """Metres to the nearest edge, 0 inside, for each position."""
        points = shapely.points([self._on_plane(lng, lat) for lng, lat in positions])
        return [float(metres) for metres in shapely.distance(points, self._plane)]

    def _on_plane(self, lng: float, lat: float) -> Position:
        line = Geodesic.WGS84.Inverse(self._lat, self._lng, lat, lng, Geodesic.DISTANCE | Geodesic.AZIMUTH)
        bearing = math.radians(line["azi1"])
        return line["s12"] * math.sin(bearing), line["s12"] * math.cos(bearing)


def boundary_of(geometry: Mapping[str, Any]) -> Boundary:
    """From a GeoJSON Polygon or MultiPolygon.  Raises InvalidBoundary: a point or a line is no boundary."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in {"Polygon", "MultiPolygon"}:
        raise InvalidBoundary(
            "/type",
            "the reach is measured from the legal boundary: give a Polygon or MultiPolygon, not a point or an address",
        )
    if not isinstance(coordinates, list) or not coordinates:
        raise InvalidBoundary("/coordinates", "a list of rings is needed")
    parcels = [coordinates] if kind == "Polygon" else coordinates
    shapes = [
        _parcel(rings, "/coordinates" if kind == "Polygon" else f"/coordinates/{n}") for n, rings in enumerate(parcels)
    ]
    if sum(shapely.get_num_coordinates(shape) for shape in shapes) > POSITIONS_MAX:
        raise InvalidBoundary("/coordinates", f"at most {POSITIONS_MAX} positions")
    # Parcels that touch or overlap are one place.
    return Boundary(shapely.union_all(shapes) if len(shapes) > 1 else shapes[0])


def _parcel(rings: Any, pointer: str) -> Polygon | MultiPolygon:
    if not isinstance(rings, list) or not rings:
        raise InvalidBoundary(pointer, "a parcel is a list of rings, the outline first")
    outline, *holes = (_ring(ring, f"{pointer}/{number}") for number, ring in enumerate(rings))
    shape = Polygon(outline, holes)
    if not shape.is_valid:
        raise InvalidBoundary(pointer, f"is no polygon: {explain_validity(shape)}")
    return shape


def _ring(ring: Any, pointer: str) -> list[Position]:
    if not isinstance(ring, list) or not RING_MIN <= len(ring) <= POSITIONS_MAX:
        raise InvalidBoundary(pointer, f"a ring has {RING_MIN} to {POSITIONS_MAX} positions")
    positions = [_position(at, f"{pointer}/{number}") for number, at in enumerate(ring)]
    if positions[0] != positions[-1]:
        raise InvalidBoundary(pointer, "a ring ends where it begins")
    return positions


def _position(at: Any, pointer: str) -> Position:
    west, south, east, north = NEW_ZEALAND
    if not isinstance(at, list) or len(at) not in {2, 3} or not all(_is_number(value) for value in at):
        raise InvalidBoundary(pointer, "a position is [longitude, latitude]")
    lng, lat = float(at[0]), float(at[1])
    if not (west <= lng <= east and south <= lat <= north):
        raise InvalidBoundary(pointer, "lies outside New Zealand: a position is [longitude, latitude]")
    return lng, lat


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def length_beyond_m(line: Sequence[Position], from_edge_m: Sequence[float], limit_m: float) -> float:
    """Of a drawn line, the metres that lie further than `limit_m`: between two positions in proportion."""
    return sum(
        _metres(one, two) * _part_beyond(here, there, limit_m)
        for one, two, here, there in zip(line, line[1:], from_edge_m, from_edge_m[1:], strict=False)
    )


def _part_beyond(here: float, there: float, limit_m: float) -> float:
    low, high = min(here, there), max(here, there)
    if high <= limit_m:
        return 0.0
    return 1.0 if low >= limit_m else (high - limit_m) / (high - low)


def _metres(one: Position, two: Position) -> float:
    return float(Geodesic.WGS84.Inverse(one[1], one[0], two[1], two[0], Geodesic.DISTANCE)["s12"])
