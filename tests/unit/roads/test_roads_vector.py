"""GeoPackage, GeoJSON and Shapefile sources with a mapping: positions, kinds, names, and errors that say what to do."""

import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely

from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN, PRIVATE, PUBLIC, UNKNOWN
from services.classifier.roads.build import build
from services.classifier.roads.mapping import built_in, load
from services.classifier.roads.sources import read
from services.classifier.roads.ways import SourceError
from tests.unit.kernel.world import KX, KY, at
from tests.unit.roads.sources import line, mapping_file, nztm, place, square, vector_file

ROADS = """
name = "council"
geometry = "centrelines"
date = "2026-03-01"
[columns]
id = "road_id"
name = "road_name_long"
width_m = "width"
[maintainer]
column = "maintained_by"
public = ["Council", "NZTA"]
private = ["Farm"]
"""
SHAPES = [
    line((-500, 0), (500, 0), (900, 300)),
    line((0, 0), (0, 400)),
    line((100, 5), (100, 900)),
    line((200, 0), (200, 90)),
]
COLUMNS = {
    "road_id": [14, 3, 8, 9],
    "road_name_long": ["Back Road", "Farm Lane", "", "Mystery Lane"],
    "width": [16.0, 3.0, 0.0, 5.0],
    "maintained_by": ["council", "Farm", None, "Iwi trust"],
}


def test_known_points_of_nztm() -> None:
    """The test's own projection against the definition's fixed point and a round length along the central meridian."""
    assert nztm(0.0, 173.0) == pytest.approx((1_600_000.0, 10_000_000.0), abs=1e-6)
    east, north = nztm(-41.0, 173.0)
    assert east == pytest.approx(1_600_000.0, abs=1e-6)
    quarter = 10_001_965.7293 * 0.9996  # equator to pole on GRS80
    assert nztm(-89.999999, 173.0)[1] == pytest.approx(10_000_000.0 - quarter, abs=0.2)
    assert 10_000_000.0 - quarter < north < 10_000_000.0


@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".shp", ".zip"])
def test_nztm_exports_load_with_a_mapping(tmp_path: Path, ending: str) -> None:
    source = vector_file(tmp_path / f"roads{'.shp' if ending == '.zip' else ending}", SHAPES, COLUMNS)
    if ending == ".zip":
        with zipfile.ZipFile(tmp_path / "roads.zip", "w") as archive:
            for part in sorted(tmp_path.glob("roads.*")):
                if part.suffix != ".zip":
                    archive.write(part, f"export/{part.name}")
        source = tmp_path / "roads.zip"
    made = read(source, mapping_file(tmp_path / "m.toml", ROADS))
    ways = made.ways
    assert ways.way_id.tolist() == [3, 8, 9, 14]
    assert ways.kind.tolist() == [PRIVATE, UNKNOWN, UNKNOWN, PUBLIC]
    assert [ways.texts[name] for name in ways.name] == ["Farm Lane", "", "Mystery Lane", "Back Road"]
    assert [ways.texts[rule] for rule in ways.rule] == [
        "maintained_by=Farm", "maintained_by is empty", "maintained_by=Iwi trust", "maintained_by=council",
    ]  # fmt: skip
    assert ways.half_dm.tolist() == [30, 30, 40, 95]
    assert ways.sources[0].date == "2026-03-01"
    assert "'Iwi trust'" in made.warnings[0]
    assert "maintained_by" in made.warnings[0]
    sought = [point for shape in (SHAPES[1], SHAPES[2], SHAPES[3], SHAPES[0]) for point in shape.coords]
    for (x, y), lat, lng in zip(sought, ways.lat_e6.tolist(), ways.lng_e6.tolist(), strict=True):
        want = at(x, y)
        assert math.hypot((lat - want[0]) * KY, (lng - want[1]) * KX) < 0.12  # two roundings to a micro-degree


def test_positions_are_good_to_a_decimetre_all_over_the_country(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    sites = [(lat, lng) for lat, lng in rng.uniform((-47.3, 166.5), (-34.4, 178.5), (40, 2)).tolist()]
    source = tmp_path / "sites.gpkg"
    vector_file(source, [line((0, 0), (1, 0))], {"a": [1]}, layer="other")
    import pyogrio.raw

    shapes = [shapely.LineString([nztm(lat, lng), nztm(lat + 0.001, lng)]) for lat, lng in sites]
    pyogrio.raw.write(
        source, np.array([shapely.to_wkb(one) for one in shapes], dtype=object), [np.arange(40)], ["a"],
        geometry_type="LineString", crs="EPSG:2193", layer="sites", append=True,
    )  # fmt: skip
    text = 'name = "s"\ngeometry = "centrelines"\nlayer = "sites"\n[maintainer]\nall = "public"\n'
    ways = read(source, mapping_file(tmp_path / "m.toml", text)).ways
    for n, (lat, lng) in enumerate(sites):
        assert abs(ways.lat_e6[ways.first[n]] - lat * 1e6) <= 0.51
        assert abs(ways.lng_e6[ways.first[n]] - lng * 1e6) <= 0.51


def test_SU2_parcels_become_areas_with_their_holes(tmp_path: Path) -> None:
    ring = square(0, 0, 100, 100).difference(square(40, 40, 60, 60))
    shapes = [
        ring,
        square(300, 0, 400, 50),
        square(500, 0, 600, 50),
        shapely.MultiPolygon([square(700, 0, 710, 9), square(720, 0, 730, 9)]),
    ]
    source = vector_file(tmp_path / "p.gpkg", shapes, {"use": ["road", "reserve", "house", "road"]})
    text = """
    name = "parcels"
    geometry = "parcels"
    [maintainer]
    column = "use"
    public = ["road"]
    private = ["house"]
    """
    made = read(source, mapping_file(tmp_path / "m.toml", text))
    assert made.private is None
    assert made.ways.kind.tolist() == [AREA_PUBLIC, AREA_PUBLIC, AREA_UNKNOWN, AREA_PUBLIC, AREA_PUBLIC]
    assert made.ways.areas.tolist() == [0, 0, 2, 3, 3]
    for w in range(5):
        a, b = made.ways.first[w], made.ways.first[w + 1]
        points = np.column_stack((made.ways.lng_e6[a:b], made.ways.lat_e6[a:b]))
        assert np.array_equal(points[0], points[-1])
        assert shapely.is_ccw(shapely.LinearRing(points)) == (w != 1)  # the second is the hole


def test_the_same_vector_files_give_the_same_bytes(tmp_path: Path) -> None:
    source = vector_file(tmp_path / "roads.gpkg", SHAPES, COLUMNS)
    with_ = mapping_file(tmp_path / "m.toml", ROADS)
    one, two = (build([source], tmp_path / out, mappings=[with_]) for out in ("a", "b"))
    assert one.name == two.name
    assert one.meta.sources[0].mapping == "council"
    assert one.describe(0) == "Farm Lane (maintained_by=Farm; feature 3 of roads.gpkg)"
    assert any("'Iwi trust'" in warning for warning in one.meta.warnings)


@pytest.mark.parametrize("name", built_in())
def test_built_in_mappings_load_and_leave_what_they_do_not_know_unknown(name: str) -> None:
    mapping = load(name)
    assert mapping.name == name
    assert mapping.maintainer.other == "unknown"
    assert mapping.maintainer.empty == "unknown"


def test_linz_and_national_road_centreline_exports_load_without_a_mapping_of_ones_own(tmp_path: Path) -> None:
    topo = vector_file(
        tmp_path / "nz-road-centrelines-topo-150k.shp",
        SHAPES[:2],
        {
            "t50_fid": [1, 2],
            "name_ascii": ["x", "y"],
            "name": ["Ōtaki Road", "y"],
            "hway_num": ["1", None],
            "lane_count": [4, 2],
        },
    )
    nrc = vector_file(
        tmp_path / "National_Road_Centreline.gpkg",
        SHAPES[:3],
        {
            "ID": [1, 2, 3], "assetRCAID": ["76", None, "76"], "fullRoadName": ["A Road", "B Road", "C Road"],
            "retiredDate": [None, None, "2020-01-01"], "geomModifiedDate": ["2025-11-03T00:00:00", "2024-01-01", ""], "width": [7.0, 0.0, 5.0],
        },
    )  # fmt: skip
    parcels = vector_file(
        tmp_path / "nz-primary-road-parcels.geojson", [square(0, 0, 20, 300)], {"id": [5], "appellation": ["Road"]}
    )
    made = build(
        [nrc, parcels, topo],
        tmp_path / "sets",
        mappings=["national-road-centreline", "linz-road-parcels", "linz-road-centrelines"],
    )
    kinds = [made.roads.way_kind[made.way_source == source].tolist() for source in range(3)]
    assert kinds[0] == [PUBLIC, UNKNOWN]
    assert kinds[1] == [AREA_PUBLIC]
    assert kinds[2][0] == PUBLIC
    assert [one.date for one in made.meta.sources] == ["2025-11-03", "", ""]
    assert made.meta.areas == 1


BAD = [
    (ROADS.replace("maintained_by", "owner"), "there is no column 'owner'.*road_id, road_name_long"),
    (ROADS + 'privat = ["x"]\n', "privat"),
    (ROADS + 'unknown = ["farm"]\n', "stands in two lists"),
    (ROADS.replace("road_id", "maintained_by"), "is no whole number; leave id out"),
    (ROADS.replace("centrelines", "parcels"), 'is geometry = "centrelines" meant'),
    (ROADS.replace('date = "2026-03-01"', 'layer = "streets"'), "has no layer 'streets'.*roads"),
    (ROADS.replace('column = "maintained_by"', ""), "needs either column"),
    (
        ROADS.replace("[maintainer]", '[[skip]]\ncolumn = "road_name_long"\nvalues = ["*", ""]\n[maintainer]'),
        "no feature is left",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_mapping_that_does_not_fit_says_what_to_write(tmp_path: Path, text: str, message: str) -> None:
    source = vector_file(tmp_path / "roads.gpkg", SHAPES, COLUMNS)
    with pytest.raises(SourceError, match=message):
        read(source, mapping_file(tmp_path / "m.toml", text))


def test_a_source_without_coordinate_system_or_mapping_says_what_to_write(tmp_path: Path) -> None:
    source = vector_file(tmp_path / "roads.shp", SHAPES, COLUMNS, crs=None)
    with_ = mapping_file(tmp_path / "m.toml", ROADS)
    with pytest.raises(SourceError, match='crs = "EPSG:…" into the mapping'):
        read(source, with_)
    told = mapping_file(tmp_path / "told.toml", ROADS.replace('date = "2026-03-01"', 'crs = "EPSG:2193"'))
    ways = read(source, told).ways
    assert abs(ways.lat_e6[0] - at(0, 0)[0]) <= 1
    with pytest.raises(SourceError, match=r"needs a mapping.*linz-road-centrelines"):
        build([source], tmp_path / "sets")
    with pytest.raises(SourceError, match="no mapping nonsense"):
        build([source], tmp_path / "sets", mappings=["nonsense"])
    with pytest.raises(SourceError, match="belongs to no source"):
        build([source], tmp_path / "sets", mappings=[told, told])
    (tmp_path / "broken.gpkg").write_bytes(b"no database")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "broken.gpkg", with_)


def test_places_of_the_world_are_where_the_projection_says() -> None:
    east, north = place(0.0, 0.0)
    assert place(0.0, 1_000.0)[1] - north == pytest.approx(1_000.0, abs=1.0)
    assert place(1_000.0, 0.0)[0] - east == pytest.approx(1_000.0, abs=1.0)
