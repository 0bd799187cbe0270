"""Have device-days computed again: at once where they are few, else the first of them at once and the rest soon after."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final
from uuid import UUID

from services.classifier.repo import dirty_days
from services.classifier.repo.dirty_days import Waiting
from services.classifier.repo.fold_state import ROWS_PER_REQUEST, HeldCause, request
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tx
from shared.errors import Retryable
from shared.observability.health import Health
from shared.observability.logging import get_logger

DEVICES_PER_STEP: Final = 200
LOOP: Final = "recompute"
IDLE_S: Final = 1.0
STALE_S: Final = 60.0

log = get_logger(__name__)

DeviceDays = Sequence[tuple[str, int]]
"""(device, NZ day)."""


async def ask(conn: Connection, tenant: UUID, rows: DeviceDays, cause: HeldCause) -> None:
    """In the caller's transaction: these become due, each under an open hold; those above ROWS_PER_REQUEST wait, and become
    due in transactions of their own."""
    ordered = sorted(set(rows))
    await request(conn, str(tenant), ordered[:ROWS_PER_REQUEST], cause)
    if len(ordered) > ROWS_PER_REQUEST:
        await dirty_days.wait(conn, tenant, new_id(), cause, _by_device(ordered[ROWS_PER_REQUEST:]))


async def ask_on(pool: Pool) -> bool:
    """One short transaction, with the worker's rights: the next of those that wait become due.  Returns whether any did."""
    async with tx(pool) as conn:
        step = _step(await dirty_days.take(conn, DEVICES_PER_STEP))
        if not step:
            return False
        rows = [(one.device, day) for one in step for day in one.days]
        for at in range(0, len(rows), ROWS_PER_REQUEST):  # more than one turn only for a device of centuries
            await request(conn, str(step[0].tenant), rows[at : at + ROWS_PER_REQUEST], step[0].cause)
        await dirty_days.end(conn, step)
        return True


async def keep_asking(pool: Pool, health: Health) -> None:
    """`ask_on` for ever.  A database that is away is waited for: the API's own readiness shows it."""
    while True:
        try:
            busy = await ask_on(pool)
        except Retryable as error:
            log.warning("device-days that wait are not asked for", error=str(error))
            busy = False
        health.beat(LOOP, stale_after_s=STALE_S)
        if not busy:
            await asyncio.sleep(IDLE_S)


def _step(taken: Sequence[Waiting]) -> list[Waiting]:
    """Devices of one asking, as many as fit into one request, but at least one."""
    step: list[Waiting] = []
    for one in takewhile(lambda one: one.asking == taken[0].asking, taken):
        if step and sum(len(some.days) for some in step) + len(one.days) > ROWS_PER_REQUEST:
            break
        step.append(one)
    return step


def _by_device(rows: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for device, day in rows:
        found.setdefault(device, []).append(day)
    return found
