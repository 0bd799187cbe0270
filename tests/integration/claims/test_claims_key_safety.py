"""What lasts longer than the key or token that asks for it is given only to who still holds (rules PA2, PA4)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.claims.api.people.token_routes import Desk
from services.claims.api.people.token_schemas import CLIENT_CREDENTIALS
from services.claims.domain.instants import from_ms
from services.claims.domain.register.roles import scopes_of
from services.claims.wiring import make_app
from shared.db.api_keys import limit_key
from shared.db.pool import tx
from shared.http.auth import OPERATOR
from shared.http.mint import Mint
from shared.http.tokens import LEEWAY_S, LIFE_S
from shared.settings import LimitSettings
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

ALL = ["claims:read", "claims:write", "people:write", "keys:write", "ops-grants:write"]
KEY = {"name": "back door", "scopes": ["claims:read", "keys:write"]}


async def by_token(claims: Claims, key: str) -> httpx.AsyncClient:
    """A client that bears an access token of the key."""
    return claims.client((await token_of(claims, key))["access_token"])


def limited(claims: Claims, limits: LimitSettings) -> Claims:
    """With these limits, and no time that passes: nothing comes back."""
    app = make_app(claims.context, Desk(Mint(ISSUER, TOKEN_KEYS, claims.clock), None), limits)
    app.state.authenticator.rates.now = lambda: 0.0
    return replace(claims, app=app)


async def token_of(claims: Claims, key: str) -> dict[str, Any]:
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    async with claims.client(None) as client:
        answer = await client.post("/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def lasting(fleet: Fleet, case: str) -> list[tuple[str, dict[str, Any]]]:
    """Requests of which each gives access that lasts."""
    mary = await fleet.post("/people", {"name": "Mary", "email": "mary@hill.example", "actor": "R Hill"})
    return [
        ("/keys", KEY),
        (f"/keys/{str(fleet.client.headers['authorization']).split('_')[1]}/rotate", {}),
        (f"/keys/{str(fleet.client.headers['authorization']).split('_')[1]}/revoke", {}),
        ("/people", {"name": "Eve", "email": "eve@evil.example", "roles": ["viewer"], "actor": "x"}),
        (f"/people/{mary['id']}/roles", {"role": "viewer", "actor": "x"}),
        (f"/people/{mary['id']}/correct", {"email": "eve@evil.example", "reason": "x", "actor": "x"}),
        (f"/people/{mary['id']}/unlink", {"actor": "x"}),
        ("/ops-grants", {"case_ref": "c", "holder": "1f2e3d4c", "until_at": "2026-11-25", "reason": "r", "actor": "x"}),
        (f"/audit-cases/{case}/links", {"given_to": "x", "actor": "x"}),
        ("/webhooks", {"url": "https://evil.example/"}),
    ]


@pytest.fixture
async def case(fleet: Fleet) -> str:
    licence = await fleet.claimable()
    claim = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    made = {
        "reference": "x", "organisation": "o", "officer": "f", "opened_on": "2026-11-22", "claim_ids": [claim["id"]], "actor": "a"
    }  # fmt: skip
    return str((await fleet.post("/audit-cases", made))["id"])


async def test_PA2_the_token_of_a_revoked_key_gives_nothing_that_lasts(claims: Claims, fleet: Fleet, case: str) -> None:
    leaked = await fleet.post("/keys", {"name": "leaked", "scopes": ALL})
    thief = await by_token(claims, leaked["key"])
    asked = await lasting(fleet, case)
    before = (await fleet.get("/keys"))["items"]
    await fleet.post(f"/keys/{leaked['key_id']}/revoke", {}, 200)
    for path, body in asked:
        answer = await thief.post(f"/v1{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), (path, answer.text)
    imported = await thief.post(
        "/v1/imports/people", content="name,email,actor\nEve,eve@evil.example,x\n", headers={"Content-Type": "text/csv"}
    )
    assert imported.status_code == 401 or imported.json()["ok"] == 0, imported.text
    assert [one["key_id"] for one in (await fleet.get("/keys"))["items"]] == [one["key_id"] for one in before]
    assert [one["name"] for one in (await fleet.get("/people"))["items"]] == ["Mary"]


async def test_PA2_a_key_that_was_revoked_a_moment_ago_gives_nothing_that_lasts(
    claims: Claims, fleet: Fleet, case: str
) -> None:
    """It is remembered for 30 seconds more."""
    leaked = await fleet.post("/keys", {"name": "leaked", "scopes": ALL})
    thief = claims.client(leaked["key"])
    asked = await lasting(fleet, case)
    assert (await thief.get("/v1/claimants")).status_code == 200
    await fleet.post(f"/keys/{leaked['key_id']}/revoke", {}, 200)
    for path, body in asked:
        answer = await thief.post(f"/v1{path}", json=body)
        assert answer.status_code == 401, (path, answer.text)


async def test_PA2_whose_role_has_ended_makes_no_key_with_the_token_that_is_left(claims: Claims) -> None:
    key = await claims.key(OPERATOR, *scopes_of(["ops"]))
    operator = Fleet(claims.client(key), OPERATOR, claims.worker)
    eve = await claims.person(OPERATOR, "Eve Other", "ops")
    assert (await eve.post("/v1/keys", json={"name": "hers", "scopes": ["claims:read"]})).status_code == 201
    (row,) = (await operator.get("/people"))["items"]
    await operator.post(f"/people/{row['id']}/roles/ops/end", {"actor": "a"}, 200)
    ended = await eve.post("/v1/keys", json=KEY)
    assert (ended.status_code, ended.json()["code"]) == (401, "unauthorized"), ended.text
    await operator.post(f"/people/{row['id']}/roles", {"role": "ops", "actor": "a"}, 200)
    assert (await eve.post("/v1/keys", json=KEY)).status_code == 201
    await operator.post(f"/people/{row['id']}/deactivate", {"reason": "left", "actor": "a"}, 200)
    gone = await eve.post("/v1/keys", json=KEY)
    assert gone.status_code == 401, gone.text
    added = await eve.post("/v1/people", json={"name": "Eve Two", "email": "eve@evil.example", "roles": ["ops"]})
    assert added.status_code == 401, added.text


async def test_PA2_a_token_ends_with_the_secret_that_got_it(claims: Claims, fleet: Fleet) -> None:
    now = from_ms(claims.clock())
    made = await fleet.post(
        "/keys", {"name": "short", "scopes": ALL, "expires_at": (now + timedelta(minutes=5)).isoformat()}
    )
    got = await token_of(claims, made["key"])
    assert got["expires_in"] == 300
    endless = await fleet.post("/keys", {"name": "endless", "scopes": ALL})
    newer = await fleet.post(f"/keys/{endless['key_id']}/rotate", {"grace_hours": 1}, 200)
    claims.clock.now_ms += 290_000
    machine = claims.client(got["access_token"])
    assert (await machine.get("/v1/claimants")).status_code == 200
    claims.clock.now_ms += (10 + LEEWAY_S + 1) * 1000
    assert (await machine.get("/v1/claimants")).status_code == 401
    assert (await token_of(claims, endless["key"]))["expires_in"] == LIFE_S
    claims.clock.now_ms += 3_600_000 - 400_000
    assert (await token_of(claims, endless["key"]))["expires_in"] < 100, "its grace is nearly over"
    assert (await token_of(claims, newer["key"]))["expires_in"] == LIFE_S


async def test_PA2_a_token_got_by_a_secret_that_was_rotated_away_gives_nothing_that_lasts(
    claims: Claims, fleet: Fleet
) -> None:
    """After a leak a key is revoked, or rotated without grace: the same comes of it."""
    leaked = await fleet.post("/keys", {"name": "leaked", "scopes": ALL})
    thief = await by_token(claims, leaked["key"])
    assert (await thief.post("/v1/keys", json=KEY)).status_code == 201
    new = await fleet.post(f"/keys/{leaked['key_id']}/rotate", {"grace_hours": 0}, 200)
    assert (await thief.post("/v1/keys", json=KEY)).status_code == 401
    assert (await (await by_token(claims, new["key"])).post("/v1/keys", json=KEY)).status_code == 201


async def test_a_keys_own_limit_holds_for_its_tokens_and_for_asking_for_them(claims: Claims, fleet: Fleet) -> None:
    key, other = await claims.key(fleet.tenant, "claims:read"), await claims.key(fleet.tenant, "claims:read")
    async with tx(fleet.worker) as conn:
        assert await limit_key(conn, fleet.tenant, key[6:14], 3)
    few = limited(claims, LimitSettings(request_burst_s=1))
    machine = await by_token(few, key)
    statuses = [(await machine.get("/v1/claimants")).status_code for _ in range(20)]
    assert statuses == [200] * 2 + [429] * 18, "to ask for the token took one of three"
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    async with few.client(None) as client:
        refused = await client.post("/oauth/token", data=form)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-policy"] == '"key";q=3;w=1'
    assert (await few.client(key).get("/v1/claimants")).status_code == 429, "one limit for the key and its tokens"
    assert (await (await by_token(few, other)).get("/v1/claimants")).status_code == 200, "nobody else's"


async def test_PA4_an_auditors_link_has_a_limit(claims: Claims, fleet: Fleet, case: str) -> None:
    made = await fleet.post(f"/audit-cases/{case}/links", {"given_to": "f", "actor": "a"})
    few = limited(claims, LimitSettings(requests_per_s_per_key=1, request_burst_s=2)).client(made["token"])
    answers = [await few.get("/v1/audit/scope") for _ in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 2 + [429] * 8
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=2'
    assert len((await fleet.get(f"/audit-cases/{case}/accesses"))["items"]) == 2, "only what was let in reads anything"


async def test_PA2_after_a_revocation_is_answered_the_key_has_no_child_more(claims: Claims, fleet: Fleet) -> None:
    leaked = await fleet.post("/keys", {"name": "leaked", "scopes": ALL})
    thief = await by_token(claims, leaked["key"])
    made = 0

    async def breed() -> None:
        nonlocal made
        while made < 300 and (await thief.post("/v1/keys", json=KEY)).status_code == 201:
            made += 1

    makers = [asyncio.create_task(breed()) for _ in range(8)]
    while made < 5:
        await asyncio.sleep(0.01)
    await fleet.post(f"/keys/{leaked['key_id']}/revoke", {}, 200)
    known = await fleet.get("/keys", limit="500")
    await asyncio.gather(*makers)
    assert await fleet.get("/keys", limit="500") == known
    assert len(known["items"]) == made + 2
