"""Child: what others do with the same pings: position to H3 cell, and the nearest public road from a spatial tree.

    python -m tests.bench.baselines SOURCE PINGS.npz REPEAT

All of them answer less than the scheme: a cell, or one distance a ping, without sequence, length or segments.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars_h3
import shapely

from services.classifier.domain import cells
from services.classifier.domain.way_kinds import PUBLIC
from services.classifier.roads.sources import read
from services.classifier.roads.ways import Ways
from shared.contracts.pings import Pings
from tests.bench import inputs
from tests.bench.pinned import timed

H3_RES = 10


def h3_conversion(pings: Pings, repeat: int) -> dict[str, Any]:
    """polars-h3's latlng_to_cell and the scheme's own lattice, each alone, degrees in, cells out."""
    frame = pl.DataFrame({"lat": pings.lat_e6 * 1e-6, "lng": pings.lng_e6 * 1e-6})
    cell = polars_h3.latlng_to_cell("lat", "lng", H3_RES, return_dtype=pl.UInt64)
    lat, lng = frame["lat"].to_numpy(), frame["lng"].to_numpy()
    return {
        "polars_h3": timed(lambda: frame.select(cell), len(pings), repeat).row(),
        "lattice": timed(lambda: cells.keys_of(cells.FACES, lat, lng), len(pings), repeat).row(
            note="two resolutions at once"
        ),
    }


def public_lines(ways: Ways) -> "np.ndarray[Any, np.dtype[np.object_]]":
    """Each piece of a public way between two points as a line, in plane metres of one latitude.

    Whole ways would make a tree of few long boxes, ten times slower to ask."""
    x, y = plane(ways, ways.lat_e6, ways.lng_e6)
    way = np.repeat(np.arange(len(ways.kind)), np.diff(ways.first))
    at = np.flatnonzero((way[1:] == way[:-1]) & (ways.kind[way[1:]] == PUBLIC))
    ends = np.stack((np.column_stack((x[at], y[at])), np.column_stack((x[at + 1], y[at + 1]))), axis=1)
    found: np.ndarray[Any, np.dtype[np.object_]] = shapely.linestrings(ends)
    return found


def plane(ways: Ways, lat_e6: "np.ndarray[Any, Any]", lng_e6: "np.ndarray[Any, Any]") -> tuple[Any, Any]:
    """Metres of a plane at the roads' middle latitude: good enough for a tree, quicker than any projection."""
    return lng_e6 * (0.11132 * np.cos(np.radians(np.median(ways.lat_e6) * 1e-6))), lat_e6 * 0.11132


def strtree(source: Path, pings: Pings, repeat: int) -> dict[str, Any]:
    """shapely's STRtree, all pings in one call: the nearest public way of each and its distance."""
    ways = read(source).ways
    tree = shapely.STRtree(public_lines(ways))
    x, y = plane(ways, pings.lat_e6, pings.lng_e6)

    def nearest() -> object:
        return tree.query_nearest(shapely.points(x, y), return_distance=True, all_matches=False)

    return timed(nearest, len(pings), repeat).row(lines=len(tree))


if __name__ == "__main__":
    _source, _pings, _repeat = Path(sys.argv[1]), inputs.load(Path(sys.argv[2])), int(sys.argv[3])
    print(json.dumps({**h3_conversion(_pings, _repeat), "strtree": strtree(_source, _pings, max(1, _repeat // 2))}))
