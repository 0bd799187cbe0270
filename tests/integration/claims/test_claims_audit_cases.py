"""Audit cases: scope, history, and what they keep from being deleted (rules PA4, RE1)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from services.claims.application.audit.tell_holds import tell_next
from services.claims.application.peers import PeerUnavailable
from services.claims.repo import audit_holds
from services.classifier.repo import retention
from shared.db.pool import Pool, open_pool, tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.peers import open_classifier
from tests.integration.claims.world import FIRST_DAY, TRAVEL_DAYS, Fleet

pytestmark = pytest.mark.integration
CASE = {
    "reference": "NZTA-2026-117", "organisation": "NZ Transport Agency", "officer": "J Doe", "opened_on": "2026-11-22",
    "due_on": "2026-12-12", "subject": "off-road share of two utes", "legal_hold": False, "actor": "R Hill",
}  # fmt: skip


async def lodged(fleet: Fleet, plate: str = "ABC123", device: str = "imei-1") -> tuple[str, str]:
    """(claim, licence)."""
    licence = await fleet.claimable(plate, device, f"RUC {plate}")
    preview = await fleet.preview([licence])
    return (await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"], licence


async def held(claims: Claims, fleet: Fleet) -> list[str]:
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        return [str(one.licence_id) for one in await audit_holds.open_holds(conn, fleet.tenant)]


async def test_PA4_a_case_has_officer_scope_dates_and_a_history_that_only_grows(claims: Claims, fleet: Fleet) -> None:
    claim, licence = await lodged(fleet)
    _, other = await lodged(fleet, "XYZ9", "imei-2")
    never = fleet.licences["RUC ABC123 next"]
    refused = await fleet.post("/audit-cases", {**CASE, "licence_ids": [never]}, 422)
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == ("/licence_ids", "not_claimed")
    await fleet.post("/audit-cases", CASE, 422)
    case = await fleet.post("/audit-cases", {**CASE, "claim_ids": [claim]})
    again = await fleet.post("/audit-cases", {**CASE, "claim_ids": [claim]}, 409)
    assert again["existing_id"] == case["id"]
    (line,) = case["lines"]
    assert (line["licence_id"], line["from_on"], line["to_on"]) == (licence, "2026-10-01", "2026-10-14")
    assert await held(claims, fleet) == [licence]

    path = f"/audit-cases/{case['id']}"
    wider = await fleet.post(f"{path}/scope", {"licence_ids": [licence, other], "actor": "R Hill"}, 200)
    assert [one["licence_id"] for one in wider["lines"]] == [licence, other]
    assert sorted(await held(claims, fleet)) == sorted([licence, other])
    scan = (
        await fleet.client.post("/v1/attachments", params={"name": "letter", "actor": "a"}, content=b"%PDF-1")
    ).json()
    given = {"on": "2026-11-25", "what": "reports of both licences", "attachment_id": scan["id"], "actor": "R Hill"}
    await fleet.post(f"{path}/given", given, 200)
    await fleet.post(
        f"{path}/hold", {"legal_hold": True, "on": "2026-11-25", "reason": "objection", "actor": "R Hill"}, 200
    )
    closing = {"on": "2026-12-10", "outcome": "accepted as claimed", "actor": "R Hill"}
    assert (await fleet.post(f"{path}/close", {**closing, "on": "2026-11-01"}, 422))["errors"][0]["pointer"] == "/on"
    closed = await fleet.post(f"{path}/close", closing, 200)
    kinds = [event["kind"] for event in closed["history"]]
    assert kinds == ["opened", "scope_added", "scope_added", "given", "hold_set", "closed"]
    assert [event["words"] for event in closed["history"]][1:4] == [
        "1 claimed licence", "1 claimed licence", "reports of both licences",
    ]  # fmt: skip
    assert (await fleet.post(f"{path}/given", given, 409))["code"] == "case_closed"
    assert sorted(await held(claims, fleet)) == sorted([licence, other]), "RE1: the legal hold outlives the case"
    await fleet.post(
        f"{path}/hold", {"legal_hold": False, "on": "2026-12-20", "reason": "settled", "actor": "R Hill"}, 200
    )
    assert await held(claims, fleet) == []
    assert [one["id"] for one in (await fleet.get("/audit-cases", is_open="false"))["items"]] == [case["id"]]
    assert (await fleet.get("/audit-cases", is_open="true"))["items"] == []
    for statement in ("update claims.audit_event set words = ''", "delete from claims.audit_hold"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
                await conn.execute(statement)


async def test_PA4_another_tenants_case_and_claims_are_not_there(claims: Claims, fleet: Fleet) -> None:
    claim, licence = await lodged(fleet)
    case = await fleet.post("/audit-cases", {**CASE, "claim_ids": [claim]})
    other = await claims.fleet("Other")
    await other.get(f"/audit-cases/{case['id']}", 404)
    on = {"on": "2026-11-25", "actor": "x"}
    await other.post(f"/audit-cases/{case['id']}/close", on | {"outcome": "x"}, 404)
    await other.post(f"/audit-cases/{case['id']}/hold", on | {"legal_hold": False, "reason": "x"}, 404)
    for scope in ({"claim_ids": [claim]}, {"licence_ids": [licence]}):
        assert (await other.post("/audit-cases", CASE | scope, 422))["errors"][0]["code"] == "not_claimed"
    assert await held(claims, other) == []


@pytest.fixture
async def classifier(claims: Claims) -> AsyncIterator[tuple[ClassifierClient, Pool]]:
    """The classifier's own routes for claims on its own database, and its worker's pool."""
    worker = await open_pool(claims.database.dsn("classifier", "worker"), name="test-classifier-worker", size=1)
    async with open_classifier(claims) as client:
        yield client, worker
    await worker.close()


async def kept(worker: Pool, fleet: Fleet) -> list[tuple[int, int, str]]:
    async with tx(worker) as conn:
        return [(h.from_day, h.to_day, h.reason) for h in await retention.read_holds(conn) if h.tenant == fleet.tenant]


async def test_RE1_the_classifier_keeps_the_days_of_an_open_case_until_it_is_closed(
    claims: Claims, fleet: Fleet, classifier: tuple[ClassifierClient, Pool]
) -> None:
    peer, worker = classifier
    claim, _ = await lodged(fleet)
    case = await fleet.post("/audit-cases", {**CASE, "claim_ids": [claim]})
    with pytest.raises(PeerUnavailable):
        await tell_next(claims.worker, claims.context.classifier)
    assert await tell_next(claims.worker, peer), "it is told later when it was away"
    days = (FIRST_DAY, FIRST_DAY + TRAVEL_DAYS - 1, "audit NZTA-2026-117")
    assert await kept(worker, fleet) == [days]
    assert not await tell_next(claims.worker, peer)
    await fleet.post(f"/audit-cases/{case['id']}/close", {"on": "2026-12-10", "outcome": "done", "actor": "R"}, 200)
    assert await tell_next(claims.worker, peer)
    assert await kept(worker, fleet) == []
    assert not await tell_next(claims.worker, peer)


async def test_RE1_telling_twice_and_opening_what_was_released_meanwhile_is_harmless(
    claims: Claims, fleet: Fleet, classifier: tuple[ClassifierClient, Pool]
) -> None:
    peer, worker = classifier
    claim, _ = await lodged(fleet)
    case = await fleet.post("/audit-cases", {**CASE, "claim_ids": [claim]})
    await fleet.post(f"/audit-cases/{case['id']}/close", {"on": "2026-12-10", "outcome": "done", "actor": "R"}, 200)
    assert await tell_next(claims.worker, peer), "opened and released before anybody was told"
    assert await kept(worker, fleet) == []
    async with tx(claims.worker) as conn:
        await conn.execute("update claims.audit_hold set told_at = null, told_released_at = null")
    assert await tell_next(claims.worker, peer)
    assert await kept(worker, fleet) == []
    body: dict[str, Any] = {"tenant": str(fleet.tenant), "opened": [], "released": []}
    async with httpx.AsyncClient(transport=peer._client._transport, base_url="http://classifier") as nobody:
        assert (await nobody.post("/v1/holds", json=body)).status_code == 401
