"""Who acts is a person (rule PA2): who signed in acts in their own name and as their roles allow; a key says whom it speaks for."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db.pool import tenant_tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

ON = "2026-11-22"
CSV = {"Content-Type": "text/csv"}


async def told(client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
    answer = await client.post(f"/v1{path}", json=body)
    assert answer.status_code == status, (path, answer.text)
    found: dict[str, Any] = answer.json()
    return found


async def to_verify(client: httpx.AsyncClient, licence: str) -> dict[str, Any]:
    asked = (await client.get(f"/v1/licences/{licence}/verification")).json()
    return {"statement_hash": asked["statement_hash"], "wording": asked["wording"]}


async def test_CL2_a_person_who_signed_in_verifies_in_their_own_name(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    mary = await claims.person(fleet.tenant, "Mary Hill", "verifier")
    path, body = f"/licences/{licence}/verification", await to_verify(mary, licence)
    other = await told(mary, path, body | {"actor": "R Hill"}, 422)
    assert other["errors"][0] == {
        "pointer": "/actor", "code": "not_you", "detail": "you act in your own name: leave `actor` out"
    }  # fmt: skip
    assert (await told(mary, path, body, 201))["verified_by"] == "Mary Hill"
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        row = await conn.fetchrow(
            "select v.actor, p.email from claims.verification v join claims.person p on p.tenant_id = v.tenant_id and p.id = v.person_id"
        )
    assert row is not None
    assert (row["actor"], row["email"][-13:]) == ("Mary Hill", "@hill.example")
    key = await told(fleet.client, path, body, 422)
    assert (key["errors"][0]["pointer"], key["errors"][0]["code"]) == ("/actor", "missing"), "a key is nobody"


async def test_PA2_each_does_what_their_roles_allow_on_the_way_to_a_claim(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    prepares = await claims.person(fleet.tenant, "Rangi Hill", "preparer")
    verifies = await claims.person(fleet.tenant, "Mary Hill", "verifier")
    looks = await claims.person(fleet.tenant, "Joe Hill", "viewer")
    body = await to_verify(looks, licence)
    for kept_out in (looks, prepares):
        refused = await told(kept_out, f"/licences/{licence}/verification", body, 403)
        assert (refused["code"], refused["scope"]) == ("scope_missing", "claims:verify")
    await told(verifies, f"/licences/{licence}/verification", body, 201)
    asked = {"claimant_id": fleet.claimant_id, "licence_ids": [licence]}
    assert (await told(verifies, "/claims/preview", asked, 403))["scope"] == "claims:write"
    preview = await told(prepares, "/claims/preview", asked, 200)
    assert preview["lodgeable"], "the person completing is who signed in"
    token = {"preview_token": preview["preview_token"]}
    for kept_out in (looks, verifies):
        assert (await told(kept_out, "/claims", token, 403))["scope"] == "claims:lodge"
    claim = await told(prepares, "/claims", token, 201)
    await told(prepares, f"/claims/{claim['id']}/sent", {"on": ON, "channel": "email"}, 200)
    await told(prepares, f"/claims/{claim['id']}/received", {"on": ON, "actor": "Mary Hill"}, 422)
    decided = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "r"}
    await told(prepares, f"/claims/{claim['id']}/received", {"on": ON}, 200)
    history = await told(prepares, f"/claims/{claim['id']}/outcomes", {"lines": [decided]}, 200)
    assert {step["actor"] for step in history["steps"] + history["lines"]} == {"Rangi Hill"}
    assert (await told(looks, f"/claims/{claim['id']}/received", {"on": ON}, 403))["scope"] == "claims:write"


async def test_PA2_a_key_may_prepare_without_lodging_or_lodge_without_preparing(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    lodging = claims.client(await claims.key(fleet.tenant, "claims:lodge"))
    verifying = claims.client(await claims.key(fleet.tenant, "claims:verify"))
    assert (await told(verifying, "/claims", {"preview_token": preview["preview_token"]}, 403))[
        "scope"
    ] == "claims:lodge"
    assert (await told(lodging, "/claimants", {"name": "X"}, 403))["scope"] == "claims:write"
    claim = await told(lodging, "/claims", {"preview_token": preview["preview_token"]}, 201)
    withdrawn = await told(lodging, f"/claims/{claim['id']}/withdraw", {"on": ON, "actor": "a", "reason": "r"}, 200)
    assert withdrawn["state"] == "withdrawn"


async def test_PA2_everything_that_is_done_bears_the_name_of_who_signed_in(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    rangi = await claims.person(fleet.tenant, "Rangi Hill", "preparer")
    attached = await rangi.post("/v1/attachments", params={"name": "log"}, content=b"%PDF-1.7 x")
    assert attached.status_code == 201
    named = await rangi.post("/v1/attachments", params={"name": "log", "actor": "M"}, content=b"%PDF-1.7 x")
    assert named.status_code == 422
    await fleet.hold_a_day(rev=1, is_open=True)
    waiver = await told(rangi, "/waivers", {"rule": "EL4", "licence_id": licence, "reason": "r"}, 201)
    assert waiver["actor"] == "Rangi Hill"
    await fleet.hold_a_day(rev=2, is_open=False)
    outside = fleet.licences["RUC 0001 next"]
    text = "licence_id,claimed_on,reference,reason\n" + f"{outside},2026-11-01,x,r\n"
    imported = (await rangi.post("/v1/imports/claimed-outside", content=text, headers=CSV)).json()
    assert imported["ok"] == 1
    by_key = text.replace(outside, licence)
    lacking = (await fleet.client.post("/v1/imports/claimed-outside", content=by_key, headers=CSV)).json()
    assert lacking["report"][0]["errors"][0]["column"] == "actor"
    sale = {"at": "2026-11-01T08:00:00+13:00", "reading": 46_500}
    await told(rangi, f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    await told(fleet.client, f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 422)
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        actors = [
            await conn.fetchval(f"select actor from claims.{table} where tenant_id = $1", fleet.tenant)
            for table in ("attachment", "claimed_outside", "vehicle_ending")
        ]
    assert actors == ["Rangi Hill"] * 3


async def test_PA4_an_auditor_sees_audit_cases_and_nothing_else(claims: Claims, fleet: Fleet) -> None:
    auditor = await claims.person(fleet.tenant, "A Check", "auditor")
    assert (await auditor.get("/v1/audit-cases")).json()["items"] == []
    assert (await fleet.client.get("/v1/audit-cases")).status_code == 200, "who reads claims sees them too"
    for path in ("/claims", "/licences", "/people", "/claimants", "/alerts"):
        kept_out = await auditor.get(f"/v1{path}")
        assert (kept_out.status_code, kept_out.json()["scope"]) == (403, "claims:read"), path
    case = {
        "reference": "A-1",
        "organisation": "NZTA",
        "officer": "O",
        "opened_on": ON,
        "claim_ids": [],
        "legal_hold": False,
    }
    assert (await told(auditor, "/audit-cases", case, 403))["scope"] == "claims:write"


async def test_PA2_a_persons_token_opens_their_own_tenant_alone(claims: Claims, fleet: Fleet) -> None:
    other = await claims.fleet("Another farm")
    licence = await other.claimable()
    mary = await claims.person(fleet.tenant, "Mary Hill", "verifier", "preparer", "viewer")
    assert (await mary.get(f"/v1/licences/{licence}")).status_code == 404
    assert (await mary.get("/v1/licences")).json()["items"] == []
    case = await mary.get(f"/v1/ops/cases/{UUID(int=1)}")
    assert (case.status_code, case.json()["scope"]) == (403, "ops:cases")
