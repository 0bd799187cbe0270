"""What must hold for any stream: G2, rule SU5, design section 5.  Streams are wild on purpose."""

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.classifier.domain.clear import public_near, public_within
from services.classifier.domain.closed import close_day
from services.classifier.domain.device_day import DayOutcome, classify_days, totals_of
from services.classifier.domain.rulings import NO_BOOK, Book, Rulings
from services.classifier.domain.scheme import V1
from services.classifier.domain.trace import trace_day
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Key, Pings, concat
from shared.nz_days import bounds_ms
from tests.property.kernel.rulings import district_book
from tests.property.kernel.streams import wild_stream
from tests.unit.kernel.world import DISTRICT, Way, at, drive, road_set, to_pings

BOOK = district_book()
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return road_set(tmp_path_factory.mktemp("property-district"))


def by_day(days: list[DayOutcome]) -> dict[tuple[Key, int], DayOutcome]:
    return {(day.key, day.day): day for day in days}


def check_order_duplicates_and_batches(pings: Pings, roads: RoadSet, book: Book, seed: int) -> None:
    expected = by_day(classify_days(pings, None, roads, V1, book))
    rng = np.random.default_rng(seed)
    doubled = np.concatenate([np.arange(len(pings)), rng.integers(0, len(pings), 500)])
    shuffled = pings.take(rng.permutation(doubled))
    assert by_day(classify_days(shuffled, None, roads, V1, book)) == expected
    cuts = np.sort(rng.integers(0, len(shuffled), 6))
    batches = [shuffled.take(rows) for rows in np.split(np.arange(len(shuffled)), cuts)]
    random.Random(seed).shuffle(batches)
    assert by_day(classify_days(concat(batches), None, roads, V1, book)) == expected


@SLOW
@given(seed=st.integers(0, 2**32 - 1), ruled=st.booleans())
def test_G2_order_duplicates_and_batches_never_change_a_millimetre(district: RoadSet, seed: int, ruled: bool) -> None:
    check_order_duplicates_and_batches(wild_stream(seed, 3_000), district, BOOK if ruled else NO_BOOK, seed)


@pytest.mark.parametrize(("seed", "book"), [(11, NO_BOOK), (12, BOOK)])
def test_G2_the_same_of_a_stream_of_twelve_thousand(district: RoadSet, seed: int, book: Book) -> None:
    check_order_duplicates_and_batches(wild_stream(seed, 12_000), district, book, seed)


@SLOW
@given(seed=st.integers(0, 2**32 - 1), ruled=st.booleans())
def test_a_day_computed_alone_with_its_context_is_the_same(district: RoadSet, seed: int, ruled: bool) -> None:
    pings, book = wild_stream(seed, 1_500), BOOK if ruled else NO_BOOK
    for (key, day), outcome in by_day(classify_days(pings, None, district, V1, book)).items():
        low, high = bounds_ms(day)
        mine = pings.key == pings.keys.index(key)
        near = mine & (pings.ts_ms >= low - V1.gap_limit_ms) & (pings.ts_ms < high + V1.gap_limit_ms)
        assert classify_days(pings.take(near), [(key, day)], district, V1, book) == [outcome]
        trace = trace_day(pings, key, day, district, V1, book)
        assert trace.outcome == outcome


@SLOW
@given(seed=st.integers(0, 2**32 - 1))
def test_SU7_what_rulings_change_is_named_and_bounded(district: RoadSet, seed: int) -> None:
    """Public metres turn off road only as declared_over_public, land adds only in its own bases, excluded places only take."""
    pings = wild_stream(seed, 1_500)
    lands, exclusions = BOOK["t"].lands, tuple(one for one in BOOK["t"].exclusions if one.wkb)
    plain, with_land, with_both = (
        sums_of(classify_days(pings, None, district, V1, {"t": rulings}))
        for rulings in (Rulings(), Rulings(lands), Rulings(lands, exclusions))
    )
    assert plain["declared_land"] == plain["declared_over_public"] == plain["excluded"] == 0
    off = ("private_road", "no_road", "odometer_bound", "declared_land", "declared_over_public")
    assert sum(with_both[basis] for basis in off) <= sum(with_land[basis] for basis in off)
    assert with_both["mapped_public"] == with_land["mapped_public"]
    assert (
        plain["mapped_public"] - with_land["mapped_public"]
        <= with_land["declared_over_public"] + with_land["ambiguous"]
    )


def sums_of(days: list[DayOutcome]) -> Counter[str]:
    """Millimetres by basis."""
    sums: Counter[str] = Counter()
    for day in days:
        for total in day.totals:
            sums[total.basis] += total.mm
    return sums


@SLOW
@given(seed=st.integers(0, 2**32 - 1))
def test_G3_totals_are_sums_segments_are_in_order_and_closing_is_exact(district: RoadSet, seed: int) -> None:
    for day in classify_days(wild_stream(seed, 1_500), None, district):
        low, high = bounds_ms(day.day)
        assert day.totals == totals_of(day.segments)
        edges = [edge for part in day.segments for edge in (part.start_ms, part.end_ms)]
        assert edges == sorted(edges)
        assert all(low <= edge <= high for edge in edges)
        assert all(part.mm > 0 for part in day.segments)
        closed = close_day(day)
        if closed.closure.recorder_mm is not None and closed.closure.rule != "within_display":
            inside = sum(part.mm for part in day.segments if part.in_stretch and part.kind == "carried")
            outside = sum(part.mm for part in day.segments if not part.in_stretch)
            assert sum(part.mm for part in closed.segments) == closed.closure.recorder_mm + inside + outside
        raw = sum(part.mm for part in day.segments if part.surface == "off_road")
        assert sum(part.mm for part in closed.segments if part.surface == "off_road") <= raw


def polygon_file(path: Path, west: float, east: float) -> Path:
    corners = [(west, -4_000), (east, -4_000), (east, 6_000), (west, 6_000), (west, -4_000)]
    ring = [[lng / 1e6, lat / 1e6] for lat, lng in (at(*corner) for corner in corners)]
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    return path


def cut_ways(ways: tuple[Way, ...], x: float, *, west: bool) -> list[Way]:
    """The parts of ways on one side of a line north to south; each way bends at vertices only."""
    out: list[Way] = []
    for number, tags, points in ways:
        kept = [point for point in points if (point[0] <= x if west else point[0] >= x)]
        if len(kept) > 1:
            out.append((number, tags, kept))
    return out


def claimable_mm(pings: Pings, roads: RoadSet) -> int:
    return sum(
        total.mm for day in classify_days(pings, None, roads) for total in day.totals if total.surface == "off_road"
    )


@pytest.mark.parametrize("cut_x", [0.0, 250.0, -1500.0])
def test_SU5_cutting_a_data_set_and_its_coverage_in_two_never_raises_claimable_metres(
    tmp_path: Path, cut_x: float
) -> None:
    for folder in ("whole", "west", "east"):
        (tmp_path / folder).mkdir()
    whole = road_set(tmp_path / "whole", polygon=polygon_file(tmp_path / "whole.json", -6_000, 6_000))
    west = road_set(
        tmp_path / "west", cut_ways(DISTRICT, cut_x, west=True), polygon_file(tmp_path / "west.json", -6_000, cut_x)
    )
    east = road_set(
        tmp_path / "east", cut_ways(DISTRICT, cut_x, west=False), polygon_file(tmp_path / "east.json", cut_x, 6_000)
    )
    streams = [wild_stream(seed, 900) for seed in range(40)]
    streams += [
        to_pings(drive([(0, 2_500), (0, 40), (900, 60), (-900, 700)], 6.0, 10.0), noise_m=3.0),
        to_pings(drive([(-1_400, 60), (1_400, 60)], 9.0, 15.0), noise_m=5.0),
        to_pings(drive([(0, 2_900), (0, 200)], 3.0, 200.0), odometer=4_000.0),
    ]
    for stream in streams:
        assert claimable_mm(stream, west) + claimable_mm(stream, east) <= claimable_mm(stream, whole)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_point_within_the_corridor_of_a_public_road_is_outside_the_cover(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    ways: list[Way] = []
    for number in range(12):
        start = rng.uniform(-8_000, 8_000, 2)
        points = start + np.cumsum(rng.normal(0, rng.choice([15.0, 150.0, 1_500.0]), (8, 2)), axis=0)
        ways.append((number + 1, {"highway": "unclassified"}, [(round(x), round(y)) for x, y in points.tolist()]))
    made = road_set(tmp_path_factory.mktemp("cover"), ways)
    for _, _, points in ways:
        for (ax, ay), (bx, by) in pairwise(points):
            share = rng.random()
            x, y = ax + (bx - ax) * share, ay + (by - ay) * share
            reach, turn = rng.uniform(0, 40), rng.uniform(0, 6.28)
            place = at(x + reach * np.cos(turn), y + reach * np.sin(turn))
            assert public_near(made.roads, *place) <= max(0.0, reach - 5.0) + 0.5
            assert public_within(made.roads, *place, 500.0) <= max(0.0, reach - 5.0) + 0.5
