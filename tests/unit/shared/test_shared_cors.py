"""Pages of other origins call the API only where an operator names them, and then may read what they need."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.http import conventions, cors
from shared.http.cors import SENT, SHOWN
from shared.http.problems import Problem

PORTAL, OTHER = "https://portal.example", "https://evil.example"
asked_of: list[str] = []


def app_for(*origins: str) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/things")
    async def things() -> dict[str, Any]:
        asked_of.append("things")
        return {"items": [], "next_cursor": "abc"}

    @app.post("/v1/things")
    async def make() -> None:
        raise Problem(429, "too_many_requests", "Too many", retry_after_s=7)

    @app.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError("a fault")

    @app.get("/v1/closed")
    async def closed() -> None:
        raise Problem(401, "unauthorized", "No key", headers={"WWW-Authenticate": "Bearer"})

    conventions.install(app)
    cors.install(app, origins)
    return app


def client(*origins: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app_for(*origins), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def listed(answer: httpx.Response, name: str) -> set[str]:
    return {one.strip().lower() for one in answer.headers.get(name, "").split(",") if one.strip()}


async def preflight(http: httpx.AsyncClient, path: str, origin: str = PORTAL, method: str = "POST") -> httpx.Response:
    headers = {
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-match",
    }  # fmt: skip
    return await http.options(path, headers=headers)


async def test_a_preflight_of_a_named_origin_is_answered_without_a_key_and_reaches_no_route() -> None:
    asked_of.clear()
    async with client(PORTAL, "http://localhost:5173") as http:
        answer = await preflight(http, "/v1/things")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == PORTAL
        assert listed(answer, "access-control-allow-methods") == {"get", "head", "post"}
        assert listed(answer, "access-control-allow-headers") == {one.lower() for one in SENT}
        assert {"authorization", "content-type", "idempotency-key", "if-match", "if-none-match"} <= listed(
            answer, "access-control-allow-headers"
        )
        assert "origin" in listed(answer, "vary")
        assert "access-control-allow-credentials" not in answer.headers
        there = await preflight(http, "/v1/things", "http://localhost:5173")
        assert there.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert not asked_of


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "*",
        PORTAL.upper(),
        f"{PORTAL}.evil.example",
        f"{PORTAL}:8443",
        f"{PORTAL}/",
        "http://portal.example",
        "",
    ],
)
async def test_another_origin_is_told_nothing(origin: str) -> None:
    async with client(PORTAL) as http:
        for answer in (
            await preflight(http, "/v1/things", origin),
            await http.get("/v1/things", headers={"Origin": origin}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert "origin" in listed(answer, "vary"), "a cache never gives one origin's answer to another"


async def test_a_named_origin_reads_every_answer_and_the_headers_that_it_needs() -> None:
    async with client(PORTAL) as http:
        for method, path, status in (
            ("GET", "/v1/things", 200), ("POST", "/v1/things", 429), ("GET", "/v1/nowhere", 404), ("DELETE", "/v1/things", 405),
            ("GET", "/v1/broken", 500), ("GET", "/v1/closed", 401), ("OPTIONS", "/v1/things", 405),
        ):  # fmt: skip
            answer = await http.request(method, path, headers={"Origin": PORTAL})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == PORTAL, path
            assert listed(answer, "access-control-expose-headers") == {one.lower() for one in SHOWN}
            assert "access-control-allow-credentials" not in answer.headers
            assert "origin" in listed(answer, "vary")
        page = await http.get("/v1/things", headers={"Origin": PORTAL})
        assert {"authorization", "origin"} <= listed(page, "vary"), "what was there stays"
        assert {"etag", "link"} <= set(page.headers) & listed(page, "access-control-expose-headers")
        same = await http.get("/v1/things", headers={"Origin": PORTAL, "If-None-Match": page.headers["etag"]})
        assert (same.status_code, same.headers["access-control-allow-origin"]) == (304, PORTAL)
        assert {"location", "retry-after"} <= listed(page, "access-control-expose-headers")


async def test_without_origins_nothing_is_different() -> None:
    async with client() as http:
        answer = await preflight(http, "/v1/things")
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
        plain = await http.get("/v1/things", headers={"Origin": PORTAL})
        assert not [name for name in plain.headers if name.startswith("access-control-")]


def test_every_header_that_the_document_tells_of_can_be_read_by_a_page() -> None:
    told = app_for().openapi()["components"]["headers"]
    assert told
    assert {one.lower() for one in told} <= {one.lower() for one in SHOWN}
