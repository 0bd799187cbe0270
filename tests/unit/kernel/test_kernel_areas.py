"""Rule SU2 in areas: what is known of a place without a way (scheme 1, paragraphs 7, 18 and 22)."""

from collections import Counter
from pathlib import Path

import pytest

from services.classifier.domain.clear import public_near, public_within
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import LAST_DAY, Land, Rulings
from services.classifier.domain.scheme import V1
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings
from tests.unit.kernel.test_kernel_rulings import box
from tests.unit.kernel.world import DISTRICT, Way, at, drive, road_set, to_pings


def square(number: int, tags: dict[str, str], west: float, south: float, size: float) -> Way:
    east, north = west + size, south + size
    return number, tags, [(west, south), (east, south), (east, north), (west, north), (west, south)]


CAR_PARK = square(21, {"amenity": "parking", "name": "Show Grounds"}, -4_000, 400, 300)
BEACH = square(22, {"natural": "beach", "name": "Long Beach"}, -4_000, 1_000, 800)
SURFACE = square(23, {"area:highway": "residential", "name": "Market Place"}, 3_000, 500, 250)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return road_set(tmp_path_factory.mktemp("places"), (*DISTRICT, CAR_PARK, BEACH, SURFACE))


def metres(pings: Pings, roads: RoadSet, *lands: Land) -> tuple[Counter[tuple[str, str]], DayOutcome]:
    (day,) = classify_days(pings, None, roads, V1, {"t": Rulings(lands)})
    sums: Counter[tuple[str, str]] = Counter()
    for total in day.totals:
        sums[total.surface, total.basis] += total.mm
    return Counter({what: mm / 1000.0 for what, mm in sums.items()}), day


def circuit(west: float, south: float, size: float) -> Pings:
    """Round and round inside a square, 40 m from its edge."""
    a, b, c, d = west + 40, south + 40, west + size - 40, south + size - 40
    return to_pings(drive([(a, b), (c, b), (c, d), (a, d), (a, b), (c, b)], 5.0, 5.0), noise_m=3.0)


@pytest.mark.parametrize(
    ("west", "south", "size", "name"), [(-4_000, 400, 300, "Show Grounds"), (-4_000, 1_000, 800, "Long Beach")]
)
def test_SU2_a_car_park_and_a_beach_are_unknown(
    places: RoadSet, district: RoadSet, west: float, south: float, size: float, name: str
) -> None:
    pings = circuit(west, south, size)
    found, day = metres(pings, places)
    assert set(found) == {("unknown", "unknown_way")}
    assert all(name in part.why for part in day.segments)
    assert set(metres(pings, district)[0]) == {("off_road", "no_road")}  # the same place where nobody drew an area


@pytest.mark.parametrize(("west", "south", "size"), [(-4_000, 400, 300), (-4_000, 1_000, 800)])
def test_SU7_declared_land_on_a_car_park_or_beach_is_off_road(
    places: RoadSet, west: float, south: float, size: float
) -> None:
    land = Land(
        "5", "Grounds", "leased", 0, LAST_DAY, False, box(west - 50, south - 50, west + size + 50, south + size + 50)
    )
    found, day = metres(circuit(west, south, size), places, land)
    assert set(found) == {("off_road", "declared_land")}
    assert {part.why for part in day.segments} == {"§37 on declared land: Grounds (leased; land 5)"}


def test_SU1_a_road_drawn_as_a_surface_is_public_to_its_edge(places: RoadSet) -> None:
    found, day = metres(circuit(3_000, 500, 250), places)
    assert set(found) == {("public_road", "mapped_public")}
    assert "Market Place" in day.segments[0].why
    for away in (0.0, 5.0, 60.0):
        lat, lng = at(3_000 - away, 625)
        assert public_near(places.roads, lat, lng) == pytest.approx(away, abs=0.5)
        assert public_within(places.roads, lat, lng, 300.0) == pytest.approx(away, abs=0.5)
    inside = at(3_125, 625)
    assert public_near(places.roads, *inside) == public_within(places.roads, *inside, 300.0) == 0.0


def test_SU1_a_leg_from_a_public_surface_counts_off_road_only_from_its_edge(places: RoadSet) -> None:
    pings = to_pings(drive([(3_125, 625), (3_125, 1_900)], 10.0, 30.0))
    off = sum(mm for (surface, _), mm in metres(pings, places)[0].items() if surface == "off_road")
    assert off <= 1_900 - 750


def test_an_area_is_found_by_name_however_it_was_entered(tmp_path: Path) -> None:
    """Two car parks side by side: each names itself, deep inside and beside its fence."""
    left = square(31, {"amenity": "parking", "name": "Left"}, -3_000, 400, 500)
    right = square(32, {"amenity": "parking", "name": "Right"}, -2_500, 400, 500)
    roads = road_set(tmp_path, (*DISTRICT, left, right))
    for x, name in (
        (-2_970, "Left"),
        (-2_750, "Left"),
        (-2_530, "Left"),
        (-2_470, "Right"),
        (-2_250, "Right"),
        (-2_030, "Right"),
    ):
        _, day = metres(to_pings(drive([(x, 450), (x, 850)], 5.0, 5.0)), roads)
        assert all(name in part.why for part in day.segments), x
