"""Areas: inside and outside are exact at any place, for overlapping, holed and crossing outlines."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.classifier.domain.areas import areas_at
from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN, PUBLIC
from services.classifier.roads.build import Wishes, columns_of, meta_of
from services.classifier.roads.dataset import RoadSet, write
from services.classifier.roads.rings import rings
from services.classifier.roads.ways import Row, SourceMeta, Ways, columns_of_rows
from tests.unit.kernel.world import KX, KY, LAT0, LNG0


def outline(rng: np.random.Generator) -> object:
    """A star with some corners, some self-crossing, some with a hole; metres."""
    middle, size = rng.uniform(-1_500, 1_500, 2), rng.choice([20.0, 150.0, 900.0])
    turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 14)))
    if rng.random() < 0.3:
        rng.shuffle(turn)
    ring = middle + np.column_stack((np.cos(turn), np.sin(turn))) * size * rng.uniform(0.4, 1.0, (len(turn), 1))
    holes = [middle + (ring - middle) * rng.uniform(0.1, 0.35)] if rng.random() < 0.5 else []
    return shapely.make_valid(shapely.Polygon(ring, holes))


def degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack((LNG0 + xy[:, 0] / KX, LAT0 + xy[:, 1] / KY)) / 1e6


def area_rows(outlines: list[tuple[int, object]]) -> tuple[list[Row], list[tuple[int, object]]]:
    """Rows of areas, numbered from 101, and each ring as shapely sees it (whole micro-degrees)."""
    rows: list[Row] = []
    seen: list[tuple[int, object]] = []
    for number, (kind, shape) in enumerate(outlines, start=101):
        made = rings(np.array([shapely.transform(shape, degrees)], dtype=object))
        parts = np.split(made.points, made.first[1:-1])
        rows += [(number, kind, 0, 0, "area", "", part) for part in parts]
        seen += [(kind, shapely.Polygon(part[:, ::-1])) for part in parts]
    return rows, seen


def area_ways(outlines: list[tuple[int, object]]) -> tuple[Ways, list[tuple[int, object]]]:
    """Ways of a road and areas, and the areas' rings."""
    road = np.array([[LAT0 + 40_000, LNG0], [LAT0 + 40_000, LNG0 + 20_000]], dtype=np.int32)
    rows, seen = area_rows(outlines)
    return columns_of_rows(
        [(1, PUBLIC, 50, 0, "road", "", road), *rows], SourceMeta("areas", "", "2026-01-01", "", 0)
    ), seen


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_SU2_inside_an_area_is_exact_everywhere(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = [(AREA_PUBLIC if rng.random() < 0.5 else AREA_UNKNOWN, outline(rng)) for _ in range(6)]
    ways, seen = area_ways(made)
    columns, covered = columns_of(ways, None)
    set_ = RoadSet.open(write(tmp_path_factory.mktemp("areas"), columns, meta_of(ways, columns, covered, Wishes())))
    spread = rng.uniform(-2_600, 2_600, (1_500, 2))
    corners = np.column_stack((ways.lng_e6, ways.lat_e6))[rng.integers(0, len(ways.lat_e6), 500)]
    close = corners + rng.integers(-30, 31, corners.shape)
    points = np.vstack((np.rint(degrees(spread) * 1e6), close)).astype(np.int32)
    public, unknown = areas_at(set_.roads, np.ascontiguousarray(points[:, 1]), np.ascontiguousarray(points[:, 0]))
    places = shapely.points(points.astype(np.float64))
    on_edge = np.zeros(len(points), dtype=np.bool_)
    expected = {AREA_PUBLIC: np.zeros(len(points), np.int64), AREA_UNKNOWN: np.zeros(len(points), np.int64)}
    for kind, shape in seen:
        on_edge |= shapely.distance(shapely.boundary(shape), places) < 1e-9
        expected[kind] += shapely.contains(shape, places) * (1 if shape.exterior.is_ccw else -1)
    assert min(one.min() for one in expected.values()) >= 0
    assert np.array_equal(public[~on_edge], expected[AREA_PUBLIC][~on_edge])
    assert np.array_equal(unknown[~on_edge], expected[AREA_UNKNOWN][~on_edge])
    assert set_.meta.areas == len({int(one) for one in ways.areas if one >= 0})
