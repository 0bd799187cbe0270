"""Rules SU1-SU3 and SU8: what OSM tags are taken as."""

import pytest

from services.classifier.domain.way_kinds import FERRY, IGNORED, PRIVATE, PUBLIC, UNKNOWN
from services.classifier.roads.tagging import take


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "primary"}, PUBLIC),
        ({"highway": "residential", "access": "destination"}, PUBLIC),
        ({"highway": "road"}, PUBLIC),
        ({"highway": "track", "operator": "Department of Conservation"}, PUBLIC),
        ({"highway": "service", "ownership": "municipal"}, PUBLIC),
        ({"highway": "unclassified", "access": "private"}, PRIVATE),
        ({"highway": "unclassified", "access": "forestry"}, PRIVATE),
        ({"highway": "track"}, PRIVATE),
        ({"highway": "track", "access": "agricultural"}, PRIVATE),
        ({"highway": "service", "service": "driveway"}, PRIVATE),
        ({"highway": "service", "access": "no"}, PRIVATE),
        ({"highway": "unclassified", "motor_vehicle": "private"}, UNKNOWN),
        ({"highway": "track", "access": "yes"}, UNKNOWN),
        ({"highway": "track", "motor_vehicle": "permissive"}, UNKNOWN),
        ({"highway": "track", "motor_vehicle": "no"}, UNKNOWN),
        ({"highway": "service"}, UNKNOWN),
        ({"highway": "service", "service": "parking_aisle"}, UNKNOWN),
        ({"highway": "service", "service": "driveway", "access": "yes"}, UNKNOWN),
        ({"highway": "construction", "construction": "primary"}, UNKNOWN),
        ({"highway": "raceway"}, UNKNOWN),
        ({"highway": "footway"}, IGNORED),
        ({"route": "ferry"}, FERRY),
    ],
)
def test_SU1_SU2_SU3_tags(tags: dict[str, str], kind: int) -> None:
    taken = take(tags)
    assert taken is not None
    assert taken.kind == kind


@pytest.mark.parametrize(
    "tags", [{"highway": "proposed"}, {"highway": "abandoned"}, {"building": "yes"}, {"route": "bus"}]
)
def test_what_is_no_road_is_left_out(tags: dict[str, str]) -> None:
    assert take(tags) is None


def test_the_corridor_grows_with_width_and_lanes_and_never_shrinks() -> None:
    plain, wide, lanes, silly = (
        take({"highway": "tertiary", **extra}) for extra in ({}, {"width": "18 m"}, {"lanes": "4"}, {"width": "900"})
    )
    assert plain and wide and lanes and silly
    assert (plain.half_m, wide.half_m, lanes.half_m, silly.half_m) == (6.0, 10.5, 8.5, 20.0)
    narrow = take({"highway": "tertiary", "width": "3"})
    assert narrow and narrow.half_m == 6.0
