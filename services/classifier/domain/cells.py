"""H3 cells as a lattice, and metres on the ground: the arithmetic under everything else (scheme 1, paragraphs 5 and 6).

An H3 cell is a hexagon of a regular lattice in the gnomonic plane of one face of an icosahedron.  `face_of` and `lattice_key`
give that (face, i, j) as one integer; two points have one key exactly where H3 gives them one cell (`roads build` asserts it
for every cell it writes), except that a cell lying across an edge of the icosahedron has a key on either side of it.

Only + - * / sqrt and floor are used, never the C library's sine: the same bits on every CPU (scheme 1, paragraph 4).
"""

import math
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, kernel, lean

EARTH_M: Final = 6_371_007.180918475
"""H3's sphere; only the size of cells depends on it, never a distance."""
RES0_U_GNOMONIC: Final = 0.38196601125010500003
"""Length of one step of the resolution-0 lattice in the gnomonic plane (H3)."""
FINE_RES: Final = 10
COARSE_RES: Final = 8
_SCALE: Final = 1.0 / RES0_U_GNOMONIC
FINE_SCALE: Final = _SCALE * 7.0 ** (FINE_RES // 2)
COARSE_SCALE: Final = _SCALE * 7.0 ** (COARSE_RES // 2)
FINE_RADIUS_M: Final = EARTH_M / FINE_SCALE / math.sqrt(3.0) * 1.001
"""No point of a fine cell is further from its centre: a cell is largest in the middle of a face."""
COARSE_RADIUS_M: Final = EARTH_M / COARSE_SCALE / math.sqrt(3.0) * 1.001
FIT: Final = 1.004
"""WGS84 metres against those of H3's sphere: never more than this apart."""
INNER_COSINE: Final = 0.935
"""Nearer to a face's centre than any edge of the face (0.9342): no other face can be nearer."""
SIN60: Final = math.sqrt(3.0) / 2.0

_VERTICES: Final = (
    (0.42015242670871017, 0.07814524940278335, 0.9040825506150192),
    (-0.5154559599440415, -0.38171689828713307, 0.7672009925177476),
    (-0.4146822253203352, 0.6559624054348006, 0.6306758078914754),
    (0.3557814025329444, -0.8435800024661783, 0.4022342266029254),
    (0.5188367303273645, 0.8354203803782358, 0.1813318375572621),
    (0.9950094394362415, -0.09134779527642793, 0.040147175877166555),
)
"""Half of the icosahedron's corners in H3's orientation; the others lie opposite."""


def _face_table() -> NDArray[np.float64]:
    """(20, 3, 3): per face its centre and the two axes of its lattice, unit vectors."""
    corners = np.array(_VERTICES + tuple((-x, -y, -z) for x, y, z in _VERTICES))
    table = []
    for face in combinations(range(12), 3):
        a, b, c = (corners[i] for i in face)
        if min(_dot(a, b), _dot(b, c), _dot(a, c)) < 0.4:  # neighbours stand at a cosine of 1/sqrt(5)
            continue
        centre = _unit(a + b + c)
        first = _unit(a - centre * _dot(a, centre))
        table.append((centre, first, np.cross(centre, first)))
    return np.array(table)


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Written out: numpy's dot may differ between CPUs in the last bit."""
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def _unit(a: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a / math.sqrt(_dot(a, a)))


FACES: Final = _face_table()
_RAD_PER_E6: Final = math.pi / 180e6
_S3, _S5, _S7, _S9, _S11, _S13, _S15 = ((-1.0) ** n / math.factorial(2 * n + 1) for n in range(1, 8))
_C4, _C6, _C8, _C10, _C12, _C14, _C16 = ((-1.0) ** n / math.factorial(2 * n) for n in range(2, 9))


@inlined
def sine_cosine(angle: float) -> tuple[float, float]:
    """Sine and cosine of radians in ±2 pi, by their series after folding into ±45°; error below 1e-15, no branch."""
    quarter = np.floor(angle * 0.6366197723675814 + 0.5)
    x = angle - quarter * 1.5707963267948966
    y = x * x
    s = x + x * y * (_S3 + y * (_S5 + y * (_S7 + y * (_S9 + y * (_S11 + y * (_S13 + y * _S15))))))
    c = 1.0 + y * (-0.5 + y * (_C4 + y * (_C6 + y * (_C8 + y * (_C10 + y * (_C12 + y * (_C14 + y * _C16)))))))
    half = np.floor(quarter * 0.5)
    odd = quarter - 2.0 * half > 0.5
    sign = 1.0 - 2.0 * (half - 2.0 * np.floor(half * 0.5))
    return sign * (c if odd else s), sign * (-s if odd else c)


@kernel
def sin_cos(angle: float) -> tuple[float, float]:
    return sine_cosine(angle)


@inlined
def scales_of(c: float) -> tuple[float, float]:
    """Metres of one micro-degree of longitude and of latitude where the latitude's cosine is c, on WGS84."""
    c2 = 2.0 * c * c - 1.0
    c3 = c * (2.0 * c2 - 1.0)
    c4 = 2.0 * c2 * c2 - 1.0
    return (111412.84 * c - 93.5 * c3) * 1e-6, (111132.954 - 559.822 * c2 + 1.175 * c4) * 1e-6


@lean
def metres_per_e6(lat_e6: int) -> tuple[float, float]:
    """Metres of one micro-degree of longitude and of latitude at a latitude, on WGS84."""
    _, c = sine_cosine(lat_e6 * _RAD_PER_E6)
    return scales_of(c)


@kernel
def chord_m(lat_e6: int, lng_e6: int, to_lat_e6: int, to_lng_e6: int) -> float:
    """Straight distance between two positions some kilometres apart at most."""
    kx, ky = metres_per_e6((lat_e6 + to_lat_e6) // 2)
    dx, dy = (to_lng_e6 - lng_e6) * kx, (to_lat_e6 - lat_e6) * ky
    return math.sqrt(dx * dx + dy * dy)


@lean
def to_vector(lat_e6: float, lng_e6: float) -> tuple[float, float, float]:
    """The unit vector of a position."""
    s, c = sin_cos(lat_e6 * _RAD_PER_E6)
    sl, cl = sin_cos(lng_e6 * _RAD_PER_E6)
    return c * cl, c * sl, s


@lean
def face_of(faces: NDArray[np.float64], x: float, y: float, z: float) -> int:
    best, at = -2.0, 0
    for f in range(20):
        d = faces[f, 0, 0] * x + faces[f, 0, 1] * y + faces[f, 0, 2] * z
        if d > best:
            best, at = d, f
    return at


@inlined
def to_plane(faces: NDArray[np.float64], f: int, scale: float, x: float, y: float, z: float) -> tuple[float, float]:
    """Lattice coordinates (not yet rounded) of a vector on face f: steps along the two axes, which stand at 60°."""
    s = scale / (faces[f, 0, 0] * x + faces[f, 0, 1] * y + faces[f, 0, 2] * z)
    px = (faces[f, 1, 0] * x + faces[f, 1, 1] * y + faces[f, 1, 2] * z) * s
    py = (faces[f, 2, 0] * x + faces[f, 2, 1] * y + faces[f, 2, 2] * z) * s
    b = py / SIN60
    return px - b * 0.5, b


@inlined
def nearest_hex(a: float, b: float) -> tuple[float, float]:
    """The lattice point nearest to (a, b), as floats and without a branch."""
    c = -a - b
    i, j, k = np.floor(a + 0.5), np.floor(b + 0.5), np.floor(c + 0.5)
    da, db, dc = abs(i - a), abs(j - b), abs(k - c)
    first = da > db and da > dc
    second = db > dc
    return -j - k if first else i, j if first else (-i - k if second else j)


@inlined
def round_hex(a: float, b: float) -> tuple[int, int]:
    """The lattice point nearest to (a, b)."""
    i, j = nearest_hex(a, b)
    return int(i), int(j)


@inlined
def pack(f: int, i: int, j: int) -> int:
    """One key of (face, i, j); lattice coordinates stay far below 2**28 at the resolutions used."""
    return (f << 58) | ((i + (1 << 28)) << 29) | (j + (1 << 28))


@kernel
def unpack(key: int) -> tuple[int, int, int]:
    return key >> 58, ((key >> 29) & 0x1FFFFFFF) - (1 << 28), (key & 0x1FFFFFFF) - (1 << 28)


@kernel
def keys_at(faces: NDArray[np.float64], lat_e6: float, lng_e6: float) -> tuple[int, int]:
    """Keys of the fine and the coarse cell of a position."""
    x, y, z = to_vector(lat_e6, lng_e6)
    fine, coarse, _, _ = keys_of_vector(faces, x, y, z, 0)
    return fine, coarse


@kernel
def locate(faces: NDArray[np.float64], lat_e6: float, lng_e6: float, guess: int) -> tuple[int, int, float, float, int]:
    """(fine key, coarse key, most metres to either cell's centre, face); `guess` is a face that is likely the right one."""
    x, y, z = to_vector(lat_e6, lng_e6)
    fine, coarse, coarse_m, f = keys_of_vector(faces, x, y, z, guess)
    a, b = to_plane(faces, f, FINE_SCALE, x, y, z)
    _, i, j = unpack(fine)
    return fine, coarse, lattice_length(a - i, b - j) * (EARTH_M / FINE_SCALE * FIT), coarse_m, f


@lean
def keys_of_vector(faces: NDArray[np.float64], x: float, y: float, z: float, guess: int) -> tuple[int, int, float, int]:
    """As `keys_on` and the face, of a unit vector; `guess` is a face that is likely the right one."""
    f = guess
    if faces[f, 0, 0] * x + faces[f, 0, 1] * y + faces[f, 0, 2] * z < INNER_COSINE:
        f = face_of(faces, x, y, z)
    fine, coarse, coarse_m = keys_on(faces, f, x, y, z)
    return fine, coarse, coarse_m, f


@inlined
def keys_on(faces: NDArray[np.float64], f: int, x: float, y: float, z: float) -> tuple[int, int, float]:
    """(fine key, coarse key, most metres to the coarse cell's centre) of a unit vector on face f.

    The gnomonic plane only stretches, so a distance in it is never below the one on the ground."""
    a, b = to_plane(faces, f, FINE_SCALE, x, y, z)
    i, j = nearest_hex(a, b)
    ca, cb = a * (COARSE_SCALE / FINE_SCALE), b * (COARSE_SCALE / FINE_SCALE)
    ci, cj = nearest_hex(ca, cb)
    coarse_m = lattice_length(ca - ci, cb - cj) * (EARTH_M / COARSE_SCALE * FIT)
    return pack(f, int(i), int(j)), pack(f, int(ci), int(cj)), coarse_m


@inlined
def lattice_length(a: float, b: float) -> float:
    """Length of a step (a, b) along axes at 60 degrees."""
    return math.sqrt(a * a + a * b + b * b)


@kernel
def centre_of(faces: NDArray[np.float64], key: int, scale: float) -> tuple[float, float, float]:
    """Unit vector of a cell's centre."""
    f, i, j = unpack(key)
    px, py = (i + 0.5 * j) / scale, j * SIN60 / scale
    x = faces[f, 0, 0] + px * faces[f, 1, 0] + py * faces[f, 2, 0]
    y = faces[f, 0, 1] + px * faces[f, 1, 1] + py * faces[f, 2, 1]
    z = faces[f, 0, 2] + px * faces[f, 1, 2] + py * faces[f, 2, 2]
    n = 1.0 / math.sqrt(x * x + y * y + z * z)
    return x * n, y * n, z * n


@kernel
def centres(faces: NDArray[np.float64], keys: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
    """(n, 3): unit vectors of the centres of many cells."""
    out = np.empty((len(keys), 3))
    for n in range(len(keys)):
        out[n, 0], out[n, 1], out[n, 2] = centre_of(faces, keys[n], scale)
    return out


@kernel
def keys_of(
    faces: NDArray[np.float64], lat_deg: NDArray[np.float64], lng_deg: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(2, n): fine and coarse keys of many positions in degrees."""
    out = np.empty((2, len(lat_deg)), dtype=np.int64)
    for n in range(len(lat_deg)):
        out[0, n], out[1, n] = keys_at(faces, lat_deg[n] * 1e6, lng_deg[n] * 1e6)
    return out


@kernel
def scales(lat_e6: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n, 2): metres of a micro-degree of longitude and latitude at many latitudes."""
    out = np.empty((len(lat_e6), 2))
    for n in range(len(lat_e6)):
        out[n, 0], out[n, 1] = metres_per_e6(lat_e6[n])
    return out
