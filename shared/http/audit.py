"""The audit log of an HTTP API: every authenticated request leaves a row before its answer leaves us.

`shared.http.auth.install` puts `Audit` round every app with keys, so that no route can be forgotten.  A request that writes
has its row in the transaction of its effect (the `witness` of `shared.db.pool`); whatever it answers, reads and refusals too,
is recorded before the first byte of the answer is sent, and is not sent where that fails (503).  A route is left out only by
a decorator that says why."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from shared.clock import Clock
from shared.db import audit as table
from shared.db.audit import Access
from shared.db.errors import is_retryable
from shared.db.pool import Connection, Pool, witness
from shared.errors import Retryable
from shared.http.rates import RATE
from shared.observability.logging import get_logger
from shared.observability.metrics import AUDIT_FAILED

SERVICE: Final = "service"
"""Who asks where one of our own services does, with the internal token."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
UNSEEN: Final = frozenset({401, 429})
"""Refusals before anything was read: nobody is known yet, or nothing was done."""
HOURS_MAX: Final = 100_000
"""Hourly rows that a process remembers to have written."""
_HOUR_MS: Final = 3_600_000
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DEVICE_NAMES: Final = frozenset({"device", "device_id"})
_DEVICE_CHARS: Final = 128
_MARK: Final = "__audit__"
F = TypeVar("F", bound=Callable[..., Any])

log = get_logger(__name__)


class NotRecorded(Retryable):
    """The audit log took no row, so the answer is not given."""


@dataclass(frozen=True)
class Mark:
    """What a route's decorator says.  `hourly`: one row an hour for each key; else none at all."""

    hourly: bool
    why: str


def without_audit(why: str) -> Callable[[F], F]:
    """A route that shows and takes no personal data, for this reason."""
    return _marked(Mark(hourly=False, why=why))


def audited_hourly(why: str) -> Callable[[F], F]:
    """A route that is asked so often that one row for each key, tenant and hour stands for all of them."""
    return _marked(Mark(hourly=True, why=why))


def _marked(mark: Mark) -> Callable[[F], F]:
    def put(endpoint: F) -> F:
        setattr(endpoint, _MARK, mark)
        return endpoint

    return put


def mark_of(endpoint: object) -> Mark | None:
    return getattr(endpoint, _MARK, None)


def acts(tenant: UUID, key_id: str, person: str | None = None) -> None:
    """Who makes the request under way; `require` calls it before anything is read."""
    deed = witness.get()
    if isinstance(deed, Deed):
        deed.who = (tenant, key_id, person)


def acts_as_service() -> None:
    """One of our own services asks: the tenant is the one whose transaction it enters."""
    deed = witness.get()
    if isinstance(deed, Deed):
        deed.who = (None, SERVICE, None)


def concerns(tenant: UUID) -> None:
    """Whose data the request under way is about, where that is not the asking key's own tenant."""
    if (deed := witness.get()) is not None:
        deed.enters(tenant)


class Trail:
    """Where rows go, and what is known of the app's routes.  `pool`: the API role's."""

    def __init__(self, app: FastAPI, pool: Pool, clock: Clock) -> None:
        self._app = app
        self._pool = pool
        self._clock = clock
        self._routes: dict[tuple[object, str], tuple[str, int]] = {}
        self._hours: OrderedDict[tuple[object, ...], int] = OrderedDict()

    def route(self, scope: Scope) -> tuple[str, int]:
        """Template and status of success of what the request was routed to."""
        asked = (scope.get("endpoint"), scope["method"])
        if asked not in self._routes:  # also for routes that were added since
            for one in iter_route_contexts(self._app.routes):
                for method in one.methods or ():
                    status = getattr(one, "status_code", None) or 200
                    self._routes[one.endpoint, method] = (str(one.path), status)
        return self._routes.get(asked, ("unmatched", 200))

    async def add(self, access: Access) -> None:
        """Raises NotRecorded."""
        try:
            await table.add_finished(self._pool, access)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            AUDIT_FAILED.inc()
            raise NotRecorded(f"the audit log took no row: {error!r}") from error

    async def add_hourly(self, access: Access) -> None:
        """At the first such request of the hour.  Raises NotRecorded."""
        hour = self._clock() // _HOUR_MS
        what = (access.tenant, access.key_id, access.method, access.route, access.status)
        if self._hours.get(what) == hour:
            return
        await self.add(access)
        self._hours[what] = hour
        self._hours.move_to_end(what)
        while len(self._hours) > HOURS_MAX:
            self._hours.popitem(last=False)


class Deed:
    """One request: who makes it, whose data it is about, and whether its row is there."""

    def __init__(self, trail: Trail, scope: Scope) -> None:
        self._trail = trail
        self._scope = scope
        self._tenant: UUID | None = None
        self._stored: int | None = None
        self.who: tuple[UUID | None, str, str | None] | None = None

    def enters(self, tenant_id: UUID) -> None:
        self._tenant = tenant_id

    async def leaves(self, conn: Connection) -> None:
        """Beside an effect, in its transaction.  Raises NotRecorded: then there is no effect."""
        if self._scope["method"] in READING or self._mark() is not None:
            return
        status = self._trail.route(self._scope)[1]
        access = self._access(status)
        if access is None:
            return
        try:
            if await table.add_effect(conn, access):
                self._stored = status
        except asyncpg.PostgresError as error:
            if is_retryable(error):
                raise
            AUDIT_FAILED.inc()
            raise NotRecorded(f"the audit log took no row: {error!r}") from error

    async def answers(self, status: int) -> None:
        """Before the answer leaves.  Raises NotRecorded: then it must not."""
        mark, access = self._mark(), self._access(status)
        if access is None or status in UNSEEN or (mark is not None and not mark.hourly) or self._stored == status:
            return
        await (self._trail.add(access) if mark is None else self._trail.add_hourly(access))

    def _mark(self) -> Mark | None:
        return mark_of(self._scope.get("endpoint"))

    def _access(self, status: int) -> Access | None:
        """None where nobody is known, or no tenant."""
        if self.who is None:
            return None
        home, key_id, person = self.who
        tenant = self._tenant or home
        if tenant is None:
            return None
        foreign = None if home == tenant else home
        route = self._trail.route(self._scope)[0]
        request_id = str(get_contextvars().get("trace_id", ""))
        things = things_of(self._scope.get("path_params", {}), QueryParams(self._scope["query_string"]))
        return Access(tenant, key_id, person, foreign, self._scope["method"], route, things, status, request_id)


def things_of(path: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, str]:
    """The ids among a request's parameters: of the path what looks like an id, of the query UUIDs and devices alone, since any
    other value may be a name."""
    found = {name: str(value) for name, value in path.items() if _is_id(name, str(value), _PLAIN_ID)}
    return found | {name: value for name, value in query.items() if _is_id(name, value, _UUID)}


def _is_id(name: str, value: str, shape: re.Pattern[str]) -> bool:
    if name in _DEVICE_NAMES:
        return len(value) <= _DEVICE_CHARS and "\0" not in value
    return shape.fullmatch(value) is not None


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
    """The answer shows nothing of what was asked for, so a row that is missing here hides nothing."""
    try:
        await deed.answers(status)
    except NotRecorded as error:
        log.warning("a failed request is not in the audit log", status=status, error=str(error))
