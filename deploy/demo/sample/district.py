"""The district: true shapes of every way, the graph that the fleet drives on, and where no vehicle may stray by accident."""

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deploy.demo.sample import geometry
from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.plan import CLOSE_NODE, CLOSE_TRACK, KINDS, NODES, WAYS, Way

STEP_M: Final = 10.0
CLOSE_OFFSET_M: Final = 15.0
CLOSE_FROM_M: Final = 500.0
CLOSE_TO_M: Final = 1700.0
CLEAR_M: Final = 30.0
_CELL_M: Final = 10.0
_ORIGIN_M: Final = -24_000.0
_CELLS: Final = 4_800
_TURN_COST_S: Final = 4.0


@dataclass(frozen=True)
class Edge:
    """One way between two junctions: true shape in plane metres, both ends included."""

    kind: str
    xy: Floats
    length_m: float


@dataclass(frozen=True)
class District:
    edges: dict[tuple[str, str], Edge]
    """Both directions."""
    ways: tuple[tuple[Way, Floats, dict[str, int]], ...]
    """Each way with its true shape and where its named junctions lie in it."""
    nodes: dict[str, Floats]
    near_public: NDArray[np.bool_]
    """Raster of cells within about CLEAR_M of a public road or a way of unknown owner."""
    _routes: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def route(self, start: str, goal: str) -> tuple[str, ...]:
        """Junctions of the quickest way."""
        if (start, goal) not in self._routes:
            self._routes[start, goal] = self._search(start, goal)
        return self._routes[start, goal]

    def _search(self, start: str, goal: str) -> tuple[str, ...]:
        best = {start: 0.0}
        back: dict[str, str] = {}
        queue = [(0.0, start)]
        while queue:
            cost, here = heapq.heappop(queue)
            if here == goal:
                break
            if cost > best[here]:
                continue
            for there, edge in ((b, edge) for (a, b), edge in self.edges.items() if a == here):
                seconds = cost + edge.length_m * 3.6 / KINDS[edge.kind].speed_kmh + _TURN_COST_S
                if seconds < best.get(there, np.inf):
                    best[there], back[there] = seconds, here
                    heapq.heappush(queue, (seconds, there))
        path = [goal]
        while path[-1] != start:
            path.append(back[path[-1]])
        return tuple(reversed(path))

    def clear(self, xy: Floats) -> bool:
        """True where no point lies close to a public road or a way of unknown owner, so that its truth is beyond doubt."""
        cells = ((xy - _ORIGIN_M) / _CELL_M).astype(np.int64)
        return not bool(self.near_public[cells[:, 0], cells[:, 1]].any())


def build(rng: np.random.Generator) -> District:
    """Draw every way of the plan, with bends of the seed's own."""
    nodes = {name: np.array(km) * 1000.0 for name, km in NODES.items()}
    ways = [_draw(way, nodes, rng) for way in WAYS]
    ways.append(_close_track(ways, nodes, rng))
    edges: dict[tuple[str, str], Edge] = {}
    for way, xy, at in ways:
        stops = sorted(at.items(), key=lambda item: item[1])
        for (a, first), (b, last) in itertools.pairwise(stops):
            piece = xy[first : last + 1]
            length = float(geometry.lengths_m(piece).sum())
            here, there = a.partition("'")[0], b.partition("'")[0]
            edges[here, there] = Edge(way.kind, piece, length)
            edges[there, here] = Edge(way.kind, piece[::-1], length)
    return District(edges, tuple(ways), nodes, _raster([xy for way, xy, _ in ways if _is_shared(way.kind)]))


def _is_shared(kind: str) -> bool:
    return KINDS[kind].surface in ("public", "unknown_owner")


def _draw(way: Way, nodes: dict[str, Floats], rng: np.random.Generator) -> tuple[Way, Floats, dict[str, int]]:
    names = way.nodes.split()
    kind = KINDS[way.kind]
    curve, at = geometry.smooth(np.array([nodes[name] for name in names]), STEP_M)
    pieces = [
        geometry.wiggle(curve[first : last + 1], kind.bend_m, kind.wave_m, rng)
        for first, last in itertools.pairwise(at)
    ]
    xy = np.vstack([piece[:-1] for piece in pieces] + [pieces[-1][-1:]])
    # a way that comes back to one of its own junctions names the later passage QB'5
    places = {name if name not in names[:i] else f"{name}'{i}": int(at[i]) for i, name in enumerate(names)}
    return way, xy, places


def _close_track(
    ways: list[tuple[Way, Floats, dict[str, int]]], nodes: dict[str, Floats], rng: np.random.Generator
) -> tuple[Way, Floats, dict[str, int]]:
    """A farm track 10 to 20 m south of the road for CLOSE_TO_M - CLOSE_FROM_M, as fences make them;
    `nodes` gains its middle."""
    gate, far, start, goal = CLOSE_TRACK
    road, at = next((xy, at) for _, xy, at in ways if gate in at and far in at)
    piece = road[at[gate] : at[far] + 1]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(piece, axis=0), axis=1))])
    beside = (along >= CLOSE_FROM_M) & (along <= CLOSE_TO_M)
    away = CLOSE_OFFSET_M + 3.0 * np.sin(along[beside] / rng.uniform(60, 90))
    shifted = piece[beside] - geometry.normals(piece)[beside] * away[:, None]
    lead, _ = geometry.smooth(np.vstack([nodes[start], (nodes[start] + shifted[0]) / 2 - [0, 40], shifted[0]]), STEP_M)
    tail, _ = geometry.smooth(np.vstack([shifted[-1], (shifted[-1] + nodes[goal]) / 2 + [60, 0], nodes[goal]]), STEP_M)
    xy = np.vstack([lead[:-1], shifted, tail[1:]])
    middle = len(lead) - 1 + len(shifted) // 2
    nodes[CLOSE_NODE] = xy[middle]
    places = {start: 0, CLOSE_NODE: middle, goal: len(xy) - 1}
    return Way("private_track", "", f"{start} {CLOSE_NODE} {goal}"), xy, places


def _raster(lines: list[Floats]) -> NDArray[np.bool_]:
    grid = np.zeros((_CELLS, _CELLS), dtype=np.bool_)
    reach = int(CLEAR_M // _CELL_M)
    for xy in lines:
        cells = ((xy - _ORIGIN_M) / _CELL_M).astype(np.int64)
        for dx in range(-reach, reach + 1):
            for dy in range(-reach, reach + 1):
                grid[cells[:, 0] + dx, cells[:, 1] + dy] = True
    return grid
