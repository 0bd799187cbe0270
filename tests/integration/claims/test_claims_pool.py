"""A database that is too busy, held or frozen, and clients that send slowly: 503 with Retry-After within a bounded time, never a hang
and never a 500; and all is well afterwards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from services.claims.wiring import make_app
from shared.db.pool import Pool, open_pool
from tests.integration.claims.conftest import UNLIMITED, Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
CONNECTIONS = 2
GUARD_S = 120.0
"""Only so that a hang fails instead of lasting for ever; no figure is measured by it."""


@dataclass(frozen=True)
class Tiny:
    """The service with two connections to the database."""

    pool: Pool
    claims: Claims
    fleet: Fleet

    def client(self, key: str) -> httpx.AsyncClient:
        return self.claims.client(key)


@contextlib.asynccontextmanager
async def tiny_on(claims: Claims, fleet: Fleet, dsn: str) -> AsyncIterator[Tiny]:
    pool = await open_pool(dsn, name="test-tiny", size=CONNECTIONS)
    few = replace(claims, app=make_app(replace(claims.context, pool=pool), limits=UNLIMITED))
    key = fleet.client.headers["authorization"].removeprefix("Bearer ")
    here = Fleet(few.client(key), fleet.tenant, fleet.worker)
    await here.get("/vehicles")
    try:
        yield Tiny(pool, few, here)
    finally:
        pool.terminate()


@pytest.fixture
async def tiny(claims: Claims, fleet: Fleet) -> AsyncIterator[Tiny]:
    async with tiny_on(claims, fleet, claims.database.dsn("claims", "api")) as made:
        yield made


def told_to_wait(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["code"] == "unavailable"


async def flood(client: httpx.AsyncClient, count: int) -> Sequence[httpx.Response]:
    """Reads and writes of many kinds, all at once."""

    async def one(number: int) -> httpx.Response:
        plate = {"plate": f"P{number}"}
        match number % 6:
            case 0:
                return await client.post("/v1/vehicles", json=plate)
            case 1:
                return await client.post("/v1/vehicles", json=plate, headers={"Idempotency-Key": f"k{number}"})
            case 2:
                return await client.get("/v1/licences")
            case 3:
                return await client.get("/v1/audit-log")
            case 4:
                return await client.post("/v1/keys", json={"name": f"n{number}", "scopes": ["claims:read"]})
            case _:
                return await client.get("/v1/vehicles")

    async with asyncio.timeout(GUARD_S):
        return await asyncio.gather(*(one(number) for number in range(count)))


async def test_every_request_is_answered_while_all_connections_are_held(tiny: Tiny) -> None:
    unknown = tiny.client(await tiny.claims.key(tiny.fleet.tenant, "claims:read"))
    async with contextlib.AsyncExitStack() as held:
        for _ in range(CONNECTIONS):
            await held.enter_async_context(tiny.pool.acquire())
        for answer in await flood(tiny.fleet.client, 60):
            told_to_wait(answer)
        told_to_wait(await unknown.get("/v1/vehicles"))
    assert (await tiny.fleet.client.get("/v1/vehicles")).status_code == 200
    assert (await unknown.get("/v1/vehicles")).status_code == 200, "it is no wrong key"
    assert (await tiny.fleet.get("/vehicles"))["items"] == [], "what was refused did not happen"


async def test_every_request_is_answered_while_a_statement_of_each_waits_for_a_lock(tiny: Tiny) -> None:
    conn = await asyncpg.connect(tiny.claims.database.superuser)
    try:
        async with conn.transaction():
            await conn.execute("lock table claims.vehicle, claims.api_key, claims.licence in access exclusive mode")
            for answer in await flood(tiny.fleet.client, 24):
                if answer.status_code != 200:  # of what needs none of these tables
                    told_to_wait(answer)
    finally:
        await conn.close()
    assert {answer.status_code for answer in await flood(tiny.fleet.client, 6)} <= {200, 201}


async def test_a_flood_on_two_connections_is_served_or_told_to_wait(tiny: Tiny) -> None:
    answers = await flood(tiny.fleet.client, 300)
    for answer in answers:
        if answer.status_code not in {200, 201}:
            told_to_wait(answer)
    made = {answer.json()["plate"] for answer in answers if answer.status_code == 201 and "plate" in answer.json()}
    there = {one["plate"] for one in (await tiny.fleet.get("/vehicles", limit="500"))["items"]}
    assert made
    assert made <= there, "whatever was said to be done is done"


async def test_a_client_that_sends_slowly_holds_no_connection(tiny: Tiny) -> None:
    """A command without fields of its own reads its body for the Idempotency-Key alone."""
    go_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await go_on.wait()
        yield b"}"

    hook = await tiny.fleet.post("/webhooks", {"url": "https://portal.example/hooks"})
    slow = [
        asyncio.create_task(
            tiny.fleet.client.post(
                f"/v1/webhooks/{hook['id']}/enable", content=body(), headers={"Idempotency-Key": f"slow-{number}"}
            )
        )
        for number in range(CONNECTIONS + 2)
    ]
    async with asyncio.timeout(GUARD_S):
        await asyncio.sleep(0.2)
        for _ in range(5):
            assert (await tiny.fleet.client.get("/v1/vehicles")).status_code == 200
        go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}


class Wire:
    """Between the service and the database; cut, it swallows everything and says nothing, as a frozen machine does."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self.whole = asyncio.Event()
        self.whole.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
            try:
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            finally:
                far_writer.close()
        except OSError:
            pass
        finally:
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(65_536):
            await self.whole.wait()
            writer.write(block)
            await writer.drain()
        if not writer.is_closing():
            writer.close()


async def test_a_database_that_says_nothing_is_not_waited_for_for_ever(claims: Claims, fleet: Fleet) -> None:
    dsn = urlsplit(claims.database.dsn("claims", "api"))
    assert dsn.hostname and dsn.port
    wire = Wire(dsn.hostname, dsn.port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = urlunsplit(dsn._replace(netloc=dsn.netloc.rpartition("@")[0] + f"@127.0.0.1:{port}"))
    async with tiny_on(claims, fleet, through) as tiny:
        wire.whole.clear()
        for answer in await flood(tiny.fleet.client, 12):
            told_to_wait(answer)
        wire.whole.set()
        async with asyncio.timeout(GUARD_S):
            while (await tiny.fleet.client.get("/v1/vehicles")).status_code != 200:
                await asyncio.sleep(0.1)
    server.close()
