"""Declared land (rule SU7) and excluded places as columns, and what they make of each fix (scheme 1, paragraphs 37 to 39).

Positions and corners of polygons are whole micro-degrees, so inside or outside is exact integer arithmetic.  A window without
rulings costs one comparison."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import cells
from services.classifier.domain import surfaces as on
from services.classifier.domain.compiled import inlined, lean
from services.classifier.domain.evidence import Evidence
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import FAR, to_segment
from services.classifier.domain.rulings import Exclusion, Land, Rulings

LAND: Final = 0
OVER_PUBLIC: Final = 1
"""Land whose public roads count too, for a written reason."""
EXCLUDED: Final = 2
_NEAR_M: Final = 200.0
"""Nearer than this to a polygon's box its edges are measured; beyond, the distance to the box bounds them from below."""
_FOR_EVER_MS: Final = 1 << 60
_POLYGON: Final = 3
_MULTIPOLYGON: Final = 6


class Places(NamedTuple):
    """Polygons in force.  Window w is ruled by the places row[first[w]] to row[first[w + 1] - 1]."""

    first: NDArray[np.int64]
    row: NDArray[np.int32]
    role: NDArray[np.int8]
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    box: NDArray[np.int64]
    """(places, 4): south, west, north, east."""
    edge_first: NDArray[np.int64]
    edges: NDArray[np.int64]
    """(edges, 4): latitude and longitude of one end and of the other."""


class Ruled(NamedTuple):
    """Per fix."""

    limit_m: NDArray[np.float64]
    """Least distance to where the vehicle may not be counted: an excluded place, or the boundary of the land it stands on."""
    place: NDArray[np.int32]
    """The place that decided the fix's surface; -1: none did."""


def empty_ruled(rows: int) -> Ruled:
    return Ruled(np.full(rows, FAR), np.full(rows, -1, dtype=np.int32))


def places_of(windows: Sequence[Rulings] | None, count: int) -> tuple[Places, list[Land | Exclusion]]:
    """Columns of the polygons in force for each of `count` windows (None: no ruling anywhere), and the place in each row."""
    found: dict[tuple[str, ...], int] = {}
    places: list[Land | Exclusion] = []
    first, rows = [0], list[int]()
    for one in windows or ():
        inside: list[Land | Exclusion] = [*one.lands, *(exclusion for exclusion in one.exclusions if exclusion.wkb)]
        for place in inside:
            key = (type(place).__name__, place.id, place.wkb.hex())
            if key not in found:
                found[key] = len(places)
                places.append(place)
            rows.append(found[key])
        first.append(len(rows))
    first += [len(rows)] * (count + 1 - len(first))
    edges = [edges_of(place.wkb) for place in places]
    corners = [np.concatenate([part[:, :2], part[:, 2:]]) for part in edges]
    return Places(
        first=np.array(first, dtype=np.int64),
        row=np.array(rows, dtype=np.int32),
        role=np.array([_role(place) for place in places], dtype=np.int8),
        from_ms=np.array([getattr(place, "from_ms", 0) for place in places], dtype=np.int64),
        to_ms=np.array([getattr(place, "to_ms", _FOR_EVER_MS) for place in places], dtype=np.int64),
        box=np.array([[*part.min(axis=0), *part.max(axis=0)] for part in corners], dtype=np.int64).reshape(-1, 4),
        edge_first=np.cumsum([0, *(len(part) for part in edges)], dtype=np.int64),
        edges=np.concatenate([*edges, np.empty((0, 4), dtype=np.int64)]),
    ), places


def _role(place: Land | Exclusion) -> int:
    if isinstance(place, Exclusion):
        return EXCLUDED
    return OVER_PUBLIC if place.over_public else LAND


@lru_cache(maxsize=4096)
def edges_of(wkb: bytes) -> NDArray[np.int64]:
    """All edges of a polygon or multipolygon, rings in their order.  Raises ValueError for any other geometry."""
    rings: list[NDArray[np.int64]] = []
    end = _read_geometry(wkb, 0, rings)
    if end != len(wkb) or not rings:
        raise ValueError("WKB: one Polygon or MultiPolygon and nothing else is expected")
    return np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in rings])


def _read_geometry(wkb: bytes, at: int, rings: list[NDArray[np.int64]]) -> int:
    order = "<" if wkb[at] else ">"
    kind, count = struct.unpack_from(f"{order}II", wkb, at + 1)
    if kind not in {_POLYGON, _MULTIPOLYGON}:
        raise ValueError(f"WKB: geometry of kind {kind}, a Polygon or MultiPolygon is expected")
    at += 9
    for _ in range(count):
        if kind == _MULTIPOLYGON:
            at = _read_geometry(wkb, at, rings)
        else:
            (points,) = struct.unpack_from(f"{order}I", wkb, at)
            lng_lat: NDArray[Any] = np.frombuffer(wkb, f"{order}f8", 2 * points, at + 4).reshape(-1, 2)
            rings.append(np.rint(lng_lat[:, ::-1]).astype(np.int64))
            at += 4 + 16 * points
    return at


@lean
def rule(fixes: Fixes, places: Places, evidence: Evidence, surface: NDArray[np.int8], out: Ruled) -> None:
    """Change `surface` and the certain distance `clear_m` of fixes on declared land or by excluded places; fill `out`."""
    ts, label = fixes.ts_ms, fixes.label
    for w in range(len(fixes.first) - 1):
        if places.first[w] == places.first[w + 1]:
            continue
        before = -1
        for i in range(fixes.first[w], fixes.first[w + 1]):
            if label[i] != GOOD:
                continue
            after = i + 1
            while after < fixes.first[w + 1] and label[after] != GOOD:
                after += 1
            from_ms = ts[before] if before >= 0 else ts[i]
            until_ms = ts[after] if after < fixes.first[w + 1] else ts[i]
            _rule_fix(fixes, places, evidence, surface, w, i, from_ms, until_ms, out)
            before = i


@lean
def _rule_fix(
    fixes: Fixes, places: Places, evidence: Evidence, surface: NDArray[np.int8], w: int, i: int, from_ms: int, until_ms: int,
    out: Ruled,
) -> None:  # fmt: skip
    """Exclusions beat land; outside coverage nothing is changed (rule SU5)."""
    here = surface[i]
    if here == on.OUTSIDE:
        return
    land, land_m, over, over_m, excluded, limit = _holds(fixes, places, w, i, from_ms, until_ms)
    clear = evidence.clear_m[i]
    if over >= 0 and (here == on.ON_PUBLIC or here == on.AMBIGUOUS):  # noqa: PLR1714 - numba has no cheap membership
        here, out.place[i], clear = on.OVER_PUBLIC, over, min(over_m, evidence.edge_m[i])
        limit = min(limit, clear)
    elif land >= 0 and (here == on.ON_UNKNOWN_WAY or here == on.LIKE_A_ROAD):  # noqa: PLR1714 - as above
        here, out.place[i] = on.ON_DECLARED, land
        clear = max(min(land_m, clear), min(over_m, evidence.edge_m[i]))
        limit = min(limit, clear)
    if excluded >= 0 and on.is_off(here):
        here, out.place[i] = on.EXCLUDED_PLACE, excluded
    surface[i], out.limit_m[i], evidence.clear_m[i] = here, limit, min(clear, limit)


@inlined
def _holds(
    fixes: Fixes, places: Places, w: int, i: int, from_ms: int, until_ms: int
) -> tuple[int, float, int, float, int, float]:
    """Of a fix: the land whose boundary is furthest and how far, the same of land over public roads, the exclusion it lies in,
    and how far those are that it, or the vehicle on the legs beside it, could come into."""
    land, land_m, over, over_m, excluded, limit = -1, 0.0, -1, 0.0, -1, FAR
    for n in range(places.first[w], places.first[w + 1]):
        p = places.row[n]
        if not _active(places, p, from_ms, until_ms):
            continue
        inside, metres = boundary_m(places, p, fixes.lat_e6[i], fixes.lng_e6[i])
        if places.role[p] == EXCLUDED:
            if inside and excluded < 0 and _active(places, p, fixes.ts_ms[i], fixes.ts_ms[i]):
                excluded = p
            limit = 0.0 if inside else min(limit, metres)
        elif inside:
            if land < 0 or metres > land_m:
                land, land_m = p, metres
            if places.role[p] == OVER_PUBLIC and (over < 0 or metres > over_m):
                over, over_m = p, metres
    return land, land_m, over, over_m, excluded, limit


@inlined
def _active(places: Places, p: int, from_ms: int, until_ms: int) -> bool:
    """Whether a place is in force at any instant of a time."""
    reaches: bool = places.from_ms[p] <= until_ms and places.to_ms[p] >= from_ms
    return reaches


@lean
def boundary_m(places: Places, p: int, lat_e6: int, lng_e6: int) -> tuple[bool, float]:
    """(inside, metres to the boundary; a lower bound where far outside) of a position and a place."""
    kx, ky = cells.metres_per_e6(lat_e6)
    box = places.box[p]
    dy = max(0, box[0] - lat_e6, lat_e6 - box[2]) * ky
    dx = max(0, box[1] - lng_e6, lng_e6 - box[3]) * kx
    outside_m = max(dx, dy)
    if outside_m > _NEAR_M:
        return False, outside_m
    inside, best = False, FAR * FAR
    for k in range(places.edge_first[p], places.edge_first[p + 1]):
        ay, ax = places.edges[k, 0] - lat_e6, places.edges[k, 1] - lng_e6
        by, bx = places.edges[k, 2] - lat_e6, places.edges[k, 3] - lng_e6
        if (ay > 0) != (by > 0) and (ay * (bx - ax) > ax * (by - ay)) != (by > ay):
            inside = not inside
        d2, _ = to_segment(0.0, 0.0, ax * kx, ay * ky, bx * kx, by * ky)
        best = min(best, d2)
    return inside, np.sqrt(best)


@lean
def room_m(
    places: Places, w: int, lat_e6: int, lng_e6: int, from_ms: int, until_ms: int, on_land: bool, over_public: bool
) -> float:
    """How far a vehicle at a position may go before a ruling changes what its metres are; -1 where one does already.

    `on_land`: its metres count by declared land only; `over_public`: by land that counts public roads."""
    room, hold = FAR, -1.0
    for n in range(places.first[w], places.first[w + 1]):
        p = places.row[n]
        if not _active(places, p, from_ms, until_ms):
            continue
        inside, metres = boundary_m(places, p, lat_e6, lng_e6)
        if places.role[p] == EXCLUDED:
            if inside:
                return -1.0
            room = min(room, metres)
        elif inside and (places.role[p] == OVER_PUBLIC or not over_public):
            hold = max(hold, metres)
    return min(room, hold) if on_land else room
