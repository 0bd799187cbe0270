"""The classifier's audit log: tracks, explanations, land and exclusions, and what our own services ask for."""

import os

import asyncpg
import httpx
import pytest

from tests.guards import audited_routes
from tests.integration.rulings.conftest import ONE, Api, Caller

pytestmark = pytest.mark.integration


async def logged(api: Api) -> list[asyncpg.Record]:
    """Of requests: how a key was made at the command line stands there too."""
    conn = await asyncpg.connect(api.store.database.superuser)
    try:
        return await conn.fetch("select * from classifier.audit_log where method <> 'CLI' order by at")
    finally:
        await conn.close()


async def test_every_route_of_the_classifier_leaves_a_row(api: Api, one: Caller) -> None:
    asked = list(audited_routes(api.app))
    assert len(asked) > 12
    internal = set()
    for each in asked:
        answer = await one.client.request(each.method, each.path, json=None if each.method == "GET" else {})
        if answer.status_code == 401:
            internal.add(each[:2])
    rows = {(row["method"], row["route"]) for row in await logged(api)}
    assert {each[:2] for each in asked} - rows == internal
    assert ("GET", "/v1/tracks") in internal, "what our own services ask has another token"


async def test_whose_track_was_looked_at_is_told_also_where_a_service_asked(api: Api, one: Caller) -> None:
    await one.get("/tracks.geojson", device="ute-1", **{"from": "2026-03-01", "to": "2026-03-02"})
    internal = {"Authorization": f"Bearer {os.environ['RUCOR_INTERNAL_TOKEN']}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api.app), base_url="http://classifier", headers=internal
    ) as service:
        span = {"from_ms": 1_772_300_000_000, "to_ms": 1_772_300_001_000}
        answer = await service.get("/v1/tracks", params={"tenant": str(ONE), "device": "ute-2"} | span)
        assert answer.status_code == 200
    first, second = await logged(api)
    assert (first["tenant_id"], first["route"], first["things"]) == (ONE, "/v1/tracks.geojson", '{"device": "ute-1"}')
    assert (second["tenant_id"], second["key_id"], second["route"]) == (ONE, "service", "/v1/tracks")
    assert "ute-2" in second["things"]
