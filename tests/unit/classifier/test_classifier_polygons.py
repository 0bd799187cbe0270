"""Polygons as people send them, and as the scheme reads them (rule SU7): the same land is the same bytes."""

import math
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.application.exclusions import touched as touched_by_exclusion
from services.classifier.application.land import touched
from services.classifier.application.polygons import PolygonError, from_geojson, to_geojson
from services.classifier.domain.rulings import Exclusion, Land, Rulings
from shared.nz_days import bounds_ms

RING = [[175.24, -40.11], [175.26, -40.11], [175.26, -40.09], [175.24, -40.09], [175.24, -40.11]]
HOLE = [[175.245, -40.105], [175.25, -40.105], [175.25, -40.1], [175.245, -40.1], [175.245, -40.105]]
GAP_MS = 150_000


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def test_SU7_rings_are_whole_micro_degrees_oriented_outer_counter_clockwise() -> None:
    found = shapely.from_wkb(from_geojson(polygon(RING[::-1], HOLE)).wkb)
    assert found.exterior.is_ccw
    assert not found.interiors[0].is_ccw
    assert all(float(one).is_integer() for one in shapely.get_coordinates(found).ravel())
    assert found.bounds == (175_240_000, -40_110_000, 175_260_000, -40_090_000)


def test_SU7_the_same_land_is_the_same_bytes_wherever_it_begins_and_whichever_way_it_goes() -> None:
    turned = [*RING[2:-1], *RING[:3]]
    again = to_geojson(from_geojson(polygon(RING)).wkb)
    assert len({from_geojson(one).wkb for one in (polygon(RING), polygon(RING[::-1]), polygon(turned), again)}) == 1


def test_SU7_a_multipolygon_of_one_part_is_a_polygon_and_areas_add_up() -> None:
    far = [[x + 0.1, y] for x, y in RING]
    one = from_geojson(polygon(RING))
    two = from_geojson({"type": "MultiPolygon", "coordinates": [[far], [RING]]})
    assert from_geojson({"type": "MultiPolygon", "coordinates": [[RING]]}).wkb == one.wkb
    assert two.area_m2 == pytest.approx(2 * one.area_m2, rel=1e-9)
    assert two.wkb == from_geojson({"type": "MultiPolygon", "coordinates": [[RING], [far]]}).wkb
    metres = 0.02 * 111_320 * math.cos(math.radians(40.1)) * 0.02 * 111_000
    assert one.area_m2 == pytest.approx(metres, rel=0.01)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=30,
    )
)
def test_SU7_whatever_is_sent_is_refused_in_words_or_taken_whole(coordinates: Any) -> None:
    for kind in ("Polygon", "MultiPolygon"):
        taken, refused = outcome({"type": kind, "coordinates": coordinates})
        if refused is None:
            assert shapely.from_wkb(taken).is_valid
        else:
            assert refused.pointer.startswith("/")
            assert str(refused)


def outcome(geometry: dict[str, Any]) -> tuple[bytes, PolygonError | None]:
    try:
        return from_geojson(geometry).wkb, None
    except PolygonError as error:
        return b"", error


@pytest.mark.parametrize(
    "place", [[1e308, 0.0], [0.0, -1e300], [math.nan, 1.0], [True, 1.0], [1.0], [1.0, 2.0, 3.0, 4.0]]
)
def test_SU7_a_position_out_of_this_world_is_refused(place: list[float]) -> None:
    _, refused = outcome(polygon([place, *RING[1:-1], place]))
    assert refused is not None
    assert refused.pointer == "/coordinates/0/0"


def land(first: int, last: int, name: str = "a") -> Land:
    return Land("1", name, "owned", first, last, False, b"")


lands = st.builds(
    lambda first, length, name: land(first, first + length, name),
    st.integers(20_000, 20_012),
    st.integers(0, 8),
    st.sampled_from("ab"),
)


@given(st.none() | lands, st.none() | lands)
def test_SU7_exactly_the_days_on_which_two_versions_differ_are_touched(before: Land | None, after: Land | None) -> None:
    def said(one: Land | None, day: int) -> tuple[str, bytes] | None:
        return (one.name, one.wkb) if one is not None and one.first_day <= day <= one.last_day else None

    days = range(19_990, 20_040)
    found = {day for first, last in touched(before, after) for day in range(first, last + 1)}
    differing = {day for day in days if said(before, day) != said(after, day)}
    assert differing <= found
    if before is None or after is None or before.name == after.name:
        assert found == differing


@given(st.integers(-400_000, 400_000), st.integers(0, 90_000_000))
def test_an_exclusion_touches_exactly_the_days_whose_revisions_name_it(from_ms: int, length_ms: int) -> None:
    day = 20_500
    start = bounds_ms(day)[0] + from_ms
    one = Exclusion("1", "ute", start, start + length_ms, b"")
    first, last = touched_by_exclusion(one, GAP_MS)
    named = [d for d in range(day - 3, day + 5) if Rulings((), (one,)).of_day("ute", d, GAP_MS).exclusions]
    assert named == list(range(first, last + 1))
