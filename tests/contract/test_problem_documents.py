"""Whatever goes wrong at whichever address of whichever service: a problem document, named by its request, that gives nothing of
the inside away."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from deploy.openapi.documents import APPS

SOME_ID = "6a0c7f0e-2f4d-4a53-9d27-0d2f6f0f3b11"
WELL_FORMED_KEY = "rucor_00000000_" + "A" * 43
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE")
INSIDE = re.compile(r"Traceback|File \"|\.py|Error\(|NoneType|SimpleNamespace|select |insert |asyncpg", re.IGNORECASE)


@pytest.fixture(params=sorted(APPS))
def app(request: pytest.FixtureRequest) -> FastAPI:
    """Without any database behind it: whoever gets as far as that fails inside."""
    return APPS[request.param]()


class Strangers(httpx.AsyncBaseTransport):
    """Every request comes from another address, so that none has failed too often."""

    def __init__(self, app: FastAPI) -> None:
        self.app, self.sent = app, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        host = f"10.0.{self.sent // 250}.{self.sent % 250}"
        return await httpx.ASGITransport(self.app, client=(host, 1)).handle_async_request(request)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Strangers(app), base_url="http://test") as opened:
        yield opened


def addresses(app: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in app.openapi()["paths"].items():
        yield re.sub(r"\{\w+\}", SOME_ID, path), item


def checked(answer: httpx.Response, status: int, where: object) -> dict[str, Any]:
    assert answer.status_code == status, (where, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", where
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].endswith(f"/{problem['code']}")
    assert problem["title"]
    assert problem["detail"], (where, "what is to be done")
    assert problem["trace_id"] == answer.headers["x-trace-id"], where
    assert not INSIDE.search(answer.text), answer.text
    return problem


async def test_an_address_that_is_not_there_is_a_404(client: httpx.AsyncClient) -> None:
    for path in ("/", "/v1", "/v1/nothing", f"/v1/nothing/{SOME_ID}", "/docs", "/redoc"):
        assert checked(await client.get(path), 404, path)["code"] == "not_found"


async def test_every_other_method_is_a_405_that_names_those_there_are(app: FastAPI, client: httpx.AsyncClient) -> None:
    for path, item in addresses(app):
        documented = {method.upper() for method in item} | ({"HEAD"} if "get" in item else set())
        for method in set(METHODS) - documented:
            answer = await client.request(method, path)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == documented, (method, path)
            if method != "HEAD":
                checked(answer, 405, (method, path))


async def test_nobody_gets_in_without_a_key_and_a_broken_inside_is_a_500_that_tells_nothing(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    """A well-formed key is looked up, and here there is no database to look in."""
    with capture_logs() as told:
        for path, item in addresses(app):
            for method, operation in item.items():
                for need in operation["security"]:
                    checked(await client.request(method, path), 401, (method, path))
                    if "key" in need:
                        answer = await client.request(
                            method, path, headers={"Authorization": f"Bearer {WELL_FORMED_KEY}"}
                        )
                        assert checked(answer, 500, (method, path))["code"] == "internal"
                        assert told.pop()["event"] == "request failed", "the log says what the answer does not"


async def test_a_body_that_is_too_large_is_a_413_before_it_is_read(app: FastAPI, client: httpx.AsyncClient) -> None:
    for path, item in addresses(app):
        for method, operation in item.items():
            if "requestBody" in operation:
                headers = {"Content-Length": "1000000000000", "Content-Type": "application/json"}
                problem = checked(await client.request(method, path, headers=headers), 413, (method, path))
                assert problem["limit_bytes"] < 100_000_000


@pytest.mark.parametrize("query", ["q=%00", "a=b%00c"])
async def test_a_nul_character_in_an_address_is_a_400(query: str, app: FastAPI, client: httpx.AsyncClient) -> None:
    for path, item in addresses(app):
        for method in item:
            checked(await client.request(method, f"{path}?{query}"), 400, (method, path))
