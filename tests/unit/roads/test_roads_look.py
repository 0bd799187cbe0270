"""Every cell's tagging can be asked for: ways, areas, rule and source; and the commands that list and show data sets."""

from pathlib import Path

import h3
import pytest
from click.testing import CliRunner

from services.classifier.cli import roads
from services.classifier.domain import cells
from services.classifier.roads.build import build
from services.classifier.roads.dataset import DataSetError, RoadSet
from services.classifier.roads.look import look
from tests.unit.kernel.world import MILL_LANE, RIVER_ROAD, Way, at, osm_file
from tests.unit.roads.sources import line, mapping_file, square, vector_file

MAPPING = """
name = "council"
geometry = "centrelines"
date = "2026-02-01"
[maintainer]
all = "public"
because = "in the council's register"
"""
RESERVE = """
name = "reserves"
geometry = "parcels"
[maintainer]
all = "unknown"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    folder = tmp_path_factory.mktemp("look")
    yard: Way = (
        20,
        {"amenity": "parking", "name": "Yard"},
        [(2010, 200), (2090, 200), (2090, 280), (2010, 280), (2010, 200)],
    )
    osm = osm_file(folder / "a.osm", [RIVER_ROAD, MILL_LANE, yard])
    council = vector_file(folder / "c.gpkg", [line((2000, 100), (2000, 1000))], {"id": [5]})
    reserve = vector_file(folder / "r.gpkg", [square(-3000, 500, -1000, 2500)], {"id": [6]})
    mappings = [mapping_file(folder / "m.toml", MAPPING), mapping_file(folder / "r.toml", RESERVE)]
    return build(
        [osm, council, reserve], folder / "sets", mappings=mappings, valid_from="2026-01-15", supersedes="0" * 16
    )


def test_a_place_tells_its_ways_their_rules_and_their_sources(made: RoadSet) -> None:
    lat, lng = at(2_050, 240)
    told = look(made, (lat / 1e6, lng / 1e6))
    assert [(one.kind_name, one.inside) for one in told.ways] == [
        ("area of unknown maintainer", True), ("public road", False), ("public road", False),
        ("way of unknown maintainer", False),  # the lane's first 100 m, which the council does not list
    ]  # fmt: skip
    assert told.ways[0].words == "Yard (amenity=parking; way 20 of a.osm)"
    assert told.ways[0].metres == pytest.approx(40.0, abs=0.5)
    lane, register = sorted(told.ways[1:3], key=lambda one: one.words)
    assert lane.words.startswith(
        "Mill Lane (highway=service without owner; way 3 of a.osm; taken as public road, as it runs along"
    )
    assert register.words == "unnamed (in the council's register; feature 1 of c.gpkg)"
    assert lane.metres == pytest.approx(50.0, abs=0.5)


def test_a_cell_can_be_named_by_h3_or_by_key(made: RoadSet) -> None:
    lat, lng = at(2_050, 240)
    cell = h3.latlng_to_cell(lat / 1e6, lng / 1e6, 10)
    fine, _ = cells.keys_at(cells.FACES, lat, lng)
    by_h3, by_key = look(made, cell), look(made, int(fine))
    assert by_h3.h3 == by_key.h3 == cell
    assert [one.way for one in by_h3.ways] == [one.way for one in by_key.ways]
    with pytest.raises(DataSetError, match="resolution 10"):
        look(made, h3.cell_to_parent(cell, 9))


def test_deep_inside_an_area_it_is_named(made: RoadSet) -> None:
    lat, lng = at(-2_000, 1_500)
    told = look(made, (lat / 1e6, lng / 1e6))
    assert [one.words for one in told.ways] == ["unnamed (mapping reserves; feature 1 of r.gpkg)"]
    assert told.ways[0].inside


def test_roads_list_and_show(made: RoadSet) -> None:
    run = CliRunner()
    listed = run.invoke(roads, ["list", "--roads", str(made.path.parent)])
    assert listed.exit_code == 0, listed.output
    assert f"{made.name}  valid from 2026-01-15, supersedes {'0' * 16}" in listed.output
    assert "c.gpkg (2026-02-01, mapping council): 1 ways" in listed.output
    assert "warning: coverage is derived" in listed.output
    lat, lng = at(2_050, 240)
    shown = run.invoke(roads, ["show", "--roads", str(made.path), str(lat / 1e6), str(lng / 1e6)])
    assert shown.exit_code == 0, shown.output
    assert "inside  area of unknown maintainer: Yard (amenity=parking; way 20 of a.osm)" in shown.output
    away = run.invoke(roads, ["show", "--roads", str(made.path), "--", "-10.0", "20.0"])
    assert "outside the coverage" in away.output


def test_roads_list_says_when_there_is_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(roads, ["list", "--roads", str(tmp_path)])
    assert done.exit_code == 1
    assert "rucor roads build" in done.output
