"""Tell the tenant's systems that something happened, in the transaction in which it happens: what is rolled back is never
told, what is committed always is (docs/guide/webhooks.md)."""

from uuid import UUID

from services.claims.domain.webhooks.webhook_events import EVENT_TYPES, data_of
from services.claims.repo import webhook_events
from shared.clock import new_id
from shared.db.pool import Connection


async def tell(conn: Connection, tenant: UUID, event_type: str, **ids: object) -> None:
    """`ids`: ids, days and kinds of things, never names, numbers or money.  Raises KeyError for a type that is not in the
    list of `domain/webhook_events.py`."""
    if event_type not in EVENT_TYPES:
        raise KeyError(event_type)
    await webhook_events.insert_event(conn, tenant, new_id(), event_type, data_of(ids))
