"""What a scenario is made of: a site with its map, a story that is driven, a receiver, and what goes wrong with it.

Places are metres east and north of the site's own middle.  Sites lie `SPACING_M` apart in one plane, so that all of them
are one road data set and all devices go through the kernel in one call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from deploy.demo.sample import geometry
from deploy.demo.sample.geometry import Floats
from deploy.demo.sample.itinerary import Stop
from deploy.demo.sample.motion import Path, surfaces
from deploy.demo.sample.plan import TrueSurface
from deploy.demo.sample.receiver import Fixes
from shared.contracts.pings import Key

SPACING_M: Final = 8_000.0
_STEP_M: Final = 8.0
Point = tuple[float, float]
Ring = tuple[Point, ...]
Tags = tuple[tuple[str, str], ...]


class Ground(NamedTuple):
    """What a vehicle drives on in truth, whatever a map says."""

    surface: TrueSurface
    speed_kmh: float
    lane_m: float
    engine_off: bool = False


GROUNDS: Final[Mapping[str, Ground]] = {
    "highway": Ground("public", 94, 2.0),
    "road": Ground("public", 72, 1.8),
    "gravel": Ground("public", 48, 1.5),
    "verge": Ground("public", 22, 2.5),
    "street": Ground("public", 40, 1.7),
    "track": Ground("private", 24, 0.2),
    "haul": Ground("private", 38, 1.0),
    "yard": Ground("private", 9, 0.0),
    "lane": Ground("unknown_owner", 22, 0.2),
    "car_park": Ground("unknown_owner", 11, 0.0),
    "beach": Ground("unknown_owner", 30, 0.0),
    "paddock": Ground("paddock", 13, 0.0),
    "ferry": Ground("carried", 16, 0.0, engine_off=True),
    "low_loader": Ground("carried", 80, 1.8, engine_off=True),
}


class MapWay(NamedTuple):
    """A way, or with `closed` an area, as the map has it."""

    tags: Tags
    points: tuple[Point, ...]
    name: str = ""


class Site(NamedTuple):
    """A place of the scenarios' plane: column and row are its own."""

    column: int
    row: int
    ways: tuple[MapWay, ...]
    uncovered: Ring = ()
    """Ring that the coverage polygon leaves out."""

    @property
    def origin(self) -> Floats:
        return np.array([self.column * SPACING_M, self.row * SPACING_M])


class Trip:
    """The way of one vehicle, told leg by leg."""

    def __init__(self, site: Site, start: Point, pace: float) -> None:
        self._origin = site.origin
        self._pace = pace
        self._parts: list[Floats] = [np.array([start], dtype=np.float64)]
        self._grounds: list[tuple[Ground, int]] = []
        self._count = 1
        self.stops: list[Stop] = []
        self.marks: dict[str, int] = {}
        """Name → point of the path, counting the stops before it, each of which doubles its point."""

    def go(self, ground: str, *points: Point) -> "Trip":
        """In straight lines over these points."""
        for point in points:
            here = self._parts[-1][-1]
            length = float(np.hypot(*(np.array(point) - here)))
            steps = np.linspace(0.0, 1.0, max(2, int(np.ceil(length / _STEP_M)) + 1))[1:, None]
            self._add(ground, here + steps * (np.array(point, dtype=np.float64) - here))
        return self

    def wander(self, *points: Point, ground: str = "paddock") -> "Trip":
        """In one smooth line over these points."""
        corners = np.vstack([self._parts[-1][-1:], np.array(points, dtype=np.float64)])
        self._add(ground, geometry.smooth(corners, _STEP_M)[0][1:])
        return self

    def _add(self, ground: str, xy: Floats) -> None:
        self._parts.append(xy)
        self._grounds.append((GROUNDS[ground], len(xy)))
        self._count += len(xy)

    def stop(self, seconds: float, *, engine_on: bool = False) -> "Trip":
        self.stops.append(Stop(self._count - 1, seconds, engine_on))
        return self

    def mark(self, name: str) -> "Trip":
        self.marks[name] = self._count - 1 + len(self.stops)
        return self

    def path(self) -> Path:
        """In the scenarios' plane."""
        grounds = [ground for ground, count in self._grounds for _ in range(count)]
        return Path(
            xy=np.vstack(self._parts) + self._origin,
            surface=np.array([surfaces().index(ground.surface) for ground in grounds]),
            limit_mps=np.array([ground.speed_kmh / 3.6 * self._pace for ground in grounds]),
            lane_m=np.array([ground.lane_m for ground in grounds]),
            engine_off=np.array([ground.engine_off for ground in grounds]),
            stops=self.stops,
        )


class Receiver(NamedTuple):
    """A GPS device: how often, how well, and what else it says."""

    every_s: float = 15.0
    quality: float = 1.0
    """Its error against a good receiver's."""
    reports: Literal["accuracy_m", "hdop", "none"] = "accuracy_m"
    boasts_m: float = 0.0
    """It never reports an accuracy worse than this; 0: it says what it believes."""
    odometer_m: int = 1
    """Resolution; 0: none."""
    odometer_scale: float = 1.0
    doppler: bool = True
    heading: bool = True
    ignition: bool = True


DEFAULT: Final = Receiver()


class Moments(NamedTuple):
    """Instants of a drive by the names that its story gave them, in ms."""

    of: Mapping[str, float]

    def between(self, fixes: Fixes, first: str, last: str) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (fixes.ts_ms >= self.of[first]) & (
            fixes.ts_ms <= self.of[last]
        )
        return inside


Fault = Callable[[Fixes, Moments, np.random.Generator], Fixes]


class Declared(NamedTuple):
    """Land that the tenant declares (rule SU7), as a ring of the site."""

    name: str
    kind: Literal["owned", "leased", "licensed", "closed_works_site", "map_error", "other"]
    ring: Ring
    over_public: bool = False


class Excluded(NamedTuple):
    """What must not count, between two moments of the story; with a ring only what lies inside."""

    first: str
    last: str
    ring: Ring = ()


@dataclass(frozen=True)
class Scenario:
    name: str
    """The device's name too."""
    title: str
    site: Site
    start: Point
    story: Callable[[Trip], object]
    receiver: Receiver = DEFAULT
    faults: tuple[Fault, ...] = ()
    begins: str = "2026-09-09T09:00"
    """NZ time."""
    tenant: str = "scenarios"
    pace: float = 1.0
    poor: tuple[tuple[str, str, float], ...] = ()
    """From one moment of the story to another the error is this many times as large."""
    declared: tuple[Declared, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    weather: int = 0
    """Another number is another draw of all errors."""
    alike: str = ""
    """Scenarios of one word here are the same drive and errors; empty: like no other."""

    @property
    def key(self) -> Key:
        return self.tenant, self.name
