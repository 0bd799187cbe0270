"""`roads build`: deterministic data sets, sound covers, exits, coverage, clear errors."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from services.classifier.cli import classify, roads
from services.classifier.domain import cells, tables
from services.classifier.domain.clear import public_near, public_within
from services.classifier.domain.geometry import EDGE_REACH_M, REACH_M
from services.classifier.roads.dataset import DataSetError, RoadSet
from services.classifier.roads.sources import read
from services.classifier.roads.ways import SourceError
from tests.unit.kernel.world import DISTRICT, at, drive, osm_file, road_set, to_pings


def test_the_same_source_gives_the_same_bytes_and_name(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    one, two = road_set(tmp_path / "a"), road_set(tmp_path / "b")
    other_order = road_set(tmp_path / "c", tuple(reversed(DISTRICT)))
    assert one.name == two.name
    for path in sorted(one.path.iterdir()):
        assert path.read_bytes() == (two.path / path.name).read_bytes()
        if path.suffix == ".npy":  # the other file has another hash, and the same roads in it
            assert path.read_bytes() == (other_order.path / path.name).read_bytes()
    assert one.meta.source_date == "2026-01-01"
    assert one.meta.coverage == "derived"
    assert "derived" in one.meta.warnings[0]


def test_another_source_gives_another_name_and_out_keeps_both(tmp_path: Path) -> None:
    one, two = road_set(tmp_path), road_set(tmp_path, DISTRICT[:2])
    assert one.name != two.name
    assert RoadSet.open(tmp_path / "sets").name == two.name
    assert RoadSet.open(one.path).name == one.name
    (tmp_path / "sets" / "LATEST").unlink()
    with pytest.raises(DataSetError, match="holds 2 road data sets"):
        RoadSet.open(tmp_path / "sets")


def test_the_cover_lists_every_public_road_within_reach(district: RoadSet) -> None:
    rng = np.random.default_rng(8)
    for x, y in rng.uniform((-5_400, -600), (5_400, 600), (3_000, 2)).tolist():
        lat, lng = at(x, y)
        true = max(0.0, math.hypot(max(0.0, abs(x) - 5_000.0), y) - 6.0)
        near = public_near(district.roads, lat, lng)
        assert near <= true + 0.6
        if true < EDGE_REACH_M:
            assert near == pytest.approx(true, abs=0.6)
        fine, _ = cells.keys_at(cells.FACES, lat, lng)
        if true < REACH_M - 1:
            assert tables.find(district.roads.fine_table, district.roads.fine_rows, fine) >= 0


def test_the_ring_search_finds_the_nearest_public_road_and_never_overstates(district: RoadSet) -> None:
    rng = np.random.default_rng(9)
    for x, y in rng.uniform((-4_000, 0), (4_000, 1_800), (300, 2)).tolist():
        found, true = public_within(district.roads, *at(x, y), 1_100.0), max(0.0, y - 6.0)
        assert found <= true + 1.0
        if y < 1_000:  # further out the edge of the derived coverage may be nearer than the road
            assert found == pytest.approx(true, abs=2.0)


def test_private_ways_know_how_far_they_are_from_their_junction(district: RoadSet) -> None:
    ways = district.way_id.tolist()
    roads_ = district.roads
    ridge = np.flatnonzero(roads_.vertex_way == ways.index(2))
    lengths = roads_.vertex_cm[ridge] / 100.0
    assert np.all(roads_.exit_dm[ridge] / 10.0 <= lengths)
    assert np.all(roads_.exit_dm[ridge] / 10.0 >= lengths - 6.0)  # the road's corridor
    verge = np.flatnonzero(roads_.vertex_way == ways.index(4))
    assert set(roads_.exit_dm[verge].tolist()) == {-1}  # meets no other way
    assert set(roads_.exit_dm[roads_.vertex_way == ways.index(1)].tolist()) == {-1}


def test_a_track_under_a_bridge_does_not_end_there(tmp_path: Path) -> None:
    road = (1, {"highway": "tertiary", "bridge": "yes"}, [(-2000, 1000), (2000, 1000)])
    base = (2, {"highway": "tertiary"}, [(-2000, 0), (0, 0), (2000, 0)])
    track = (3, {"highway": "track"}, [(0, 0), (0, 2000)])
    made = road_set(tmp_path, [road, base, track])
    end = np.flatnonzero(made.roads.vertex_way == 2)[-1]
    assert made.roads.exit_dm[end] / 10.0 == pytest.approx(1997.0, abs=3.5)


def test_SU5_coverage_by_polygon(tmp_path: Path) -> None:
    corners = [(-2000, -2000), (2000, -2000), (2000, 2000), (-2000, 2000), (-2000, -2000)]
    ring = [[lng / 1e6, lat / 1e6] for lat, lng in (at(*corner) for corner in corners)]
    polygon = tmp_path / "area.geojson"
    polygon.write_text(
        json.dumps({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    )
    made = road_set(tmp_path, polygon=polygon)
    assert made.meta.coverage.startswith("polygon:")
    assert made.meta.warnings == ()
    assert public_within(made.roads, *at(0, 500), 2_000.0) == pytest.approx(494.0, abs=2.0)
    assert public_within(made.roads, *at(-1900, 1000), 2_000.0) <= 100.0  # the edge is as near as a road could be
    assert public_within(made.roads, *at(0, 2500), 2_000.0) == 0.0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("roads.txt", "x", "this kind of file is not read"),
        ("broken.osm", "<osm", "cannot be read"),
        ("empty.osm", '<osm version="0.6"></osm>', "holds no ways"),
    ],
)
def test_a_source_that_cannot_be_read_says_so(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=message):
        read(tmp_path / name)


def test_commands_from_a_file_to_segments(tmp_path: Path) -> None:
    source = osm_file(tmp_path / "district.osm")
    run = CliRunner()
    made = run.invoke(roads, ["build", str(source), "--out", str(tmp_path / "new" / "sets")])
    assert made.exit_code == 0, made.output
    assert "km public" in made.output
    pings = to_pings(drive([(0, 2000), (0, 0), (3000, 0)], 9.0, 7.0), odometer=7_000.0)
    lines = [
        json.dumps({
            "device_id": "ute \u00e9/1", "ts": f"1970-01-01T00:00:00.{ts % 1000:03d}Z" if ts < 0 else ts / 1000,
            "lat": lat / 1e6, "lng": lng / 1e6, "speed_kmh": speed * 0.0036, "odometer_m": odometer / 1000, "ignition": True,
        })
        for ts, lat, lng, speed, odometer in zip(
            pings.ts_ms.tolist(), pings.lat_e6.tolist(), pings.lng_e6.tolist(), pings.speed_mmps.tolist(),
            pings.odometer_mm.tolist(), strict=True,
        )
    ]  # fmt: skip
    (tmp_path / "pings.ndjson").write_text("\n".join([*reversed(lines), "{broken"]) + "\n")
    out = tmp_path / "deep" / "out.ndjson"
    done = run.invoke(
        classify,
        ["--roads", str(tmp_path / "new" / "sets"), "--pings", str(tmp_path / "pings.ndjson"), "--out", str(out)],
    )
    assert done.exit_code == 0, done.output
    assert "1 refused" in done.output
    segments = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {one["device_id"] for one in segments} == {"ute \u00e9/1"}
    assert list(segments[0]) == ["device_id", "start_ts", "end_ts", "surface", "basis", "distance_m", "why"]
    assert {one["surface"] for one in segments} >= {"off_road", "public_road"}
    total_m = (pings.odometer_mm[-1] - pings.odometer_mm[0]) / 1000
    assert sum(round(one["distance_m"] * 1000) for one in segments) == pytest.approx(total_m * 1000, abs=10_000)


def test_classify_without_a_data_set_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "p.ndjson").write_text("")
    done = CliRunner().invoke(
        classify, ["--roads", str(tmp_path), "--pings", str(tmp_path / "p.ndjson"), "--out", str(tmp_path / "o")]
    )
    assert done.exit_code == 1
    assert "rucor roads build" in done.output
