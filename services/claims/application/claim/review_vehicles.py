"""Whoever changes what a vehicle's statements stand on has the claims that were lodged for it held against them, in the same
transaction (rule CL7): a kilometre that a later claim may count now is disclosed by the one that counted it before."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from services.claims.application.claim.review_claim import LOOP, NOT_REVIEWED, WHOLE_MS_MAX, hold_against, store
from services.claims.application.statement.facts import load_facts
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.repo import reviews
from shared.db.pool import Connection, Pool, last_longer, past_rivals, tenant_tx
from shared.observability.logging import get_logger
from shared.observability.metrics import LOOP_FAILURES

log = get_logger(__name__)


@dataclass(frozen=True)
class Reviews:
    """What a use case tells which vehicles' statements it may have moved."""

    policy: Policy
    now_ms: int
    put_off: set[UUID] | None = None
    """None: each at once.  Of an import: the vehicles whose turn comes at its end, once."""

    async def of(self, conn: Connection, tenant: UUID, vehicle_ids: Iterable[UUID]) -> None:
        """Last in the transaction, since it takes the locks of licences."""
        if self.put_off is not None:
            self.put_off.update(vehicle_ids)
            return
        await last_longer(conn, WHOLE_MS_MAX)
        await review_vehicles(conn, tenant, set(vehicle_ids), self.policy, self.now_ms)


async def review_vehicles(
    conn: Connection, tenant: UUID, vehicle_ids: Collection[UUID], policy: Policy, now_ms: int
) -> None:
    """Whatever stands lodged for the vehicles, in the transaction that changed what it stands on.

    Where the ledger holds what no statement can be made of, the change is not to blame: it is taken, the vehicle is put down
    for the worker, and until that came round its claims say so (`store`, `services.claims.application.claim.doubts`)."""
    await reviews.lock_vehicles(conn, tenant, vehicle_ids)
    for vehicle_id in sorted(vehicle_ids):
        await _review(conn, tenant, vehicle_id, policy, now_ms)


async def _review(conn: Connection, tenant: UUID, vehicle_id: UUID, policy: Policy, now_ms: int) -> bool:
    """Whatever stands lodged for the vehicle, whose licences are locked.  False where some of it was put down instead."""
    lines = await reviews.lodged_lines(conn, tenant, vehicle_id, from_ms(now_ms))
    if not lines:
        return True
    facts = await load_facts(conn, tenant, sorted({line.licence_id for line in lines}), policy, now_ms)
    found = await asyncio.to_thread(hold_against, lines, facts, policy)
    return not (await store(conn, tenant, found, now_ms)).broken


async def review_one(pool: Pool, tenant: UUID, vehicle_id: UUID, policy: Policy, now_ms: int) -> None:
    """A vehicle that was put down, in a transaction of its own.  Repeated, it finds the same again and tells nothing."""
    await past_rivals(lambda: _review_one(pool, tenant, vehicle_id, policy, now_ms))


async def _review_one(pool: Pool, tenant: UUID, vehicle_id: UUID, policy: Policy, now_ms: int) -> None:
    async with tenant_tx(pool, tenant) as conn:
        await last_longer(conn, WHOLE_MS_MAX)
        await reviews.lock_vehicles(conn, tenant, [vehicle_id])
        if await _review(conn, tenant, vehicle_id, policy, now_ms):
            await reviews.done(conn, tenant, vehicle_id)


async def review_put_down(pool: Pool, tenant: UUID, vehicle_ids: Collection[UUID], policy: Policy, now_ms: int) -> None:
    """What was changed is committed: a review that fails now is left to the worker, which finds the vehicle put down."""
    for vehicle_id in sorted(vehicle_ids):
        try:
            await review_one(pool, tenant, vehicle_id, policy, now_ms)
        except Exception as error:
            LOOP_FAILURES.labels(LOOP).inc()
            log.exception(NOT_REVIEWED, vehicle_id=str(vehicle_id), error=repr(error), rule="CL7")
