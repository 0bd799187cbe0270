"""The lattice against H3 itself, and metres against known lengths."""

import math

import h3
import numpy as np
import pytest

from services.classifier.domain import cells
from services.classifier.domain.geometry import to_segment


def test_two_points_share_a_key_exactly_where_h3_gives_one_cell() -> None:
    rng = np.random.default_rng(5)
    lat = rng.integers(-47_500_000, -34_000_000, 4_000)
    lng = rng.integers(166_000_000, 179_000_000, 4_000)
    for a, b in zip(lat.tolist(), lng.tolist(), strict=True):
        fine, coarse = cells.keys_at(cells.FACES, a, b)
        for key, res, scale in (
            (fine, cells.FINE_RES, cells.FINE_SCALE),
            (coarse, cells.COARSE_RES, cells.COARSE_SCALE),
        ):
            x, y, z = cells.centre_of(cells.FACES, key, scale)
            centre = math.degrees(math.asin(z)), math.degrees(math.atan2(y, x))
            assert h3.latlng_to_cell(*centre, res) == h3.latlng_to_cell(a / 1e6, b / 1e6, res)


def test_no_point_is_further_from_its_centre_than_the_radius_and_never_further_than_locate_says() -> None:
    rng = np.random.default_rng(6)
    for a, b in rng.integers((-47_500_000, 166_000_000), (-34_000_000, 179_000_000), (3_000, 2)).tolist():
        fine, coarse, fine_m, coarse_m, _ = cells.locate(cells.FACES, a, b, 0)
        for key, away, scale, radius in (
            (fine, fine_m, cells.FINE_SCALE, cells.FINE_RADIUS_M),
            (coarse, coarse_m, cells.COARSE_SCALE, cells.COARSE_RADIUS_M),
        ):
            ground = math.dist(cells.centre_of(cells.FACES, key, scale), cells.to_vector(a, b)) * cells.EARTH_M
            assert ground <= radius
            assert ground <= away


def test_sine_and_cosine_to_the_last_digits() -> None:
    for angle in np.linspace(-6.28, 6.28, 2_001).tolist():
        s, c = cells.sin_cos(angle)
        assert (s, c) == pytest.approx((math.sin(angle), math.cos(angle)), abs=1e-15)


@pytest.mark.parametrize(("lat_e6", "lng_m", "lat_m"), [(0, 111_319.5, 110_574.3), (-41_000_000, 84_137.0, 111_053.0)])
def test_metres_of_a_degree_on_wgs84(lat_e6: int, lng_m: float, lat_m: float) -> None:
    assert tuple(one * 1e6 for one in cells.metres_per_e6(lat_e6)) == pytest.approx((lng_m, lat_m), abs=5.0)


def test_distance_to_a_segment() -> None:
    assert to_segment(0.0, 3.0, -1.0, 0.0, 1.0, 0.0) == (9.0, 0.5)
    assert to_segment(5.0, 0.0, 0.0, 0.0, 1.0, 0.0) == (16.0, 1.0)
    assert to_segment(5.0, 0.0, 1.0, 0.0, 1.0, 0.0) == (16.0, 0.0)
