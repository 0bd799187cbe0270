"""Every error over HTTP is a problem document that says what to do, and a 500 gives nothing of the inside away."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from shared.db.errors import DatabaseUnavailable
from shared.http import problems
from shared.http.limits import BodyLimit
from shared.http.problems import Problem, pointer

JSON = {"content-type": "application/json"}


class Reading(BaseModel):
    km: int = Field(ge=0)
    names: list[str] = []


class Licence(BaseModel):
    reading: Reading


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    @app.post("/licences")
    async def add(licence: Licence) -> Licence:
        return licence

    @app.get("/licences/{number}")
    async def one(number: int, page: int = 1) -> int:
        return number + page

    @app.get("/bug")
    async def bug() -> None:
        raise KeyError("the password is hunter2")

    @app.get("/away")
    async def away() -> None:
        raise DatabaseUnavailable("cannot connect to 10.0.0.7")

    @app.get("/taken")
    async def taken() -> None:
        raise Problem(409, "licence_taken", "The licence is claimed already", "See claim 7.", claim_id=7)

    @app.get("/later")
    async def later() -> None:
        raise problems.unavailable("The map is away.")

    @app.get("/busy")
    async def busy() -> None:
        raise Problem(429, "too_many_requests", "Too many requests", retry_after_s=17)

    app.add_middleware(BodyLimit, limit_bytes=1_000)
    problems.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    body: dict[str, object] = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"https://rucor.example/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert answer.headers["x-trace-id"]
    return body


async def test_every_wrong_field_is_listed_with_its_pointer(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/licences", json={"reading": {"km": -1, "names": ["a", 2]}}), 422, "invalid")
    assert body["errors"] == [
        {
            "pointer": "/reading/km",
            "code": "greater_than_equal",
            "detail": "Input should be greater than or equal to 0",
        },
        {"pointer": "/reading/names/1", "code": "string_type", "detail": "Input should be a valid string"},
    ]


async def test_a_missing_field_and_a_wrong_parameter(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/licences", json={}), 422, "invalid")
    assert [error["pointer"] for error in body["errors"]] == ["/reading"]  # type: ignore[attr-defined]
    body = problem(await client.get("/licences/x?page=y"), 422, "invalid")
    assert [error["pointer"] for error in body["errors"]] == ["?number", "?page"]  # type: ignore[attr-defined]


async def test_broken_json_says_where(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/licences", content=b'{"reading": }', headers=JSON), 400, "broken_json")
    assert "character 12" in str(body["detail"])


async def test_json_without_its_type_is_told_to_name_it(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/licences", content=b'{"reading": {"km": 1}}'), 415, "unsupported_media_type")
    assert "application/json" in str(body["detail"])


async def test_unknown_addresses_and_methods(client: httpx.AsyncClient) -> None:
    nothing = problem(await client.get("/nothing"), 404, "not_found")
    assert nothing["instance"] == "/nothing"
    assert nothing["detail"] == "GET /openapi.json lists the addresses that there are."
    answer = await client.delete("/licences")
    assert problem(answer, 405, "method_not_allowed")["detail"] == "It takes POST."
    assert answer.headers["allow"] == "POST"


async def test_a_bug_is_a_500_that_tells_the_trace_and_nothing_else(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await client.get("/bug", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    body = problem(answer, 500, "internal")
    assert body["trace_id"] == answer.headers["x-trace-id"] == trace
    assert "hunter2" not in answer.text
    assert "KeyError" not in answer.text


async def test_a_dependency_away_is_a_503_with_retry_after(client: httpx.AsyncClient) -> None:
    answer = await client.get("/away")
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "2"
    assert "10.0.0.7" not in answer.text


async def test_what_a_route_cannot_do_stands_in_the_log_with_its_cause(client: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        problem(await client.get("/later"), 503, "unavailable")
        problem(await client.get("/taken"), 409, "licence_taken")
    assert [(one["event"], one["detail"]) for one in logged] == [("dependency away", "The map is away.")]


async def test_problems_raised_by_a_route_keep_their_members(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/taken"), 409, "licence_taken")
    assert (body["claim_id"], body["detail"]) == (7, "See claim 7.")
    assert (await client.get("/busy")).headers["retry-after"] == "17"


async def test_a_body_above_the_limit_is_refused_by_its_length(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/licences", content=bytes(1_001)), 413, "payload_too_large")
    assert body["limit_bytes"] == 1_000
    assert "1000 bytes" in str(body["detail"])


async def test_a_body_without_length_is_counted(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)
            await asyncio.sleep(0)

    answer = await client.post("/licences", content=chunks())
    problem(answer, 413, "payload_too_large")


async def test_a_body_at_the_limit_passes(client: httpx.AsyncClient) -> None:
    text = b'{"reading": {"km": 1}}'
    assert (await client.post("/licences", content=text + b" " * (1_000 - len(text)), headers=JSON)).status_code == 200


def test_pointers_escape_as_rfc_6901() -> None:
    assert pointer(("body", "a/b", "c~d", 0)) == "/a~1b/c~0d/0"
    assert pointer(("body",)) == ""
