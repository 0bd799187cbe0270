"""Have device-days computed again: at once where they are few, else the first of them at once and the rest soon after."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from services.classifier.repo import dirty_days, evidence
from services.classifier.repo.dirty_days import FIRST, Scope, Waiting
from services.classifier.repo.fold_state import ROWS_PER_REQUEST, HeldCause, request
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tx

LOOP: Final = "recompute"
IDLE_S: Final = 1.0
STALE_S: Final = 60.0


async def count(conn: Connection, tenant: UUID, scopes: Iterable[Scope]) -> int:
    """Device-days of scopes that do not overlap."""
    return sum([await evidence.count_days(conn, str(tenant), *_within(scope)) for scope in scopes])


async def ask(conn: Connection, tenant: UUID, scopes: Sequence[Scope], cause: HeldCause) -> None:
    """In the caller's transaction: device-days of the scopes become due, each under an open hold.  What lies above
    ROWS_PER_REQUEST waits, and becomes due in transactions of its own."""
    room = ROWS_PER_REQUEST
    for scope in scopes:
        rows = await evidence.device_days(conn, str(tenant), *_within(scope), limit=room + 1)
        await request(conn, str(tenant), rows[:room], cause)
        if len(rows) > room:
            after = rows[room - 1] if room else FIRST
            await dirty_days.wait(conn, Waiting(tenant, new_id(), cause, scope, after))
        room = max(0, room - len(rows))


async def ask_on(pool: Pool) -> bool:
    """One short transaction, with the worker's rights: the next of those that wait become due.  Returns whether any did."""
    async with tx(pool) as conn:
        waiting = await dirty_days.take(conn)
        if waiting is None:
            return False
        tenant = str(waiting.tenant)
        rows = await evidence.device_days(
            conn, tenant, *_within(waiting.scope), after=waiting.after, limit=ROWS_PER_REQUEST
        )
        await request(conn, tenant, rows, waiting.cause)
        if len(rows) < ROWS_PER_REQUEST:
            await dirty_days.end(conn, waiting)
        else:
            await dirty_days.move(conn, waiting, rows[-1])
        return True


def _within(scope: Scope) -> tuple[str | None, int, int]:
    return scope.device or None, scope.first_day, scope.last_day
