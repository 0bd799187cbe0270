"""What nobody did by a request is told too, once: over-claims, alerts of licences, answers that do not come."""

from uuid import UUID

import pytest

from services.claims.application.claim import review_claim
from services.claims.application.statement import tell_alerts
from shared.db.pool import tx
from tests.integration.claims.applying import act, long_licence, surrendering
from tests.integration.claims.lodging import DAY_MS, lodged
from tests.integration.claims.test_claims_exemption import FEE, NEAR, apply, granted, step
from tests.integration.claims.webhooks.conftest import Hooks
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, device_day, put_days

pytestmark = pytest.mark.integration


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
