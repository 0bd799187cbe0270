"""Webhooks from the business transaction to a real receiver: at least once, signed, never of what was rolled back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import time_machine
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.claims.adapters.webhook_http import WebhookSender, open_sender
from services.claims.application.claim import review_claim
from services.claims.application.statement import tell_alerts
from services.claims.application.webhooks import deliver_webhooks
from services.claims.application.webhooks.deliver_webhooks import Deliverer
from services.claims.application.webhooks.tell import tell
from services.claims.application.webhooks.webhook_sending import Outcome
from services.claims.domain.webhooks.webhook_signing import ATTEMPTS_MAX
from shared.db.pool import tenant_tx, tx
from shared.observability.health import Health
from shared.rounds import for_ever
from tests.integration.claims.applying import act, long_licence, surrendering
from tests.integration.claims.conftest import Claims
from tests.integration.claims.receiver import Received, Receiver, listening
from tests.integration.claims.test_claims_exemption import FEE, NEAR, apply, granted, step
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


@dataclass
class Hooks:
    """The service with a receiver that it may reach, and a worker that is run by hand."""

    claims: Claims
    fleet: Fleet
    receiver: Receiver
    deliverer: Deliverer
    sender: WebhookSender

    async def add(self, *types: str, path: str = "/in", **more: Any) -> dict[str, Any]:
        url = f"http://{self.receiver.host}{path}"
        return await self.fleet.post("/webhooks", {"url": url, "types": list(types)} | more)

    async def come_due(self) -> None:
        """Time passes: what waits is due, and leases of those that died have ended."""
        async with tx(self.claims.worker) as conn:
            await conn.execute("update claims.webhook_delivery set due_at = now() where state = 'waiting'")

    async def told(self, webhook: dict[str, Any], state: str = "") -> list[dict[str, Any]]:
        params = {"state": state} if state else {}
        return list((await self.fleet.get(f"/webhooks/{webhook['id']}/deliveries", **params))["items"])

    def verified(self, one: Received, secret: str) -> dict[str, Any]:
        with time_machine.travel(self.claims.clock.now_ms / 1000, tick=False):
            found: dict[str, Any] = Webhook(secret).verify(one.body, one.headers)
        return found

    async def event(self, **ids: object) -> None:
        async with tenant_tx(self.claims.context.pool, self.fleet.tenant) as conn:
            await tell(conn, self.fleet.tenant, "form.ready", **ids)


@pytest.fixture
async def hooks(claims: Claims) -> AsyncIterator[Hooks]:
    with listening(Receiver()) as receiver:
        context = replace(claims.context, webhook_hosts=frozenset({receiver.host}))
        open_to_it = replace(claims, context=context)
        claims.app.state.context = context
        async with open_sender() as client:
            sender = WebhookSender(client, context.webhook_hosts)
            deliverer = Deliverer(claims.worker, context.sealer, sender, claims.clock)
            yield Hooks(open_to_it, await open_to_it.fleet("Hill Farms"), receiver, deliverer, sender)


async def lodged(fleet: Fleet) -> tuple[str, str]:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    return licence, str((await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"])


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


async def test_a_receiver_that_is_down_is_tried_again_later(hooks: Hooks) -> None:
    made = await hooks.add()
    hooks.receiver.status = 503
    await hooks.event(claim_id=UUID(int=1))
    assert await hooks.deliverer.round() == 1
    assert await hooks.deliverer.round() == 0, "not before its time"
    (waiting,) = await hooks.told(made, "waiting")
    assert [(one["status"], one["error"]) for one in waiting["attempts"]] == [(503, "answered 503")]
    assert waiting["due_at"] > waiting["attempts"][0]["created_at"]
    assert (await hooks.fleet.get(f"/webhooks/{made['id']}"))["failing_since"]
    hooks.receiver.status = 200
    await hooks.come_due()
    await hooks.deliverer.round()
    (done,) = await hooks.told(made)
    assert (done["state"], [one["status"] for one in done["attempts"]]) == ("delivered", [503, 200])
    bodies = {one.body for one in hooks.receiver.received}
    ids = {one.headers["webhook-id"] for one in hooks.receiver.received}
    assert (len(hooks.receiver.received), len(bodies), len(ids)) == (2, 1, 1), "the same event, byte for byte"
    assert (await hooks.fleet.get(f"/webhooks/{made['id']}"))["failing_since"] is None


async def test_after_long_failure_the_endpoint_is_switched_off_and_another_one_is_told(hooks: Hooks) -> None:
    failing = await hooks.add("form.ready", path="/failing")
    with listening(Receiver()) as other:
        watching = replace(hooks.claims.context, webhook_hosts=frozenset({hooks.receiver.host, other.host}))
        hooks.claims.app.state.context = watching
        await hooks.fleet.post("/webhooks", {"url": f"http://{other.host}/", "types": ["webhook.disabled"]})
        hooks.receiver.status = 500
        await hooks.event(claim_id=UUID(int=1))
        for attempt in range(ATTEMPTS_MAX):
            assert (await hooks.fleet.get(f"/webhooks/{failing['id']}"))["state"] == "enabled", attempt
            await hooks.come_due()
            assert await hooks.deliverer.round() == 1
        now = await hooks.fleet.get(f"/webhooks/{failing['id']}")
        assert now["state"] == "disabled"
        assert "in 13 attempts" in now["disabled_reason"]
        (given_up,) = await hooks.told(failing)
        assert (given_up["state"], len(given_up["attempts"])) == ("failed", ATTEMPTS_MAX)
        async with open_sender() as client:
            sender = WebhookSender(client, watching.webhook_hosts)
            await Deliverer(hooks.claims.worker, watching.sealer, sender, hooks.claims.clock).round()
        assert [one.event["data"] for one in other.received] == [{"webhook_id": failing["id"]}]
        await hooks.event(claim_id=UUID(int=2))
        assert await hooks.deliverer.round() == 0, "nothing is kept for it while it is off"
        again = f"/webhooks/{failing['id']}/redeliver"
        assert (await hooks.fleet.post(again, {"since": "2020-01-01"}, 409))["code"] == "disabled"
        await hooks.fleet.post(f"/webhooks/{failing['id']}/enable", {}, 200)
        hooks.receiver.status = 200
        assert await hooks.fleet.post(again, {"since": "2020-01-01"}, 202) == {"deliveries": 2}
        await hooks.deliverer.round()
    delivered = {one["event_id"] for one in await hooks.told(failing, "delivered")}
    assert len(delivered) == 2


async def test_a_receiver_that_is_gone_is_never_asked_again_and_a_redirect_not_followed(hooks: Hooks) -> None:
    gone = await hooks.add("form.ready")
    hooks.receiver.status, hooks.receiver.location = 302, f"http://{hooks.receiver.host}/elsewhere"
    await hooks.event(claim_id=UUID(int=1))
    await hooks.deliverer.round()
    assert [one.path for one in hooks.receiver.received] == ["/in"]
    hooks.receiver.status = 410
    await hooks.come_due()
    await hooks.deliverer.round()
    now = await hooks.fleet.get(f"/webhooks/{gone['id']}")
    assert (now["state"], now["disabled_reason"]) == ("disabled", "the receiver answered 410: it is gone")
    async with tx(hooks.claims.worker) as conn:
        data = await conn.fetchval("select data from claims.webhook_event where type = 'webhook.disabled'")
    assert json.loads(data) == {"webhook_id": gone["id"]}, "the tenant's other webhooks are told"
    assert [one["state"] for one in await hooks.told(gone)] == ["failed"]


async def test_a_receiver_that_asks_to_be_left_alone_is_with_all_its_deliveries(hooks: Hooks) -> None:
    busy, other = await hooks.add("form.ready"), await hooks.add("form.ready", path="/other")
    hooks.receiver.status, hooks.receiver.retry_after = 429, "900"
    await hooks.event(claim_id=UUID(int=1))
    assert await hooks.deliverer.round() == 2
    hooks.receiver.status, hooks.receiver.retry_after = 204, ""
    await hooks.event(claim_id=UUID(int=2))
    await hooks.come_due()
    assert await hooks.deliverer.round() == 0, "the second event waits too, though it was never tried"
    for one in (busy, other):
        now = await hooks.fleet.get(f"/webhooks/{one['id']}")
        assert (now["state"], now["paused_until"] is None) == ("enabled", False)
    async with tx(hooks.claims.worker) as conn:
        assert await conn.fetchval(
            "select bool_and(paused_until between now() + '14 minutes' and now() + '15 minutes') from claims.webhook_endpoint"
        )
        await conn.execute("update claims.webhook_endpoint set paused_until = now() where id = $1", UUID(busy["id"]))
    assert await hooks.deliverer.round() == 2, "the pause of one is over"
    await hooks.fleet.post(f"/webhooks/{other['id']}/enable", {}, 200)
    assert await hooks.deliverer.round() == 2, "who is switched on again is sent to at once"
    assert {one["state"] for one in [*await hooks.told(busy), *await hooks.told(other)]} == {"delivered"}
    assert (await hooks.fleet.get(f"/webhooks/{busy['id']}"))["paused_until"] is None


async def test_the_next_attempt_is_never_before_the_time_that_was_asked(hooks: Hooks) -> None:
    webhook = await hooks.add("form.ready")
    await hooks.event(claim_id=UUID(int=1))
    for status, asked, shortest, longest in (
        (503, "1800", 1_799, 1_801), (503, "86400", 3_599, 3_601), (500, "1800", 140, 220), (429, "soon", 700, 1_100)
    ):  # fmt: skip
        hooks.receiver.status, hooks.receiver.retry_after = status, asked
        await hooks.fleet.post(f"/webhooks/{webhook['id']}/enable", {}, 200)
        await hooks.come_due()
        assert await hooks.deliverer.round() == 1
        async with tx(hooks.claims.worker) as conn:
            seconds = await conn.fetchval(
                "select extract(epoch from d.due_at - a.created_at)::int from claims.webhook_delivery d"
                " join claims.webhook_attempt a on a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.no = d.attempts"
            )
        assert shortest <= seconds <= longest, (status, asked)


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


async def test_an_attempt_that_breaks_in_an_unforeseen_way_is_recorded_and_ends_after_the_last_one(
    hooks: Hooks,
) -> None:
    made = await hooks.add()

    class Broken:
        async def send(self, *_: object) -> Outcome:
            raise UnicodeError("label empty or too long")

    context = hooks.claims.context
    deliverer = Deliverer(hooks.claims.worker, context.sealer, Broken(), hooks.claims.clock)
    await hooks.event(claim_id=UUID(int=1))
    for _ in range(ATTEMPTS_MAX):
        assert await deliverer.round() == 1
        await hooks.come_due()
    assert await deliverer.round() == 0
    (failed,) = await hooks.told(made, "failed")
    assert {one["error"] for one in failed["attempts"]} == {"not sent: something went wrong on our side"}
    assert len(failed["attempts"]) == ATTEMPTS_MAX
    assert (await hooks.fleet.get(f"/webhooks/{made['id']}"))["state"] == "disabled"


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


async def test_two_workers_deliver_each_event_once(hooks: Hooks) -> None:
    await hooks.add()
    for number in range(40):
        await hooks.event(claim_id=UUID(int=number))
    other = Deliverer(hooks.claims.worker, hooks.claims.context.sealer, hooks.sender, hooks.claims.clock)
    while sum(await asyncio.gather(hooks.deliverer.round(), other.round())):
        pass
    ids = [one.headers["webhook-id"] for one in hooks.receiver.received]
    assert (len(ids), len(set(ids))) == (40, 40)


async def test_a_slow_receiver_holds_up_nobody_else(hooks: Hooks) -> None:
    """It keeps its own few places; another endpoint and another tenant go on."""
    slow = await hooks.add(path="/slow")
    for number in range(30):
        await hooks.event(claim_id=UUID(int=number))
    with listening(Receiver()) as quick:
        hosts = frozenset({hooks.receiver.host, quick.host})
        hooks.claims.app.state.context = replace(hooks.claims.context, webhook_hosts=hosts)
        neighbour = await hooks.claims.fleet("Neighbours")
        await neighbour.post("/webhooks", {"url": f"http://{quick.host}/"})
        await neighbour.add_claimant("Neighbours Limited")
        async with tenant_tx(hooks.claims.context.pool, neighbour.tenant) as conn:
            for number in range(20):
                await tell(conn, neighbour.tenant, "form.ready", claim_id=UUID(int=number))
        hooks.receiver.slow_s = 2.0
        async with open_sender() as client:
            worker = Deliverer(
                hooks.claims.worker, hooks.claims.context.sealer, WebhookSender(client, hosts), hooks.claims.clock
            )
            running = asyncio.create_task(for_ever("webhooks", worker.next, Health(), stale_after_s=60.0, idle_s=0.05))
            while len(quick.received) < 20:
                assert not running.done()
                await asyncio.sleep(0.05)
            behind = [one for one in await hooks.told(slow) if one["state"] == "waiting"]
            assert len(behind) > 20, "the slow one is still far behind"
            running.cancel()
            worker.stop()
            await asyncio.gather(running, return_exceptions=True)
    assert hooks.receiver.most_under_way <= deliver_webhooks.OF_ENDPOINT_MAX


async def test_CL7_an_over_claim_is_told_once(hooks: Hooks) -> None:
    await hooks.add("disclosure.opened")
    licence, claim = await lodged(hooks.fleet)
    days = [
        device_day(hooks.fleet.tenant, "imei-1", FIRST_DAY + i, rev=9, off_road_mm=9 * KM) for i in range(TRAVEL_DAYS)
    ]
    await put_days(hooks.fleet.worker, days)
    for _ in range(2):
        context = hooks.claims.context
        await review_claim.review_claim(
            context.pool, hooks.fleet.tenant, UUID(claim), context.policy, hooks.claims.clock()
        )
    await hooks.deliverer.round()
    (one,) = hooks.receiver.received
    (task,) = (await hooks.fleet.get("/disclosures"))["items"]
    assert one.event["data"] == {"disclosure_id": task["id"], "claim_id": claim, "licence_id": licence}


async def test_LI6_alerts_of_licences_are_told_once_each(hooks: Hooks) -> None:
    await hooks.fleet.claimable()
    pool, policy, clock = hooks.claims.context.pool, hooks.claims.context.policy, hooks.claims.clock

    async def sweep() -> None:
        async with tx(hooks.claims.worker) as conn:
            await conn.execute("update claims.alert_sweep set due_at = now()")
        while await tell_alerts.tell_alerts_next(hooks.claims.worker, pool, policy, clock):
            pass
        while await hooks.deliverer.round():
            pass

    assert not await tell_alerts.tell_alerts_next(hooks.claims.worker, pool, policy, clock), "nobody listens"
    await hooks.add()
    await sweep()
    assert sorted(hooks.receiver.types) == ["licence.alert.run_out", "licence.alert.will_not_be_used_up"]
    await sweep()
    assert len(hooks.receiver.received) == 2
    clock.now_ms += 670 * DAY_MS
    await sweep()
    assert sorted(hooks.receiver.types[2:]) == ["licence.alert.latest_receipt"] * 2
    on = {one.event["data"]["due_on"] for one in hooks.receiver.received[2:]}
    due = {one["due_on"] for one in (await hooks.fleet.get("/alerts", kind="latest_receipt"))["items"]}
    assert on == due


async def told_after(hooks: Hooks, days: int) -> list[tuple[str, ...]]:
    """(type, *data) of what is new so many days later."""
    context, clock = hooks.claims.context, hooks.claims.clock
    hooks.receiver.received.clear()
    clock.now_ms += days * DAY_MS
    async with tx(hooks.claims.worker) as conn:
        await conn.execute("update claims.alert_sweep set due_at = now()")
    while await tell_alerts.tell_alerts_next(hooks.claims.worker, context.pool, context.policy, clock):
        pass
    while await hooks.deliverer.round():
        pass
    return sorted((one.event["type"], *one.event["data"].values()) for one in hooks.receiver.received)


async def test_CL6_OT2_EX1_an_answer_that_does_not_come_in_its_working_days_is_told_once_a_day_that_passed(
    hooks: Hooks,
) -> None:
    fleet, on = hooks.fleet, "2026-11-22"  # a Sunday
    _, claim = await lodged(fleet)
    surrender = await surrendering(fleet, await long_licence(fleet, "RUC 9", "DEF456", "imei-2"))
    await act(fleet, surrender, "ready")
    await act(fleet, surrender, "sent", {"on": on, "channel": "online"})
    await act(fleet, surrender, "received", {"on": on})
    exemption = await apply(fleet, await fleet.add_ute("GHJ789", "imei-3"), NEAR)
    await step(fleet, exemption["id"], "sent", fee_cents=FEE)
    await fleet.post(f"/claims/{claim}/sent", {"on": on, "channel": "email", "actor": "a"}, 200)
    await fleet.post(f"/claims/{claim}/received", {"on": on, "actor": "a"}, 200)
    await hooks.add("claim.answer_overdue", "application.answer_overdue", "exemption.answer_overdue")

    assert await told_after(hooks, 3) == [], "on the third working day it may still come"
    assert await told_after(hooks, 1) == [("exemption.answer_overdue", exemption["id"], "2026-11-25")]
    assert await told_after(hooks, 8) == []
    assert await told_after(hooks, 3) == [
        ("application.answer_overdue", surrender["id"], "2026-12-04"),
        ("claim.answer_overdue", claim, "2026-12-04"),
    ]
    assert await told_after(hooks, 1) == [], "once"
    again = "2026-12-07"
    await fleet.post(f"/claims/{claim}/returned", {"on": again, "reason": "unsigned", "actor": "a"}, 200)
    await fleet.post(f"/claims/{claim}/sent", {"on": again, "channel": "email", "actor": "a"}, 200)
    await fleet.post(f"/claims/{claim}/received", {"on": again, "actor": "a"}, 200)
    (later,) = await told_after(hooks, 30)
    assert (later[:2], later[2] > again) == (("claim.answer_overdue", claim), True)


async def test_EX4_a_duty_is_told_on_its_day_and_once_more_when_that_has_passed(hooks: Hooks) -> None:
    """Granted and changed on Sunday 22 November: both duties are due on Friday, and one is done before."""
    fleet = hooks.fleet
    exemption = await granted(fleet, await fleet.add_ute(), NEAR)
    await step(fleet, exemption, "changed", reference="another address")
    await step(fleet, exemption, "done", code="tell_changes", reference="letter 1")
    await hooks.add("exemption.duty_due", "exemption.duty_overdue")
    assert await told_after(hooks, 4) == [], "the day before"
    label = (exemption, "display_label", "2026-11-27")
    assert await told_after(hooks, 1) == [("exemption.duty_due", *label)]
    assert await told_after(hooks, 0) == [], "once"
    assert await told_after(hooks, 1) == [("exemption.duty_overdue", *label)]
    assert await told_after(hooks, 1) == []
    await step(fleet, exemption, "reading_requested", on="2026-11-29", reference="request 3")
    reading = (exemption, "give_reading", "2026-12-04")
    assert await told_after(hooks, 30) == [("exemption.duty_overdue", *reading)], "nobody looked on its day"


async def test_EX4_what_is_not_owed_any_more_is_not_told(hooks: Hooks) -> None:
    fleet = hooks.fleet
    annulled = await granted(fleet, await fleet.add_ute("GHJ789", "imei-3"), NEAR)
    await step(fleet, annulled, "annulled", reason="another vehicle")
    ended = await granted(fleet, await fleet.add_ute(), NEAR)
    await step(fleet, ended, "ended", at="2026-11-21", code="revoked")
    await hooks.add("exemption.duty_due", "exemption.duty_overdue")
    assert await told_after(hooks, 5) == [("exemption.duty_due", ended, "give_last_reading", "2026-11-27")]


async def test_CL7_a_task_that_a_review_closes_or_opens_again_is_told(hooks: Hooks) -> None:
    """As is one that a person closes."""
    fleet = hooks.fleet
    licence, claim = await lodged(fleet)
    await hooks.add("disclosure.opened", "disclosure.closed")

    async def reviewed(rev: int, off_road_mm: int) -> list[dict[str, str]]:
        day = device_day(fleet.tenant, "imei-1", FIRST_DAY + 4, rev=rev, off_road_mm=off_road_mm)
        await put_days(fleet.worker, [day])
        await fleet.post(f"/claims/{claim}/review", {}, 200)
        return await told()

    async def told() -> list[dict[str, str]]:
        """The data of what is new, with the type's last word."""
        hooks.receiver.received.clear()
        while await hooks.deliverer.round():
            pass
        found = [one.event for one in hooks.receiver.received]
        return [
            one["data"] | {"did": one["type"].split(".")[1]} for one in sorted(found, key=lambda one: str(one["type"]))
        ]

    (opened,) = await reviewed(2, 5 * KM)
    of_line = {"claim_id": claim, "licence_id": licence}
    first = {"disclosure_id": opened["disclosure_id"]} | of_line
    assert opened == first | {"did": "opened"}
    closed, again = await reviewed(3, 10 * KM)
    assert closed == first | {"closed_as": "replaced", "did": "closed"}
    second = {"disclosure_id": again["disclosure_id"]} | of_line
    assert (again, second != first) == (second | {"did": "opened"}, True)
    assert await reviewed(4, 10 * KM) == [], "nothing new"
    assert await reviewed(5, 40 * KM) == [second | {"closed_as": "not_owed_any_more", "did": "closed"}]
    (third,) = await reviewed(6, 5 * KM)
    close = {"on": "2026-11-22", "closed_as": "repaid", "cents": 10_000, "reference": "receipt", "actor": "a"}
    await fleet.post(f"/disclosures/{third['disclosure_id']}/close", close, 200)
    assert await told() == [third | {"closed_as": "repaid", "did": "closed"}]


async def test_old_deliveries_and_their_events_are_forgotten(hooks: Hooks) -> None:
    made = await hooks.add()
    await hooks.event(claim_id=UUID(int=1))
    await hooks.deliverer.round()
    await hooks.deliverer._sweep()
    assert len(await hooks.told(made)) == 1
    owner = await asyncpg.connect(hooks.claims.database.superuser)
    await owner.execute("update claims.webhook_delivery set finished_at = now() - interval '91 days'")
    await owner.execute("update claims.webhook_event set created_at = now() - interval '91 days'")
    await owner.close()
    await hooks.deliverer._sweep()
    assert await hooks.told(made) == []
    async with tx(hooks.claims.worker) as conn:
        assert await conn.fetchval("select count(*) from claims.webhook_event") == 0
