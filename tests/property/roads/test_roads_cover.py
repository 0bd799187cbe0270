"""The cover is sound: no point within a public corridor or area is outside it, and no lower bound is too large."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from services.classifier.domain import cells, tables
from services.classifier.domain.areas import areas_at
from services.classifier.domain.geometry import REACH_M
from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN, PUBLIC
from services.classifier.roads.build import Wishes, columns_of, meta_of
from services.classifier.roads.dataset import RoadSet, write
from services.classifier.roads.ways import Row, SourceMeta, columns_of_rows
from tests.property.roads.test_roads_areas import area_rows, outline
from tests.unit.kernel.world import KX, KY, LAT0, LNG0, at

SLACK_M = 0.6
"""Micro-degrees, and a plane laid over the ellipsoid."""


def random_roads(rng: np.random.Generator) -> list[Row]:
    rows: list[Row] = []
    for number in range(1, 8):
        steps = rng.normal(0, rng.choice([15.0, 150.0, 1_500.0]), (6, 2))
        points = rng.uniform(-4_000, 4_000, 2) + np.cumsum(steps, axis=0)
        places = np.array([at(x, y) for x, y in points.tolist()], dtype=np.int32)
        rows.append((number, PUBLIC, int(rng.choice([45, 50, 120, 200])), 0, "road", "", places))
    return rows


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_SU1_no_point_within_a_corridor_or_area_is_outside_and_no_bound_is_too_large(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shapes = [(AREA_PUBLIC if rng.random() < 0.7 else AREA_UNKNOWN, outline(rng)) for _ in range(3)]
    drawn, seen = area_rows(shapes)
    rows = [*random_roads(rng), *drawn]
    ways = columns_of_rows(rows, SourceMeta("random", "", "2026-01-01", "", 0))
    columns, covered = columns_of(ways, None)
    made = RoadSet.open(write(tmp_path_factory.mktemp("cover"), columns, meta_of(ways, columns, covered, Wishes())))
    on = made.roads

    def metres(shape: object) -> object:
        return shapely.transform(shape, lambda xy: (xy - (LNG0, LAT0)) * (KX, KY))

    lines = [
        (metres(shapely.LineString(points[:, ::-1])), half / 10)
        for _, kind, half, _, _, _, points in rows
        if kind == PUBLIC
    ]
    rings = [(metres(ring), 1 if ring.exterior.is_ccw else -1) for kind, ring in seen if kind == AREA_PUBLIC]
    near = np.array([line.interpolate(rng.random(), normalized=True).coords[0] for line, _ in lines for _ in range(12)])
    places = np.vstack((near + rng.normal(0, 25.0, near.shape), rng.uniform(-5_000, 5_000, (150, 2))))
    lat_e6, lng_e6 = np.array([at(x, y) for x, y in places.tolist()], dtype=np.int32).T
    inside, _ = areas_at(on, np.ascontiguousarray(lat_e6), np.ascontiguousarray(lng_e6))
    for n, (x, y) in enumerate(places.tolist()):
        point = shapely.Point(x, y)
        edges = [line.distance(point) - half for line, half in lines] + [
            ring.exterior.distance(point) for ring, _ in rings
        ]
        held = sum(sign for ring, sign in rings if shapely.Polygon(ring).contains(point))
        true = 0.0 if held > 0 else max(0.0, min(edges))
        fine, coarse, _, away, _ = cells.locate(cells.FACES, int(lat_e6[n]), int(lng_e6[n]), 0)
        row = tables.find(on.coarse_table, on.coarse_rows, coarse)
        bound = float(on.coarse_public_m[row]) - away if row >= 0 else 0.0
        assert bound <= true + SLACK_M
        if true < REACH_M - SLACK_M:
            at_row = tables.find(on.fine_table, on.fine_rows, fine)
            assert at_row >= 0
            listed = on.fine_vertex[on.fine_first[at_row] : on.fine_first[at_row + 1]]
            kinds = set(on.fine_kind[on.fine_first[at_row] : on.fine_first[at_row + 1]].tolist())
            nearest = _nearest(made, listed, int(lat_e6[n]), int(lng_e6[n]))
            assert (0.0 if inside[n] > 0 else nearest) == pytest.approx(true, abs=SLACK_M)
            assert kinds or inside[n] > 0


def _nearest(made: RoadSet, listed: np.ndarray, lat_e6: int, lng_e6: int) -> float:
    """Distance to the nearest public edge among the listed segments."""
    on = made.roads
    best = np.inf
    for v in listed.tolist():
        way = int(on.vertex_way[v])
        if on.way_kind[way] not in {PUBLIC, AREA_PUBLIC}:
            continue
        ends = [((int(on.lng_e6[k]) - lng_e6) * KX, (int(on.lat_e6[k]) - lat_e6) * KY) for k in (v, v + 1)]
        best = min(best, shapely.LineString(ends).distance(shapely.Point(0, 0)) - on.half_dm[way] / 10)
    return max(0.0, best)
