"""A refusal reaches a client that is still sending its body; what is read for that is bounded, and kept nowhere."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, cast

import pytest
from fastapi import Depends, FastAPI, Request

from shared.http import conventions
from shared.http.guards import require_internal
from shared.http.limits import BodyLimit
from shared.http.lingering import Lingering
from tests.integration.shared.test_shared_senders import SECRET, answer_to, head, serving

pytestmark = pytest.mark.integration
MB = 1_000_000
KEY = {"Authorization": f"Bearer {SECRET}"}
TIMES = 5


@asynccontextmanager
async def refusing(**bounds: float) -> AsyncIterator[tuple[tuple[str, int], BodyLimit, Lingering]]:
    """At most a megabyte, but for `/v1/much`, of which no more than 2 MB may be here at once."""
    app = FastAPI()

    @app.post("/v1/things")
    async def post_thing(body: dict[str, Any], _: Annotated[None, Depends(require_internal(SECRET))]) -> dict[str, Any]:
        return body

    @app.post("/v1/much")
    async def post_much(request: Request) -> int:
        return len(await request.body())

    conventions.install(app)
    limited = BodyLimit(app, MB, {"/v1/much": 100 * MB}, held_max=2 * MB, by_one_max=2 * MB)
    lingering = Lingering(limited, **bounds)  # type: ignore[arg-type]
    async with serving(cast("FastAPI", lingering)) as where:
        yield where, limited, lingering


def send_all_then_read(where: tuple[str, int], path: str, headers: dict[str, str], body: bytes) -> int | str:
    """As simple clients do: the status, or what came instead of it."""
    connection = http.client.HTTPConnection(*where, timeout=30)
    try:
        with suppress(BrokenPipeError):
            connection.request("POST", path, body, headers | {"Content-Type": "application/json"})
        return connection.getresponse().status
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("path", "status"), [("/v1/things", 413), ("/v1/much", 503)])
async def test_a_client_that_sends_all_of_a_big_body_before_it_reads_sees_the_refusal(path: str, status: int) -> None:
    body = b'{"a":"' + b"x" * 20 * MB + b'"}'
    async with refusing() as (where, limited, _):
        seen = [await asyncio.to_thread(send_all_then_read, where, path, KEY, body) for _ in range(TIMES)]
        assert (seen, limited.held_bytes) == ([status] * TIMES, 0)


async def test_what_was_refused_is_held_no_longer_while_the_rest_is_dropped() -> None:
    async with refusing(linger_s=60, pause_s=60) as (where, limited, lingering):
        reader, writer = await asyncio.open_connection(*where)
        writer.write(head(50 * MB).replace(b"/v1/things", b"/v1/much") + b"x" * 3 * MB)
        got = await reader.readuntil(b"}")
        assert got.startswith(b"HTTP/1.1 503 ") and b"connection: close" in got.lower()
        await until(lambda: lingering.now == 1)
        assert limited.held_bytes == 0
        writer.write(b"x" * 10 * MB)
        await writer.drain()
        assert lingering.now == 1, "it is read, and nobody is told anything more"
        writer.close()
        await until(lambda: lingering.now == 0)


@pytest.mark.parametrize("bounds", [{"linger_s": 0.2}, {"pause_s": 0.2}, {"bytes_max": 2 * MB}, {"at_once_max": 0}])
async def test_nobody_is_listened_to_for_ever(bounds: dict[str, float]) -> None:
    """The sender says that 50 MB come, sends three of them, and waits."""
    async with refusing(**{"linger_s": 600, "pause_s": 600} | bounds) as (where, _, lingering):
        with suppress(ConnectionResetError):  # where its bytes were left unread
            got = await answer_to(where, head(50 * MB) + b"x" * 3 * MB)
            assert got.startswith(b"HTTP/1.1 413 ")
        assert lingering.now == 0


async def test_an_answer_to_a_whole_body_is_sent_as_it_is() -> None:
    async with refusing(linger_s=600, pause_s=600) as (where, _, _):
        for sent, status in ((b"{}", 200), (b"{broken", 400)):
            got = await answer_to(where, head(len(sent), f"Authorization: Bearer {SECRET}", "Connection: close") + sent)
            assert got.startswith(f"HTTP/1.1 {status} ".encode())
