"""A receiver that the service may reach, and what it was told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import time_machine
from standardwebhooks import Webhook

from services.claims.adapters.webhook_http import WebhookSender, open_sender
from services.claims.application.webhooks.deliver_webhooks import Deliverer
from services.claims.application.webhooks.tell import tell
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.receiver import Received, Receiver, listening
from tests.integration.claims.world import Fleet


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
