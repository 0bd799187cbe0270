"""Areas in OpenStreetMap files: closed ways and multipolygons, what they are taken as, and what is no area."""

from pathlib import Path

import numpy as np
import pytest

from services.classifier.domain.areas import areas_at
from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN
from services.classifier.roads.build import build
from services.classifier.roads.sources import read
from services.classifier.roads.tagging import take_area
from tests.unit.kernel.world import RIVER_ROAD, Way, at, osm_file


def box(west: float, south: float, east: float, north: float) -> list[tuple[float, float]]:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "parking"}, AREA_UNKNOWN),
        ({"natural": "beach"}, AREA_UNKNOWN),
        ({"highway": "pedestrian", "area": "yes"}, AREA_PUBLIC),
        ({"area:highway": "residential"}, AREA_PUBLIC),
        ({"highway": "service", "area": "yes"}, AREA_UNKNOWN),
        ({"highway": "rest_area"}, AREA_PUBLIC),
        ({"highway": "residential", "type": "multipolygon"}, AREA_PUBLIC),
        ({"highway": "service", "area": "yes", "operator": "Hutt City Council"}, AREA_PUBLIC),
        ({"amenity": "parking", "access": "private"}, None),
        ({"highway": "service", "area": "yes", "access": "private"}, None),
        ({"highway": "footway", "area": "yes"}, None),
        ({"highway": "residential"}, None),  # a closed way is a loop of road
        ({"leisure": "park"}, None),
        ({"boundary": "protected_area"}, None),
        ({"landuse": "forest"}, None),
    ],
)
def test_SU2_what_the_inside_of_a_closed_way_is_taken_as(tags: dict[str, str], kind: int | None) -> None:
    taken = take_area(tags)
    assert (taken.kind if taken else None) == kind


def relation(number: int, tags: dict[str, str], members: list[tuple[int, str]]) -> str:
    inside = "".join(f'<member type="way" ref="{ref}" role="{role}"/>' for ref, role in members)
    inside += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
    return f'<relation id="{number}" version="1" timestamp="2026-01-01T00:00:00Z">{inside}</relation>'


def test_SU2_closed_ways_and_multipolygons_become_areas(tmp_path: Path) -> None:
    parking: Way = (20, {"amenity": "parking", "name": "Show Ground"}, box(100, 100, 200, 160))
    loop: Way = (21, {"highway": "service"}, box(300, 100, 400, 160))
    west: Way = (30, {}, [(1000, 100), (1000, 300), (1300, 300)])
    east: Way = (31, {}, [(1300, 300), (1300, 100), (1000, 100)])
    rock: Way = (32, {}, box(1100, 150, 1200, 250))
    open_: Way = (33, {}, [(2000, 100), (2000, 300), (2300, 300)])
    source = osm_file(tmp_path / "a.osm", [RIVER_ROAD, parking, loop, west, east, rock, open_])
    beach = relation(5, {"type": "multipolygon", "natural": "beach"}, [(30, "outer"), (31, "outer"), (32, "inner")])
    cut = relation(6, {"type": "multipolygon", "natural": "beach"}, [(33, "outer"), (99, "outer")])
    park = relation(7, {"type": "multipolygon", "leisure": "park"}, [(32, "outer")])
    source.write_text(source.read_text("utf-8").replace("</osm>", f"{beach}{cut}{park}</osm>"), "utf-8")

    ways = read(source).ways
    assert list(zip(ways.way_id.tolist(), ways.kind.tolist(), strict=True)) == [
        (-5, AREA_UNKNOWN), (-5, AREA_UNKNOWN), (1, 1), (20, AREA_UNKNOWN), (21, 3),
    ]  # fmt: skip
    made = build([source], tmp_path / "sets")
    places = np.array(
        [at(x, y) for x, y in [(150, 130), (350, 130), (1050, 200), (1150, 200), (2100, 200)]], dtype=np.int32
    )
    public, unknown = areas_at(made.roads, np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1]))
    assert public.tolist() == [0] * 5
    assert unknown.tolist() == [1, 0, 1, 0, 0]
    assert made.describe(0) == "unnamed (natural=beach; relation 5 of a.osm)"
    assert made.describe(3) == "Show Ground (amenity=parking; way 20 of a.osm)"


def test_a_private_way_ends_where_it_enters_an_area_of_unknown_maintainer(tmp_path: Path) -> None:
    track: Way = (2, {"highway": "track"}, [(0, 0), (0, 500), (0, 1000)])
    yard: Way = (20, {"amenity": "parking"}, box(-50, 800, 50, 900))
    made = build([osm_file(tmp_path / "a.osm", [RIVER_ROAD, track, yard])], tmp_path / "sets")
    exits = made.roads.exit_dm[made.roads.vertex_way == made.way_id.tolist().index(2)] / 10.0
    assert exits[-1] == pytest.approx(100.0, abs=4.5)
    assert exits[1] == pytest.approx(300.0, abs=4.5)
