"""Where each fix is, in the units that the later passes share (scheme 1, paragraphs 4 and 6).

A loop without branches, so that the compiler works on several fixes at once; each gets the bits that it would get alone."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells
from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.scheme import Scheme

_RAD_PER_DEG: Final = math.pi / 180.0
_RAD_PER_E6: Final = math.pi / 180e6


class Ground(NamedTuple):
    """Per fix."""

    x: NDArray[np.float64]
    """Unit vector of the position."""
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    kx: NDArray[np.float64]
    """Metres of a micro-degree of longitude there; `ky` of latitude."""
    ky: NDArray[np.float64]
    east: NDArray[np.float64]
    """Unit vector of the heading; 0, 0 where it says nothing (not reported, or too slow; paragraph 19)."""
    north: NDArray[np.float64]


def empty_ground(rows: int) -> Ground:
    return Ground(*(np.empty(rows) for _ in Ground._fields))


@lean
def lay(
    lat: NDArray[np.int32], lng: NDArray[np.int32], speed: NDArray[np.float64], heading: NDArray[np.float64], scheme: Scheme,
    out: Ground,
) -> None:  # fmt: skip
    """Fill `out`."""
    xs, ys, zs, kxs, kys, easts, norths = out
    for i in range(len(lat)):
        s, c = cells.sine_cosine(lat[i] * _RAD_PER_E6)
        kxs[i], kys[i] = cells.scales_of(c)
        sl, cl = cells.sine_cosine(lng[i] * _RAD_PER_E6)
        xs[i], ys[i], zs[i] = c * cl, c * sl, s
    for i in range(len(lat)):
        east, north = cells.sine_cosine(heading[i] * _RAD_PER_DEG)
        says = 1.0 if heading[i] >= 0.0 and speed[i] > scheme.heading_speed_mps else 0.0
        easts[i], norths[i] = east * says, north * says


@inlined
def chord_m(ground: Ground, lat: NDArray[np.int32], lng: NDArray[np.int32], i: int, j: int) -> float:
    """Straight distance between two fixes some kilometres apart at most."""
    dx = (lng[j] - lng[i]) * (0.5 * (ground.kx[i] + ground.kx[j]))
    dy = (lat[j] - lat[i]) * (0.5 * (ground.ky[i] + ground.ky[j]))
    return math.sqrt(dx * dx + dy * dy)
