"""Plane geometry of the sample district, and the exact way from its plane to the ellipsoid.

Shapes are drawn in a plane (metres east and north of the district's centre).  Lengths are never taken from that plane:
`lengths_m` measures on the WGS84 ellipsoid, so that the truth holds for any classifier, whatever projection it uses.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LAT0_DEG: Final = -38.35
LNG0_DEG: Final = 175.05
_A: Final = 6_378_137.0
_E2: Final = 0.00669437999014


def _radii(lat_rad: Floats) -> tuple[Floats, Floats]:
    """Radii of curvature (meridian, prime vertical) of WGS84, in metres."""
    w2 = 1.0 - _E2 * np.sin(lat_rad) ** 2
    return _A * (1.0 - _E2) / w2**1.5, _A / np.sqrt(w2)


_M0: Final = float(_radii(np.array([np.radians(LAT0_DEG)]))[0][0])


def to_degrees(xy: Floats) -> tuple[Floats, Floats]:
    """(lat, lng) in degrees of plane points, shape (n, 2)."""
    lat = np.radians(LAT0_DEG) + xy[:, 1] / _M0
    lng = np.radians(LNG0_DEG) + xy[:, 0] / (_radii(lat)[1] * np.cos(lat))
    return np.degrees(lat), np.degrees(lng)


def lengths_m(xy: Floats) -> Floats:
    """Ellipsoidal length of each of the n - 1 short pieces between plane points."""
    lat, lng = (np.radians(c) for c in to_degrees(xy))
    middle = (lat[1:] + lat[:-1]) / 2
    meridian, vertical = _radii(middle)
    return np.hypot(meridian * np.diff(lat), vertical * np.cos(middle) * np.diff(lng))


def smooth(points: Floats, step_m: float) -> tuple[Floats, NDArray[np.int64]]:
    """A centripetal Catmull-Rom curve through `points`, about `step_m` between vertices, and where each point lies in it."""
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    padded = np.vstack([before, points, after])
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(padded, axis=0), axis=1)))])
    pieces: list[Floats] = []
    at = [0]
    for i in range(len(points) - 1):
        p0, p1, p2, p3 = padded[i : i + 4]
        t0, t1, t2, t3 = knots[i : i + 4]
        count = max(2, int(np.ceil(np.linalg.norm(p2 - p1) / step_m)))
        t = np.linspace(t1, t2, count, endpoint=False)[:, None]
        a1 = (t1 - t) / (t1 - t0) * p0 + (t - t0) / (t1 - t0) * p1
        a2 = (t2 - t) / (t2 - t1) * p1 + (t - t1) / (t2 - t1) * p2
        a3 = (t3 - t) / (t3 - t2) * p2 + (t - t2) / (t3 - t2) * p3
        b1 = (t2 - t) / (t2 - t0) * a1 + (t - t0) / (t2 - t0) * a2
        b2 = (t3 - t) / (t3 - t1) * a2 + (t - t1) / (t3 - t1) * a3
        pieces.append((t2 - t) / (t2 - t1) * b1 + (t - t1) / (t2 - t1) * b2)
        at.append(at[-1] + count)
    return np.vstack([*pieces, points[-1:]]), np.array(at)


def normals(xy: Floats) -> Floats:
    """Unit vectors to the left of the direction of travel at each vertex; standing still keeps the zero vector."""
    tangent = np.gradient(xy, axis=0)
    size = np.linalg.norm(tangent, axis=1, keepdims=True)
    tangent = np.divide(tangent, size, out=np.zeros_like(tangent), where=size > 0)
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])


def wiggle(xy: Floats, amplitude_m: float, wavelength_m: float, rng: np.random.Generator) -> Floats:
    """Bends: `xy` pushed sideways by three waves that vanish at both ends, so that junctions stay where they are."""
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    length = s[-1]
    push = np.zeros_like(s)
    for share in (1.0, 0.45, 0.2):
        wave = wavelength_m * np.sqrt(share) * rng.uniform(0.75, 1.3)
        push += share * np.sin(2 * np.pi * s / wave + rng.uniform(0, 2 * np.pi))
    room = min(1.0, length / (2.5 * wavelength_m))
    taper = np.minimum(1.0, np.minimum(s, length - s) / (0.35 * min(length, wavelength_m)))
    bent: Floats = xy + normals(xy) * (amplitude_m * room * push * (3 * taper**2 - 2 * taper**3))[:, None]
    return bent


def simplify(xy: Floats, tolerance_m: float) -> NDArray[np.int64]:
    """Douglas-Peucker: the vertices to keep, ends included."""
    keep = {0, len(xy) - 1}
    spans = [(0, len(xy) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        chord = xy[last] - xy[first]
        size = float(np.hypot(*chord))
        inner = xy[first + 1 : last] - xy[first]
        away = (
            np.abs(inner @ np.array([-chord[1], chord[0]])) / size if size > 0 else np.hypot(inner[:, 0], inner[:, 1])
        )
        worst = int(np.argmax(away))
        if away[worst] > tolerance_m:
            middle = first + 1 + worst
            keep.add(middle)
            spans += [(first, middle), (middle, last)]
    return np.array(sorted(keep))
