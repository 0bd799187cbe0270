"""Every kind of way that the rules speak of is on the map, bends included, joined where they meet and nowhere else."""

import json
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely.geometry import LineString, Point

from tests.unit.sample.conftest import Made

Line = NDArray[np.float64]
PUBLIC = {"trunk", "tertiary", "unclassified", "residential"}


class Map:
    def __init__(self, made: Made) -> None:
        root = ET.parse(made.sample.roads).getroot()  # noqa: S314 - our own file, just written
        bounds = root.find("bounds")
        assert bounds is not None
        self.bounds = {k: float(v) for k, v in bounds.attrib.items()}
        nodes = {n.attrib["id"]: (float(n.attrib["lon"]), float(n.attrib["lat"])) for n in root.iter("node")}
        self.degrees = np.array(list(nodes.values()))
        self.places = [
            {t.attrib["k"]: t.attrib["v"] for t in n.iter("tag")}
            for n in root.iter("node")
            if n.find("tag") is not None
        ]
        self.ways: list[tuple[dict[str, str], list[str], Line]] = []
        scale = np.array([111_320 * np.cos(np.radians(-38.35)), 110_990])
        for way in root.iter("way"):
            refs = [nd.attrib["ref"] for nd in way.iter("nd")]
            tags = {t.attrib["k"]: t.attrib["v"] for t in way.iter("tag")}
            self.ways.append((tags, refs, np.array([nodes[r] for r in refs]) * scale))

    def of(self, **tags: str) -> list[tuple[dict[str, str], list[str], Line]]:
        """Ways with exactly these values; "" means that the tag is absent."""
        return [way for way in self.ways if all(way[0].get(k, "") == v for k, v in tags.items())]

    @property
    def public(self) -> list[tuple[dict[str, str], list[str], Line]]:
        return [way for way in self.ways if way[0].get("highway") in PUBLIC]

    @property
    def private(self) -> list[tuple[dict[str, str], list[str], Line]]:
        tracks = [way for way in self.of(highway="track") if way[0].get("access") != "yes"]
        return tracks + self.of(highway="service", service="driveway") + self.of(highway="service", access="private")


@pytest.fixture(scope="module")
def drawn(made: Made) -> Map:
    return Map(made)


@pytest.mark.parametrize(
    ("tags", "least"),
    [
        ({"highway": "trunk", "ref": "SH 101"}, 3),
        ({"highway": "trunk", "tunnel": "yes"}, 1),
        ({"highway": "tertiary"}, 3),
        ({"highway": "unclassified"}, 3),
        ({"highway": "residential"}, 3),
        ({"highway": "track", "access": ""}, 7),
        ({"highway": "track", "access": "private"}, 5),
        ({"highway": "track", "access": "forestry"}, 3),
        ({"highway": "track", "access": "yes"}, 1),
        ({"highway": "service", "service": "driveway"}, 7),
        ({"highway": "service", "service": "", "access": "private"}, 2),
        ({"highway": "service", "service": "", "access": ""}, 2),
        ({"route": "ferry"}, 1),
        ({"landuse": "quarry"}, 1),
        ({"natural": "water"}, 1),
    ],
)
def test_every_feature_is_on_the_map(drawn: Map, tags: dict[str, str], least: int) -> None:
    assert len(drawn.of(**tags)) >= least


def test_localities_are_named(drawn: Map) -> None:
    names = {place["name"] for place in drawn.places}
    assert {"Harrow Bridge", "Penny Point", "Kauri Siding"} <= names
    assert {place["place"] for place in drawn.places} == {"village", "hamlet", "locality"}


def test_map_lies_in_new_zealand_and_inside_its_bounds(drawn: Map) -> None:
    lng, lat = drawn.degrees.T
    assert (lng > drawn.bounds["minlon"]).all()
    assert (lng < drawn.bounds["maxlon"]).all()
    assert (lat > drawn.bounds["minlat"]).all()
    assert (lat < drawn.bounds["maxlat"]).all()
    assert 174 < lng.min() < lng.max() < 176
    assert -39 < lat.min() < lat.max() < -38


def test_coverage_is_the_box_with_a_margin(drawn: Map, made: Made) -> None:
    ring = np.array(json.loads(made.sample.coverage.read_text())["features"][0]["geometry"]["coordinates"][0])
    assert (ring[0] == ring[-1]).all()
    assert ring[:, 0].min() < drawn.bounds["minlon"] - 0.01
    assert ring[:, 0].max() > drawn.bounds["maxlon"] + 0.01
    assert ring[:, 1].min() < drawn.bounds["minlat"] - 0.01
    assert ring[:, 1].max() > drawn.bounds["maxlat"] + 0.01


def test_roads_bend(drawn: Map) -> None:
    for tags, _, line in drawn.public:
        length = np.linalg.norm(np.diff(line, axis=0), axis=1)
        if length.sum() < 2_000:
            continue
        heading = np.unwrap(np.arctan2(*np.diff(line, axis=0).T))
        turned = np.degrees(np.abs(np.diff(heading)).sum()) / (length.sum() / 1000)
        assert turned > 15, f"{tags} turns by only {turned:.0f} degrees a kilometre"


def test_a_track_runs_10_to_20_m_beside_a_road_for_a_kilometre(drawn: Map) -> None:
    roads = [LineString(line) for _, _, line in drawn.public]
    longest = 0.0
    for _, _, line in drawn.private:
        path = LineString(line)
        along = np.arange(0.0, path.length, 5.0)
        away = np.array([min(road.distance(path.interpolate(s)) for road in roads) for s in along])
        close = np.concatenate([[False], (away > 10) & (away < 20), [False]])
        starts, ends = np.flatnonzero(~close[:-1] & close[1:]), np.flatnonzero(close[:-1] & ~close[1:])
        longest = max([longest, *((ends - starts) * 5.0)])
    assert longest >= 1_000


def test_ways_meet_at_shared_nodes_and_private_ways_cross_no_road_elsewhere(drawn: Map) -> None:
    meetings = 0
    for (tags, refs, line), (_, others, road) in (
        (private, public) for private in drawn.private for public in drawn.public
    ):
        shared = set(refs) & set(others)
        meetings += len(shared)
        met = LineString(line).intersection(LineString(road))
        points = (
            [] if met.is_empty else [Point(g) if g.geom_type == "Point" else g for g in getattr(met, "geoms", [met])]
        )
        places = [line[refs.index(ref)] for ref in shared]
        for point in points:
            assert any(np.hypot(point.x - x, point.y - y) < 1.0 for x, y in places), f"{tags} crosses a road unjoined"
    assert meetings >= 9


def test_the_network_is_one(drawn: Map) -> None:
    driven = [set(refs) for tags, refs, _ in drawn.ways if "highway" in tags or "route" in tags]
    parent = list(range(len(driven)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in combinations(range(len(driven)), 2):
        if driven[i] & driven[j]:
            parent[root(i)] = root(j)
    assert len({root(i) for i in range(len(driven))}) == 1


def test_the_ferry_crosses_water(drawn: Map) -> None:
    ((_, _, line),) = drawn.of(route="ferry")
    ((_, _, shore),) = drawn.of(natural="water")
    from shapely.geometry import Polygon

    assert Polygon(shore).intersection(LineString(line)).length > 2_000


def test_somebody_drives_the_track_beside_the_road(made: Made) -> None:
    """Both its halves, on the track and not on the road."""
    ((way, xy, _),) = [one for one in made.area.ways if one[0].nodes == "H1 CT A3"]
    assert way.kind == "private_track"
    path = made.driven["ute-1"].track.xy
    for spot in (xy[len(xy) // 4], xy[3 * len(xy) // 4]):
        assert (np.hypot(*(path - spot).T) < 6.0).sum() > 4
