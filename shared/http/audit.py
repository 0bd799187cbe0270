"""The audit log of an HTTP API: every authenticated request leaves a row before its answer leaves us.

`shared.http.auth.install` puts `Audit` round every app with keys, so that no route can be forgotten.  A request that writes
has its row in the transaction of its effect (the `witness` of `shared.db.pool`); whatever it answers, reads and refusals too,
is recorded before the first byte of the answer is sent, and is not sent where that fails (503).  A route is left out only by
a decorator that says why."""

from collections.abc import Callable, Collection, Mapping
from typing import Final
from uuid import UUID

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db.pool import witness
from shared.errors import Retryable
from shared.http.deeds import Deed, F, Mark, NotRecorded, Trail, marked
from shared.http.rates import RATE
from shared.observability.logging import get_logger

SERVICE: Final = "service"
"""Who asks where one of our own services does, with the internal token."""
FAULT_WAIT_S: Final = 0.5
"""For a connection to record that a request failed: it may have failed for want of one, and has waited long enough."""

log = get_logger(__name__)


def without_audit(why: str) -> Callable[[F], F]:
    """A route that shows and takes no personal data, for this reason."""
    return marked(Mark(hourly=False, why=why))


def audited_hourly(why: str) -> Callable[[F], F]:
    """A route that is asked so often that one row for each key, tenant and hour stands for all of them."""
    return marked(Mark(hourly=True, why=why))


def acts(tenant: UUID, key_id: str, person: str | None = None) -> None:
    """Who makes the request under way; `require` calls it before anything is read."""
    if (deed := _deed()) is not None:
        deed.who = (tenant, key_id, person)


def acts_as_service() -> None:
    """One of our own services asks: the tenant is the one whose transaction it enters."""
    if (deed := _deed()) is not None:
        deed.who = (None, SERVICE, None)


def concerns(*tenants: UUID) -> None:
    """Whose data the request under way is about, where that is not the asking key's own tenant: each has a row of its own."""
    if (deed := _deed()) is not None:
        deed.concerns(tenants)


def looks_over(tenants: Collection[UUID]) -> None:
    """The request under way is an operator's look over all these tenants' registers, of which none may learn what it showed
    (rule LI4): every one of them gets the same row, in words that say no more (`deeds.OVERVIEW`), once an hour for each key."""
    if (deed := _deed()) is not None:
        deed.looks_over(tenants)


def _deed() -> Deed | None:
    seen_by = witness.get()
    return seen_by if isinstance(seen_by, Deed) else None


class Audit:
    """ASGI middleware, the innermost: whatever leaves the routes passes here first."""

    def __init__(self, app: ASGIApp, trail: Trail) -> None:
        self.app = app
        self.trail = trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deed = Deed(self.trail, scope)

        async def recorded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                await deed.answers(message["status"])
                if (standing := scope.get(RATE)) is not None:
                    message["headers"] = [*message.get("headers", []), *_encoded(standing.headers())]
            await send(message)

        token = witness.set(deed)
        try:
            await self.app(scope, receive, recorded_send)
        except NotRecorded:
            raise
        except Exception as error:
            await _fault(deed, 503 if isinstance(error, Retryable) else 500)
            raise
        finally:
            witness.reset(token)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


async def _fault(deed: Deed, status: int) -> None:
    """The answer shows nothing of what was asked for, so a row that is missing here hides nothing, and is not waited for."""
    try:
        await deed.answers(status, FAULT_WAIT_S)
    except NotRecorded as error:
        log.warning("a failed request is not in the audit log", status=status, error=str(error))
