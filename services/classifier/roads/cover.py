"""The cover: which fine cells list which segments.

Everything is made by loops in numba over columns; a country takes seconds.  Guarantee (property test): every way within
REACH_M of any point of a fine cell is listed for that cell, so a point whose cell lists no public road has none within REACH_M.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells
from services.classifier.domain.compiled import kernel
from services.classifier.domain.geometry import REACH_M

_CHUNK: Final = 100_000
_USUAL: Final = 24
"""Most segments are in fewer cells than this."""
PIECE_M: Final = 150.0
"""Segments are walked in pieces no longer than this."""
EDGE_COSINE: Final = 2e-3
"""A piece is covered on every face whose centre is at most this much further (in cosine): over 5 km beside an edge."""


@kernel
def cover(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    also: NDArray[np.int32],
    scale: float,
    reach_m: float,
    out_key: NDArray[np.int64],
    out_segment: NDArray[np.int32],
) -> int:
    """(cell, segment) pairs of all cells whose centre is within `reach_m` of a segment; returns how many there are.

    `also` has a bit for each face on which a segment is listed in any case.  Writes as many as fit, so that a second call with
    room enough gets them all.  Pairs may repeat."""
    count, room = 0, len(out_key)
    for n in range(len(segments)):
        v = segments[n]
        kx, ky = cells.metres_per_e6(lat[v])
        dx, dy = (lng[v + 1] - lng[v]) * kx, (lat[v + 1] - lat[v]) * ky
        pieces = int(math.sqrt(dx * dx + dy * dy) / PIECE_M) + 1
        for p in range(pieces):
            la, lb = lat[v] + (lat[v + 1] - lat[v]) * (p / pieces), lat[v] + (lat[v + 1] - lat[v]) * ((p + 1) / pieces)
            na, nb = lng[v] + (lng[v + 1] - lng[v]) * (p / pieces), lng[v] + (lng[v + 1] - lng[v]) * ((p + 1) / pieces)
            ax, ay, az = cells.to_vector(la, na)
            bx, by, bz = cells.to_vector(lb, nb)
            top = -2.0
            for f in range(20):
                top = max(top, faces[f, 0, 0] * ax + faces[f, 0, 1] * ay + faces[f, 0, 2] * az)
            for f in range(20):
                cosine = faces[f, 0, 0] * ax + faces[f, 0, 1] * ay + faces[f, 0, 2] * az
                if cosine < top - EDGE_COSINE and also[n] >> f & 1 == 0:
                    continue
                a0, b0 = cells.to_plane(faces, f, scale, ax, ay, az)
                a1, b1 = cells.to_plane(faces, f, scale, bx, by, bz)
                reach = reach_m * cells.FIT / cells.EARTH_M * scale / (cosine * cosine) * 1.16 + 1.0
                for i in range(math.floor(min(a0, a1) - reach), math.ceil(max(a0, a1) + reach) + 1):
                    for j in range(math.floor(min(b0, b1) - reach), math.ceil(max(b0, b1) + reach) + 1):
                        key = cells.pack(f, i, j)
                        cx, cy, cz = cells.centre_of(faces, key, scale)
                        if apart(cx, cy, cz, ax, ay, az, bx, by, bz) * cells.EARTH_M <= reach_m * cells.FIT:
                            if count < room:
                                out_key[count] = key
                                out_segment[count] = v
                            count += 1
    return count


@kernel
def apart(px: float, py: float, pz: float, ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    """Distance of a point to a segment in space."""
    dx, dy, dz = bx - ax, by - ay, bz - az
    n = dx * dx + dy * dy + dz * dz
    t = 0.0
    if n > 0.0:
        t = min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy + (pz - az) * dz) / n))
    ex, ey, ez = ax + t * dx - px, ay + t * dy - py, az + t * dz - pz
    return math.sqrt(ex * ex + ey * ey + ez * ez)


class Listed(NamedTuple):
    """The segments listed for each fine cell, by kind and then by distance from the cell's centre."""

    keys: NDArray[np.int64]
    first: NDArray[np.int32]
    vertex: NDArray[np.int32]
    kind: NDArray[np.uint8]
    metres: NDArray[np.uint8]
    """From the cell's centre, rounded down."""


def fine_cells(
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    also: NDArray[np.int32],
    kind: NDArray[np.uint8],
) -> Listed:
    """`kind` is of each vertex's way; `also` as for `cover`."""
    key, segment = pairs(lat, lng, segments, also, cells.FINE_SCALE, REACH_M + cells.FINE_RADIUS_M)
    metres = np.empty(len(key), np.uint8)
    _centre_metres(cells.FACES, lat, lng, key, segment, metres)
    packed = kind[segment].astype(np.int64) << 56 | metres.astype(np.int64) << 48 | segment
    order = np.lexsort((packed, key))
    key, packed = key[order], packed[order]
    fresh = np.ones(len(key), dtype=np.bool_)
    fresh[1:] = (key[1:] != key[:-1]) | (packed[1:] != packed[:-1])
    key, packed = key[fresh], packed[fresh]
    keys, first = groups(key)
    segment = (packed & 0xFFFFFFFF).astype(np.int32)
    return Listed(keys, first, segment, kind[segment], (packed >> 48 & 0xFF).astype(np.uint8))


def pairs(
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    segments: NDArray[np.int32],
    also: NDArray[np.int32],
    scale: float,
    reach_m: float,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """What `cover` finds, in rooms that are large enough; chunk by chunk, so that most of it is looked for only once."""
    found: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = [(np.empty(0, np.int64), np.empty(0, np.int32))]
    for at in range(0, len(segments), _CHUNK):
        args = (cells.FACES, lat, lng, segments[at : at + _CHUNK], also[at : at + _CHUNK], scale, reach_m)
        key, segment = np.empty(_CHUNK * _USUAL, np.int64), np.empty(_CHUNK * _USUAL, np.int32)
        count = cover(*args, key, segment)
        if count > len(key):
            key, segment = np.empty(count, np.int64), np.empty(count, np.int32)
            cover(*args, key, segment)
        found.append((key[:count].copy(), segment[:count].copy()))
    return np.concatenate([key for key, _ in found]), np.concatenate([segment for _, segment in found])


def groups(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Of ascending keys the distinct ones, and where each begins, with the end of all."""
    fresh = np.ones(len(key), dtype=np.bool_)
    fresh[1:] = key[1:] != key[:-1]
    return key[fresh], np.append(np.flatnonzero(fresh), len(key)).astype(np.int32)


@kernel
def _centre_metres(
    faces: NDArray[np.float64],
    lat: NDArray[np.int32],
    lng: NDArray[np.int32],
    key: NDArray[np.int64],
    segment: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None:
    """Distance of each segment from the centre of the cell that lists it, never too much."""
    for n in range(len(key)):
        cx, cy, cz = cells.centre_of(faces, key[n], cells.FINE_SCALE)
        v = segment[n]
        ax, ay, az = cells.to_vector(lat[v], lng[v])
        bx, by, bz = cells.to_vector(lat[v + 1], lng[v + 1])
        metres = apart(cx, cy, cz, ax, ay, az, bx, by, bz) * cells.EARTH_M / cells.FIT - 1.0
        out[n] = int(min(255.0, max(0.0, metres)))
