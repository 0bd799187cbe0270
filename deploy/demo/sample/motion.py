"""From a path to movement: speeds that a driver could drive, instants, and the exact metres behind every instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deploy.demo.sample import geometry
from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.itinerary import Day, Stop
from deploy.demo.sample.plan import KIND_CODES, KINDS, TrueSurface

_SPEED_MPS: Final = np.array([kind.speed_kmh / 3.6 for kind in KINDS.values()])
_LANE_M: Final = np.array([kind.lane_m for kind in KINDS.values()])
_SURFACES: Final[tuple[TrueSurface, ...]] = ("public", "private", "unknown_owner", "paddock", "carried")
_SURFACE_OF: Final = np.array([_SURFACES.index(kind.surface) for kind in KINDS.values()])
_FERRY: Final = KIND_CODES["ferry"]
_SIDEWAYS_MPS2: Final = 1.9
_SPEED_UP_MPS2: Final = 1.1
_SLOW_DOWN_MPS2: Final = 1.6
_CREEP_MPS: Final = 0.7
_LANE_SMOOTH: Final = 7
_MOOD_M: Final = 700.0


@dataclass(frozen=True)
class Track:
    """True movement of one vehicle: a row a point, instants in ms, cumulative metres by true surface."""

    t_ms: Floats
    xy: Floats
    speed_mps: Floats
    surface_m: Floats
    """Shape (n, 5), columns as `surfaces()`."""
    off_ms: NDArray[np.float64]
    """Shape (k, 2): intervals with the ignition off."""

    def at(self, t_ms: Floats) -> Floats:
        """Plane positions at these instants."""
        return np.column_stack([np.interp(t_ms, self.t_ms, self.xy[:, i]) for i in (0, 1)])

    def metres(self, surface: TrueSurface, t_ms: Floats) -> Floats:
        """Metres driven (or carried) on this surface until each instant."""
        return np.interp(t_ms, self.t_ms, self.surface_m[:, _SURFACES.index(surface)])

    def driven_m(self, t_ms: Floats) -> Floats:
        """Metres on the vehicle's own wheels until each instant: what a distance recorder counts."""
        return np.interp(t_ms, self.t_ms, self.wheel_m)

    @property
    def wheel_m(self) -> Floats:
        total: Floats = self.surface_m[:, :-1].sum(axis=1)
        return total

    def instant_of(self, driven_m: float) -> float:
        """The first instant at which the wheels have turned this far; raises ValueError where they never do."""
        wheel = self.wheel_m
        if not wheel[0] <= driven_m <= wheel[-1]:
            raise ValueError(f"{driven_m:.0f} m is outside the {wheel[-1]:.0f} m driven")
        after = int(np.searchsorted(wheel, driven_m, side="left"))
        if after == 0:
            return float(self.t_ms[0])
        share = (driven_m - wheel[after - 1]) / (wheel[after] - wheel[after - 1])
        return float(self.t_ms[after - 1] + share * (self.t_ms[after] - self.t_ms[after - 1]))


def surfaces() -> tuple[TrueSurface, ...]:
    return _SURFACES


class Path(NamedTuple):
    """Where a vehicle is to go: n points, and of each of the n - 1 pieces between them what a driver makes of it."""

    xy: Floats
    surface: NDArray[np.int64]
    """Index into `surfaces()`."""
    limit_mps: Floats
    lane_m: Floats
    """How far left of the path the vehicle keeps."""
    engine_off: NDArray[np.bool_]
    """It is moved with its engine off: afloat, or on another's wheels."""
    stops: Sequence[Stop]


def drive(day: Day, start_ms: float, pace: float, rng: np.random.Generator) -> Track:
    """One day's movement.  `pace`: how fast this driver is against the usual."""
    xy, codes = day.path()
    limit = _SPEED_MPS[codes] * np.where(codes == _FERRY, 1.0, pace)
    return move(Path(xy, _SURFACE_OF[codes], limit, _LANE_M[codes], codes == _FERRY, day.stops), start_ms, rng)


def move(path: Path, start_ms: float, rng: np.random.Generator) -> Track:
    """The movement of a vehicle that starts along this path at `start_ms`."""
    xy = _keep_left(path.xy, path.lane_m)
    pieces = geometry.lengths_m(xy)
    s = np.concatenate([[0.0], np.cumsum(pieces)])
    speed = _speeds(path, xy, s, rng)
    seconds = np.divide(2 * pieces, speed[1:] + speed[:-1], out=np.zeros_like(pieces), where=pieces > 0)
    by_surface = np.zeros((len(s), len(_SURFACES)))
    by_surface[np.arange(1, len(s)), path.surface] = pieces
    t = start_ms + np.concatenate([[0.0], np.cumsum(seconds)]) * 1000.0
    return _with_stops(path, t, xy, speed, np.cumsum(by_surface, axis=0))


def _keep_left(xy: Floats, lane_m: Floats) -> Floats:
    """The path a lane's half width to the left of the mapped line, with a smooth change from way to way."""
    lane = np.concatenate([lane_m, [0.0]])
    lane[[0, -1]] = 0.0
    push = geometry.normals(xy) * lane[:, None]
    box = np.ones(_LANE_SMOOTH) / _LANE_SMOOTH
    moved: Floats = xy + np.column_stack([np.convolve(push[:, i], box, mode="same") for i in (0, 1)])
    moved[[0, -1]] = xy[[0, -1]]
    return moved


def _speeds(path: Path, xy: Floats, s: Floats, rng: np.random.Generator) -> Floats:
    """Limit by way, mood and bend, then never brake or accelerate harder than a loaded vehicle does."""
    limit = path.limit_mps
    at_point = np.minimum(np.concatenate([limit, limit[-1:]]), np.concatenate([limit[:1], limit]))
    knots = np.arange(0.0, s[-1] + 2 * _MOOD_M, _MOOD_M)
    at_point *= np.interp(s, knots, rng.uniform(0.8, 1.08, len(knots)))
    heading = np.unwrap(np.arctan2(np.diff(xy[:, 1]), np.diff(xy[:, 0])))
    bend = np.abs(np.diff(heading)) / np.maximum((s[2:] - s[:-2]) / 2, 1.0)
    at_point[1:-1] = np.minimum(at_point[1:-1], np.sqrt(_SIDEWAYS_MPS2 / np.maximum(bend, 1e-5)))
    at_point[[0, -1, *(stop.at for stop in path.stops)]] = 0.0
    square = np.maximum(at_point, 0.0) ** 2
    square = np.minimum.accumulate(square - 2 * _SPEED_UP_MPS2 * s) + 2 * _SPEED_UP_MPS2 * s
    back = np.minimum.accumulate((square + 2 * _SLOW_DOWN_MPS2 * s)[::-1])[::-1]
    speed: Floats = np.sqrt(np.maximum(back - 2 * _SLOW_DOWN_MPS2 * s, _CREEP_MPS**2))
    return speed


def _with_stops(path: Path, t: Floats, xy: Floats, speed: Floats, by_surface: Floats) -> Track:
    """Insert the stops: each doubles its point, with the dwell between the two."""
    stops = sorted(path.stops)
    at = np.array([stop.at for stop in stops], dtype=np.int64)
    dwell = np.array([stop.seconds for stop in stops]) * 1000.0
    before = np.zeros(len(t))
    np.add.at(before, at, dwell)
    later = np.cumsum(before)
    arrive = t + later - before
    off = [(float(arrive[stop.at]), float(arrive[stop.at] + before[stop.at])) for stop in stops if not stop.engine_on]
    ferry = np.flatnonzero(path.engine_off)
    if len(ferry):
        fresh = (np.diff(ferry) > 1) | np.isin(ferry[1:], at)
        crossings = np.split(ferry, np.flatnonzero(fresh) + 1)
        off += [(float((t + later)[leg[0]]), float(arrive[leg[-1] + 1])) for leg in crossings]
    order = np.argsort(np.concatenate([np.arange(len(t)), at + 0.5]), kind="stable")

    def doubled(values: Floats, extra: Floats) -> Floats:
        merged: Floats = np.concatenate([values, extra])[order]
        return merged

    still = np.zeros(len(at))
    speed = speed.copy()
    speed[at] = 0.0
    speed[[0, -1]] = 0.0
    return Track(
        doubled(arrive, (t + later)[at]), doubled(xy, xy[at]), doubled(speed, still), doubled(by_surface, by_surface[at]),
        np.array(sorted(off), dtype=np.float64).reshape(-1, 2),
    )  # fmt: skip


def join(days: Sequence[Track], start_ms: float, end_ms: float) -> Track:
    """One track from days that each end where the next begins; parked in between with the ignition off."""
    total = np.zeros(len(_SURFACES))
    sums = []
    for day in days:
        sums.append(day.surface_m + total)
        total = total + day.surface_m[-1]
    nights = [start_ms, *(edge for day in days for edge in (day.t_ms[0], day.t_ms[-1])), end_ms]
    parked = np.array(nights).reshape(-1, 2)
    t = np.concatenate([[start_ms], *(day.t_ms for day in days), [end_ms]])
    if np.any(np.diff(t) < 0):
        raise ValueError("a day begins before the last one has ended")
    xy = np.vstack([days[0].xy[:1], *(day.xy for day in days), days[-1].xy[-1:]])
    speed = np.concatenate([[0.0], *(day.speed_mps for day in days), [0.0]])
    off = np.vstack([parked, *(day.off_ms for day in days)])
    return Track(
        t, xy, speed, np.vstack([sums[0][:1], *sums, sums[-1][-1:]]), off[np.argsort(off[:, 0], kind="stable")]
    )
