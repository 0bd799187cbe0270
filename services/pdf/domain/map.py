"""A plain vector map of tracks and roads: local equirectangular projection, no tiles, deterministic (rule CL8)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts.claim import Track

WIDTH: Final = 1000.0
HEIGHT: Final = 620.0
MARGIN: Final = 26.0
METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on the mean sphere of 6,371,008.8 m."""
SPAN_MIN_M: Final = 400.0


@dataclass(frozen=True)
class Line:
    surface: str
    points: str
    """SVG polyline points."""


@dataclass(frozen=True)
class Map:
    width: float
    height: float
    roads: tuple[Line, ...]
    tracks: tuple[Line, ...]
    scale_px: float
    scale_label: str


def _bounds(tracks: Sequence[Track]) -> tuple[float, float, float, float]:
    lngs = [p[0] for t in tracks for p in t.points]
    lats = [p[1] for t in tracks for p in t.points]
    return min(lngs), min(lats), max(lngs), max(lats)


def draw(tracks: Sequence[Track], roads: Sequence[Track]) -> Map | None:
    """The map that just holds the tracks; None where there is nothing to draw.  Roads outside the frame are left out."""
    tracks = [t for t in tracks if len(t.points) > 1]
    if not tracks:
        return None
    west, south, east, north = _bounds(tracks)
    middle = (south + north) / 2
    east_m = METRES_PER_DEGREE * math.cos(math.radians(middle))
    span_x = max((east - west) * east_m, SPAN_MIN_M)
    span_y = max((north - south) * METRES_PER_DEGREE, SPAN_MIN_M)
    scale = min((WIDTH - 2 * MARGIN) / span_x, (HEIGHT - 2 * MARGIN) / span_y)
    centre_lng = (west + east) / 2

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = WIDTH / 2 + (point[0] - centre_lng) * east_m * scale
        y = HEIGHT / 2 - (point[1] - middle) * METRES_PER_DEGREE * scale
        return round(x, 1), round(y, 1)

    def line(track: Track) -> Line | None:
        placed = [place(p) for p in track.points]
        kept = [p for i, p in enumerate(placed) if i == 0 or p != placed[i - 1]]
        inside = any(-MARGIN <= x <= WIDTH + MARGIN and -MARGIN <= y <= HEIGHT + MARGIN for x, y in kept)
        if len(kept) < 2 or not inside:
            return None
        return Line(track.surface, " ".join(f"{x:g},{y:g}" for x, y in kept))

    step = _round_scale(span_x / 5)
    return Map(
        width=WIDTH,
        height=HEIGHT,
        roads=tuple(drawn for t in roads if (drawn := line(t)) is not None),
        tracks=tuple(drawn for t in tracks if (drawn := line(t)) is not None),
        scale_px=round(step * scale, 1),
        scale_label=f"{step / 1000:g} km" if step >= 1000 else f"{step:g} m",
    )


def _round_scale(metres: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above `metres`."""
    power = 10.0 ** math.floor(math.log10(metres))
    return max(m * power for m in (1, 2, 5) if m * power <= metres)
