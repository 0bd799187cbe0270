"""A tenant's own admin: manages people, keys, webhooks, the audit log and leave for operators, and never gives more than they have
(rules PA2, PA4)."""

import asyncio
from typing import Any

import httpx
import pytest

from services.claims.domain.register.roles import scopes_of
from shared.http.tokens import AccessToken, sign
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
PAT = {"name": "Pat Hill", "email": "pat@hill.example"}
HOOK = {"url": "https://portal.example/hooks", "types": [], "description": "the portal"}
GRANT = {"case_ref": "HELP-1", "holder": "1f2e3d4c", "until_at": "2026-11-30T00:00:00Z", "reason": "look at a gap"}
CSV = {"Content-Type": "text/csv"}


async def told(asked: Any, status: int) -> dict[str, Any]:
    answer: httpx.Response = await asked
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def id_of(fleet: Fleet, name: str) -> str:
    return str(next(one["id"] for one in (await fleet.get("/people"))["items"] if one["name"] == name))


async def test_PA2_an_admin_manages_the_tenant_and_no_other_role_does(claims: Claims, fleet: Fleet) -> None:
    admin = await claims.person(fleet.tenant, "Mary Hill", "admin")
    key = await told(admin.post("/v1/keys", json={"name": "portal", "scopes": ["claims:read", "pings:write"]}), 201)
    assert [one["key_id"] for one in (await told(admin.get("/v1/keys"), 200))["items"]][-1] == key["key_id"]
    assert (await told(admin.post("/v1/webhooks", json=HOOK), 201))["secret"].startswith("whsec_")
    grant = await told(admin.post("/v1/ops-grants", json=GRANT), 201)
    assert grant["granted_by"] == "Mary Hill"
    added = await told(admin.post("/v1/people", json=PAT | {"roles": ["preparer", "verifier"]}), 201)
    assert added["created_by"] == "Mary Hill"
    log = await told(admin.get("/v1/audit-log", params={"actor": "Mary Hill"}), 200)
    assert {"/v1/keys", "/v1/webhooks", "/v1/ops-grants", "/v1/people"} <= {one["route"] for one in log["items"]}
    others = await claims.person(fleet.tenant, "Joe Hill", "preparer", "verifier", "viewer", "auditor")
    for scope, asked in (
        ("keys:write", others.get("/v1/keys")),
        ("webhooks:write", others.post("/v1/webhooks", json=HOOK)),
        ("ops-grants:write", others.get("/v1/ops-grants")),
        ("people:write", others.post("/v1/people", json=PAT)),
        ("audit-log:read", others.get("/v1/audit-log")),
    ):
        assert (await told(asked, 403))["scope"] == scope


async def test_PA2_an_admin_is_of_their_tenant_alone(claims: Claims, fleet: Fleet) -> None:
    admin = await claims.person(fleet.tenant, "Mary Hill", "admin")
    refused = await told(admin.post("/v1/people", json=PAT | {"roles": ["ops"]}), 422)
    assert refused["errors"][0]["code"] == "role_not_here"
    more = await told(admin.post("/v1/keys", json={"name": "n", "scopes": ["ops:cases"]}), 403)
    assert (more["code"], more["scopes"]) == ("scope_not_yours", ["ops:cases"])
    other = await claims.fleet("Another farm")
    stranger = (await other.post("/people", PAT | {"actor": "A"}))["id"]
    await told(admin.post(f"/v1/people/{stranger}/roles", json={"role": "viewer"}), 404)


async def test_PA2_who_may_do_less_makes_nobody_who_may_do_more(claims: Claims, fleet: Fleet) -> None:
    """A token that was narrowed, or a key that only looks after people, is no way to become an admin."""
    await claims.person(fleet.tenant, "Mary Hill", "admin")
    mary = await id_of(fleet, "Mary Hill")
    narrow = AccessToken(
        tenant_id=fleet.tenant, subject=mary, scopes=frozenset({"people:write", "claims:read"}), person="Mary Hill"
    )
    key = await claims.key(fleet.tenant, "people:write", "claims:read")
    for bearer in (sign(narrow, TOKEN_KEYS[0], ISSUER, claims.clock() // 1000), key):
        weak, actor = claims.client(bearer), {} if bearer != key else {"actor": "HR system"}
        refused = await told(weak.post("/v1/people", json=PAT | {"roles": ["admin"]} | actor), 403)
        assert (refused["code"], "keys:write" in refused["scopes"]) == ("role_not_yours", True)
        own = {"email": "thief@hill.example", "reason": "new address"} | actor
        assert (await told(weak.post(f"/v1/people/{mary}/correct", json=own), 403))["code"] == "role_not_yours"
        assert (await told(weak.post(f"/v1/people/{mary}/unlink", json=actor), 403))["code"] == "role_not_yours"
    weak = claims.client(key)
    pat = await told(weak.post("/v1/people", json=PAT | {"roles": ["viewer"], "actor": "HR system"}), 201)
    body = {"role": "admin", "actor": "HR system"}
    assert (await told(weak.post(f"/v1/people/{pat['id']}/roles", json=body), 403))["code"] == "role_not_yours"
    lines = "name,email,roles,actor\nSue,sue@hill.example,admin,HR\nTom,tom@hill.example,viewer,HR\n"
    report = await told(weak.post("/v1/imports/people", content=lines, headers=CSV), 200)
    assert [(one["outcome"], [e["code"] for e in one["errors"]]) for one in report["report"]] == [
        ("error", ["role_not_yours"]), ("ok", []),
    ]  # fmt: skip
    assert {one["name"]: one["roles"] for one in (await fleet.get("/people"))["items"]} == {
        "Mary Hill": ["admin"], "Pat Hill": ["viewer"], "Tom": ["viewer"]
    }  # fmt: skip


async def test_PA2_the_last_admin_stays_until_another_is_there(claims: Claims, fleet: Fleet) -> None:
    admin = await claims.person(fleet.tenant, "Mary Hill", "admin", "viewer")
    mary = await id_of(fleet, "Mary Hill")
    gone = {"reason": "left the farm"}
    forget = {"kind": "person", "subject_id": mary, "reason": "asked"}
    for path, body in (
        (f"/people/{mary}/roles/admin/end", {}), (f"/people/{mary}/deactivate", gone), ("/erasure-requests", forget)
    ):  # fmt: skip
        assert (await told(admin.post(f"/v1{path}", json=body), 409))["code"] == "last_admin"
    assert (await told(admin.post(f"/v1/people/{mary}/roles/viewer/end", json={}), 200))["roles"] == ["admin"]
    pat = (await told(admin.post("/v1/people", json=PAT | {"roles": ["admin"]}), 201))["id"]
    assert (await told(admin.post(f"/v1/people/{mary}/deactivate", json=gone), 200))["roles"] == []
    assert (await fleet.post(f"/people/{pat}/deactivate", {**gone, "actor": "R Hill"}, 409))["code"] == "last_admin"


async def test_RE2_who_prepares_has_nobody_forgotten_an_admin_has(claims: Claims, fleet: Fleet) -> None:
    """It is at once and for good: who writes claims cannot do it."""
    claimant = await fleet.add_claimant()
    forget = {"kind": "claimant", "subject_id": claimant, "reason": "asked"}
    preparer = await claims.person(fleet.tenant, "Pat Hill", "preparer", "verifier")
    machine = claims.client(await claims.key(fleet.tenant, "claims:read", "claims:write"))
    for who, more in ((preparer, {}), (machine, {"actor": "R Hill"})):
        refused = await told(who.post("/v1/erasure-requests", json=forget | more), 403)
        assert (refused["code"], refused["scope"]) == ("scope_missing", "privacy:write")
    assert (await fleet.get(f"/claimants/{claimant}"))["name"] == "Hill Farms Limited"
    assert (await fleet.get("/erasure-requests"))["items"] == []
    admin = await claims.person(fleet.tenant, "Mary Hill", "admin")
    assert (await told(admin.post("/v1/erasure-requests", json=forget), 201))["state"] == "done"
    assert (await fleet.get(f"/claimants/{claimant}"))["name"] != "Hill Farms Limited"


async def test_PA2_an_admin_who_asked_to_be_forgotten_no_longer_counts(claims: Claims, fleet: Fleet) -> None:
    """Held, since they verified a claim: they go by themselves when the hold ends."""
    await fleet.post("/people", {**PAT, "name": "R Hill", "roles": ["admin"], "actor": "R Hill"})
    await claims.person(fleet.tenant, "Mary Hill", "admin")
    licence = await fleet.claimable()
    await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    hill, mary = await id_of(fleet, "R Hill"), await id_of(fleet, "Mary Hill")
    body = {"kind": "person", "subject_id": hill, "reason": "asked", "actor": "A Reid"}
    assert (await fleet.post("/erasure-requests", body))["state"] == "waiting"
    last = await fleet.post(f"/people/{mary}/roles/admin/end", {"actor": "R Hill"}, 409)
    assert last["code"] == "last_admin"


async def test_PA2_two_admins_who_remove_each_other_at_once_leave_one(claims: Claims, fleet: Fleet) -> None:
    for _ in range(5):
        names = ("Mary Hill", "Joe Hill")
        ids = []
        for name in names:
            await claims.person(fleet.tenant, name, "admin")
        ids = [one["id"] for one in (await fleet.get("/people"))["items"] if "admin" in one["roles"]]
        answers = await asyncio.gather(
            *(fleet.client.post(f"/v1/people/{one}/roles/admin/end", json={"actor": "A"}) for one in ids)
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] * (len(ids) - 1) + [409]


def test_PA2_what_an_admin_may_do_ends_at_the_operators_door() -> None:
    assert not [scope for scope in scopes_of(["admin"]) if scope.startswith(("ops:", "provider-", "provider:"))]
