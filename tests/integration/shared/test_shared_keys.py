"""The life of a key over HTTP, on the real tables: made, used, rotated, expired, revoked; limits and failures."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI

from shared.clock import new_id, system_clock
from shared.db.api_keys import issue_key, limit_key
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tx
from shared.http import auth, key_routes, problems
from shared.http.auth import CACHE_S, Authenticator
from shared.http.mint import Mint, fresh_keys, read_keys
from shared.http.tokens import AccessToken
from shared.settings import LimitSettings
from tests.stream_tables import SharedDatabase

pytestmark = pytest.mark.integration

ONE, TWO = new_id(), new_id()


class Clock:
    """Both clocks: seconds that never go back, and the wall's milliseconds."""

    def __init__(self) -> None:
        self.start_ms = system_clock()  # the database has its own clock too
        self.passed_s = 0.0

    def seconds(self) -> float:
        return self.passed_s

    def __call__(self) -> int:
        return self.start_ms + round(self.passed_s * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def app(shared_db: SharedDatabase, clock: Clock) -> AsyncIterator[FastAPI]:
    made = FastAPI()
    pool = await shared_db.pool("api")
    v1 = APIRouter(prefix="/v1")
    v1.include_router(key_routes.router(pool, clock))
    made.include_router(v1)
    auth.install(made, pool)
    limits = LimitSettings(requests_per_s_per_key=50, request_burst_s=2, failures_per_minute_per_address=30)
    made.state.authenticator = Authenticator(pool, clock.seconds, clock=clock, limits=limits)
    problems.install(made)
    yield made
    await pool.close()


class Caller:
    def __init__(self, app: FastAPI, key: str) -> None:
        self.key = key
        headers = {"Authorization": f"Bearer {key}"}
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/v1", headers=headers)

    async def get(self, status: int = 200, **params: Any) -> dict[str, Any]:
        return self._checked(await self.http.get("/keys", params=params), status)

    async def post(self, path: str, body: Any, status: int) -> dict[str, Any]:
        return self._checked(await self.http.post(f"/keys{path}", json=body), status)

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def caller(app: FastAPI, pool: Pool, *scopes: str, tenant: Any = ONE) -> Caller:
    async with tx(pool) as conn:
        return Caller(app, await issue_key(conn, tenant, "first", ["keys:write", *scopes]))


async def test_a_key_is_made_listed_and_never_shown_again(app: FastAPI, pool: Pool) -> None:
    mine, other = await caller(app, pool, "claims:read"), await caller(app, pool, tenant=TWO)
    made = await mine.post("", {"name": "portal", "scopes": ["claims:read"]}, 201)
    page = await mine.get()
    assert [item["name"] for item in page["items"]] == ["first", "portal"]
    assert page["items"][1]["key_id"] == made["key"][6:14]
    assert page["items"][0]["last_used_on"] is not None
    assert page["items"][1]["last_used_on"] is None
    assert made["key"][15:] not in str(page)
    assert "secret" not in str(page) and "sha256" not in str(page)
    first = await mine.get(limit=1)
    assert [item["name"] for item in (await mine.get(limit=1, cursor=first["next_cursor"]))["items"]] == ["portal"]
    assert [item["name"] for item in (await other.get())["items"]] == ["first"]
    await other.post(f"/{made['key_id']}/revoke", {}, 404)
    await other.post(f"/{made['key_id']}/rotate", {}, 404)


async def test_nobody_gives_or_takes_over_more_than_they_have(app: FastAPI, pool: Pool) -> None:
    strong, weak = await caller(app, pool, "claims:write"), await caller(app, pool)
    refused = await weak.post("", {"name": "n", "scopes": ["keys:write", "claims:write"]}, 403)
    assert (refused["code"], refused["scopes"]) == (
        "scope_not_yours",
        ["claims:lodge", "claims:verify", "claims:write", "webhooks:write"],
    )
    assert (await weak.post(f"/{strong.key[6:14]}/rotate", {}, 403))["code"] == "scope_not_yours"
    without = Caller(app, (await strong.post("", {"name": "n", "scopes": ["claims:write"]}, 201))["key"])
    assert (await without.get(403))["scope"] == "keys:write"
    assert len((await strong.get())["items"]) == 3


async def test_a_rotated_key_has_two_secrets_for_the_grace_and_one_afterwards(
    app: FastAPI, pool: Pool, clock: Clock
) -> None:
    old = await caller(app, pool)
    made = await old.post(f"/{old.key[6:14]}/rotate", {"grace_hours": 2}, 200)
    new = Caller(app, made["key"])
    assert made["key_id"] == old.key[6:14]
    clock.passed_s += CACHE_S
    for one in (old, new):
        await one.get()
    clock.passed_s += 2 * 3_600
    await old.get(401)
    await new.get()


async def test_a_second_rotation_ends_the_first_secret_at_once(app: FastAPI, pool: Pool, clock: Clock) -> None:
    first = await caller(app, pool)
    second = Caller(app, (await first.post(f"/{first.key[6:14]}/rotate", {}, 200))["key"])
    clock.passed_s += CACHE_S
    third = Caller(app, (await second.post(f"/{first.key[6:14]}/rotate", {"grace_hours": 1}, 200))["key"])
    clock.passed_s += CACHE_S
    await first.get(401)
    await second.get()
    await third.get()


async def test_PA2_where_nobody_can_ask_for_its_holder_a_token_makes_no_key(
    shared_db: SharedDatabase, pool: Pool
) -> None:
    """Tokens are claims' own: the other services know neither its people nor its keys."""
    mint = Mint("http://claims", read_keys(fresh_keys()), system_clock)
    api = await shared_db.pool("api")
    made = FastAPI()
    made.include_router(key_routes.router(api, system_clock), prefix="/v1")
    auth.install(made, api, mint.reader())
    problems.install(made)
    scopes = frozenset({"keys:write", "claims:read"})
    person = AccessToken(tenant_id=ONE, subject=str(new_id()), scopes=scopes, person="Mary Hill")
    machine = AccessToken(tenant_id=ONE, subject="1f2e3d4c", scopes=scopes)
    own = await caller(made, pool, "claims:read")
    for token in (person, machine):
        holder = Caller(made, mint.issue(token)[0])
        assert [item["name"] for item in (await holder.get())["items"]] == ["first"]
        for path, body in (("", {"name": "n", "scopes": ["keys:write"]}), (f"/{own.key[6:14]}/rotate", {})):
            assert (await holder.post(path, body, 403))["code"] == "key_needed"
    await own.post("", {"name": "n", "scopes": ["keys:write"]}, 201)
    await api.close()


async def test_PA2_a_tenants_keys_that_work_are_bounded_however_many_make_them_at_once(
    shared_db: SharedDatabase, pool: Pool, clock: Clock
) -> None:
    api = await shared_db.pool("api")
    made = FastAPI()
    few = LimitSettings(keys_per_tenant=6)
    made.include_router(key_routes.router(api, clock, limits=few), prefix="/v1")
    auth.install(made, api, clock=clock)
    problems.install(made)
    tenant = new_id()
    mine, second = await caller(made, pool, tenant=tenant), await caller(made, pool, tenant=tenant)
    other = await caller(made, pool, tenant=new_id())
    body = {"name": "n", "scopes": ["keys:write"]}
    answers = await asyncio.gather(*[one.http.post("/keys", json=body) for one in [mine, second] * 10])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 4 + [409] * 16
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["limit_keys"]) == ("too_many_keys", 6)
    await other.post("", body, 201)
    spare = next(answer.json()["key_id"] for answer in answers if answer.status_code == 201)
    await mine.post(f"/{spare}/revoke", {}, 200)
    soon = {"expires_at": datetime.fromtimestamp(clock() / 1000 + 60, UTC).isoformat()}
    await mine.post("", body | soon, 201)
    await mine.post("", body, 409)
    clock.passed_s += 61
    await mine.post("", body, 201)
    assert (await mine.post("", body, 409))["code"] == "too_many_keys"
    await api.close()


async def test_a_key_ends_when_it_was_said_to(app: FastAPI, pool: Pool, clock: Clock) -> None:
    mine = await caller(app, pool)
    past = datetime.fromtimestamp(clock() / 1000 - 5, UTC).isoformat()
    assert (await mine.post("", {"name": "n", "scopes": ["keys:write"], "expires_at": past}, 422))["errors"]
    soon = datetime.fromtimestamp(clock() / 1000 + 60, UTC).isoformat()
    made = await mine.post("", {"name": "n", "scopes": ["keys:write"], "expires_at": soon}, 201)
    short = Caller(app, made["key"])
    await short.get()
    clock.passed_s += 61
    await short.get(401)
    await mine.get()


def after(clock: Clock, seconds: int) -> str:
    return datetime.fromtimestamp(clock() / 1000 + seconds, UTC).isoformat(timespec="seconds")


async def test_PA2_no_key_is_made_or_taken_over_that_outlasts_the_one_that_asks(
    app: FastAPI, pool: Pool, clock: Clock
) -> None:
    endless = await caller(app, pool)
    end = after(clock, 60)
    made = await endless.post("", {"name": "short", "scopes": ["keys:write"], "expires_at": end}, 201)
    short = Caller(app, made["key"])
    child = await short.post("", {"name": "child", "scopes": ["keys:write"]}, 201)
    assert datetime.fromisoformat(child["expires_at"]) == datetime.fromisoformat(end), "with the key that made it"
    later = await short.post("", {"name": "n", "scopes": ["keys:write"], "expires_at": after(clock, 61)}, 422)
    assert later["errors"][0]["pointer"] == "/expires_at"
    await short.post("", {"name": "n", "scopes": ["keys:write"], "expires_at": after(clock, 30)}, 201)
    assert (await short.post(f"/{endless.key[6:14]}/rotate", {}, 403))["code"] == "key_not_yours"
    assert (await short.post(f"/{child['key_id']}/rotate", {}, 200))["expires_at"] == child["expires_at"]
    await endless.post(f"/{made['key_id']}/rotate", {}, 200)


async def test_PA2_a_limited_key_makes_and_takes_over_only_keys_as_limited(app: FastAPI, pool: Pool) -> None:
    limited, other = await caller(app, pool), await caller(app, pool)
    async with tx(pool) as conn:
        assert await limit_key(conn, ONE, limited.key[6:14], 5)
    child = await limited.post("", {"name": "child", "scopes": ["keys:write"]}, 201)
    assert child["requests_per_s"] == 5
    assert (await limited.post(f"/{other.key[6:14]}/rotate", {}, 403))["code"] == "key_not_yours"
    await limited.post(f"/{child['key_id']}/rotate", {}, 200)
    assert (await other.post("", {"name": "n", "scopes": ["keys:write"]}, 201))["requests_per_s"] is None


async def test_PA2_a_secret_on_its_way_out_makes_nothing_that_outlasts_it(
    app: FastAPI, pool: Pool, clock: Clock
) -> None:
    old = await caller(app, pool)
    key_id = old.key[6:14]
    new = Caller(app, (await old.post(f"/{key_id}/rotate", {"grace_hours": 2}, 200))["key"])
    clock.passed_s += CACHE_S
    child = await old.post("", {"name": "child", "scopes": ["keys:write"]}, 201)
    (row,) = [one for one in (await new.get())["items"] if one["key_id"] == key_id]
    assert child["expires_at"] == row["old_until"]
    assert (await old.post(f"/{key_id}/rotate", {}, 403))["code"] == "key_not_yours"
    await new.post(f"/{key_id}/rotate", {"grace_hours": 0}, 200)
    assert (await old.post("", {"name": "n", "scopes": ["keys:write"]}, 401))["code"] == "unauthorized", (
        "though it is remembered for half a minute"
    )
    assert (await new.post("", {"name": "n", "scopes": ["keys:write"]}, 401))["code"] == "unauthorized"


async def test_a_revoked_key_stays_revoked_and_is_not_rotated(app: FastAPI, pool: Pool, clock: Clock) -> None:
    mine, other = await caller(app, pool), await caller(app, pool)
    first = await mine.post(f"/{other.key[6:14]}/revoke", {}, 200)
    assert await mine.post(f"/{other.key[6:14]}/revoke", {}, 200) == first
    assert (await mine.post(f"/{other.key[6:14]}/rotate", {}, 409))["code"] == "key_is_over"
    clock.passed_s += CACHE_S
    await other.get(401)


async def test_above_its_limit_a_key_is_answered_429_and_others_are_not(app: FastAPI, pool: Pool, clock: Clock) -> None:
    mine, other = await caller(app, pool), await caller(app, pool)
    async with tx(pool) as conn:
        assert await limit_key(conn, ONE, mine.key[6:14], 2)
    for left in (3, 2, 1, 0):
        answer = await mine.http.get("/keys")
        assert answer.headers["ratelimit"].startswith(f'"key";r={left};')
        assert answer.headers["ratelimit-policy"] == '"key";q=4;w=2'
    answer = await mine.http.get("/keys")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["ratelimit"] == '"key";r=0;t=2'
    assert (await other.http.get("/keys")).headers["ratelimit-policy"] == '"key";q=100;w=2'
    clock.passed_s += 1
    await mine.get()


async def test_an_address_that_guesses_keys_is_stopped_and_known_keys_still_get_in(
    app: FastAPI, pool: Pool, clock: Clock
) -> None:
    mine = await caller(app, pool)
    await mine.get()
    fresh = await caller(app, pool)
    guess = Caller(app, "rucor_00000000_" + "x" * 43)
    statuses = [(await guess.http.get("/keys")).status_code for _ in range(40)]
    assert statuses == [401] * 30 + [429] * 10
    await mine.get()
    assert (await fresh.get(429))["code"] == "too_many_failures"
    clock.passed_s += 4
    await fresh.get()


async def test_secrets_are_out_of_reach_of_the_apis_role(shared_db: SharedDatabase, app: FastAPI, pool: Pool) -> None:
    key = (await caller(app, pool)).key
    conn = await asyncpg.connect(shared_db.dsn("api"))
    try:
        for statement in (
            "select secret_sha256 from api_key",
            "update api_key set secret_sha256 = '\\x00'",
            "update api_key set requests_per_s = 1000000",
            "update api_key set scopes = '{}'",
            "delete from api_key",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="another tenant"):
            await conn.execute("select rotate_key($1, $2, $3, now())", ONE, key[6:14], bytes(32))
        assert await conn.fetchval("select count(*) from api_key") == 0
    finally:
        await conn.close()


async def test_a_use_that_cannot_be_noted_keeps_nobody_out(
    app: FastAPI, pool: Pool, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = await caller(app, pool)

    async def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(auth, "note_use", away)
    await mine.get()
    monkeypatch.undo()
    clock.passed_s += CACHE_S
    assert (await mine.get())["items"][0]["last_used_on"] is not None
