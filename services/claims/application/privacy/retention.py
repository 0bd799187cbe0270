"""Holds, and until when a claim's records are held (rule RE1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from services.claims.application.peers import Holds
from services.claims.application.refusals import invalid, not_found
from services.claims.repo import licences, retention
from services.claims.repo.retention import LicenceRetention
from shared.clock import new_id
from shared.contracts.holds import HoldsTold, OpenedHold
from shared.db.pool import Connection, Pool, tx
from shared.http.problems import Problem
from shared.nz_days import to_ordinal
from shared.rounds import each

EVER: Final = (to_ordinal(date(2000, 1, 1)), to_ordinal(date(2099, 12, 31)))
BATCH: Final = 500
LOOP: Final = "holds"
WORDS: Final = {
    "issue": "two years after the issue: it is not claimed",
    "application": "two years after the application",
    "audit": "an audit case covers it, until that is closed and its legal hold lifted",
    "hold": "a hold covers it, until that is released",
    "disclosure": "an over-claim is not settled yet",
}


@dataclass(frozen=True)
class ClaimRetention:
    """The longest of its licences'."""

    held_until: date | None
    held_by: str
    held: bool
    licences: Sequence[LicenceRetention]


async def retention_of(conn: Connection, tenant: UUID, licence_id: UUID) -> LicenceRetention:
    """Raises Problem 404."""
    found = await retention.retention_of(conn, tenant, [licence_id])
    if not found:
        raise not_found("licence", licence_id)
    return found[0]


async def retention_of_claim(conn: Connection, tenant: UUID, claim_id: UUID) -> ClaimRetention:
    """Raises Problem 404."""
    ids = await retention.licences_of_claim(conn, tenant, claim_id)
    if not ids:
        raise not_found("claim", claim_id)
    found = await retention.retention_of(conn, tenant, ids)
    longest = max(found, key=lambda one: one.held_until or date.max)
    return ClaimRetention(longest.held_until, longest.held_by, longest.held, found)


async def open_holds(
    conn: Connection, tenant: UUID, licence_ids: Sequence[UUID] | None, reason: str, actor: str
) -> list[UUID]:
    """One hold a licence; None: one over everything of the tenant.  Raises Problem 422 for a licence that is not there."""
    if licence_ids is not None:
        known = {row.id for row in await licences.licences_by_id(conn, tenant, licence_ids)}
        strange = sorted(set(licence_ids) - known)
        if strange:
            raise invalid("/licence_ids", f"there is no licence {strange[0]}", "unknown_id")
    made: list[UUID] = []
    for licence_id in sorted(set(licence_ids)) if licence_ids is not None else [None]:
        made.append(new_id())
        await retention.insert_hold(conn, tenant, made[-1], licence_id, EVER, reason, actor)
    return made


async def release_hold(conn: Connection, tenant: UUID, hold_id: UUID, actor: str, reason: str) -> None:
    """Raises Problem 409 for one that is not open, or that the service itself keeps."""
    if not await retention.release_hold(conn, tenant, hold_id, actor, reason):
        raise Problem(409, "hold_not_open", "There is no open hold of this id", "Look at GET /v1/holds?only_open=true.")


async def tell_next(pool: Pool, classifier: Holds) -> bool:
    """One batch of one tenant; False where the classifier knows everything.  As `tell_holds.tell_next` does for audits."""
    async with tx(pool) as conn:
        found = await retention.to_tell(conn, BATCH)
    if not found:
        return False
    opened = [OpenedHold(id=str(one.id), from_day=one.from_day, to_day=one.to_day, reason=one.reason) for one in found]
    released = [str(one.id) for one in found if one.released]
    await classifier.holds(HoldsTold(tenant=str(found[0].tenant_id), opened=tuple(opened), released=tuple(released)))
    async with tx(pool) as conn:
        await retention.told(conn, found[0].tenant_id, found)
    return True


async def settle_needed(pool: Pool) -> int:
    """What rule RE1 holds longer than the classifier's own four years is a hold there in time; how many changed."""
    async with tx(pool) as conn:
        tenants = await retention.tenants(conn)
    changed: list[int] = []

    async def settle(tenant: UUID) -> None:
        async with tx(pool) as conn:
            changed.append(await retention.settle_needed(conn, tenant))

    await each(LOOP, tenants, settle)
    return sum(changed)
