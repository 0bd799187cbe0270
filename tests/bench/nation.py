"""A country's roads, simulated: one region tiled over New Zealand until it has 100,000 km of public roads."""

import math
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.cells import scales
from services.classifier.domain.way_kinds import PUBLIC
from services.classifier.roads.ways import Ways
from shared.contracts.pings import Pings

PUBLIC_KM: Final = 100_000.0
_SOUTH_E6: Final = -47_500_000
_WEST_E6: Final = 166_000_000
_EAST_E6: Final = 179_000_000
_APART_M: Final = 6_000.0
"""Between tiles: twice as far as a data set looks, so that no tile knows of its neighbours."""


_PER_WAY: Final = ("kind", "half_dm", "flags", "rule", "name", "source")


class Tile(NamedTuple):
    """Where a copy of the region lies: its middle moves from one place to another, shapes keep their size in metres."""

    from_lat_e6: int
    from_lng_e6: int
    to_lat_e6: int
    to_lng_e6: int
    stretch: float
    """Of longitudes: a degree is shorter further from the equator."""

    def move(self, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        lat = lat_e6.astype(np.int64) - self.from_lat_e6 + self.to_lat_e6
        lng = np.round((lng_e6.astype(np.int64) - self.from_lng_e6) * self.stretch) + self.to_lng_e6
        return lat.astype(np.int32), lng.astype(np.int32)

    def move_pings(self, pings: Pings, name: str) -> Pings:
        """The pings of vehicles of this tile; positions far outside the region (0/0, jumps) stay far outside."""
        lat, lng = self.move(pings.lat_e6, pings.lng_e6)
        return replace(pings, keys=tuple((tenant, f"{name}-{device}") for tenant, device in pings.keys),
                       lat_e6=lat, lng_e6=lng)  # fmt: skip


class Nation(NamedTuple):
    ways: Ways
    tiles: tuple[Tile, ...]


def simulate_nation(region: Ways, public_km: float = PUBLIC_KM) -> Nation:
    """As many copies of the region as it takes, side by side from the south-west, each with ways of its own."""
    tiles = _tiles(region, math.ceil(public_km / kilometres(region)))
    moved = [tile.move(region.lat_e6, region.lng_e6) for tile in tiles]
    count, points = len(tiles), len(region.lat_e6)
    starts = (np.arange(count, dtype=np.int64)[:, None] * points + region.first[:-1][None, :]).ravel()
    ways = replace(
        region,
        lat_e6=np.concatenate([lat for lat, _ in moved]),
        lng_e6=np.concatenate([lng for _, lng in moved]),
        first=np.append(starts, count * points).astype(np.int32),
        way_id=(np.arange(1, count + 1, dtype=np.int64)[:, None] * (1 << 40) + region.way_id[None, :]).ravel(),
        # a header's box would cut all but the copies inside it
        sources=tuple(msgspec.structs.replace(one, box=None) for one in region.sources),
        **{name: np.tile(getattr(region, name), count) for name in _PER_WAY},
    )
    return Nation(ways, tuple(tiles))


def kilometres(ways: Ways, kind: int = PUBLIC) -> float:
    """Length of all ways of a kind."""
    way = np.repeat(np.arange(len(ways.kind)), np.diff(ways.first))
    per_e6 = scales(ways.lat_e6)[:-1]
    steps = np.hypot(np.diff(ways.lng_e6) * per_e6[:, 0], np.diff(ways.lat_e6) * per_e6[:, 1])
    return float(steps[(way[1:] == way[:-1]) & (ways.kind[way[1:]] == kind)].sum()) / 1000.0


def _tiles(region: Ways, count: int) -> list[Tile]:
    low_lat, high_lat = int(region.lat_e6.min()), int(region.lat_e6.max())
    low_lng, high_lng = int(region.lng_e6.min()), int(region.lng_e6.max())
    lat, lng = (low_lat + high_lat) // 2, (low_lng + high_lng) // 2
    here = _metres(lat)
    high_m, wide_m = (high_lat - low_lat) * 0.11132 + _APART_M, (high_lng - low_lng) * here + _APART_M
    tiles: list[Tile] = []
    row = _SOUTH_E6
    while len(tiles) < count:
        there = _metres(row)
        column = _WEST_E6
        while column < _EAST_E6 and len(tiles) < count:
            tiles.append(Tile(lat, lng, row, column, here / there))
            column += int(wide_m / there)
        row += int(high_m / 0.11132)
    return tiles


def _metres(lat_e6: int) -> float:
    """Metres of a micro-degree of longitude."""
    return 0.11132 * math.cos(math.radians(lat_e6 * 1e-6))
