"""Deliveries that fail, wait, end, or meet each other: at least once, and no receiver holds up another."""

import asyncio
import json
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from services.claims.adapters.webhook_http import WebhookSender, open_sender
from services.claims.application.webhooks import deliver_webhooks
from services.claims.application.webhooks.deliver_webhooks import Deliverer
from services.claims.application.webhooks.tell import tell
from services.claims.application.webhooks.webhook_sending import Outcome
from services.claims.domain.webhooks.webhook_signing import ATTEMPTS_MAX
from shared.db.pool import tenant_tx, tx
from shared.observability.health import Health
from shared.rounds import for_ever
from tests.integration.claims.receiver import Receiver, listening
from tests.integration.claims.webhooks.conftest import Hooks

pytestmark = pytest.mark.integration


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
