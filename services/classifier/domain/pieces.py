"""Pieces: what legs are cut into, one surface and basis each (scheme 1, paragraph 26)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

PUBLIC_ROAD: Final = 0
OFF_ROAD: Final = 1
UNKNOWN: Final = 2
CARRIED: Final = 3

MAPPED_PUBLIC: Final = 0
PRIVATE_ROAD: Final = 1
NO_ROAD: Final = 2
ODOMETER_BOUND: Final = 3
UNKNOWN_WAY: Final = 4
LIKE_A_ROAD: Final = 5
AMBIGUOUS: Final = 6
OUTSIDE_COVERAGE: Final = 7
GAP: Final = 8
IS_CARRIED: Final = 9
DECLARED_LAND: Final = 10
DECLARED_OVER_PUBLIC: Final = 11
EXCLUDED: Final = 12

DRIVE: Final = 0
GAP_KIND: Final = 1
CARRIED_KIND: Final = 2


class Pieces(NamedTuple):
    """Parts of legs, in order of time; up to three a leg.  `mm` sums to the leg's length."""

    window: NDArray[np.int32]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    surface: NDArray[np.int8]
    basis: NDArray[np.int8]
    kind: NDArray[np.int8]
    mm: NDArray[np.int64]
    at: NDArray[np.int32]
    """Vertex of the way that decided; -1: none did; below: the place -2 - `at` (domain.places) that did."""
    fix: NDArray[np.int64]
    """The leg's first fix; its second is `until`."""
    until: NDArray[np.int64]
    used: NDArray[np.int64]
    """One number: how many rows are in use."""


def empty_pieces(count: int) -> Pieces:
    return Pieces(
        window=np.zeros(count, dtype=np.int32),
        start_ms=np.zeros(count, dtype=np.int64),
        end_ms=np.zeros(count, dtype=np.int64),
        surface=np.zeros(count, dtype=np.int8),
        basis=np.zeros(count, dtype=np.int8),
        kind=np.zeros(count, dtype=np.int8),
        mm=np.zeros(count, dtype=np.int64),
        at=np.empty(count, dtype=np.int32),
        fix=np.zeros(count, dtype=np.int64),
        until=np.zeros(count, dtype=np.int64),
        used=np.zeros(1, dtype=np.int64),
    )
