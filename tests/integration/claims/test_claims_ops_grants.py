"""Operators look into a tenant by its leave alone, only read, and each time stands in the tenant's audit log (rule PA4)."""

from typing import Any

import asyncpg
import httpx
import pytest

from services.claims.api.people.grant_routes import visits
from shared.db.pool import tenant_tx
from shared.http.auth import OPERATOR, Principal
from tests.integration.claims.conftest import Claims
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


async def test_PA4_a_leave_is_one_persons_by_name(claims: Claims, fleet: Fleet) -> None:
    may = visits(claims.context)
    await fleet.post("/ops-grants", leave("Aroha Reid"))
    aroha = Principal(OPERATOR, "6a0c", frozenset(), "Aroha Reid")
    assert await may(aroha, fleet.tenant)
    assert not await may(Principal(OPERATOR, "6a0c", frozenset(), "Other"), fleet.tenant)
    assert not await may(Principal(OPERATOR, "6a0c", frozenset()), fleet.tenant)


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
