"""Several sources in order of trust: the first that knows decides, stretch by stretch, and the data set says who did."""

from pathlib import Path

import numpy as np
import pytest

from services.classifier.domain.way_kinds import PRIVATE, PUBLIC, UNKNOWN
from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from tests.unit.kernel.world import Way, osm_file
from tests.unit.roads.sources import line, mapping_file, square, vector_file

COUNCIL = """
name = "council"
geometry = "centrelines"
[columns]
id = "id"
[maintainer]
column = "by"
public = ["council"]
private = ["farm"]
"""
PARCELS = """
name = "titles"
geometry = "parcels"
unknown_ways_inside = "private"
[columns]
id = "id"
[maintainer]
column = "kind"
public = ["road"]
private = ["title"]
"""
LANE: Way = (7, {"highway": "service", "name": "Mill Lane"}, [(0, 0), (0, 400), (0, 1000)])
TRACK: Way = (8, {"highway": "track"}, [(500, 0), (500, 1000)])
ROAD: Way = (9, {"highway": "tertiary"}, [(0, 0), (500, 0), (2000, 0)])


def made_of(folder: Path, ways: list[Way], lines: dict[str, list[object]], *, osm_first: bool) -> RoadSet:
    osm = osm_file(folder / "a.osm", ways)
    council = vector_file(folder / "c.gpkg", lines.pop("line"), lines)  # type: ignore[arg-type]
    sources = [osm, council] if osm_first else [council, osm]
    return build(sources, folder / "sets", mappings=[mapping_file(folder / "m.toml", COUNCIL)])


def kinds_of(made: RoadSet, source: int) -> list[tuple[int, int, int]]:
    """(number, kind, metres) of a source's ways, in order."""
    out = []
    for way in np.flatnonzero(made.way_source == source).tolist():
        cm = int(made.roads.vertex_cm[made.roads.vertex_way == way].max())
        out.append((int(made.way_id[way]), int(made.roads.way_kind[way]), round(cm / 100)))
    return out


@pytest.mark.parametrize("osm_first", [True, False])
def test_unknown_defers_to_the_source_that_knows_in_either_order(tmp_path: Path, osm_first: bool) -> None:
    made = made_of(
        tmp_path, [LANE, ROAD], {"line": [line((4, 0), (4, 1000))], "id": [3], "by": ["council"]}, osm_first=osm_first
    )
    osm = 0 if osm_first else 1
    assert kinds_of(made, osm) == [(7, PUBLIC, 1000), (9, PUBLIC, 2000)]
    words = made.describe(made.way_id.tolist().index(7))
    assert words.startswith(
        "Mill Lane (highway=service without owner; way 7 of a.osm; taken as public road, as it runs along "
    )
    assert "(by=council; feature 3 of c.gpkg)" in words


def test_the_first_source_that_knows_wins(tmp_path: Path) -> None:
    lines: dict[str, list[object]] = {"line": [line((505, 0), (505, 1000))], "id": [3], "by": ["council"]}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    trusted = made_of(tmp_path / "a", [TRACK, ROAD], dict(lines), osm_first=False)
    assert kinds_of(trusted, 1)[0] == (8, PUBLIC, 1000)
    other = made_of(tmp_path / "b", [TRACK, ROAD], dict(lines), osm_first=True)
    assert kinds_of(other, 0)[0] == (8, PRIVATE, 1000)
    assert kinds_of(other, 1) == [(3, PRIVATE, 1000)]


def test_only_the_stretch_that_runs_along_changes(tmp_path: Path) -> None:
    made = made_of(
        tmp_path, [LANE, ROAD], {"line": [line((3, -50), (3, 600))], "id": [3], "by": ["farm"]}, osm_first=True
    )
    (first, kind, metres), (again, rest_kind, rest_metres), road = kinds_of(made, 0)
    assert (first, kind, again, rest_kind) == (7, PRIVATE, 7, UNKNOWN)
    assert metres == pytest.approx(600, abs=20)
    assert metres + rest_metres == pytest.approx(1000, abs=1)
    assert road == (9, PUBLIC, 2000)
    ends = made.roads.vertex_way.tolist()
    last, next_ = ends.index(1) - 1, ends.index(1)
    assert made.roads.lat_e6[last] == made.roads.lat_e6[next_]  # the parts still meet
    assert made.way_decided.tolist()[:2] == [made.way_id.tolist().index(3), -1]


def test_what_crosses_or_stands_apart_keeps_its_own_word(tmp_path: Path) -> None:
    shapes = [line((-300, 500), (300, 500)), line((12, 0), (12, 1000)), line((480, 0), (520, 25))]
    made = made_of(
        tmp_path, [LANE, TRACK, ROAD], {"line": shapes, "id": [1, 2, 3], "by": ["council"] * 3}, osm_first=False
    )
    assert kinds_of(made, 1) == [(7, UNKNOWN, 1000), (8, PRIVATE, 1000), (9, PUBLIC, 2000)]
    assert set(made.way_decided.tolist()) == {-1}


def test_SU3_unknown_ways_wholly_inside_a_private_parcel_where_the_mapping_says_so(tmp_path: Path) -> None:
    yard: Way = (11, {"highway": "service"}, [(610, 10), (650, 60)])
    through: Way = (12, {"highway": "service"}, [(690, 10), (740, 60)])
    osm = osm_file(tmp_path / "a.osm", [ROAD, yard, through])
    shapes = [square(600, 8, 700, 100), square(700, 8, 800, 100), square(0, -8, 2000, 8)]
    parcels = vector_file(tmp_path / "p.gpkg", shapes, {"id": [21, 22, 23], "kind": ["title", "title", "road"]})
    with_ = mapping_file(tmp_path / "p.toml", PARCELS)
    made = build([osm, parcels], tmp_path / "sets", mappings=[with_])
    assert [kind for _, kind, _ in kinds_of(made, 0)] == [PUBLIC, PRIVATE, UNKNOWN]
    assert "wholly inside private parcel 21 of p.gpkg" in made.describe(1)
    off = mapping_file(tmp_path / "off.toml", PARCELS.replace('unknown_ways_inside = "private"', ""))
    other = build([osm, parcels], tmp_path / "sets", mappings=[off])
    assert [kind for _, kind, _ in kinds_of(other, 0)] == [PUBLIC, UNKNOWN, UNKNOWN]


def test_overlapping_osm_extracts_hold_a_way_once(tmp_path: Path) -> None:
    one = osm_file(tmp_path / "a.osm", [LANE, ROAD])
    two = osm_file(tmp_path / "b.osm", [ROAD, TRACK])
    made = build([one, two], tmp_path / "sets")
    assert made.way_id.tolist() == [7, 9, 8]
    assert made.way_source.tolist() == [0, 0, 1]
