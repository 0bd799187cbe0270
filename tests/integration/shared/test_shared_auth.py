"""Keys over HTTP against the real table: who gets in, who does not, and how long a revoked key lives."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import Depends, FastAPI

from shared.clock import new_id
from shared.db.api_keys import issue_key, key_id_of, revoke_key
from shared.db.pool import Pool, tx
from shared.http import auth, problems
from shared.http.auth import CACHE_S, Authenticator, Principal
from shared.http.guards import require, require_internal
from tests.stream_tables import SharedDatabase

pytestmark = pytest.mark.integration

TENANT = new_id()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(shared_db: SharedDatabase, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    pool = await shared_db.pool("api")
    auth.install(app, pool)
    app.state.authenticator = Authenticator(pool, clock)

    @app.get("/who")
    async def who(principal: Annotated[Principal, Depends(require("pings:read"))]) -> UUID:
        return principal.tenant_id

    @app.get("/internal", dependencies=[Depends(require_internal("service token"))])
    async def internal() -> str:
        return "in"

    problems.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as opened:
        yield opened
    await pool.close()


async def ask(client: httpx.AsyncClient, key: str, path: str = "/who") -> httpx.Response:
    return await client.get(path, headers={"Authorization": f"Bearer {key}"})


async def issue(pool: Pool, *scopes: str) -> str:
    async with tx(pool) as conn:
        return await issue_key(conn, TENANT, "test", scopes)


async def test_the_tenant_comes_from_the_key(client: httpx.AsyncClient, pool: Pool) -> None:
    answer = await ask(client, await issue(pool, "pings:read"))
    assert (answer.status_code, answer.json()) == (200, str(TENANT))


async def test_no_key_and_no_bearer(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
        answer = await client.get("/who", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "Authorization: Bearer" in answer.json()["detail"]


async def test_unknown_malformed_and_wrong_keys_get_the_same_answer(client: httpx.AsyncClient, pool: Pool) -> None:
    key = await issue(pool, "pings:read")
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    unknown = "rucor_00000000_" + key[-43:]
    answers = [await ask(client, one) for one in (wrong, unknown, "rucor_", "x" * 5_000, key + " ")]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 200]
    assert len({answer.json()["detail"] for answer in answers[:4]}) == 1


async def test_a_missing_scope_is_named(client: httpx.AsyncClient, pool: Pool) -> None:
    answer = await ask(client, await issue(pool, "claims:read"))
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "scope_missing", "pings:read")


async def test_a_revoked_key_ends_within_the_cache_time(client: httpx.AsyncClient, pool: Pool, clock: Clock) -> None:
    key = await issue(pool, "pings:read")
    assert (await ask(client, key)).status_code == 200
    async with tx(pool) as conn:
        assert await revoke_key(conn, TENANT, key_id_of(key) or "")
    clock.now += CACHE_S - 1
    assert (await ask(client, key)).status_code == 200
    clock.now += 1
    assert (await ask(client, key)).status_code == 401


async def test_a_cached_key_does_not_let_another_secret_in(client: httpx.AsyncClient, pool: Pool) -> None:
    key = await issue(pool, "pings:read")
    assert (await ask(client, key)).status_code == 200
    assert (await ask(client, key[:15] + "A" * 43)).status_code == 401


async def test_without_database_the_answer_is_503_and_cached_keys_still_work(
    client: httpx.AsyncClient, pool: Pool, shared_db: SharedDatabase
) -> None:
    key, other = await issue(pool, "pings:read"), await issue(pool, "pings:read")
    assert (await ask(client, key)).status_code == 200
    app = client._transport.app  # type: ignore[attr-defined]
    authenticator = app.state.authenticator
    broken = await shared_db.pool("api")
    await broken.close()
    authenticator._pool = broken
    assert (await ask(client, key)).status_code == 200
    answer = await ask(client, other)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_service_to_service(client: httpx.AsyncClient) -> None:
    assert (await ask(client, "service token", "/internal")).json() == "in"
    assert (await ask(client, "service tokem", "/internal")).status_code == 401
    assert (await client.get("/internal")).status_code == 401
