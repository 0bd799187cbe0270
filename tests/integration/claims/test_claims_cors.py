"""A portal that runs in a browser alone: its requests as the browser makes them, against the claims API."""

import pytest

from shared.http import cors
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
PORTAL = "https://portal.example"


async def test_a_page_asks_first_without_a_key_then_reads_pages_tags_and_refusals(claims: Claims, fleet: Fleet) -> None:
    cors.install(claims.app, [PORTAL])
    asks = {
        "Origin": PORTAL, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }  # fmt: skip
    bare = claims.client(None)
    for path in ("/v1/vehicles", "/v1/claims/preview", "/oauth/token", "/v1/vehicles/6a0c/sale"):
        answer = await bare.options(path, headers=asks)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, PORTAL)
        assert "POST" in answer.headers["access-control-allow-methods"]
    made = await fleet.client.post("/v1/vehicles", json={"plate": "ABC123"}, headers={"Origin": PORTAL})
    assert (made.status_code, made.headers["access-control-allow-origin"]) == (201, PORTAL)
    await fleet.client.post("/v1/vehicles", json={"plate": "DEF456"})
    page = await fleet.client.get("/v1/vehicles", params={"limit": 1}, headers={"Origin": PORTAL})
    exposed = {one.strip() for one in page.headers["access-control-expose-headers"].lower().split(",")}
    assert {"etag", "link", "ratelimit", "x-trace-id"} <= exposed & set(page.headers)
    refused = await bare.get("/v1/vehicles", headers={"Origin": PORTAL})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PORTAL)
    stranger = await fleet.client.get("/v1/vehicles", headers={"Origin": "https://evil.example"})
    assert (stranger.status_code, "access-control-allow-origin" in stranger.headers) == (200, False)
    log = [one["method"] for one in (await fleet.get("/audit-log"))["items"]]
    assert "OPTIONS" not in log
    assert log.count("GET") == 2
