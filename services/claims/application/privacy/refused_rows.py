"""Ingest, which keeps refused rows, is told of which tenants everything is kept, and which rows and names are to be forgotten
(rules RE1, RE2): again and again, since it lets nothing go that it has not heard of lately."""

from itertools import groupby
from typing import Final

from services.claims.application.peers import RefusedRows
from services.claims.application.privacy import erase_names
from services.claims.application.privacy.erase_vehicles import asking, refused_gone
from services.claims.repo import erasures, retention
from shared.contracts.holds import KeptTold
from shared.db.pool import Pool, tx

BATCH: Final = 20


async def tell_next(across: Pool, ingest: RefusedRows) -> bool:
    """True where there is more to ask for at once.  Raises PeerUnavailable."""
    async with tx(across) as conn:
        kept = await retention.tenants_held(conn)
        left = await erasures.refused_left(conn, BATCH)
    await ingest.kept(KeptTold(tenants=tuple(map(str, kept))))
    await erase_names.tell_ingest(across, ingest)
    gone = 0
    for tenant, found in groupby(left, key=lambda one: one.tenant_id):
        stretches = list(found)
        done = set((await ingest.forget(asking(tenant, stretches))).gone)
        await refused_gone(across, tenant, [one for one in stretches if str(one.id) in done])
        gone += len(done)
    return len(left) == BATCH and gone > 0
