"""Tell the classifier, which keeps the fixes, which days an audit holds (rules PA4, RE1): again and again until it knows."""

from typing import Final

from services.claims.application.peers import Holds
from services.claims.repo import audit_holds
from shared.contracts.holds import HoldsTold, OpenedHold
from shared.db.pool import Pool, tx

BATCH: Final = 500


async def tell_next(pool: Pool, classifier: Holds) -> bool:
    """One batch of one tenant; False where the classifier knows everything.  `pool` is the worker's.

    A call that is repeated changes nothing there, so what is told and not marked as told is simply told again.  Raises
    PeerUnavailable."""
    async with tx(pool) as conn:
        found = await audit_holds.to_tell(conn, BATCH)
    if not found:
        return False
    tenant = found[0].tenant_id
    # one that was released before it was told is opened first, so that the record there is the same as here
    opened = [
        OpenedHold(id=str(one.id), from_day=one.from_day, to_day=one.to_day, reason=f"audit {one.reference}")
        for one in found
    ]
    released = [str(one.id) for one in found if one.released]
    await classifier.holds(HoldsTold(tenant=str(tenant), opened=tuple(opened), released=tuple(released)))
    async with tx(pool) as conn:
        await audit_holds.told(conn, tenant, found)
    return True
