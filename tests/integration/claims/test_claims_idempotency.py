"""Every command heeds its Idempotency-Key, or says that it takes none: what a caller counts on is never passed over."""

import asyncio

import httpx
import pytest

from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_policy import TYPE_2, with_rate
from tests.integration.claims.world import FIRST_DAY, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
KEY = {"Idempotency-Key": "once"}


def replay_of(first: httpx.Response, again: httpx.Response) -> bool:
    return (again.status_code, again.content) == (first.status_code, first.content) and (
        "idempotent-replay" not in first.headers and again.headers["idempotent-replay"] == "true"
    )


async def test_a_file_sent_again_with_its_key_is_kept_once(fleet: Fleet) -> None:
    async def send(content: bytes = b"%PDF-1.7 one", name: str = "form.pdf") -> httpx.Response:
        where = {"name": name, "actor": "R Hill"}
        return await fleet.client.post("/v1/attachments", params=where, content=content, headers=KEY)

    first, *others = await asyncio.gather(*(send() for _ in range(4)))
    assert {one.content for one in others} == {first.content}
    assert (first.status_code, await rows(fleet, "attachment")) == (201, 1)
    again = await send()
    assert (again.content, again.headers["idempotent-replay"]) == (first.content, "true")
    for other in (await send(b"%PDF-1.7 two"), await send(name="another.pdf")):
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await rows(fleet, "attachment") == 1


async def rows(fleet: Fleet, table: str) -> int:
    async with fleet.worker.acquire() as conn:
        return int(await conn.fetchval(f"select count(*) from claims.{table}"))


async def test_CL7_a_review_heeds_its_key_and_what_its_caller_has_seen(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    shown = await fleet.preview([licence])
    claim = (await fleet.post("/claims", {"preview_token": shown["preview_token"]}))["id"]
    path = f"/v1/claims/{claim}/review"
    stale = await fleet.client.post(path, headers={"If-Match": '"stale"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    first = await fleet.client.post(path, headers=KEY)
    assert (first.status_code, first.json()) == (200, {"over_claimed": 0, "broken": [], "disclosures": []})
    less = [device_day(fleet.tenant, "imei-1", FIRST_DAY + i, rev=2, off_road_mm=0) for i in range(TRAVEL_DAYS)]
    await put_days(fleet.worker, less)
    again = await fleet.client.post(path, headers=KEY)
    assert replay_of(first, again), "the first answer, whatever has changed"
    assert await rows(fleet, "disclosure") == 0
    assert (await fleet.post(f"/claims/{claim}/review", {}, 200))["over_claimed"] == 1


async def test_a_change_of_the_policy_keeps_its_key_in_its_own_transaction(claims: Claims) -> None:
    operator = await claims.operator()
    policy = (await operator.get("/v1/ops/policy")).json()
    body = {"based_on": policy["name"], "files": with_rate(), "reason": "new prices", "actor": "Ops One"}
    first = await operator.post("/v1/ops/policy", json=body, headers=KEY)
    assert (first.status_code, first.json()["changed"]) == (200, True)
    assert replay_of(first, await operator.post("/v1/ops/policy", json=body, headers=KEY))
    other = body | {"based_on": first.json()["name"], "files": with_rate(TYPE_2.replace("6400", "6500"))}
    refused = await operator.post("/v1/ops/policy", json=other, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")
    late = await operator.post(
        "/v1/ops/policy", json=other | {"based_on": policy["name"]}, headers={"Idempotency-Key": "2"}
    )
    assert (late.status_code, late.json()["code"]) == (409, "policy_changed")
    assert len((await operator.get("/v1/ops/policy/changes")).json()["items"]) == 1, "the shipped edition and one more"


async def test_what_shows_a_secret_takes_no_key_and_says_so(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    case = await fleet.post(
        "/audit-cases",
        {
            "reference": "A-1", "organisation": "NZTA", "officer": "B Ng", "opened_on": "2026-11-20", "licence_ids": [licence],
            "legal_hold": False, "actor": "R Hill",
        },
    )  # fmt: skip
    made = await fleet.post("/keys", {"name": "portal", "scopes": ["claims:read"]})
    link = {"given_to": "B Ng", "days": 7, "actor": "R Hill"}
    for path, body in (
        ("/keys", {"name": "other", "scopes": ["claims:read"]}), (f"/keys/{made['key_id']}/rotate", {}),
        (f"/audit-cases/{case['id']}/links", link),
    ):  # fmt: skip
        refused = await fleet.client.post(f"/v1{path}", json=body, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_not_taken"), path
        assert "without the header" in refused.json()["detail"]
    assert [key["name"] for key in (await fleet.get("/keys"))["items"]] == ["test", "portal"]
    assert (await fleet.get(f"/audit-cases/{case['id']}/links"))["items"] == []
    stale = await fleet.client.post(f"/v1/audit-cases/{case['id']}/links", json=link, headers={"If-Match": '"stale"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    nobody = await claims.client(None).post("/v1/keys", json={}, headers=KEY)
    assert nobody.status_code == 401, "who asks comes first"
