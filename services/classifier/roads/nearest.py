"""How far the centres of coarse cells are from ways: the lower bounds of scheme 1, paragraph 5.

Segments are kept by the coarse cells that they touch; from a centre the cells round about are looked at ring by ring, until
no further one can hold anything nearer."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import kernel
from services.classifier.domain.geometry import CLEAR_MAX_M, HALF_MAX_M
from services.classifier.roads.cover import apart, groups, pairs

_SHRINK: Final = 0.62
"""Steps of the lattice are shorter on the ground away from the middle of a face: by the squared cosine, at most this."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Segments by the coarse cells that they touch."""

    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    keys: NDArray[np.int64]
    table: NDArray[np.int64]
    rows: NDArray[np.int32]
    first: NDArray[np.int32]
    segment: NDArray[np.int32]
    minus_m: NDArray[np.float64]
    """For each entry of `segment`, what is taken off its distance: the half-width of its way."""

    @classmethod
    def of(
        cls,
        lat_e6: NDArray[np.int32],
        lng_e6: NDArray[np.int32],
        segments: NDArray[np.int32],
        minus_m: NDArray[np.float64],
    ) -> "Buckets":
        none = np.zeros(len(segments), np.int32)
        key, segment = pairs(lat_e6, lng_e6, segments, none, cells.COARSE_SCALE, cells.COARSE_RADIUS_M)
        order = np.lexsort((segment, key))
        key, segment = key[order], segment[order]
        keys, first = groups(key)
        minus = np.zeros(len(lat_e6))
        minus[segments] = minus_m
        return cls(lat_e6, lng_e6, keys, *tables.make_table(keys), first, segment, minus[segment])


def cells_near(buckets: Buckets) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The coarse cells whose centre is within CLEAR_MAX_M of a segment, and how far it is."""
    points = cells.centres(cells.FACES, buckets.keys, cells.COARSE_SCALE)
    lat = np.rint(np.degrees(np.arcsin(points[:, 2])) * 1e6).astype(np.int32)
    lng = np.rint(np.degrees(np.arctan2(points[:, 1], points[:, 0])) * 1e6).astype(np.int32)
    middles = np.arange(0, 2 * len(lat), 2, dtype=np.int32)
    none, reach = np.zeros(len(lat), np.int32), CLEAR_MAX_M + cells.COARSE_RADIUS_M + 1.0
    around, _ = pairs(np.repeat(lat, 2), np.repeat(lng, 2), middles, none, cells.COARSE_SCALE, reach)
    keys = np.unique(around)
    metres = distance_to(buckets, keys)
    return keys[metres < CLEAR_MAX_M], metres[metres < CLEAR_MAX_M]


def distance_to(buckets: Buckets, keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each coarse cell: from its centre to the nearest segment's edge, at most CLEAR_MAX_M; never too much."""
    one = buckets
    return _distances(
        cells.FACES, _vectors(one.lat_e6, one.lng_e6), one.table, one.rows, one.first, one.segment, one.minus_m, keys
    )


@kernel
def _vectors(lat: NDArray[np.int32], lng: NDArray[np.int32]) -> NDArray[np.float64]:
    out = np.empty((len(lat), 3))
    for v in range(len(lat)):
        out[v, 0], out[v, 1], out[v, 2] = cells.to_vector(lat[v], lng[v])
    return out


@kernel
def _distances(
    faces: NDArray[np.float64],
    vectors: NDArray[np.float64],
    table: NDArray[np.int64],
    rows: NDArray[np.int32],
    first: NDArray[np.int32],
    segment: NDArray[np.int32],
    minus_m: NDArray[np.float64],
    keys: NDArray[np.int64],
) -> NDArray[np.float64]:
    out = np.empty(len(keys))
    step_m = cells.EARTH_M / cells.COARSE_SCALE * _SHRINK
    for n in range(len(keys)):
        x, y, z = cells.centre_of(faces, keys[n], cells.COARSE_SCALE)
        f, i, j = cells.unpack(keys[n])
        best, ring = CLEAR_MAX_M, 0
        # a cell of a ring begins at least this far from the middle of the middle one
        while ring == 0 or (ring * cells.SIN60 - 0.58) * step_m - HALF_MAX_M < best:
            for di in range(-ring, ring + 1):
                for dj in range(max(-ring, -di - ring), min(ring, -di + ring) + 1):
                    if max(abs(di), abs(dj), abs(di + dj)) != ring:
                        continue
                    row = tables.find(table, rows, cells.pack(f, i + di, j + dj))
                    if row >= 0:
                        for k in range(first[row], first[row + 1]):
                            v = segment[k]
                            a, b = vectors[v], vectors[v + 1]
                            d = apart(x, y, z, a[0], a[1], a[2], b[0], b[1], b[2])
                            best = min(best, d * cells.EARTH_M / cells.FIT - minus_m[k])
            ring += 1
        out[n] = best
    return out
