"""Two processes do the same background work, and their connections die over and over: what happened is told once, delivered at
least once, and never lost (rules CL7, LI6, CL6)."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from services.claims.application.claim.review_all import Reviewer
from services.claims.application.statement.tell_alerts import tell_alerts_next
from services.claims.application.webhooks.deliver_webhooks import Deliverer
from shared.db.pool import open_pool
from shared.errors import Retryable
from tests.integration.claims.lodging import DAY_MS, SENT, lodged, step
from tests.integration.claims.webhooks.conftest import Hooks
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, device_day, put_days

pytestmark = pytest.mark.integration

NAME = "test-killed"
KILL = f"select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '{NAME}'"
COME_DUE = (
    "update claims.alert_sweep set due_at = now()",
    "update claims.review_due set due_at = now()",
    "update claims.webhook_delivery set due_at = now(), leased_until = null where state = 'waiting'",
)
"""Time passes: what a worker that died had taken is due again."""
PUT_DOWN = (
    "insert into claims.review_due (tenant_id, vehicle_id, due_at) select tenant_id, id, now() from claims.vehicle"
)
LEFT = """
select (select count(*) from claims.review_due) + (select count(*) from claims.webhook_event where fanned_at is null)
    + (select count(*) from claims.webhook_delivery where state = 'waiting')"""
KILLS = 15
WANTED = {
    "verification.recorded": 1,
    "claim.lodged": 1,
    "claim.sent": 1,
    "claim.received": 1,
    "claim.answer_overdue": 1,
    "disclosure.opened": 1,
    "licence.alert.run_out": 1,
    "licence.alert.will_not_be_used_up": 1,
}


async def for_ever(one: Callable[[], Awaitable[bool]]) -> None:
    """As `shared.rounds.for_ever`, with shorter rests."""
    while True:
        with contextlib.suppress(Retryable):
            await one()
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def process(hooks: Hooks) -> AsyncIterator[None]:
    """The loops that tell, on pools of their own."""
    claims, context = hooks.claims, hooks.claims.context
    worker = await open_pool(claims.database.dsn("claims", "worker"), name=NAME, size=4)
    api = await open_pool(claims.database.dsn("claims", "api"), name=NAME, size=2)
    deliverer = Deliverer(worker, context.sealer, hooks.sender, claims.clock)
    rounds = (
        deliverer.next,
        Reviewer(worker, api, context.policies, claims.clock).next,
        lambda: tell_alerts_next(worker, api, context.policy, claims.clock),
    )
    tasks = [asyncio.create_task(for_ever(one)) for one in rounds]
    yield
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    deliverer.stop()
    await worker.close()
    await api.close()
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


async def test_CL7_what_two_killed_processes_tell_is_told_once_and_never_lost(hooks: Hooks) -> None:
    fleet = hooks.fleet
    await hooks.add()
    _, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": "2026-11-22", "actor": "R Hill"})
    less = [device_day(fleet.tenant, "imei-1", FIRST_DAY + i, rev=9, off_road_mm=9 * KM) for i in range(TRAVEL_DAYS)]
    await put_days(fleet.worker, less)
    hooks.claims.clock.now_ms += 30 * DAY_MS
    superuser = await asyncpg.connect(hooks.claims.database.superuser)
    try:
        await superuser.execute(PUT_DOWN)
        async with process(hooks), process(hooks):
            for _ in range(KILLS):
                await asyncio.sleep(0.05)
                await superuser.execute(KILL)
                await superuser.execute("; ".join(COME_DUE))
            async with asyncio.timeout(60):
                while Counter(hooks.receiver.types).keys() != WANTED.keys() or await superuser.fetchval(LEFT):
                    await asyncio.sleep(0.1)
                    await superuser.execute("; ".join(COME_DUE[:2]))
        told = await superuser.fetch("select id, type from claims.webhook_event where tenant_id = $1", fleet.tenant)
    finally:
        await superuser.close()
    assert Counter(row["type"] for row in told) == WANTED
    assert {one.event["id"] for one in hooks.receiver.received} == {str(row["id"]) for row in told}
    assert len((await fleet.get("/disclosures"))["items"]) == 1
