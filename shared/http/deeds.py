"""One request as the audit log has it: who asks, whose data it is about, which rows it leaves."""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.datastructures import QueryParams
from starlette.types import Scope
from structlog.contextvars import get_contextvars

from shared.clock import Clock
from shared.db import audit as table
from shared.db.audit import OPERATOR, Access
from shared.db.errors import is_retryable
from shared.db.pool import ACQUIRE_TIMEOUT_S, Connection, Pool
from shared.errors import Retryable
from shared.observability.metrics import AUDIT_FAILED

OVERVIEW: Final = "/v1/ops"
"""Stands for the route in every tenant's log where an operator looked over all tenants' registers at once: whose data the
answer showed is not to be told from it (rule LI4)."""
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


class NotRecorded(Retryable):
    """The audit log took no row, so the answer is not given."""


@dataclass(frozen=True)
class Mark:
    """What a route's decorator says.  `hourly`: one row an hour for each key; else none at all."""

    hourly: bool
    why: str


def marked(mark: Mark) -> Callable[[F], F]:
    def put(endpoint: F) -> F:
        setattr(endpoint, _MARK, mark)
        return endpoint

    return put


def mark_of(endpoint: object) -> Mark | None:
    return getattr(endpoint, _MARK, None)


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

    async def add(self, rows: Sequence[Access], wait_s: float) -> None:
        """All or none.  `wait_s`: for a connection.  Raises NotRecorded."""
        if not rows:
            return
        try:
            await table.add_finished(self._pool, rows, wait_s)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            AUDIT_FAILED.inc()
            raise NotRecorded(f"the audit log took no row: {error!r}") from error

    async def add_hourly(self, rows: Sequence[Access], wait_s: float) -> None:
        """Of each the first of its hour.  Raises NotRecorded."""
        hour = self._clock() // _HOUR_MS
        new = {(row.tenant, row.key_id, row.method, row.route, row.status): row for row in rows}
        new = {what: row for what, row in new.items() if self._hours.get(what) != hour}
        await self.add(list(new.values()), wait_s)
        for what in new:
            self._hours[what] = hour
            self._hours.move_to_end(what)
        while len(self._hours) > HOURS_MAX:
            self._hours.popitem(last=False)


class Deed:
    """One request: who makes it, whose data it is about, and which rows are there."""

    def __init__(self, trail: Trail, scope: Scope) -> None:
        self._trail = trail
        self._scope = scope
        self._entered: UUID | None = None
        self._named: dict[UUID, None] = {}
        self._over: frozenset[UUID] = frozenset()
        self._stored: set[tuple[UUID, int]] = set()
        self.who: tuple[UUID | None, str, str | None] | None = None

    def enters(self, tenant_id: UUID) -> None:
        self._entered = tenant_id

    def concerns(self, tenants: Collection[UUID]) -> None:
        """These, and not whose transactions are entered besides."""
        self._named |= dict.fromkeys(tenants)

    def looks_over(self, tenants: Collection[UUID]) -> None:
        """An operator's look over all of them: see OVERVIEW."""
        self._over |= frozenset(tenants)

    async def leaves(self, conn: Connection) -> None:
        """Beside an effect, in its transaction.  Raises NotRecorded: then there is no effect."""
        if self._scope["method"] in READING or self._mark() is not None or self.who is None:
            return
        status = self._trail.route(self._scope)[1]
        tenant = self._entered or self.who[0]
        if tenant is None:
            return
        try:
            if await table.add_effect(conn, self._access(tenant, status)):
                self._stored.add((tenant, status))
        except asyncpg.PostgresError as error:
            if is_retryable(error):
                raise
            AUDIT_FAILED.inc()
            raise NotRecorded(f"the audit log took no row: {error!r}") from error

    async def answers(self, status: int, wait_s: float = ACQUIRE_TIMEOUT_S) -> None:
        """Before the answer leaves.  `wait_s`: for a connection.  Raises NotRecorded: then it must not."""
        mark = self._mark()
        if self.who is None or status in UNSEEN or (mark is not None and not mark.hourly):
            return
        rows = [self._access(tenant, status) for tenant in self._tenants() if (tenant, status) not in self._stored]
        if mark is None:
            await self._trail.add(rows, wait_s)
        else:
            await self._trail.add_hourly(rows, wait_s)
        await self._trail.add_hourly([self._overview(tenant, status) for tenant in self._over], wait_s)

    def _mark(self) -> Mark | None:
        return mark_of(self._scope.get("endpoint"))

    def _tenants(self) -> Sequence[UUID]:
        """In whose logs the request stands: whose data it is about, and the operator's own whatever its people look at."""
        home = self.who and self.who[0]
        about = [*self._named] or [one for one in (self._entered or home,) if one is not None]
        return [*about, OPERATOR] if home == OPERATOR and OPERATOR not in about else about

    def _access(self, tenant: UUID, status: int) -> Access:
        home, key_id, person = self.who or (None, "", None)
        route = self._trail.route(self._scope)[0]
        things = things_of(self._scope.get("path_params", {}), QueryParams(self._scope["query_string"]))
        if tenant == OPERATOR and len(self._named) == 1:
            things |= {"tenant_id": str(next(iter(self._named)))}
        foreign = None if home == tenant else home
        request_id = str(get_contextvars().get("trace_id", ""))
        return Access(tenant, key_id, person, foreign, self._scope["method"], route, things, status, request_id)

    def _overview(self, tenant: UUID, status: int) -> Access:
        return self._access(tenant, status)._replace(route=OVERVIEW, things={})


def things_of(path: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, str]:
    """The ids among a request's parameters: of the path what looks like an id, of the query UUIDs and devices alone, since any
    other value may be a name."""
    found = {name: str(value) for name, value in path.items() if _is_id(name, str(value), _PLAIN_ID)}
    return found | {name: value for name, value in query.items() if _is_id(name, value, _UUID)}


def _is_id(name: str, value: str, shape: re.Pattern[str]) -> bool:
    if name in _DEVICE_NAMES:
        return len(value) <= _DEVICE_CHARS and "\0" not in value
    return shape.fullmatch(value) is not None
