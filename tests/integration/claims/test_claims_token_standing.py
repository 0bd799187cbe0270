"""A token dies with the key that got it, in every service; what outlasts its maker is given to nobody whose key is gone (rules PA2, PA3)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.claims.api.standing import holders_here
from services.ingest.api.routes import create_app
from services.ingest.cli import SCOPES as INGEST_SCOPES
from services.ingest.cli import issue_key
from services.ingest.providers_cli import create_provider
from shared.db import api_keys
from shared.db.pool import lone_tx, open_pool
from shared.http.auth import CACHE_S, Authenticator
from shared.http.issuer import INTROSPECTION_PATH, KNOWN_S, Holders, by_asking
from shared.http.jwks import JWKS_PATH, FetchedKeys, fixed
from shared.http.mint import Mint
from shared.http.tokens import TokenReader
from tests.integration.claims.conftest import ISSUER, NOWHERE, TOKEN_KEYS, UNLIMITED, Claims
from tests.integration.claims.test_claims_key_safety import token_of
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
CONSENTS = "/v1/provider-consents"


@dataclass
class Seconds:
    """A clock that never goes back, and goes on when told to."""

    passed: float = 0.0

    def __call__(self) -> float:
        return self.passed


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def timed(claims: Claims, seconds: Seconds) -> Claims:
    """Keys and holders of tokens are forgotten when `seconds` says so."""
    holders = Holders(holders_here(claims.context), seconds)
    reader = Mint(ISSUER, TOKEN_KEYS, claims.clock).reader(holders.stands)
    claims.app.state.authenticator = Authenticator(claims.context.pool, seconds, reader, claims.clock, UNLIMITED)
    return claims


async def active(claims: Claims, token: str) -> bool:
    async with claims.client(None) as anybody:
        answer = await anybody.post(INTROSPECTION_PATH, data={"token": token})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json().keys() == {"active"}
    return bool(answer.json()["active"])


async def test_PA2_a_token_dies_with_its_key_as_fast_as_the_key_itself(
    timed: Claims, fleet: Fleet, seconds: Seconds
) -> None:
    key, other = await timed.key(fleet.tenant, "claims:read"), await timed.key(fleet.tenant, "claims:read")
    by_key, by_token = timed.client(key), timed.client((await token_of(timed, key))["access_token"])
    beside = timed.client((await token_of(timed, other))["access_token"])
    for one in (by_key, by_token, beside):
        assert (await one.get("/v1/claimants")).status_code == 200
    await fleet.post(f"/keys/{key[6:14]}/revoke", {}, 200)
    seconds.passed += CACHE_S
    assert [(await one.get("/v1/claimants")).status_code for one in (by_key, by_token, beside)] == [401, 401, 200]


async def test_PA2_a_token_dies_with_the_secret_that_got_it(timed: Claims, fleet: Fleet, seconds: Seconds) -> None:
    key = await timed.key(fleet.tenant, "claims:read")
    before = (await token_of(timed, key))["access_token"]
    rotated = await fleet.post(f"/keys/{key[6:14]}/rotate", {"grace_hours": 0}, 200)
    after = (await token_of(timed, rotated["key"]))["access_token"]
    seconds.passed += CACHE_S
    answers = [(await timed.client(one).get("/v1/claimants")).status_code for one in (before, after)]
    assert answers == [401, 200]
    assert [await active(timed, one) for one in (before, after)] == [False, True]


async def test_PA2_the_token_of_a_person_dies_with_their_account_and_with_a_role_that_it_names(
    timed: Claims, fleet: Fleet, seconds: Seconds
) -> None:
    mary = await timed.person(fleet.tenant, "Mary", "viewer")
    bob = await timed.person(fleet.tenant, "Bob", "preparer")
    ann = await timed.person(fleet.tenant, "Ann", "viewer")
    ids = {one["name"]: one["id"] for one in (await fleet.get("/people"))["items"]}
    for one in (mary, bob, ann):
        assert (await one.get("/v1/vehicles")).status_code == 200
    await fleet.post(f"/people/{ids['Mary']}/deactivate", {"reason": "left", "actor": "Boss"}, 200)
    await fleet.post(f"/people/{ids['Bob']}/roles/preparer/end", {"actor": "Boss"}, 200)
    assert (await mary.get("/v1/vehicles")).status_code == 200, "remembered"
    seconds.passed += KNOWN_S
    assert [(await one.get("/v1/vehicles")).status_code for one in (mary, bob, ann)] == [401, 401, 200]


async def test_PA2_the_issuer_says_of_a_token_only_whether_it_works_and_at_once(timed: Claims, fleet: Fleet) -> None:
    key = await timed.key(fleet.tenant, "claims:read")
    token = (await token_of(timed, key))["access_token"]
    mary = await timed.person(fleet.tenant, "Mary", "viewer")
    hers = mary.headers["authorization"].removeprefix("Bearer ")
    assert [await active(timed, one) for one in (token, hers, key, token[:-4] + "AAAA", "x.y.z")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    (person,) = (await fleet.get("/people"))["items"]
    await fleet.post(f"/people/{person['id']}/deactivate", {"reason": "left", "actor": "Boss"}, 200)
    await fleet.post(f"/keys/{key[6:14]}/revoke", {}, 200)
    assert [await active(timed, one) for one in (token, hers)] == [False, False], "though the key is remembered"
    async with timed.client(None) as anybody:
        for content, kind in ((b"", "application/x-www-form-urlencoded"), (b"{}", "application/json")):
            refused = await anybody.post(INTROSPECTION_PATH, content=content, headers={"Content-Type": kind})
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@dataclass(frozen=True)
class Ingest:
    """Ingest's routes about consents on its own database, believing the tokens of claims."""

    claims: Claims
    provider: UUID
    seconds: Seconds
    app: FastAPI

    def client(self, bearer: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {bearer}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://ingest", headers=headers)

    async def consent(self, bearer: str, **more: str) -> httpx.Response:
        body = {"provider_id": str(self.provider)} | more
        return await self.client(bearer).post(CONSENTS, json=body)


@pytest.fixture
async def standing(timed: Claims, seconds: Seconds) -> AsyncIterator[Ingest]:
    async with open_ingest(timed, seconds, ISSUER) as opened:
        yield opened


@asynccontextmanager
async def open_ingest(claims: Claims, seconds: Seconds, issuer: str) -> AsyncIterator[Ingest]:
    """`issuer`: where it is asked for tokens; its public keys are read from claims in any case."""
    pool = await open_pool(claims.database.dsn("ingest", "api"), name="test-ingest-api", size=2)
    provider = await create_provider(claims.database.dsn("ingest", "worker"), "Telematics Ltd")
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(claims.app)) as there,
        httpx.AsyncClient(trust_env=False) as nowhere,
    ):
        asked = Holders(by_asking(there if issuer == ISSUER else nowhere, issuer + INTROSPECTION_PATH), seconds)
        keys = FetchedKeys(there, fixed(ISSUER + JWKS_PATH))
        reader = TokenReader(ISSUER, keys, claims.clock, asked.stands)
        parts = cast("Any", SimpleNamespace(clock=claims.clock))  # consents need no more of ingest
        yield Ingest(
            claims, provider, seconds, create_app(parts, pool, cast("Any", None), APIRouter(), reader, UNLIMITED)
        )
    await pool.close()


async def test_PA3_no_consent_is_given_with_the_token_of_a_revoked_key(standing: Ingest, fleet: Fleet) -> None:
    claims = standing.claims
    key = await claims.key(fleet.tenant, "providers:write")
    token = (await token_of(claims, key))["access_token"]
    assert (await standing.client(token).get(CONSENTS)).json() == {"items": []}
    await fleet.post(f"/keys/{key[6:14]}/revoke", {}, 200)
    refused = await standing.consent(token, actor="R Hill")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    other = (await token_of(claims, await claims.key(fleet.tenant, "providers:write")))["access_token"]
    assert (await standing.client(other).get(CONSENTS)).json() == {"items": []}
    given = await standing.consent(other, actor="R Hill")
    assert (given.status_code, given.json()["granted_by"]) == (201, "R Hill")


async def test_PA2_the_token_of_a_revoked_key_stops_in_other_services_too(standing: Ingest, fleet: Fleet) -> None:
    claims = standing.claims
    key = await claims.key(fleet.tenant, "providers:write")
    client = standing.client((await token_of(claims, key))["access_token"])
    assert (await client.get(CONSENTS)).status_code == 200
    await fleet.post(f"/keys/{key[6:14]}/revoke", {}, 200)
    standing.seconds.passed += KNOWN_S
    assert (await client.get(CONSENTS)).status_code == 401


async def test_PA3_a_person_who_has_left_gives_no_consent(standing: Ingest, fleet: Fleet) -> None:
    mary = await standing.claims.person(fleet.tenant, "Mary Hill", "admin")
    bob = await standing.claims.person(fleet.tenant, "Bob Hill", "admin")
    token, his = (one.headers["authorization"].removeprefix("Bearer ") for one in (mary, bob))
    assert (await standing.client(token).get(CONSENTS)).status_code == 200
    person = next(one for one in (await fleet.get("/people"))["items"] if one["name"] == "Mary Hill")
    await fleet.post(f"/people/{person['id']}/deactivate", {"reason": "left", "actor": "Boss"}, 200)
    assert (await standing.consent(token)).status_code == 401
    given = await standing.consent(his)
    assert (given.status_code, given.json()["granted_by"]) == (201, "Bob Hill")


async def test_PA3_a_key_of_ingest_that_was_revoked_gives_no_consent_though_it_is_remembered(
    standing: Ingest, fleet: Fleet
) -> None:
    dsn = standing.claims.database.dsn("ingest", "worker")
    key = await issue_key(dsn, fleet.tenant, "gateway", INGEST_SCOPES)
    assert (await standing.client(key).get(CONSENTS)).status_code == 200
    async with lone_tx(dsn, name="test-revoke") as conn:
        assert await api_keys.revoke_key(conn, fleet.tenant, key[6:14])
    assert (await standing.client(key).get(CONSENTS)).status_code == 200, "remembered"
    assert (await standing.consent(key, actor="R Hill")).status_code == 401


async def test_PA3_while_claims_is_away_a_token_reads_and_gives_nothing_that_lasts(
    timed: Claims, fleet: Fleet, seconds: Seconds
) -> None:
    token = (await token_of(timed, await timed.key(fleet.tenant, "providers:write")))["access_token"]
    async with open_ingest(timed, seconds, NOWHERE) as alone:
        assert (await alone.client(token).get(CONSENTS)).status_code == 200
        refused = await alone.consent(token, actor="R Hill")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert (await alone.client(token).get(CONSENTS)).json() == {"items": []}
    async with open_ingest(timed, seconds, ISSUER) as back:
        assert (await back.consent(token, actor="R Hill")).status_code == 201
