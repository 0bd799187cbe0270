"""`GET /v1/tracks` on real evidence: lines by surface, ways beside them, one tenant, one token."""

import itertools
import math
import uuid
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.classifier.api import tracks
from services.classifier.application.road_sets import RoadsByDay
from services.classifier.domain.scheme import V1
from shared.http import problems
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.simulation.district import EAST, ROAD_LAT, TRACK_LNG, WEST, across_midnight, drive

pytestmark = pytest.mark.integration

TOKEN = "a-token-of-the-tests"
DAY = to_ordinal(date(2026, 3, 2))
START_MS = bounds_ms(DAY)[0] + 43_200_000
KEY = (str(uuid.UUID(int=1)), "ute 1/ä")


@pytest.fixture
async def http(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(tracks.router(store.api, SecretStr(TOKEN), V1, lambda: RoadsByDay.always(store.district)))
    problems.install(app)
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=headers) as client:
        yield client


async def ask(http: httpx.AsyncClient, **changed: Any) -> httpx.Response:
    asked = {
        "tenant": KEY[0], "device": KEY[1], "from_ms": START_MS - 1_000, "to_ms": START_MS + 3_600_000, "simplify_m": 1,
    }  # fmt: skip
    return await http.get("/v1/tracks", params=asked | changed)


def metres(points: list[list[float]]) -> float:
    kx, ky = 85_300.0, 111_000.0
    return sum(math.dist((a[0] * kx, a[1] * ky), (b[0] * kx, b[1] * ky)) for a, b in itertools.pairwise(points))


async def test_a_track_is_drawn_by_surface_along_where_the_device_went(store: Store, http: httpx.AsyncClient) -> None:
    await store.take(drive(KEY, START_MS, 40, every_ms=5_000))
    body = (await ask(http)).raise_for_status().json()
    lengths: dict[str, float] = {}
    for line in body["tracks"]:
        lengths[line["surface"]] = lengths.get(line["surface"], 0) + metres(line["points"])
    assert lengths["public_road"] == pytest.approx(1_680, abs=80)
    assert lengths["off_road"] == pytest.approx(1_180, abs=120)
    assert sum(lengths.values()) == pytest.approx(39 * 75, abs=30)
    on_road = [point for line in body["tracks"] if line["surface"] == "public_road" for point in line["points"]]
    assert all(abs(lat - ROAD_LAT) < 0.0002 for _, lat in on_road)
    assert body["road_set"] == store.district.name


async def test_the_ways_beside_the_track_come_as_the_data_set_takes_them(store: Store, http: httpx.AsyncClient) -> None:
    await store.take(drive(KEY, START_MS, 40, every_ms=5_000))
    roads = (await ask(http)).json()["roads"]
    assert {line["surface"] for line in roads} == {"public_road", "off_road"}
    for line in roads:
        for lng, lat in line["points"]:
            assert abs(lat - ROAD_LAT) < 1e-6 if line["surface"] == "public_road" else abs(lng - TRACK_LNG) < 1e-6
            assert WEST <= lng <= EAST


async def test_simplifying_keeps_the_shape_with_fewer_points(store: Store, http: httpx.AsyncClient) -> None:
    await store.take(drive(KEY, START_MS, 100, every_ms=1_000))
    fine = (await ask(http, simplify_m=0)).json()["tracks"]
    coarse = (await ask(http, simplify_m=10)).json()["tracks"]
    assert sum(len(line["points"]) for line in fine) >= 100
    assert sum(len(line["points"]) for line in coarse) < 15
    assert sum(metres(line["points"]) for line in coarse) == pytest.approx(
        sum(metres(line["points"]) for line in fine), abs=10
    )


async def test_only_the_time_asked_for_is_drawn_and_midnight_is_no_border(
    store: Store, http: httpx.AsyncClient
) -> None:
    fixes = across_midnight(KEY, DAY)
    await store.take(fixes)
    whole = (await ask(http, from_ms=int(fixes.ts_ms[0]), to_ms=int(fixes.ts_ms[-1]))).json()["tracks"]
    part = (await ask(http, from_ms=int(fixes.ts_ms[2]), to_ms=int(fixes.ts_ms[4]))).json()["tracks"]
    assert sum(metres(line["points"]) for line in whole) == pytest.approx(metres_of(fixes), rel=0.02)
    assert sum(metres(line["points"]) for line in part) == pytest.approx(600, abs=10)


def metres_of(fixes: Any) -> float:
    return metres(
        [[lng / 1e6, lat / 1e6] for lng, lat in zip(fixes.lng_e6.tolist(), fixes.lat_e6.tolist(), strict=True)]
    )


async def test_G6_another_tenant_or_device_has_an_empty_track(store: Store, http: httpx.AsyncClient) -> None:
    await store.take(drive(KEY, START_MS, 40))
    for changed in ({"tenant": str(uuid.UUID(int=2))}, {"device": "ute 2"}):
        body = (await ask(http, **changed)).raise_for_status().json()
        assert (body["tracks"], body["roads"]) == ([], [])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"tenant": "x"}, "invalid"),
        ({"device": ""}, "invalid"),
        ({"from_ms": 5}, "invalid"),
        ({"simplify_m": -1}, "invalid"),
        ({"to_ms": START_MS - 5_000}, "bad_span"),
        ({"to_ms": START_MS + 801 * 86_400_000}, "bad_span"),
    ],
)
async def test_a_bad_question_gets_a_problem(http: httpx.AsyncClient, changed: dict[str, Any], code: str) -> None:
    answer = await ask(http, **changed)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == code


async def test_without_the_token_nothing_is_told(http: httpx.AsyncClient) -> None:
    for header in ("", "Bearer wrong", f"Basic {TOKEN}"):
        assert (await http.get("/v1/tracks", headers={"Authorization": header})).status_code == 401
