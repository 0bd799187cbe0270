"""A small district in plane metres, and drives through it: what the kernel tests are made of.

River Road    public, along y = 0 from x = -5000 to 5000
Ridge Track   private track north from (0, 0) to (0, 3000)
Mill Lane     service way without owner, north from (2000, 0) to (2000, 1000)
Verge Track   private track 12 m beside River Road, x = -3000 to -1500
ferry         from (5000, 0) east to (12000, 0)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.cells import metres_per_e6
from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import LAYOUT, Pings, make

LAT0, LNG0 = -40_500_000, 175_500_000
KX, KY = metres_per_e6(LAT0)
NOON_MS = 1_772_409_600_000  # 2026-03-02 13:00 in Auckland
Way = tuple[int, dict[str, str], Sequence[tuple[float, float]]]

RIVER_ROAD: Way = (1, {"highway": "tertiary", "name": "River Road"}, [(x, 0) for x in range(-5000, 5001, 250)])
RIDGE_TRACK: Way = (2, {"highway": "track", "name": "Ridge Track"}, [(0, y) for y in range(0, 3001, 250)])
MILL_LANE: Way = (3, {"highway": "service", "name": "Mill Lane"}, [(2000, y) for y in range(0, 1001, 250)])
VERGE_TRACK: Way = (4, {"highway": "track", "name": "Verge Track"}, [(-3000, 12), (-2250, 12), (-1500, 12)])
FERRY: Way = (5, {"route": "ferry", "name": "Lake Ferry"}, [(5000, 0), (8000, 0), (12000, 0)])
DISTRICT = (RIVER_ROAD, RIDGE_TRACK, MILL_LANE, VERGE_TRACK, FERRY)


def at(x: float, y: float) -> tuple[int, int]:
    """(latitude, longitude) in micro-degrees of a place in metres."""
    return LAT0 + round(y / KY), LNG0 + round(x / KX)


def osm_file(path: Path, ways: Sequence[Way] = DISTRICT, box_m: float = 30_000.0) -> Path:
    """An .osm file; ways meet where they share a place."""
    nodes: dict[tuple[float, float], int] = {}
    for _, _, points in ways:
        for point in points:
            nodes.setdefault(point, len(nodes) + 1)
    (south, west), (north, east) = at(-box_m, -box_m), at(box_m, box_m)
    lines = ['<?xml version="1.0"?>', '<osm version="0.6">']
    lines.append(f'<bounds minlat="{south / 1e6}" minlon="{west / 1e6}" maxlat="{north / 1e6}" maxlon="{east / 1e6}"/>')
    stamp = 'version="1" timestamp="2026-01-01T00:00:00Z"'
    for point, number in nodes.items():
        lat, lng = at(*point)
        lines.append(f'<node id="{number}" {stamp} lat="{lat / 1e6:.6f}" lon="{lng / 1e6:.6f}"/>')
    for number, tags, points in ways:
        lines.append(f'<way id="{number}" {stamp}>')
        lines += [f'<nd ref="{nodes[point]}"/>' for point in points]
        lines += [f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items()]
        lines.append("</way>")
    path.write_text("\n".join([*lines, "</osm>"]), "utf-8")
    return path


def road_set(folder: Path, ways: Sequence[Way] = DISTRICT, polygon: Path | None = None) -> RoadSet:
    return build([osm_file(folder / "district.osm", ways)], folder / "sets", polygon)


@dataclass
class Drive:
    """True places and times of a vehicle, one row a fix."""

    t_ms: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    speed: NDArray[np.float64]
    heading: NDArray[np.float64]
    odometer_m: NDArray[np.float64]


def drive(points: Sequence[tuple[float, float]], speed_mps: float, every_s: float, start_ms: int = NOON_MS) -> Drive:
    """At one speed along straight lines."""
    corners = np.array(points, dtype=np.float64)
    steps = np.hypot(*np.diff(corners, axis=0).T)
    along = np.append(0.0, np.cumsum(steps))
    s = np.arange(0.0, along[-1] + 1e-9, speed_mps * every_s)
    x, y = np.interp(s, along, corners[:, 0]), np.interp(s, along, corners[:, 1])
    leg = np.minimum(np.searchsorted(along, s, side="right") - 1, len(steps) - 1)
    dx, dy = np.diff(corners[:, 0])[leg], np.diff(corners[:, 1])[leg]
    heading = np.degrees(np.arctan2(dx, dy)) % 360.0
    t_ms = start_ms + np.rint(s / speed_mps * 1000.0).astype(np.int64)
    return Drive(t_ms, x, y, np.full(len(s), speed_mps), heading, s)


def to_pings(
    one: Drive,
    *,
    device: str = "ute-1",
    tenant: str = "t",
    noise_m: float = 0.0,
    accuracy_m: float = 4.0,
    odometer: float | None = None,
    unit_m: float = 1.0,
    ignition: int = 1,
    seed: int = 0,
) -> Pings:
    """What a device reports of a drive; `odometer` is its reading at the start, None: it has none."""
    rng = np.random.default_rng(seed)
    n = len(one.t_ms)
    x, y = one.x + rng.normal(0, noise_m, n), one.y + rng.normal(0, noise_m, n)
    column = {name: np.full(n, -1, dtype=np.int64) for name, _ in LAYOUT}
    column["key"] = np.zeros(n)
    column["ts_ms"] = one.t_ms
    column["lat_e6"], column["lng_e6"] = LAT0 + np.rint(y / KY), LNG0 + np.rint(x / KX)
    column["speed_mmps"] = np.rint(one.speed * 1000.0)
    column["heading_cdeg"] = np.rint(one.heading * 100.0)
    column["accuracy_mm"] = np.full(n, round(accuracy_m * 1000.0))
    column["ignition"] = np.full(n, ignition)
    if odometer is not None:
        column["odometer_mm"] = np.floor((odometer + one.odometer_m) / unit_m) * unit_m * 1000.0
    return make([(tenant, device)], column)
