"""Tracks as GeoJSON and explanations over HTTP, on real evidence, with real keys."""

import itertools
import json
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from shared.contracts.device_day import hash_of
from shared.db.pool import tx
from shared.nz_days import bounds_ms, nz_time, to_ordinal
from tests.integration.audit.conftest import Api
from tests.simulation.district import EAST, NORTH, ROAD_LAT, WEST, drive
from tests.simulation.service import decode_sent, outbox_frames

pytestmark = pytest.mark.integration

ONE, TWO = UUID(int=1), UUID(int=2)
DAY = to_ordinal(date(2026, 3, 2))
NOON_MS = bounds_ms(DAY)[0] + 43_200_000
KEY = (str(ONE), "ute 1/ä")
ON_TRACK = nz_time(NOON_MS + 160_000).isoformat()
ON_ROAD = nz_time(NOON_MS + 60_000).isoformat()
SETTLED_MS = bounds_ms(DAY + 3)[0]


async def ask(client: httpx.AsyncClient, path: str, **asked: Any) -> Any:
    answer = await client.get(path, params={"device": KEY[1]} | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def check_rfc_7946(found: dict[str, Any]) -> None:
    """The shape that RFC 7946 asks for, sections 3.1 to 3.3, and coordinates on the Earth, longitude first."""
    assert found["type"] == "FeatureCollection"
    for feature in found["features"]:
        assert feature["type"] == "Feature"
        assert isinstance(feature["properties"], dict)
        assert isinstance(feature["id"], str | int)
        assert set(feature) >= {"type", "geometry", "properties"}
        geometry = feature["geometry"]
        assert set(geometry) == {"type", "coordinates"}
        assert geometry["type"] == "LineString"
        assert len(geometry["coordinates"]) >= 2
        for lng, lat in geometry["coordinates"]:
            assert -180 <= lng <= 180
            assert -90 <= lat <= 90


async def test_a_track_is_geojson_that_any_gis_reads(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40, every_ms=5_000))
    client = await api.client(ONE)
    answer = await client.get("/tracks.geojson", params={"device": KEY[1], "from": "2026-03-02", "to": "2026-03-02"})
    assert answer.headers["content-type"] == "application/geo+json"
    found = answer.json()
    check_rfc_7946(found)
    assert "next" not in found
    features = found["features"]
    assert {one["properties"]["surface"] for one in features} >= {"public_road", "off_road"}
    starts = [one["properties"]["start"]["utc"] for one in features]
    assert starts == sorted(starts)
    for one in features:
        told = one["properties"]
        assert len(told["times"]) == len(one["geometry"]["coordinates"])
        assert told["times"] == sorted(told["times"])
        assert datetime.fromisoformat(told["start"]["nz"]) == datetime.fromisoformat(told["start"]["utc"])
        assert told["road_set"] == api.store.district.name
        assert (told["scheme"], told["day"], told["settled"]) == (1, "2026-03-02", False)
        for lng, lat in one["geometry"]["coordinates"]:
            assert WEST <= lng <= EAST
            assert ROAD_LAT - 0.001 <= lat <= NORTH
    total = sum(one["properties"]["distance_m"] for one in features)
    assert total == pytest.approx(39 * 75, abs=30)


async def test_every_segment_says_why(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40, every_ms=5_000))
    client = await api.client(ONE)
    found = await ask(client, "/tracks.geojson", **{"from": "2026-03-02", "to": "2026-03-02", "surface": "off_road"})
    assert {one["properties"]["surface"] for one in found["features"]} == {"off_road"}
    why = max(found["features"], key=lambda one: one["properties"]["distance_m"])["properties"]["why"]
    assert why["text"].startswith("§22 on a mapped private way: Woolshed Track")
    assert why["paragraphs"][0]["number"] == 22
    assert why["paragraphs"][0]["link"] == "docs/scheme/1.md#p22"
    (way,) = why["ways"]
    assert (way["name"], way["id"], way["taken_as"]) == ("Woolshed Track", 11, "private way")
    assert (way["source"], way["source_date"]) == ("district.osm", "2026-01-01")
    assert "access" in way["rule"] or "private" in way["rule"]
    assert len(why["cells"]) >= 5
    assert all(cell.startswith("8a") for cell in why["cells"]), "H3 cells of resolution 10"


async def test_long_times_come_page_by_page(api: Api) -> None:
    for day in (DAY, DAY + 20, DAY + 45):
        await api.store.take(drive(KEY, bounds_ms(day)[0] + 43_200_000, 20, every_ms=5_000))
    client = await api.client(ONE)
    days: list[str] = []
    path, asked = "/tracks.geojson", {"device": [KEY[1]], "from": ["2026-03-01"], "to": ["2026-05-01"]}
    for _ in range(3):
        answer = (await client.get(path, params=asked)).raise_for_status()
        found = answer.json()
        days += [one["properties"]["day"] for one in found["features"]]
        if "next" not in found:
            break
        assert answer.headers["link"] == f'<{found["next"]}>; rel="next"'
        asked = parse_qs(urlsplit(found["next"]).query)
    assert "next" not in found
    assert [day for day, _ in itertools.groupby(days)] == ["2026-03-02", "2026-03-22", "2026-04-16"]


async def test_one_call_answers_why_a_kilometre_was_counted(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40, every_ms=5_000), tick_ms=SETTLED_MS)
    client = await api.client(ONE)
    found = await ask(client, "/explanations", at=ON_TRACK)
    assert "was counted as off road because " in found["answer"][0]
    assert "Woolshed Track (private way: " in found["answer"][0]
    assert "Valley Road (public road: " in found["answer"][0]
    (segment,) = found["segments"]
    assert (segment["surface"], segment["basis"]) == ("off_road", "private_road")
    assert segment["numbers"]["margin_nats"]["least"] >= 1
    assert segment["numbers"]["to_public_road_edge_m"]["least"] > 0
    assert {22, 21} <= {one["number"] for one in found["paragraphs"]}
    assert all(one["text"].startswith(f"**{one['number']}.") for one in found["paragraphs"])
    assert found["computed_from"]["road_set"]["sources"][0]["name"] == "district.osm"
    assert found["computed_from"]["fixes"]["count"] == 40
    road = await ask(client, "/explanations", at=ON_ROAD)
    assert road["segments"][0]["surface"] == "public_road"
    whole = await ask(client, "/explanations", **{"from": "2026-03-02", "to": "2026-03-02"})
    assert len(whole["segments"]) == len(whole["answer"]) >= 2


async def test_G5_the_content_named_is_that_of_the_revision_sent(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40, every_ms=5_000), tick_ms=SETTLED_MS)
    async with tx(api.store.worker) as conn:
        sent = decode_sent((await outbox_frames(conn)).values()).latest()
    revision = sent[*KEY, DAY]
    assert revision.settled
    found = await ask(await api.client(ONE), "/explanations", at=ON_TRACK)
    assert found["computed_from"]["revision"] == {"content_hash": hash_of(revision).hex(), "settled": True}


async def test_the_picture_is_one_svg_by_its_address_or_by_its_type(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40, every_ms=5_000))
    client = await api.client(ONE)
    link = (await ask(client, "/explanations", at=ON_TRACK))["picture"]
    by_link = await client.get(link.removeprefix("/v1"))
    by_type = await client.get(
        "/explanations", params={"device": KEY[1], "at": ON_TRACK}, headers={"Accept": "image/svg+xml"}
    )
    assert by_link.text == by_type.text
    assert by_link.headers["content-type"] == "image/svg+xml"
    assert by_link.headers["content-security-policy"].startswith("default-src 'none'")
    assert by_link.text.startswith("<svg ")
    assert "Woolshed Track" in by_link.text


async def test_SU7_land_is_heeded_and_a_question_can_be_asked_as_before_it(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40, every_ms=5_000), tick_ms=SETTLED_MS)
    client = await api.client(ONE)
    ring = [[WEST, -40.11], [EAST, -40.11], [EAST, -40.09], [WEST, -40.09], [WEST, -40.11]]
    body = {
        "kind": "closed_works_site", "name": "Quarry", "first_on": "2026-03-01", "over_public": True,
        "reason": "The council closed Valley Road for our quarry.",
        "polygon": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip
    (await client.post("/land", json=body)).raise_for_status()
    after = await ask(client, "/explanations", at=ON_ROAD)
    assert (after["segments"][0]["basis"], after["segments"][0]["surface"]) == ("declared_over_public", "off_road")
    assert after["segments"][0]["ruling"]["name"] == "Quarry"
    assert "declared land, “Quarry”" in after["answer"][0]
    assert len(after["computed_from"]["land"]) == 16
    asked = {"at": ON_ROAD, "land": "", "road_set": api.store.district.name}
    before = await ask(client, "/explanations", **asked)
    assert (before["segments"][0]["basis"], before["computed_from"]["land"]) == ("mapped_public", "")
    assert "land=&" in before["picture"] + "&"
    again = await ask(client, "/explanations", at=ON_ROAD, land=after["computed_from"]["land"])
    assert again["computed_from"] == after["computed_from"]
    other = await api.client(TWO)
    await api.store.take(drive((str(TWO), KEY[1]), NOON_MS, 40, every_ms=5_000))
    theirs = await ask(other, "/explanations", at=ON_ROAD)
    assert (theirs["segments"][0]["basis"], theirs["computed_from"]["rulings"]) == ("mapped_public", [])
    assert "Quarry" not in json.dumps(theirs)
    stolen = await other.get(
        "/explanations", params={"device": KEY[1], "at": ON_ROAD, "land": after["computed_from"]["land"]}
    )
    assert stolen.status_code == 404


async def test_G6_another_tenants_key_finds_nothing(api: Api) -> None:
    await api.store.take(drive(KEY, NOON_MS, 40))
    client = await api.client(TWO)
    assert (await ask(client, "/tracks.geojson", **{"from": "2026-03-02", "to": "2026-03-02"}))["features"] == []
    for path in ("/explanations", "/explanations.svg"):
        answer = await client.get(path, params={"device": KEY[1], "at": ON_TRACK})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_fixes")


async def test_a_key_needs_its_scope_and_no_key_is_no_answer(api: Api) -> None:
    client = await api.client(ONE, "land:read")
    days, instant = {"from": "2026-03-02", "to": "2026-03-02"}, {"at": ON_TRACK}
    for path, when in (("/tracks.geojson", days), ("/explanations", instant), ("/explanations.svg", instant)):
        asked = {"device": KEY[1]} | when
        assert (await client.get(path, params=asked)).status_code == 403
        assert (await client.get(path, params=asked, headers={"Authorization": ""})).status_code == 401


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("/tracks.geojson", {"from": "2026-03-02"}, "invalid"),
        ("/tracks.geojson", {"from": "2026-03-02", "to": "2026-03-01"}, "bad_span"),
        ("/tracks.geojson", {"from": "2020-03-02", "to": "2026-03-01"}, "bad_span"),
        ("/tracks.geojson", {"from": "2026-03-02T10:00:00", "to": "2026-03-02"}, "invalid"),
        ("/tracks.geojson", {"from": "2026-03-02", "to": "2026-03-02", "surface": "lava"}, "invalid"),
        ("/explanations", {}, "bad_span"),
        ("/explanations", {"at": "2026-03-02", "from": "2026-03-02", "to": "2026-03-02"}, "bad_span"),
        ("/explanations", {"from": "2026-03-02", "to": "2026-03-03"}, "bad_span"),
        ("/explanations", {"at": "1970-01-01T00:00:00Z"}, "invalid"),
        ("/explanations", {"at": ON_TRACK, "road_set": "../../etc"}, "invalid"),
    ],
)
async def test_a_bad_question_gets_a_problem(api: Api, path: str, asked: dict[str, Any], code: str) -> None:
    answer = await (await api.client(ONE)).get(path, params={"device": KEY[1]} | asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert answer.json()["code"] == code


async def test_an_address_with_a_nul_is_no_address(api: Api) -> None:
    answer = await (await api.client(ONE)).get("/explanations", params={"device": "a\0b", "at": ON_TRACK})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
