"""Names of places: localities out of OpenStreetMap, beside a road data set whose name they do not change (rule DI6)."""

from pathlib import Path

from click.testing import CliRunner

from services.classifier.application.localities import FILE, Locality, localities, localities_of, note_localities
from services.classifier.application.place_names import Namer
from services.classifier.cli_roads import build_command
from services.classifier.roads.dataset import RoadSet
from tests.simulation.district import OSM, ROAD_LAT, TRACK_LNG

PLACES = """
  <node id="21" version="1" lat="-40.11" lon="175.24"><tag k="place" v="hamlet"/><tag k="name" v="Valley End"/></node>
  <node id="22" version="1" lat="-40.31" lon="175.24"><tag k="place" v="town"/><tag k="name" v="Far Town"/></node>
  <node id="23" version="1" lat="-40.10" lon="175.25"><tag k="place" v="farm"/><tag k="name" v="Not a locality"/></node>
  <node id="24" version="1" lat="-40.10" lon="175.25"><tag k="place" v="village"/></node>
  <way id="10\""""


def build(folder: Path, osm: str) -> RoadSet:
    source = folder / "district.osm"
    source.write_text(osm.replace("<?access?>", "yes"))
    asked = [str(source), "--out", str(folder / "roads"), "--date", "2026-01-01"]
    told = CliRunner().invoke(build_command, asked, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return RoadSet.open(folder / "roads")


def test_DI6_localities_are_read_beside_a_set_and_never_change_its_name(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    made = build(tmp_path / "with", OSM.replace('\n  <way id="10"', PLACES))
    bare = build(tmp_path / "without", OSM)
    assert made.roads.lat_e6.tolist() == bare.roads.lat_e6.tolist()
    found = localities_of(made.path)
    assert set(found.names) == {"Valley End", "Far Town"}
    assert localities_of(bare.path).names == ()
    before = {one.name: one.read_bytes() for one in made.path.iterdir() if one.name != FILE}
    assert note_localities(made.path, [tmp_path / "with" / "district.osm"]) == 2
    assert {one.name: one.read_bytes() for one in made.path.iterdir() if one.name != FILE} == before


def test_DI6_a_road_is_named_with_the_nearest_locality_within_reach(tmp_path: Path) -> None:
    made = build(tmp_path, OSM)
    lat, lng = int((ROAD_LAT + 0.01) * 1e6), int(TRACK_LNG * 1e6)
    near = localities([Locality("Valley End", lat - 10_000, lng), Locality("Hill Top", lat + 30_000, lng)])
    named = Namer(lambda _: made, lambda _: near)
    assert named._nearest("x", lat, lng) == "Woolshed Track, Valley End"
    alone = Namer(lambda _: made, lambda _: localities([Locality("Far", lat + 1_000_000, lng)]))
    assert alone._nearest("x", lat, lng) == "Woolshed Track"
    assert Namer(lambda _: None, lambda _: None)._nearest("x", lat, lng) == "", "the set is not open"
    assert named._nearest("x", lat + 2_000_000, lng) == "", "no road within 3 km"
