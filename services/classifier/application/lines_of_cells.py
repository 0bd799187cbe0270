"""Cells that were visited along lines → the lines: connected cells, the longest way through them, a corridor around."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import polars_h3
import shapely
from numpy.typing import NDArray

from services.classifier.domain.cells import metres_per_e6

Graph = Mapping[int, Sequence[int]]


class CellLine(NamedTuple):
    cells: tuple[int, ...]
    """All cells of the line and of its branches."""
    lat_e6: NDArray[np.float64]
    lng_e6: NDArray[np.float64]
    """The longest way through them, along the middle of what was driven."""
    length_m: float
    polygon: dict[str, Any]
    """GeoJSON Polygon or MultiPolygon around the line and its branches, in whole micro-degrees."""


def lines_of(visited: pl.DataFrame, half_width_m: float) -> list[CellLine]:
    """`visited`: cell, lat_e6, lng_e6 of one tenant's visits in cells on lines.  In order of their first cells."""
    middles = visited.group_by("cell").agg(pl.col("lat_e6", "lng_e6").mean()).sort("cell")
    places = {cell: (lat, lng) for cell, lat, lng in middles.iter_rows()}
    pairs = (
        middles.select("cell", other=polars_h3.grid_disk("cell", 1))
        .explode("other")
        .with_columns(pl.col("other").cast(pl.UInt64))
        .filter(pl.col("other") != pl.col("cell"))
        .join(middles.select(other="cell"), on="other")
        .sort("cell", "other")
    )
    graph: dict[int, list[int]] = {cell: [] for cell in places}
    for cell, other in pairs.iter_rows():
        graph[cell].append(other)
    return [_line(component, graph, places, half_width_m) for component in _components(graph)]


def _components(graph: Graph) -> list[list[int]]:
    seen: set[int] = set()
    found: list[list[int]] = []
    for start in graph:
        if start not in seen:
            reached = list(_reach(graph, start))
            seen.update(reached)
            found.append(reached)
    return found


def _reach(graph: Graph, start: int) -> dict[int, int]:
    """Cell → the cell it was reached from, nearest first."""
    back = {start: start}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for other in graph[here]:
            if other not in back:
                back[other] = here
                queue.append(other)
    return back


def _spine(graph: Graph, component: Sequence[int]) -> list[int]:
    """The longest of the shortest ways: from the cell furthest from any to the one furthest from that."""
    end = next(reversed(_reach(graph, component[0])))
    back = _reach(graph, end)
    path = [next(reversed(back))]
    while path[-1] != end:
        path.append(back[path[-1]])
    return path


def _line(
    component: Sequence[int], graph: Graph, places: Mapping[int, tuple[float, float]], half_width_m: float
) -> CellLine:
    spine = np.array([places[cell] for cell in _spine(graph, component)])
    plane = np.array(metres_per_e6(int(spine[:, 0].mean())))[::-1]
    middle = _smooth(spine)
    length = float(np.hypot(*(np.diff(middle, axis=0) * plane).T).sum())
    edges = np.array([(places[cell], places[other]) for cell in component for other in graph[cell] if cell < other])
    drawn = (
        shapely.linestrings(edges[:, :, ::-1] * plane[::-1])
        if len(edges)
        else shapely.points(spine[:, ::-1] * plane[::-1])
    )
    corridor = shapely.simplify(shapely.union_all(shapely.buffer(drawn, half_width_m)), 3.0)
    degrees = shapely.transform(corridor, lambda xy: np.rint(xy / plane[::-1]) / 1e6)
    geometry: dict[str, Any] = shapely.geometry.mapping(shapely.orient_polygons(shapely.make_valid(degrees)))
    return CellLine(tuple(sorted(component)), middle[:, 0], middle[:, 1], length, geometry)


def _smooth(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each place between its neighbours': cells zigzag along a line, its length must not."""
    out = line.copy()
    for _ in range(2):
        out[1:-1] = (out[:-2] + 2.0 * out[1:-1] + out[2:]) / 4.0
    return out
