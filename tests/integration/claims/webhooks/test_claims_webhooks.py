"""Webhooks from the business transaction to a real receiver: at least once, signed, never of what was rolled back."""

import contextlib
import json

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.claims.application.webhooks.tell import tell
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.lodging import DAY_MS, lodged
from tests.integration.claims.webhooks.conftest import Hooks

pytestmark = pytest.mark.integration


async def test_a_claims_life_is_told_thin_signed_and_once(hooks: Hooks) -> None:
    fleet, made = hooks.fleet, await hooks.add()
    assert made["secret"].startswith("whsec_")
    licence, claim = await lodged(fleet)
    on = "2026-11-22"
    await fleet.post(f"/claims/{claim}/sent", {"on": on, "channel": "email", "actor": "R Hill"}, 200)
    await fleet.post(f"/claims/{claim}/received", {"on": on, "actor": "R Hill"}, 200)
    accepted = {"licence_id": licence, "kind": "accepted", "on": on, "distance_km": 500}
    await fleet.post(f"/claims/{claim}/outcomes", {"actor": "R Hill", "lines": [accepted]}, 200)
    while await hooks.deliverer.round():
        pass
    assert sorted(hooks.receiver.types) == sorted(
        [
            "verification.recorded",
            "claim.lodged",
            "claim.sent",
            "claim.received",
            "claim_line.accepted",
            "claim.decided",
        ]
    )
    for one in hooks.receiver.received:
        event = hooks.verified(one, made["secret"])
        assert set(event) == {"id", "type", "timestamp", "tenant_id", "data"}
        assert one.headers["webhook-id"] == event["id"]
        assert event["tenant_id"] == str(fleet.tenant)
        assert set(event["data"]) <= {"claim_id", "licence_id"}
        assert {"claim_id": claim, "licence_id": licence}.items() >= event["data"].items()
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "A" * 43 + "=").verify(one.body, one.headers)
    assert {one["state"] for one in await hooks.told(made)} == {"delivered"}
    await hooks.come_due()
    assert await hooks.deliverer.round() == 0


async def test_what_is_rolled_back_or_refused_tells_nothing(hooks: Hooks) -> None:
    fleet = hooks.fleet
    await hooks.add()
    with contextlib.suppress(ZeroDivisionError):
        async with tenant_tx(hooks.claims.context.pool, fleet.tenant) as conn:
            await tell(conn, fleet.tenant, "form.ready", claim_id=fleet.tenant)
            raise ZeroDivisionError
    licence, claim = await lodged(fleet)
    await fleet.post(f"/claims/{claim}/received", {"on": "2026-11-22", "actor": "a"}, 409)
    await fleet.verify(licence)  # again, by the same person
    csv, wrong = b"legal_name\nOne Ltd\n", b"name\nOne Ltd\n\x01\n"
    for body in (csv, wrong):
        await fleet.client.post(
            "/v1/imports/claimants", params={"atomic": "true"}, content=body, headers={"Content-Type": "text/csv"}
        )
    with pytest.raises(KeyError):
        async with tenant_tx(hooks.claims.context.pool, fleet.tenant) as conn:
            await tell(conn, fleet.tenant, "claim.unknown")
    while await hooks.deliverer.round():
        pass
    assert sorted(hooks.receiver.types) == ["claim.lodged", "verification.recorded"]


async def test_a_rotation_signs_with_both_secrets_until_the_overlap_ends(hooks: Hooks) -> None:
    made = await hooks.add()
    path = f"/webhooks/{made['id']}"
    first = await hooks.fleet.post(f"{path}/rotate-secret", {"overlap_hours": 24}, 200)
    second = await hooks.fleet.post(f"{path}/rotate-secret", {"overlap_hours": 24}, 200)
    assert len({made["secret"], first["secret"], second["secret"]}) == 3

    async def accepted_by() -> list[bool]:
        await hooks.fleet.post(f"{path}/test", {}, 202)
        await hooks.deliverer.round()
        last, found = hooks.receiver.received[-1], []
        for secret in (made["secret"], first["secret"], second["secret"]):
            try:
                found.append(bool(hooks.verified(last, secret)))
            except WebhookVerificationError:
                found.append(False)
        return found

    assert await accepted_by() == [False, True, True], "two live ones at most"
    hooks.claims.clock.now_ms += DAY_MS - 1_000
    assert await accepted_by() == [False, True, True]
    hooks.claims.clock.now_ms += 2_000
    assert await accepted_by() == [False, False, True]


async def test_a_secret_is_shown_once_and_lies_sealed(hooks: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    body = {"url": f"http://{hooks.receiver.host}/", "description": "portal", "ref": "w1"}
    headers = {"Idempotency-Key": "make-it"}
    first = await hooks.fleet.client.post("/v1/webhooks", json=body, headers=headers)
    again = await hooks.fleet.client.post("/v1/webhooks", json=body, headers=headers)
    made = first.json()
    assert (again.json()["id"], again.json()["secret"]) == (made["id"], None)
    assert (await hooks.fleet.post("/webhooks", body, 409))["existing_id"] == made["id"]
    assert "secret" not in await hooks.fleet.get(f"/webhooks/{made['id']}")
    secret = made["secret"].removeprefix("whsec_")
    async with tx(hooks.claims.worker) as conn:
        stored = await conn.fetchval("select convert_from(body, 'utf8') from claims.idempotency")
        sealed = await conn.fetchval("select sealed from claims.webhook_secret")
    assert json.loads(stored)["id"] == made["id"]
    assert secret not in stored
    assert len(sealed) > 32
    await hooks.fleet.post(f"/webhooks/{made['id']}/test", {}, 202)
    await hooks.deliverer.round()
    assert secret not in caplog.text
    stranger = await hooks.claims.fleet("Others")
    for path in ("", "/deliveries"):
        await stranger.get(f"/webhooks/{made['id']}{path}", 404)
    for path in ("test", "enable", "rotate-secret"):
        await stranger.post(f"/webhooks/{made['id']}/{path}", {}, 404)
    assert (await stranger.get("/webhooks"))["items"] == []


async def test_a_webhook_is_changed_switched_and_refused_where_it_may_not_lead(hooks: Hooks) -> None:
    made = await hooks.add()
    path = f"/v1/webhooks/{made['id']}"
    changed = await hooks.fleet.client.patch(path, json={"types": ["claim.sent"]})
    assert (changed.json()["types"], changed.json()["url"]) == (["claim.sent"], made["url"])
    off = await hooks.fleet.post(f"/webhooks/{made['id']}/disable", {"reason": "moving house"}, 200)
    assert (off["state"], off["disabled_reason"]) == ("disabled", "moving house")
    assert (await hooks.fleet.post(f"/webhooks/{made['id']}/test", {}, 409))["code"] == "disabled"
    for url in (
        "http://hooks.example.nz/",
        "https://127.0.0.1/",
        "https://a:b@hooks.example.nz/",
        "https://x.nz:25/",
        "https://a..b/",
    ):
        refused = await hooks.fleet.post("/webhooks", {"url": url}, 422)
        assert refused["errors"][0]["pointer"] == "/url"
        assert (await hooks.fleet.client.patch(path, json={"url": url})).status_code == 422
    unknown = await hooks.fleet.post("/webhooks", {"url": "https://hooks.example.nz/", "types": ["claim.*"]}, 422)
    assert unknown["errors"][0]["pointer"] == "/types/0"
    known = {one["type"] for one in (await hooks.fleet.get("/webhook-event-types"))["items"]}
    assert {"claim.lodged", "licence.alert.latest_receipt"} <= known
