"""What lies on the map under the track: coverage, areas, rulings, ways and their names."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.application.drawing.marks import FAINT, INK, WAYS
from services.classifier.application.drawing.svg import path_of, tag, width_of, words
from services.classifier.application.drawing.view import Room, View, discs
from services.classifier.application.nearby import Box, DescribedRoads, line_of, ways_in
from services.classifier.domain import cells, tables, way_kinds
from services.classifier.domain.compiled import kernel
from services.classifier.domain.geometry import REACH_M, Roads
from services.classifier.domain.rulings import Exclusion, Land
from services.classifier.domain.way_kinds import FERRY

LEAST_WIDTH: Final = 3.0
"""Of a way, where its corridor would be thinner."""
WAYS_MAX: Final = 4_000
LABELS_MAX: Final = 16
LABEL_SIZE: Final = 11.5
_COVERAGE_STEP: Final = 8.0
AREA_PUBLIC: Final = getattr(way_kinds, "AREA_PUBLIC", 5)
AREA_UNKNOWN: Final = getattr(way_kinds, "AREA_UNKNOWN", 6)


def box_in(view: View) -> Box:
    r = view.rect
    lat, lng = view.e6(np.array([[r.x, r.bottom], [r.right, r.y]]))
    return Box(int(lat[0]), int(lng[0]), int(lat[1]), int(lng[1]))


def ways_drawn(view: View, roads: Roads) -> NDArray[np.int32]:
    """The ways in the map; of too many the longest."""
    found = ways_in(roads, box_in(view))
    if len(found) <= WAYS_MAX:
        return found
    lengths = roads.vertex_cm[np.searchsorted(roads.vertex_way, found + 1) - 1]
    return np.asarray(found[np.sort(np.argsort(-lengths, kind="stable")[:WAYS_MAX])])


def outside(view: View, roads: Roads) -> str:
    """Hatching where the scheme takes a place to be outside coverage (scheme 1, paragraph 9)."""
    r, step = view.rect, _COVERAGE_STEP
    xs, ys = np.arange(r.x, r.right, step), np.arange(r.y, r.bottom, step)
    grid = np.stack(np.meshgrid(xs + step / 2, ys + step / 2), axis=-1).reshape(-1, 2)
    lat, lng = view.e6(grid)
    inside = edge_m(roads, lat, lng).reshape(len(ys), len(xs)) >= REACH_M
    runs: list[str] = []
    for y, row in zip(ys.tolist(), inside, strict=True):
        turns = np.flatnonzero(np.diff(np.r_[True, row, True].astype(np.int8)))
        for a, b in turns.reshape(-1, 2).tolist():
            left, right = float(xs[a]), min(float(xs[b - 1]) + step, r.right)
            runs.append(f"M{left:.0f},{y:.0f}H{right:.0f}V{min(y + step, r.bottom):.0f}H{left:.0f}Z")
    return tag("path", d="".join(runs), fill="url(#outside)", class_="outside") if runs else ""


@kernel
def edge_m(roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32]) -> NDArray[np.float64]:
    """Least distance of places to the edge of coverage, as the scheme reads it; negative outside."""
    out = np.empty(len(lat_e6))
    for n in range(len(lat_e6)):
        _, coarse, _, away, _ = cells.locate(roads.faces, lat_e6[n], lng_e6[n], 0)
        row = tables.find(roads.coarse_table, roads.coarse_rows, coarse)
        out[n] = roads.coarse_edge_m[row] - away if row >= 0 else -1.0
    return out


def areas(view: View, roads: Roads, ways: NDArray[np.int32]) -> str:
    """Public and unknown areas: rings wind one way round what is inside, so that holes stay white."""
    drawn: list[str] = []
    for kind, fill in ((AREA_UNKNOWN, "unknown-area"), (AREA_PUBLIC, "public-area")):
        rings = [_line(view, roads, way) for way in ways[roads.way_kind[ways] == kind].tolist()]
        if rings:
            data = "".join(path_of(ring, closed=True) for ring in rings)
            drawn.append(tag("path", d=data, fill=f"url(#{fill})", stroke=FAINT, stroke_width=0.8, class_=fill))
    return "".join(drawn)


def rulings(view: View, lands: Sequence[Land], exclusions: Sequence[Exclusion], room: Room) -> str:
    """Declared land and excluded places, hatched, with the land's name."""
    drawn = [_polygon(view, land.wkb, "land", "#00704f", None) for land in lands]
    drawn += [_polygon(view, one.wkb, "exclusion", "#b3261e", "6 3") for one in exclusions if one.wkb]
    drawn += [_land_name(view, land, room) for land in lands]
    return "".join(drawn)


def _rings(view: View, wkb: bytes) -> list[NDArray[np.float64]]:
    """The rings of a polygon as far as they reach into the map."""
    shape = shapely.from_wkb(wkb)
    places = shapely.get_coordinates(shape)
    flat = shapely.set_coordinates(shape, view.xy(places[:, 0], places[:, 1]))
    r = view.rect
    cut = shapely.clip_by_rect(flat, r.x - 20, r.y - 20, r.right + 20, r.bottom + 20)
    rings = shapely.get_rings(shapely.get_parts(cut))
    return [shapely.get_coordinates(ring) for ring in rings]


def _polygon(view: View, wkb: bytes, name: str, colour: str, dash: str | None) -> str:
    rings = _rings(view, wkb)
    if not rings:
        return ""
    data = "".join(path_of(ring, closed=True) for ring in rings)
    return tag("path", d=data, fill=f"url(#{name})", fill_rule="evenodd", fill_opacity=0.55, stroke=colour,
               stroke_width=1.8, stroke_dasharray=dash, class_=name)  # fmt: skip


def _land_name(view: View, land: Land, room: Room) -> str:
    rings = _rings(view, land.wkb)
    if not rings:
        return ""
    ring = max(rings, key=lambda one: float(np.ptp(one[:, 0]) * np.ptp(one[:, 1])))
    low, high = ring.min(axis=0), ring.max(axis=0)
    wide = width_of(land.name, LABEL_SIZE)
    spots = [
        (low[0] + (high[0] - low[0]) * fx, low[1] + (high[1] - low[1]) * fy)
        for fy in (0.12, 0.88, 0.3, 0.7, 0.5) for fx in (0.5, 0.25, 0.75)
    ]  # fmt: skip
    chosen = room.place([discs(x, y, 0.0, wide + 6, LABEL_SIZE * 1.3) for x, y in spots])
    if chosen is None:
        return ""
    x, y = spots[chosen]
    return _label(land.name, x, y, 0.0, "#00573d", italic=True)


def _line(view: View, roads: Roads, way: int) -> NDArray[np.float64]:
    lat, lng = line_of(roads, way)
    return view.xy(lng, lat)


def ways(view: View, roads: Roads, shown: NDArray[np.int32]) -> str:
    """Corridors, then centre lines, by kind."""
    drawn: list[str] = []
    for kind, style in WAYS.items():
        lines = [(way, part) for way in shown[roads.way_kind[shown] == kind].tolist()
                 for part in view.clipped(_line(view, roads, way), 40)]  # fmt: skip
        by_width: dict[float, list[str]] = {}
        for way, part in lines:
            half = 0.0 if kind == FERRY else float(roads.half_dm[way]) * 0.1
            by_width.setdefault(max(LEAST_WIDTH, 2 * half * view.scale), []).append(path_of(part))
        drawn += [
            tag("path", d="".join(parts), fill="none", stroke=style.fill, stroke_width=width, class_=f"corridor kind-{kind}",
                stroke_linecap="round", stroke_linejoin="round")
            for width, parts in sorted(by_width.items())
        ]  # fmt: skip
        if lines:
            data = "".join(path_of(part) for _, part in lines)
            drawn.append(
                tag("path", d=data, fill="none", stroke=style.line, stroke_width=1.0, stroke_dasharray=style.dash)
            )
    return "".join(drawn)


def names(view: View, road_set: DescribedRoads, shown: Iterable[int], room: Room) -> str:
    """Names of ways along their lines, longest first, where there is room."""
    roads = road_set.roads
    parts: dict[str, list[tuple[float, NDArray[np.float64]]]] = {}
    kinds: dict[str, int] = {}
    for way in shown:
        name = road_set.road_name(way)
        if name:
            half = max(LEAST_WIDTH / 2, float(roads.half_dm[way]) * 0.1 * view.scale)
            parts.setdefault(name, []).extend((half, part) for part in view.clipped(_line(view, roads, way)))
            kinds[name] = int(roads.way_kind[way])
    order = sorted(parts, key=lambda name: (-sum(_length(part) for _, part in parts[name]), name))
    drawn: list[str] = []
    for name in order:
        if len(drawn) == LABELS_MAX:
            break
        spots = [spot for half, part in parts[name] for spot in _spots(part, half)]
        wide = width_of(name, LABEL_SIZE)
        spots = [spot for spot in spots if _length_ok(spot, wide)]
        chosen = room.place([discs(x, y, angle, wide, LABEL_SIZE * 1.25) for x, y, angle, _ in spots])
        if chosen is not None:
            x, y, angle, _ = spots[chosen]
            style = WAYS.get(kinds[name])
            drawn.append(
                _label(name, x, y, angle, INK if style is None or kinds[name] == way_kinds.PUBLIC else "#2f5d47")
            )
    return "".join(drawn)


Spot = tuple[float, float, float, float]


def _length_ok(spot: Spot, wide: float) -> bool:
    return spot[3] > 0.55 * wide


def _length(part: NDArray[np.float64]) -> float:
    return float(np.hypot(*np.diff(part, axis=0).T).sum())


def _spots(part: NDArray[np.float64], half: float) -> list[Spot]:
    """(x, y, slant, length of the part) for names beside the line or, where its corridor is wide, on it; the middle first."""
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(part, axis=0).T)))
    whole = float(along[-1])
    if whole < 20:
        return []
    shares = sorted(np.arange(0.1, 0.91, 0.05).tolist(), key=lambda s: abs(s - 0.5))
    found: list[Spot] = []
    near = half + LABEL_SIZE * 0.75
    for beside in (*((0.0,) if half > LABEL_SIZE * 0.8 else ()), near, -near, near + 12, -near - 12):
        for share in shares:
            s = share * whole
            ahead, back = min(whole, s + 30), max(0.0, s - 30)
            x, y = np.interp([s, ahead, back], along, part[:, 0]), np.interp([s, ahead, back], along, part[:, 1])
            angle = float(np.arctan2(y[1] - y[2], x[1] - x[2]))
            if abs(angle) > np.pi / 2:  # words are never upside down
                angle -= np.pi * np.sign(angle)
            found.append((float(x[0]) + beside * np.sin(angle), float(y[0]) - beside * np.cos(angle), angle, whole))
    return found


def _label(text: str, x: float, y: float, angle: float, colour: str, *, italic: bool = False) -> str:
    turned = f"rotate({np.degrees(angle):.1f} {x:.1f} {y:.1f})" if angle else None
    return words(
        text, x, y + LABEL_SIZE * 0.35, font_size=LABEL_SIZE, text_anchor="middle", fill=colour, transform=turned,
        class_="halo", font_style="italic" if italic else None,
    )  # fmt: skip
