"""A vehicle's day in words a driver would use: go there, roam the paddock, stop for smoko, mow, make for home."""

import itertools
from typing import Final, NamedTuple

import numpy as np

from deploy.demo.sample import geometry
from deploy.demo.sample.district import District
from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.plan import KIND_CODES, KINDS
from deploy.demo.sample.plan import TrueSurface as Surface

_ROAM_STEP_M: Final = 8.0
_TRIES: Final = 12
_IDLE_MAX_S: Final = 240.0
"""Up to this a driver leaves the engine running."""
_FERRY_WAIT_S: Final = 420.0


class Stop(NamedTuple):
    at: int
    """Point of the day's path."""
    seconds: float
    engine_on: bool


class Day:
    """The path of one day, built leg by leg; everything is drawn from the vehicle's own generator."""

    def __init__(self, district: District, start: str, rng: np.random.Generator) -> None:
        self.district = district
        self.rng = rng
        self.here = start
        self.parts: list[Floats] = [district.nodes[start][None, :]]
        self.kinds: list[tuple[str, int]] = []
        """(kind, pieces) along the path."""
        self.stops: list[Stop] = []
        self.points = 1
        self.metres: dict[Surface, float] = dict.fromkeys(
            ("public", "private", "unknown_owner", "paddock", "carried"), 0.0
        )

    @property
    def off_m(self) -> float:
        return self.metres["private"] + self.metres["paddock"]

    def _add(self, kind: str, xy: Floats, length_m: float) -> None:
        """`xy` starts where the path ends."""
        self.parts.append(xy[1:])
        self.kinds.append((kind, len(xy) - 1))
        self.points += len(xy) - 1
        self.metres[KINDS[kind].surface] += length_m

    def go(self, *nodes: str, drop_every_m: float = 0.0) -> None:
        """Drive the quickest way over these junctions; with `drop_every_m`, stop for a parcel about that often on roads."""
        for goal in nodes:
            names = self.district.route(self.here, goal)
            for a, b in itertools.pairwise(names):
                edge = self.district.edges[a, b]
                if edge.kind == "ferry":
                    self.stop(_FERRY_WAIT_S * self.rng.uniform(0.6, 1.6), engine_on=False)
                first = self.points
                self._add(edge.kind, edge.xy, edge.length_m)
                if edge.kind == "ferry":
                    self.stop(60.0, engine_on=False)
                elif drop_every_m and KINDS[edge.kind].surface == "public" and edge.kind not in ("trunk", "tunnel"):
                    self._drop_parcels(first, edge.length_m, drop_every_m)
            self.here = goal

    def _drop_parcels(self, first: int, length_m: float, every_m: float) -> None:
        count = int(self.rng.poisson(length_m / every_m))
        for at in np.unique(self.rng.integers(first, self.points, count)).tolist():
            self.stops.append(Stop(at, float(self.rng.uniform(25, 90)), engine_on=True))

    def stop(self, seconds: float, *, engine_on: bool | None = None) -> None:
        """Stand here; the engine runs through short stops unless said otherwise."""
        running = seconds <= _IDLE_MAX_S if engine_on is None else engine_on
        self.stops.append(Stop(self.points - 1, seconds, running))

    def roam(self, length_m: float, reach_m: float) -> None:
        """Across country from here and back, a wandering loop of about `length_m` within `reach_m`, clear of every road.

        Where fences (roads) leave no room the loop shrinks; where nothing fits it stays at home."""
        home = self.district.nodes[self.here]
        reach = reach_m
        for _ in range(_TRIES):
            count = max(3, int(length_m / 260))
            angle = self.rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi, count, endpoint=False)
            middle = home + self.rng.uniform(-0.35, 0.35, 2) * reach
            out = reach * np.sqrt(self.rng.uniform(0.08, 1.0, count))
            corners = middle + out[:, None] * np.column_stack([np.cos(angle * 2.3), np.sin(angle * 1.7)])
            curve, _ = geometry.smooth(np.vstack([home, corners, home]), _ROAM_STEP_M)
            if self.district.clear(curve):
                self._add("paddock", curve, float(geometry.lengths_m(curve).sum()))
                return
            reach *= 0.75

    def mow(self, width_m: float, rows: int, spacing_m: float) -> None:
        """Up and down a paddock in `rows` parallel rows, as a mower or a seed drill does."""
        home = self.district.nodes[self.here]
        for _ in range(_TRIES):
            turn = self.rng.uniform(0, 2 * np.pi)
            axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            row = np.arange(rows)
            ends = np.where(row % 2 == 0, 0.0, width_m)
            lines = np.column_stack([np.stack([ends, width_m - ends], axis=1).ravel(), np.repeat(row * spacing_m, 2)])
            corners = home + self.rng.uniform(60, 120) * axes[0] + lines @ axes
            curve, _ = geometry.smooth(np.vstack([home, corners, home]), _ROAM_STEP_M)
            if self.district.clear(curve):
                self._add("paddock", curve, float(geometry.lengths_m(curve).sum()))
                return

    def path(self) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int8]]]:
        """Points, and the kind code of each piece between them."""
        codes = np.repeat([KIND_CODES[kind] for kind, _ in self.kinds], [count for _, count in self.kinds])
        return np.vstack(self.parts), codes.astype(np.int8)
