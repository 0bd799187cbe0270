"""Rule SU7 and exclusions: what declared land and excluded data and places make of a metre (scheme 1, paragraphs 37 to 39)."""

from collections import Counter

import msgspec
import numpy as np
import pytest
import shapely

from services.classifier.application.polygons import from_geojson
from services.classifier.domain import surfaces
from services.classifier.domain.device_day import BASES, SURFACES, DayOutcome, classify_days
from services.classifier.domain.fixes import EXCLUDED, LABELS
from services.classifier.domain.places import edges_of
from services.classifier.domain.rulings import LAST_DAY, Exclusion, Land, Rulings
from services.classifier.domain.scheme import V1
from services.classifier.domain.trace import trace_day
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings
from shared.nz_days import day_of
from tests.unit.kernel.world import NOON_MS, at, drive, to_pings

DAY = day_of(NOON_MS)
ALWAYS = (0, 1 << 50)


def polygon(*corners: tuple[float, float]) -> bytes:
    """WKB, in micro-degrees, of a ring through places in metres."""
    ring = [(lng, lat) for lat, lng in (at(*corner) for corner in corners)]
    return bytes(shapely.to_wkb(shapely.orient_polygons(shapely.Polygon(ring))))


def box(west: float, south: float, east: float, north: float) -> bytes:
    return polygon((west, south), (east, south), (east, north), (west, north))


def land(wkb: bytes, *, over_public: bool = False, first: int = 0, last: int = LAST_DAY, number: str = "7") -> Land:
    return Land(number, "Mill Block", "owned", first, last, over_public, wkb)


def exclusion(wkb: bytes, times: tuple[int, int] = ALWAYS, device: str = "ute-1") -> Exclusion:
    return Exclusion("x1", device, *times, wkb)


def one_day(pings: Pings, roads: RoadSet, *rulings: Land | Exclusion) -> DayOutcome:
    lands = tuple(one for one in rulings if isinstance(one, Land))
    exclusions = tuple(one for one in rulings if isinstance(one, Exclusion))
    (day,) = classify_days(pings, None, roads, V1, {"t": Rulings(lands, exclusions)})
    return day


def metres(day: DayOutcome) -> Counter[tuple[str, str]]:
    sums: Counter[tuple[str, str]] = Counter()
    for total in day.totals:
        sums[total.surface, total.basis] += total.mm
    return Counter({what: mm / 1000.0 for what, mm in sums.items()})


LANE = to_pings(drive([(2000, 150), (2000, 950)], 6.0, 10.0), noise_m=2.0)
LANE_BLOCK = box(1_500, 60, 2_500, 1_200)
ROAD = to_pings(drive([(-2_000, 0), (2_000, 0)], 15.0, 5.0), noise_m=2.0)


def test_SU7_a_way_of_unknown_maintainer_on_declared_land_is_off_road(district: RoadSet) -> None:
    assert set(metres(one_day(LANE, district))) == {("unknown", "unknown_way")}
    day = one_day(LANE, district, land(LANE_BLOCK))
    assert set(metres(day)) == {("off_road", "declared_land")}
    assert metres(day)["off_road", "declared_land"] == pytest.approx(800.0, rel=0.03)
    (part,) = day.segments
    assert part.why == "§37 on declared land: Mill Block (owned; land 7)"


def test_SU7_moving_as_on_a_road_on_declared_land_is_off_road(district: RoadSet) -> None:
    pings = to_pings(drive([(-4000, 1500), (-1000, 1500)], 22.0, 5.0))
    assert metres(one_day(pings, district, land(box(-5_000, 1_000, 0, 2_000))))["off_road", "declared_land"] > 2_900.0


def test_SU7_private_and_no_road_keep_their_basis_on_declared_land(district: RoadSet) -> None:
    pings = to_pings(drive([(-800, 1500), (0, 1500), (0, 2800)], 6.0, 10.0), noise_m=3.0)
    day = one_day(pings, district, land(box(-5_000, 100, 5_000, 5_000)))
    assert day.totals == one_day(pings, district).totals


def test_SU7_public_roads_are_cut_out_of_declared_land(district: RoadSet) -> None:
    block = land(box(-5_000, -2_000, 5_000, 2_000))
    day = one_day(ROAD, district, block)
    assert set(metres(day)) == {("public_road", "mapped_public")}
    crossing = to_pings(drive([(2000, 900), (2000, 0), (2000, -600)], 8.0, 10.0), noise_m=2.0)
    off = metres(one_day(crossing, district, block))
    assert 1_300.0 < sum(m for (surface, _), m in off.items() if surface == "off_road") < 1_500.0 - 10.0


def test_SU7_land_over_a_public_road_is_reported_apart(district: RoadSet) -> None:
    day = one_day(ROAD, district, land(box(-5_000, -200, 5_000, 200), over_public=True))
    assert set(metres(day)) == {("off_road", "declared_over_public")}
    assert metres(day)["off_road", "declared_over_public"] == pytest.approx(4_000.0, rel=0.01)
    assert day.segments[0].why.startswith("§37 over a public road, on land declared with a written reason: Mill Block")


def test_SU7_beside_a_declared_public_road_what_is_not_decided_counts_as_over_it(district: RoadSet) -> None:
    """Either it is on that road, or off road: it is reported with the road's metres."""
    pings = to_pings(drive([(-2900, 12), (-1600, 12)], 12.0, 5.0), accuracy_m=8.0, noise_m=4.0)
    day = one_day(pings, district, land(box(-5_000, -200, 5_000, 200), over_public=True))
    assert not any(surface == "unknown" for surface, _ in metres(day))
    assert metres(day)["off_road", "declared_over_public"] > 0


def test_SU7_outside_coverage_stays_unknown(district: RoadSet) -> None:
    day = one_day(to_pings(drive([(0, 9_000), (0, 10_000)], 5.0, 10.0)), district, land(box(-500, 8_000, 500, 11_000)))
    assert set(metres(day)) == {("unknown", "outside_coverage")}


@pytest.mark.parametrize("every_s", [5.0, 15.0, 60.0])
def test_SU7_a_leg_over_the_boundary_counts_only_what_is_certain(district: RoadSet, every_s: float) -> None:
    for edge in range(400, 520, 20):
        pings = to_pings(drive([(2000, 150), (2000, 950)], 8.0, every_s))
        day = one_day(pings, district, land(box(1_500, edge, 2_500, 1_200)))
        inside = 950.0 - edge
        assert inside - 8.0 * every_s - 5.0 <= metres(day)["off_road", "declared_land"] <= inside + 0.5


def test_SU7_a_leg_that_leaves_the_land_between_its_ends_is_cut(district: RoadSet) -> None:
    """A bay cut into the block, which the lane runs across."""
    bay = polygon(
        (1_500, 60), (2_500, 60), (2_500, 1_200), (1_500, 1_200), (1_500, 600), (2_300, 600), (2_300, 450), (1_500, 450)
    )
    pings = to_pings(drive([(2000, 150), (2000, 950)], 8.0, 30.0))
    found = metres(one_day(pings, district, land(bay)))["off_road", "declared_land"]
    assert 800.0 - 150.0 - 2 * 240.0 < found <= 800.0 - 150.0


def test_SU7_neighbouring_blocks_are_one_land(district: RoadSet) -> None:
    south, north = land(box(1_500, 60, 2_500, 500)), land(box(1_500, 500, 2_500, 1_200), number="8")
    assert metres(one_day(LANE, district, south, north)) == metres(one_day(LANE, district, land(LANE_BLOCK)))


def test_SU7_land_holds_for_its_days_only(district: RoadSet) -> None:
    before, on, after = (
        land(LANE_BLOCK, last=DAY - 1),
        land(LANE_BLOCK, first=DAY, last=DAY),
        land(LANE_BLOCK, first=DAY + 1),
    )
    plain = one_day(LANE, district)
    for other in (before, after):
        assert one_day(LANE, district, other) == plain
    assert metres(one_day(LANE, district, on))["off_road", "declared_land"] > 700.0


def test_SU7_a_gap_on_declared_land_says_so(district: RoadSet) -> None:
    pings = to_pings(drive([(2000, 200), (2000, 900)], 2.0, 300.0), odometer=5_001.0)
    day = one_day(pings, district, land(box(0, 60, 4_000, 3_000)))
    assert metres(day)["off_road", "declared_land"] > 200.0
    assert ("off_road", "odometer_bound") not in metres(day)


def test_SU7_another_tenants_land_changes_nothing(district: RoadSet) -> None:
    book = {"someone else": Rulings((land(LANE_BLOCK),), (exclusion(b""),))}
    (day,) = classify_days(LANE, None, district, V1, book)
    assert day == one_day(LANE, district)


def test_excluded_fixes_take_no_part(district: RoadSet) -> None:
    pings = to_pings(drive([(0, 500), (0, 2900)], 6.0, 10.0), odometer=10_000.0)
    out = np.arange(10, 14)
    times = int(pings.ts_ms[10]), int(pings.ts_ms[13])
    day = one_day(pings, district, exclusion(b"", times))
    without = one_day(pings.take(np.setdiff1d(np.arange(len(pings)), out)), district)
    assert (day.segments, day.readings) == (without.segments, without.readings)
    assert day.incidents == ("4 fixes: excluded",)
    assert day.fixes == len(pings)
    assert one_day(pings, district, exclusion(b"", times, device="ute-2")) == one_day(pings, district)


def test_an_excluded_place_is_unknown_while_the_exclusion_holds(district: RoadSet) -> None:
    pings = to_pings(drive([(0, 500), (0, 2900)], 6.0, 10.0))
    place = box(-300, 1_000, 300, 2_000)
    found = metres(one_day(pings, district, exclusion(place, device="")))
    assert found["unknown", "excluded"] == pytest.approx(1_000.0, abs=125.0)
    assert found["off_road", "private_road"] <= 1_400.0
    half = int(pings.ts_ms[np.searchsorted(pings.ts_ms, NOON_MS + 166_000)])
    assert metres(one_day(pings, district, exclusion(place, (0, half))))["unknown", "excluded"] == pytest.approx(
        500.0, abs=100.0
    )
    later = exclusion(place, (int(pings.ts_ms[-1]) + 1, 1 << 50))
    assert one_day(pings, district, later).totals == one_day(pings, district).totals


def test_an_excluded_place_beats_declared_land_and_spares_public_roads(district: RoadSet) -> None:
    block, place = land(LANE_BLOCK), exclusion(box(1_500, 60, 2_500, 500))
    found = metres(one_day(LANE, district, block, place))
    assert found["off_road", "declared_land"] <= 450.0
    assert found["unknown", "excluded"] > 280.0
    everywhere = exclusion(box(-9_000, -9_000, 9_000, 9_000))
    assert one_day(ROAD, district, everywhere).totals == one_day(ROAD, district).totals


def test_a_leg_through_an_excluded_place_is_cut(district: RoadSet) -> None:
    pings = to_pings(drive([(-1000, 1_000), (-1000, 2_900)], 8.0, 60.0))
    strip = box(-3_000, 1_700, 0, 1_750)
    found = metres(one_day(pings, district, exclusion(strip)))
    assert found["off_road", "no_road"] <= 1_440.0 - 50.0
    assert found["off_road", "no_road"] > 1_440.0 - 50.0 - 480.0


def test_SU7_a_day_names_the_rulings_that_it_depends_on(district: RoadSet) -> None:
    block, place = land(LANE_BLOCK), exclusion(LANE_BLOCK, device="ute-2")
    day = one_day(LANE, district, block, place)
    assert day.land == Rulings((block,)).name == day.revision(1, True, "set").land
    assert one_day(LANE, district).land == ""
    wanted = [(("t", "nobody"), DAY)]
    (empty,) = classify_days(LANE, wanted, district, V1, {"t": Rulings((block,))})
    assert (empty.land, empty.fixes) == (day.land, 0)


def test_SU7_polygons_are_read_as_shapely_reads_them() -> None:
    rng = np.random.default_rng(1)
    shape = shapely.union_all(shapely.buffer(shapely.points(rng.uniform(-4_000, 4_000, (12, 2))), 1_500))
    shape = shapely.set_precision(shapely.affinity.translate(shape, 175_500_000, -40_500_000), 1)
    edges = edges_of(bytes(shapely.to_wkb(shape)))
    assert len(edges) == shapely.get_num_coordinates(shape) - sum(
        1 + shapely.get_num_interior_rings(part) for part in shapely.get_parts(shape)
    )
    with pytest.raises(ValueError, match="geometry of kind 1"):
        edges_of(bytes(shapely.to_wkb(shapely.Point(1, 2))))


def test_SU7_land_as_it_is_sent_is_read_where_it_lies() -> None:
    """GeoJSON is in degrees, rulings and the kernel are in micro-degrees: one wrong factor and no land has any effect."""
    ring = [[175.25, -40.1], [175.26, -40.1], [175.26, -40.09], [175.25, -40.1]]
    edges = edges_of(from_geojson({"type": "Polygon", "coordinates": [ring]}).wkb)
    assert edges[0].tolist() == [-40_100_000, 175_250_000, -40_100_000, 175_260_000]


def test_a_trace_is_the_outcome_with_everything_that_led_to_it(district: RoadSet) -> None:
    pings = to_pings(drive([(2000, 950), (2000, 0), (-1_000, 0)], 9.0, 10.0), noise_m=2.0)
    rulings = Rulings((land(LANE_BLOCK),), (exclusion(b"", (NOON_MS, NOON_MS + 15_000)),))
    trace = trace_day(pings, ("t", "ute-1"), DAY, district, V1, {"t": rulings})
    assert trace.outcome == one_day(pings, district, *rulings.lands, *rulings.exclusions)
    fixes, pieces = trace.fixes, trace.pieces
    assert fixes.label.tolist()[:3] == [EXCLUDED, EXCLUDED, 0]
    assert LABELS[fixes.label[0]] == "excluded"
    assert surfaces.NAMES[fixes.surface[5]] == "declared land"
    assert trace.places[fixes.place[5]] == rulings.lands[0]
    assert (fixes.unknown_m[5], fixes.public_m[5]) == (pytest.approx(0.0, abs=8.0), pytest.approx(100.0))
    assert "Mill Lane" in district.describe(int(fixes.unknown_way[5]))
    assert fixes.margin[-1] < 0 < fixes.margin[5]
    by_basis: Counter[tuple[str, str]] = Counter()
    for surface, basis, mm in zip(pieces.surface, pieces.basis, pieces.mm, strict=True):
        by_basis[SURFACES[surface], BASES[basis]] += int(mm) / 1000.0
    assert by_basis == pytest.approx(metres(trace.outcome))  # sums of binary fractions, in another order
    public = pieces.way[pieces.basis == BASES.index("mapped_public")]
    assert {district.road_name(int(way)) for way in public} == {"River Road"}
    assert all(len(column) == len(pieces.mm) for column in pieces)
    assert (
        trace_day(pings, ("t", "nobody"), DAY, district, V1, {"t": rulings}).outcome.land
        == rulings.of_day("nobody", DAY, 0).name
    )


def test_SU7_the_same_ruling_in_other_bytes_order_is_the_same_land() -> None:
    shape = shapely.from_wkb(LANE_BLOCK)
    big = bytes(shapely.to_wkb(shape, byte_order=0))
    assert big != LANE_BLOCK
    np.testing.assert_array_equal(edges_of(big), edges_of(LANE_BLOCK))
    assert msgspec.structs.replace(land(LANE_BLOCK), wkb=big) != land(LANE_BLOCK)
