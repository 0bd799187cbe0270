"""What lasts longer than the key or token that asks for it is given only to who still holds (rules PA2, PA4)."""

import asyncio
from typing import Any

import httpx
import pytest

from services.claims.api.people.token_schemas import CLIENT_CREDENTIALS
from services.claims.domain.register.roles import scopes_of
from shared.http.auth import OPERATOR
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

ALL = ["claims:read", "claims:write", "people:write", "keys:write", "ops-grants:write"]
KEY = {"name": "back door", "scopes": ["claims:read", "keys:write"]}


async def by_token(claims: Claims, key: str) -> httpx.AsyncClient:
    """A client that bears an access token of the key."""
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    async with claims.client(None) as client:
        answer = await client.post("/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    return claims.client(answer.json()["access_token"])


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
