"""What a sender costs before it has shown who it is: on real sockets, with the deadlines shortened."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI
from starlette.types import Receive, Scope, Send

from shared.http import conventions, heads, senders
from shared.http.auth import ASKING, Principal
from shared.http.guards import require_internal
from shared.http.limits import BodyLimit

pytestmark = pytest.mark.integration
SECRET = "a-secret-between-services"
KEY = {"Authorization": f"Bearer {SECRET}"}


def make() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/things")
    async def post_thing(body: dict[str, Any], _: Annotated[None, Depends(require_internal(SECRET))]) -> dict[str, Any]:
        return body

    @app.get("/v1/slow")
    async def get_slow() -> dict[str, Any]:
        app.state.under_way.set()
        await app.state.go_on.wait()
        return {}

    conventions.install(app)
    app.state.under_way, app.state.go_on = asyncio.Event(), asyncio.Event()
    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=heads.HurriedHeads, log_config=None, lifespan="off"))
        running = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listening.getsockname()[:2]
        server.should_exit = True
        await running


async def answer_to(where: tuple[str, int], sent: bytes) -> bytes:
    """All that comes back, with the connection's end; the sender itself waits for ever."""
    reader, writer = await asyncio.open_connection(*where)
    writer.write(sent)
    async with asyncio.timeout(30):
        got = await reader.read()
    writer.close()
    return got


def head(length: int, *more: str) -> bytes:
    lines = (
        "POST /v1/things HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        *more,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_no_body_is_waited_for_before_the_key_is_looked_at() -> None:
    async with serving(make()) as where:
        got = await answer_to(where, head(1_000_000) + b'{"half')
        assert got.startswith(b"HTTP/1.1 401 ")
        assert b'"code":"unauthorized"' in got
        async with httpx.AsyncClient(base_url=f"http://{where[0]}:{where[1]}") as client:
            assert (await client.post("/v1/things", content=b"{broken")).status_code == 401, "before what is broken"
            broken = await client.post(
                "/v1/things", content=b"{broken", headers=KEY | {"Content-Type": "application/json"}
            )
            assert (broken.status_code, broken.json()["code"]) == (400, "broken_json")
            assert (await client.post("/v1/things", json={"a": 1}, headers=KEY)).json() == {"a": 1}


async def test_a_body_that_stalls_and_a_head_that_does_not_end_are_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heads.HurriedHeads, "head_s", 0.3)
    monkeypatch.setattr(senders.Patience.__init__, "__defaults__", (10, 0.3, 5.0))
    async with serving(make()) as where:
        got = await answer_to(where, head(1_000, f"Authorization: Bearer {SECRET}") + b'{"half')
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"body_too_slow"' in got
        assert await answer_to(where, b"POST /v1/thi") == b""
        whole = head(2, f"Authorization: Bearer {SECRET}") + b"{}"
        got = await answer_to(where, whole + b"POST /v1/thi")
        assert got.startswith(b"HTTP/1.1 200 "), "the same on a connection that was used"


async def test_half_sent_bodies_cost_no_more_than_their_bound_and_one_tenant_leaves_room_for_others() -> None:
    app = FastAPI()

    @app.post("/v1/things")
    async def post_thing(body: dict[str, Any]) -> dict[str, Any]:
        return body

    conventions.install(app)
    limited = BodyLimit(app, 1_000_000, held_max=620_000, by_one_max=600_000)

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        one = dict(scope["headers"]).get(b"authorization") == b"Bearer one"
        scope[ASKING] = Principal(UUID(int=1 if one else 2), "k", frozenset())
        await limited(scope, receive, send)

    half = b'{"a": "' + b"x" * 190_000
    async with serving(cast("FastAPI", known)) as where:
        waiting = [await asyncio.open_connection(*where) for _ in range(3)]
        for _, writer in waiting:
            writer.write(head(200_000, "Authorization: Bearer one") + half)
        while limited.held_bytes < 3 * len(half):
            await asyncio.sleep(0.01)
        got = await answer_to(where, head(200_000, "Authorization: Bearer one") + half[:31_000])
        assert got.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"unavailable"' in got and b"retry-after" in got.lower()
        assert limited.held_bytes == 3 * len(half)
        async with httpx.AsyncClient(base_url=f"http://{where[0]}:{where[1]}", timeout=30) as client:
            theirs = {"Authorization": "Bearer two"}
            assert (await client.post("/v1/things", json={"a": "y" * 40_000}, headers=theirs)).status_code == 200
            too_much = await client.post("/v1/things", json={"a": "y" * 60_000}, headers=theirs)
            assert (too_much.status_code, too_much.json()["code"]) == (503, "unavailable"), "all together"
            for _, writer in waiting:
                writer.close()
            while limited.held_bytes:
                await asyncio.sleep(0.01)
            whole = await client.post("/v1/things", json={"a": "y" * 500_000}, headers=theirs)
            assert whole.status_code == 200


async def test_too_many_at_once_are_refused_with_a_problem_and_health_answers_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(senders.Patience.__init__, "__defaults__", (1, 20.0, 300.0))
    app = make()
    async with serving(app) as where, httpx.AsyncClient(base_url=f"http://{where[0]}:{where[1]}") as client:
        first = asyncio.create_task(client.get("/v1/slow"))
        await app.state.under_way.wait()
        refused = await client.get("/v1/slow")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["Retry-After"]
        assert (await client.get("/healthz")).status_code == 404, "not ours here, but let in"
        app.state.go_on.set()
        assert (await first).status_code == 200
        assert (await client.get("/v1/slow")).status_code == 200, "the place is free again"
