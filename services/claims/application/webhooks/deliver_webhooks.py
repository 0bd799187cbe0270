"""Fan events out to endpoints and deliver them: at least once, in no promised order (docs/guide/webhooks.md)."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from services.claims.application.sealing import Sealer, place
from services.claims.application.webhooks.tell import tell
from services.claims.application.webhooks.webhook_sending import Outcome, Sender
from services.claims.domain.instants import from_ms
from services.claims.domain.webhooks.webhook_events import body_of
from services.claims.domain.webhooks.webhook_signing import delay_after, signed_headers
from services.claims.repo import webhook_events, webhooks
from services.claims.repo.webhook_events import Taken
from shared.clock import Clock
from shared.db.pool import Connection, Pool, tx
from shared.errors import Fatal, Retryable
from shared.observability.logging import get_logger
from shared.observability.metrics import CLAIMS_WEBHOOKS, LOOP_FAILURES

LOOP: Final = "webhooks"
LEASE: Final = timedelta(seconds=60)
"""Longer than the sender's own limit for an attempt, so that two workers never send the same at the same time."""
FAN_OUT_MAX: Final = 200
UNDER_WAY_MAX: Final = 64
OF_TENANT_MAX: Final = 8
OF_ENDPOINT_MAX: Final = 4
IDLE_S: Final = 0.5
KEPT: Final = timedelta(days=90)
SWEEP_EVERY_S: Final = 3_600.0
SWEEP_ROWS: Final = 500
SECRET_PLACE: Final = "webhook-secret"  # noqa: S105 - where secrets are bound to, not one

log = get_logger(__name__)


class Deliverer:
    """`across` spans tenants.  Any number may run."""

    def __init__(self, across: Pool, sealer: Sealer, sender: Sender, clock: Clock) -> None:
        self._across = across
        self._sealer = sealer
        self._sender = sender
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self._swept = 0.0

    async def next(self) -> bool:
        """Fan out, begin what is due, and wait a little for what is under way; False where there is nothing at all."""
        now = asyncio.get_running_loop().time()
        moved = await self._start_some()
        if now - self._swept > SWEEP_EVERY_S:
            await self._sweep()
            self._swept = now
        if not moved and self._under_way:
            await asyncio.wait(self._under_way, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        return bool(moved or self._under_way)

    def stop(self) -> None:
        """A delivery that is cancelled comes due again when its lease ends."""
        for one in self._under_way:
            one.cancel()

    async def round(self) -> int:
        """Fan out, attempt what is due now and wait for it; how many attempts there were."""
        await self._start_some()
        started = list(self._under_way)
        await asyncio.gather(*started)
        return len(started)

    async def _start_some(self) -> int:
        async with tx(self._across) as conn:
            fanned = await webhook_events.fan_out(conn, FAN_OUT_MAX)
        free = UNDER_WAY_MAX - len(self._under_way)
        taken: list[Taken] = []
        if free:
            async with tx(self._across) as conn:
                taken = await webhook_events.take(conn, OF_ENDPOINT_MAX, OF_TENANT_MAX, free, LEASE)
        for one in taken:
            task = asyncio.create_task(self._attempt(one), name=f"webhook {one.id}")
            self._under_way.add(task)
            task.add_done_callback(self._ended)
        return fanned + len(taken)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOOP_FAILURES.labels(LOOP).inc()
            log.error("webhook attempt broke", task=task.get_name(), exc_info=error)

    async def _attempt(self, one: Taken) -> None:
        """What breaks in an unforeseen way is an attempt that failed: else the delivery would come due for ever, and nobody be
        told."""
        try:
            try:
                outcome = await self._send(one)
            except (Retryable, Fatal):
                raise
            except Exception as error:
                LOOP_FAILURES.labels(LOOP).inc()
                log.exception("webhook attempt broke", delivery=str(one.id), error=repr(error))
                outcome = Outcome(None, "not sent: something went wrong on our side", 0)
            await self._record(one, outcome)
        except Retryable as error:
            log.warning("webhook comes due again", delivery=str(one.id), error=str(error))

    async def _send(self, one: Taken) -> Outcome:
        now_ms = self._clock()
        async with tx(self._across) as conn:
            rows = await webhooks.live_secrets(conn, one.tenant_id, [one.endpoint_id], from_ms(now_ms))
        secrets = [self._sealer.open(row.sealed, place(one.tenant_id, SECRET_PLACE, row.id)) for row in rows]
        body = body_of(one.tenant_id, one.event_id, one.type, one.event_at, one.data)
        headers = signed_headers(secrets, one.event_id, now_ms // 1000, body)
        return await self._sender.send(one.tenant_id, one.url, headers, body)

    async def _record(self, one: Taken, outcome: Outcome) -> None:
        delay = None if outcome.done or outcome.gone else delay_after(one.id, one.attempts)
        if delay is not None and outcome.pause is not None:
            delay = max(delay, outcome.pause)
        state = "delivered" if outcome.done else "failed" if delay is None else "waiting"
        async with tx(self._across) as conn:
            if not await webhook_events.finish(conn, one, state, delay):
                return
            await webhook_events.insert_attempt(conn, one, outcome.status, outcome.error, outcome.took_ms)
            if outcome.done:
                await webhooks.worked(conn, one.tenant_id, one.endpoint_id)
            else:
                if outcome.pause is not None:
                    await webhooks.pause(conn, one.tenant_id, one.endpoint_id, outcome.pause)
                since = await webhooks.failed(conn, one.tenant_id, one.endpoint_id)
                reason = await _why_disable(conn, one, outcome, since, last=delay is None)
                if reason and await webhooks.disable(conn, one.tenant_id, one.endpoint_id, reason):
                    await tell(conn, one.tenant_id, "webhook.disabled", webhook_id=one.endpoint_id)
                    log.warning("webhook endpoint disabled", endpoint=str(one.endpoint_id), reason=reason)
        CLAIMS_WEBHOOKS.labels(state).inc()

    async def _sweep(self) -> None:
        while True:
            async with tx(self._across) as conn:
                if await webhook_events.drop_old(conn, KEPT, SWEEP_ROWS) < SWEEP_ROWS:
                    return


async def _why_disable(conn: Connection, one: Taken, outcome: Outcome, failing_since: datetime, *, last: bool) -> str:
    """In words for the tenant; "": the endpoint stays on.  A delivery that ran out of attempts switches it off only where
    nothing else succeeded from its first attempt on."""
    if outcome.gone:
        return "the receiver answered 410: it is gone"
    if not last:
        return ""
    first = (await webhook_events.attempts(conn, one.tenant_id, [one.id]))[0].created_at
    if failing_since > first:
        return ""
    return f"nothing was delivered since {failing_since:%Y-%m-%d %H:%M} UTC, in {one.attempts} attempts"
