"""A tenant's webhook endpoints: made, changed, given another secret, switched off and on, asked for a test or for more."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.claims.application.refusals import already_exists, invalid, not_found
from services.claims.application.sealing import Sealer, place
from services.claims.application.webhooks.deliver_webhooks import SECRET_PLACE
from services.claims.domain.webhooks.webhook_events import TEST, data_of
from services.claims.domain.webhooks.webhook_signing import SECRET_BYTES
from services.claims.repo import webhook_events, webhooks
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.webhooks import EndpointRow, SecretRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import Problem

ENDPOINTS_MAX: Final = 20
AGAIN_MAX: Final = 1_000


@dataclass(frozen=True)
class Change:
    """What of an endpoint changes; None: stays."""

    url: str | None
    description: str | None
    types: list[str] | None


async def add_endpoint(conn: Connection, tenant: UUID, row: EndpointRow, sealer: Sealer) -> bytes:
    """The secret.  Raises Problem 409 `already_exists` for a ref that is taken, `too_many`."""
    await one_at_a_time(conn, tenant, "webhook")
    existing = None if row.ref is None else await webhooks.endpoint_of_ref(conn, tenant, row.ref)
    if existing is not None:
        raise already_exists("A webhook has this ref already.", existing)
    if await webhooks.count_endpoints(conn, tenant) >= ENDPOINTS_MAX:
        raise Problem(
            409, "too_many", "There are too many webhooks", f"A tenant has at most {ENDPOINTS_MAX}: change one of them."
        )
    await webhooks.insert_endpoint(conn, tenant, row)
    return await _new_secret(conn, tenant, row.id, sealer, row.created_at)


async def _new_secret(conn: Connection, tenant: UUID, endpoint_id: UUID, sealer: Sealer, now: datetime) -> bytes:
    secret, secret_id = secrets.token_bytes(SECRET_BYTES), new_id()
    sealed = sealer.seal(secret, place(tenant, SECRET_PLACE, secret_id))
    row = SecretRow(id=secret_id, endpoint_id=endpoint_id, sealed=sealed, created_at=now, expires_at=None)
    await webhooks.insert_secret(conn, tenant, row)
    return secret


async def rotate_secret(
    conn: Connection, tenant: UUID, endpoint_id: UUID, sealer: Sealer, now: datetime, overlap: timedelta
) -> bytes:
    """A new secret beside the present one, which signs too until the overlap ends.  Raises Problem 404."""
    await _locked(conn, tenant, endpoint_id)
    await webhooks.expire_secrets(conn, tenant, endpoint_id, now + overlap, now)
    return await _new_secret(conn, tenant, endpoint_id, sealer, now)


async def change_endpoint(conn: Connection, tenant: UUID, endpoint_id: UUID, change: Change) -> None:
    """Raises Problem 404."""
    await _locked(conn, tenant, endpoint_id)
    row = await read_endpoint(conn, tenant, endpoint_id)
    given = {name: value for name, value in vars(change).items() if value is not None}
    await webhooks.change_endpoint(conn, tenant, replace(row, **given))


async def switch(conn: Connection, tenant: UUID, endpoint_id: UUID, *, on: bool, reason: str = "") -> None:
    """Off: nothing is sent and nothing new is kept for it; what waited goes on when it is on again.  Raises Problem 404."""
    await _locked(conn, tenant, endpoint_id)
    if on:
        await webhooks.enable(conn, tenant, endpoint_id)
    else:
        await webhooks.disable(conn, tenant, endpoint_id, reason)


async def send_test(conn: Connection, tenant: UUID, endpoint_id: UUID) -> UUID:
    """The event's id.  Raises Problem 404, 409 `disabled`."""
    await _enabled(conn, tenant, endpoint_id)
    event_id = new_id()
    await webhook_events.insert_test(conn, tenant, event_id, TEST, data_of({"webhook_id": endpoint_id}))
    await webhook_events.insert_deliveries(conn, tenant, endpoint_id, [event_id])
    return event_id


async def deliver_again(
    conn: Connection, tenant: UUID, endpoint_id: UUID, event_ids: Sequence[UUID], since: datetime | None
) -> int:
    """Named events, or all since an instant of the types that it asks for, once more; how many.

    Raises Problem 404, 409 `disabled`, 422 for an event that is not there (any more) or too many at once."""
    await _enabled(conn, tenant, endpoint_id)
    wanted = list(dict.fromkeys(event_ids))
    if since is not None:
        wanted = await webhook_events.events_since(conn, tenant, endpoint_id, since, AGAIN_MAX + 1)
        if len(wanted) > AGAIN_MAX:
            raise invalid("/since", f"more than {AGAIN_MAX} events since then: ask for a later time first")
    missing = set(wanted) - await webhook_events.known_events(conn, tenant, wanted)
    if missing:
        raise invalid("/event_ids", f"there is no event {min(missing)}: they are kept for 90 days", "unknown_id")
    return await webhook_events.insert_deliveries(conn, tenant, endpoint_id, wanted)


async def read_endpoint(conn: Connection, tenant: UUID, endpoint_id: UUID) -> EndpointRow:
    """Raises Problem 404."""
    row = await webhooks.endpoint(conn, tenant, endpoint_id)
    if row is None:
        raise not_found("webhook", endpoint_id)
    return row


async def _locked(conn: Connection, tenant: UUID, endpoint_id: UUID) -> str:
    state = await webhooks.lock_endpoint(conn, tenant, endpoint_id)
    if state is None:
        raise not_found("webhook", endpoint_id)
    return state


async def _enabled(conn: Connection, tenant: UUID, endpoint_id: UUID) -> None:
    if await _locked(conn, tenant, endpoint_id) != "enabled":
        raise Problem(409, "disabled", "The webhook is switched off", "Switch it on first, then ask again.")
