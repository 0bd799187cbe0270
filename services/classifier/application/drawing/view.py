"""The plane of a map: from micro-degrees to units of the drawing, and where there is room for words."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.domain.cells import metres_per_e6

PAD: Final = 0.16
"""Of the extent, on each side of what must be seen."""
POINTS_MAX: Final = 4_000
"""Of one line."""
_NICE: Final = (1.0, 2.0, 5.0)


class Rect(NamedTuple):
    """A rectangle of the drawing, y downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


class View(NamedTuple):
    """`scale` units of the drawing a metre, the place (lat0, lng0) in the middle of `rect`."""

    rect: Rect
    lat0: float
    lng0: float
    kx: float
    ky: float
    scale: float

    def xy(self, lng_e6: NDArray[np.generic], lat_e6: NDArray[np.generic]) -> NDArray[np.float64]:
        """Places in the drawing, (n, 2)."""
        x = (lng_e6.astype(np.float64) - self.lng0) * self.kx * self.scale + self.rect.x + self.rect.width / 2
        y = (self.lat0 - lat_e6.astype(np.float64)) * self.ky * self.scale + self.rect.y + self.rect.height / 2
        return np.column_stack([x, y])

    def e6(self, xy: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(latitude, longitude) in micro-degrees of places in the drawing."""
        lng = (xy[:, 0] - self.rect.x - self.rect.width / 2) / (self.kx * self.scale) + self.lng0
        lat = self.lat0 - (xy[:, 1] - self.rect.y - self.rect.height / 2) / (self.ky * self.scale)
        return np.rint(lat).astype(np.int32), np.rint(lng).astype(np.int32)

    def clipped(self, xy: NDArray[np.float64], margin: float = 0.0) -> list[NDArray[np.float64]]:
        """The parts of a line that lie in the map (and `margin` around), simplified to what the eye can see.

        A line of very many points is thinned out before."""
        if len(xy) < 2:
            return []
        r = self.rect
        line = shapely.linestrings(_thinned(xy))
        cut = shapely.clip_by_rect(line, r.x - margin, r.y - margin, r.right + margin, r.bottom + margin)
        parts = shapely.get_parts(shapely.simplify(cut, 0.3, preserve_topology=False))
        return [shapely.get_coordinates(part) for part in parts if not part.is_empty and part.geom_type == "LineString"]


def _thinned(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of very many places only such as are some units from the one before, as far as it takes."""
    step = 0.5
    while len(xy) > POINTS_MAX and step <= 8:
        moved = (np.diff(np.round(xy / step), axis=0) != 0).any(axis=1)
        moved[-1] = True
        xy, step = xy[np.append(True, moved)], step * 2
    return xy


def fit(
    rect: Rect, heights: tuple[float, float], lng_e6: NDArray[np.generic], lat_e6: NDArray[np.generic], least_m: float
) -> View:
    """The view that shows all places with air around them, and at least `least_m` metres in the shorter direction.

    The map is as wide as `rect`, and as high as it needs to be between the two heights."""
    lat, lng = lat_e6.astype(np.float64), lng_e6.astype(np.float64)
    lat0, lng0 = (lat.min() + lat.max()) / 2, (lng.min() + lng.max()) / 2
    kx, ky = metres_per_e6(round(lat0))
    wide = max(float(np.ptp(lng)) * kx * (1 + 2 * PAD), least_m)
    high = max(float(np.ptp(lat)) * ky * (1 + 2 * PAD), least_m)
    height = min(heights[1], max(heights[0], rect.width * high / wide))
    return View(rect._replace(height=height), lat0, lng0, kx, ky, min(rect.width / wide, height / high))


def nice_below(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `value`."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(one * power for one in _NICE if one * power <= value * (1 + 1e-9)))


class Room:
    """What is taken on the map.  Words are chains of discs, so that slanted ones are as easy as level ones."""

    def __init__(self, rect: Rect) -> None:
        self._rect = rect
        self._taken: list[Rect] = []
        self._discs = np.empty((0, 3))
        self._soft = np.empty((0, 3))

    def take(self, rect: Rect) -> None:
        self._taken.append(rect)

    def avoid(self, xy: NDArray[np.float64], radius: float = 2.0) -> None:
        """Places that words should leave free where they can, with what is drawn around them."""
        self._soft = np.concatenate([self._soft, np.column_stack([xy, np.full(len(xy), radius)])])

    def price(self, discs: NDArray[np.float64]) -> float | None:
        """How many places to avoid the discs (n, 3: x, y, radius) cover; None: there is no room."""
        x, y, radius = discs.T
        r = self._rect
        if (x - radius).min() < r.x or (y - radius).min() < r.y:
            return None
        if (x + radius).max() > r.right or (y + radius).max() > r.bottom:
            return None
        for one in self._taken:
            dx = np.maximum(np.maximum(one.x - x, x - one.right), 0)
            dy = np.maximum(np.maximum(one.y - y, y - one.bottom), 0)
            if (np.hypot(dx, dy) < radius).any():
                return None
        if len(self._discs):
            apart = np.hypot(x[:, None] - self._discs[:, 0], y[:, None] - self._discs[:, 1])
            if (apart < radius[:, None] + self._discs[:, 2]).any():
                return None
        if not len(self._soft):
            return 0.0
        apart = np.hypot(x[:, None] - self._soft[:, 0], y[:, None] - self._soft[:, 1])
        return float((apart < radius[:, None] + self._soft[:, 2]).any(axis=0).sum())

    def place(self, candidates: Sequence[NDArray[np.float64]]) -> int | None:
        """Index of the cheapest candidate, which is then taken; None: none has room.  The first wins among equals."""
        best, least = None, np.inf
        for index, discs in enumerate(candidates):
            price = self.price(discs)
            if price is not None and price < least:
                best, least = index, price
        if best is not None:
            self._discs = np.concatenate([self._discs, candidates[best]])
        return best


def discs(x: float, y: float, angle: float, width: float, height: float) -> NDArray[np.float64]:
    """Discs along a line of text whose middle is (x, y) and whose baseline slants by `angle` radians."""
    count = max(2, int(np.ceil(width / height)) + 1)
    along = np.linspace(-(width - height) / 2, (width - height) / 2, count) if width > height else np.zeros(1)
    radius = np.full(len(along), height / 2)
    return np.column_stack([x + along * np.cos(angle), y + along * np.sin(angle), radius])
