"""Operators look into a tenant by its leave alone, only read, and each time stands in the tenant's audit log (rule PA4)."""

from typing import Any

import asyncpg
import httpx
import pytest

from services.claims.application.people.sign_in import Identity, sign_in
from services.claims.domain.instants import from_ms
from services.claims.domain.register.roles import scopes_of
from shared.db.pool import tenant_tx
from shared.http.auth import OPERATOR
from shared.http.tokens import AccessToken, sign
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000


def leave(holder: str, **changed: Any) -> dict[str, Any]:
    return {
        "case_ref": "HELP-7", "holder": holder, "until_at": "2026-11-30T00:00:00Z", "reason": "odd km", "actor": "R Hill"
    } | changed  # fmt: skip


def key_id(client: httpx.AsyncClient) -> str:
    return str(client.headers["authorization"]).split("_")[1]


def visiting(fleet: Fleet) -> dict[str, str]:
    return {"Rucor-Tenant": str(fleet.tenant)}


async def code(client: httpx.AsyncClient, fleet: Fleet, path: str = "/v1/claimants", method: str = "GET") -> str:
    answer = await client.request(method, path, headers=visiting(fleet), json=None if method == "GET" else {})
    return "ok" if answer.status_code == 200 else f"{answer.status_code} {answer.json()['code']}"


async def test_PA4_an_operator_reads_by_leave_and_each_look_is_in_the_tenants_log(claims: Claims, fleet: Fleet) -> None:
    operator, other = await claims.operator(), await claims.fleet("Other")
    claimant = await fleet.add_claimant()
    assert await code(operator, fleet) == "403 no_grant"
    made = await fleet.post("/ops-grants", leave(key_id(operator)))
    answer = await operator.get(f"/v1/claimants/{claimant}", headers=visiting(fleet))
    assert (answer.status_code, answer.json()["id"]) == (200, claimant)
    assert await code(operator, other) == "403 no_grant", "the leave is one tenant's"
    assert (await operator.get("/v1/claimants")).status_code == 403, "without the header there is nothing to see"
    log = (await fleet.get("/audit-log", actor=key_id(operator)))["items"]
    told = [(row["route"], row["status"], row["actor_tenant"]) for row in log]
    assert told == [
        ("/v1/claimants/{claimant_id}", 200, str(OPERATOR)),
        ("/v1/claimants", 403, str(OPERATOR)),
    ]
    assert log[0]["things"] == {"claimant_id": claimant}
    ended = await fleet.post(f"/ops-grants/{made['id']}/end", {"actor": "R Hill"}, 200)
    assert (ended["ended_by"], ended["ended_at"] is not None) == ("R Hill", True)
    assert await code(operator, fleet) == "403 no_grant", "at once"
    assert await fleet.post(f"/ops-grants/{made['id']}/end", {"actor": "X"}, 200) == ended
    assert [item["id"] for item in (await fleet.get("/ops-grants"))["items"]] == [made["id"]]


async def test_PA4_with_leave_an_operator_changes_nothing_and_sees_no_keys_or_log(claims: Claims, fleet: Fleet) -> None:
    operator = await claims.operator()
    await fleet.post("/ops-grants", leave(key_id(operator)))
    assert await code(operator, fleet) == "ok"
    for method, path in (
        ("POST", "/v1/claimants"), ("POST", "/v1/imports/vehicles"), ("POST", "/v1/ops-grants"), ("GET", "/v1/keys"),
        ("GET", "/v1/audit-log"), ("GET", "/v1/ops-grants"),
    ):  # fmt: skip
        assert await code(operator, fleet, path, method) == "403 read_only", path
    blind = claims.client(await claims.key(OPERATOR, "ops:policy"))
    assert await code(blind, fleet) == "403 scope_missing"
    refused = [row for row in (await fleet.get("/audit-log", limit="500"))["items"] if row["actor_tenant"]]
    assert [(row["key_id"], row["route"]) for row in refused if row["status"] == 403] == [
        (key_id(blind), "/v1/claimants"), *((key_id(operator), path) for path in (
            "/v1/ops-grants", "/v1/audit-log", "/v1/keys", "/v1/ops-grants", "/v1/imports/{kind}", "/v1/claimants",
        )),
    ], "what was refused stands in the tenant's log too"  # fmt: skip
    assert (await operator.get("/v1/claimants", headers={"Rucor-Tenant": "x"})).status_code == 400


async def test_PA4_a_tenants_own_key_opens_no_other_tenant(claims: Claims, fleet: Fleet) -> None:
    other = await claims.fleet("Other")
    await fleet.post("/ops-grants", leave(key_id(other.client)))
    assert await code(other.client, fleet) == "403 operators_only"
    assert await code(fleet.client, fleet) == "403 operators_only", "nor its own by this way"


async def test_PA4_a_leave_lasts_at_most_two_weeks_and_ends_by_itself(claims: Claims, fleet: Fleet) -> None:
    operator = await claims.operator()
    holder = key_id(operator)
    for wrong in (
        leave(holder, until_at="2026-12-06T00:00:01Z"), leave(holder, until_at="2026-11-21"),
        leave(holder, from_at="2026-11-29T00:00:00Z", until_at="2026-11-28T00:00:00Z"),
    ):  # fmt: skip
        assert (await fleet.post("/ops-grants", wrong, 422))["errors"][0]["pointer"] == "/until_at"
    later = leave(holder, from_at="2026-11-24T00:00:00Z", until_at="2026-12-08T00:00:00Z")
    await fleet.post("/ops-grants", later)
    seen = []
    for days in (0, 2, 15, 16):
        claims.clock.now_ms += (days - (seen[-1][0] if seen else 0)) * DAY_MS
        seen.append((days, await code(operator, fleet)))
    assert seen == [(0, "403 no_grant"), (2, "ok"), (15, "ok"), (16, "403 no_grant")]


async def operators(claims: Claims) -> Fleet:
    return Fleet(claims.client(await claims.key(OPERATOR, *scopes_of(["ops"]))), OPERATOR, claims.worker)


async def ops_person(claims: Claims, office: Fleet, name: str) -> tuple[str, httpx.AsyncClient]:
    """One of the operator's people, who has signed in."""
    email = f"{name.split(maxsplit=1)[0].lower()}@ops.example"
    known = {"issuer": "https://id.example", "subject": name}
    made = await office.post("/people", {"name": name, "email": email, "roles": ["ops"], "actor": "root", **known})
    return made["id"], bearing(claims, made["id"], name)


def bearing(claims: Claims, person: str, name: str) -> httpx.AsyncClient:
    """Signed in under this name."""
    token = AccessToken(tenant_id=OPERATOR, subject=person, scopes=scopes_of(["ops"]), person=name)
    return claims.client(sign(token, TOKEN_KEYS[0], ISSUER, claims.clock() // 1000))


async def test_PA4_a_leave_is_one_persons_whatever_others_call_themselves(claims: Claims, fleet: Fleet) -> None:
    office = await operators(claims)
    jo, jo_client = await ops_person(claims, office, "Jo Smith")
    eve, eve_client = await ops_person(claims, office, "Eve Other")
    by_name = await fleet.post("/ops-grants", leave("Jo Smith"), 422)
    assert by_name["errors"][0]["pointer"] == "/holder"
    await fleet.post("/ops-grants", leave(jo.upper()))
    assert await code(jo_client, fleet) == "ok"
    assert await code(eve_client, fleet) == "403 no_grant"
    body = {"name": "Jo Smith", "reason": "r"}
    assert (await eve_client.post(f"/v1/people/{eve}/correct", json=body)).status_code == 200
    renamed = bearing(claims, eve, "Jo Smith")
    assert await code(renamed, fleet) == "403 no_grant"
    log = (await fleet.get("/audit-log", actor=eve))["items"]
    assert {row["status"] for row in log} == {403}


async def test_PA4_who_is_put_in_the_holders_place_needs_leave_of_their_own(claims: Claims, fleet: Fleet) -> None:
    office = await operators(claims)
    jo, client = await ops_person(claims, office, "Jo Smith")
    await fleet.post("/ops-grants", leave(jo))
    assert await code(client, fleet) == "ok"
    await office.post(f"/people/{jo}/unlink", {"actor": "Eve"}, 200)
    await office.post(f"/people/{jo}/correct", {"email": "eve@ops.example", "reason": "r", "actor": "Eve"}, 200)
    assert await code(client, fleet) == "403 no_grant", "no account is theirs"
    assert [row["status"] for row in (await fleet.get("/audit-log", actor=jo))["items"]] == [403, 200]
    claims.clock.now_ms += 1_000
    identity = Identity("https://id.example", "Eve Other", "eve@ops.example")
    await sign_in(claims.context.pool, identity, OPERATOR, from_ms(claims.clock()))
    assert await code(bearing(claims, jo, "Jo Smith"), fleet) == "403 no_grant", "another account than had the leave"
    await fleet.post("/ops-grants", leave(jo))
    now = bearing(claims, jo, "Jo Smith")
    assert await code(now, fleet) == "ok", "leave for who it is now"
    await office.post(f"/people/{jo}/deactivate", {"reason": "left", "actor": "root"}, 200)
    assert await code(now, fleet) == "403 no_grant", "at once, though the token's holder is remembered"
    assert await code(bearing(claims, jo, "Jo Smith"), fleet) == "401 unauthorized"


async def test_PA4_a_key_that_has_leave_is_rotated_by_itself_alone(claims: Claims, fleet: Fleet) -> None:
    """Whoever rotates a key has its new secret, and would look in by its leave."""
    office = await operators(claims)
    holder = claims.client(await claims.key(OPERATOR, *scopes_of(["ops"])))
    _, eve = await ops_person(claims, office, "Eve Other")
    await fleet.post("/ops-grants", leave(key_id(holder)))
    for other in (eve, office.client):
        taken = await other.post(f"/v1/keys/{key_id(holder)}/rotate", json={})
        assert (taken.status_code, taken.json()["code"]) == (403, "key_not_yours")
    assert (await holder.post(f"/v1/keys/{key_id(holder)}/rotate", json={})).status_code == 200
    assert await code(holder, fleet) == "ok", "for its grace"
    assert (await eve.post(f"/v1/keys/{key_id(holder)}/revoke", json={})).status_code == 200, "anybody may end it"


async def test_PA4_a_leave_is_ended_and_never_changed_else(claims: Claims, fleet: Fleet) -> None:
    made = await fleet.post("/ops-grants", leave("1f2e3d4c"))
    for statement in (
        "update claims.ops_grant set until_at = until_at + interval '1 day'",
        "delete from claims.ops_grant",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
                await conn.execute(statement)
    other = await claims.fleet("Other")
    await other.post(f"/ops-grants/{made['id']}/end", {"actor": "x"}, 404)
    assert (await fleet.get("/ops-grants"))["items"][0]["ended_at"] is None
