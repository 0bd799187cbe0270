"""Drawn lines: simplified within a tolerance in metres, and bounded in number of points."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.domain.cells import metres_per_e6

POINTS_MAX: Final = 20_000
"""Of one answer; the tolerance grows until they suffice."""
_ROUNDS_MAX: Final = 12


class Line(NamedTuple):
    """A line of one surface; `points` is (n, 2): longitude and latitude in micro-degrees."""

    surface: str
    points: NDArray[np.int64]


def simplify(line: Line, tolerance_m: float) -> Line:
    """The line with fewer of its own points, none of those left out further than the tolerance from it."""
    if len(line.points) < 3 or tolerance_m <= 0:
        return line
    kx, ky = metres_per_e6(int(line.points[:, 1].mean()))
    plane = line.points * np.array([kx, ky])
    kept = shapely.get_coordinates(shapely.simplify(shapely.linestrings(plane), tolerance_m, preserve_topology=False))
    return Line(line.surface, np.rint(kept / np.array([kx, ky])).astype(np.int64))


def simplify_all(lines: Sequence[Line], tolerance_m: float, points_max: int = POINTS_MAX) -> list[Line]:
    """All lines within the tolerance, or within the smallest doubling of it (from 1 m) at which they fit `points_max`.

    Lines that even then are too many are left out, shortest first."""
    simple = [simplify(line, tolerance_m) for line in lines]
    tolerance_m = max(1.0, tolerance_m)
    for _ in range(_ROUNDS_MAX):
        if sum(len(line.points) for line in simple) <= points_max:
            return simple
        tolerance_m *= 2
        simple = [simplify(line, tolerance_m) for line in simple]
    order = sorted(range(len(simple)), key=lambda at: -_extent(simple[at]))
    room = np.cumsum([len(simple[at].points) for at in order]) <= points_max
    kept = {at for at, fits in zip(order, room.tolist(), strict=True) if fits}
    return [line for at, line in enumerate(simple) if at in kept]


def _extent(line: Line) -> float:
    return math.dist(line.points.min(axis=0).tolist(), line.points.max(axis=0).tolist())


def join(lines: Sequence[Line]) -> list[Line]:
    """Neighbours of one surface that meet become one line; lines of fewer than two points are dropped."""
    joined: list[Line] = []
    for line in lines:
        if len(line.points) < 2:
            continue
        last = joined[-1] if joined else None
        if last is not None and last.surface == line.surface and (last.points[-1] == line.points[0]).all():
            joined[-1] = Line(line.surface, np.concatenate([last.points, line.points[1:]]))
        else:
            joined.append(line)
    return joined
