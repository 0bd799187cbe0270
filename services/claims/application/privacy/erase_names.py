"""A name that was put away in claims is put away in the other services too (rule RE2): the classifier is told it, again and
again until no ruling has it, and ingest of its consents.  Then claims knows it no longer itself."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from services.claims.application.peers import Erasures, RefusedRows
from services.claims.repo import erasures
from services.claims.repo.erasures import Name
from shared.contracts.erasure import ForgottenName, HeldStretch, NamesAsked, RulingNamesAsked
from shared.db.pool import Connection, Pool, tenant_tx, tx
from shared.observability.logging import get_logger

BATCH: Final = 50
DAY_MAX: Final = 50_000
"""Of what has no end yet."""

log = get_logger(__name__)


async def tell_next(across: Pool, classifier: Erasures) -> bool:
    """One batch of one tenant; False where there is nothing to ask for now.  Raises PeerUnavailable."""
    async with tx(across) as conn:
        found = await erasures.names_to_ask(conn, BATCH)
    if not found:
        return False
    tenant = found[0].tenant_id
    async with tenant_tx(across, tenant) as conn:
        days = await erasures.held_stretches(conn, tenant)
    held = tuple(HeldStretch(from_day=max(0, first), to_day=min(DAY_MAX, last)) for first, last in days)
    done = await classifier.forget_names(RulingNamesAsked(tenant=str(tenant), names=_told(found), held=held))
    gone = {UUID(one) for one in done.gone}
    async with tenant_tx(across, tenant) as conn:
        await erasures.names_gone(conn, tenant, rulings=[one.id for one in found if one.id in gone])
        await _finish(conn, tenant, found)
    return True


async def tell_ingest(across: Pool, ingest: RefusedRows) -> None:
    """A batch of names that its consents may have.  Raises PeerUnavailable."""
    async with tx(across) as conn:
        left = await erasures.consents_left(conn, BATCH)
    for tenant, some in groupby(left, key=lambda one: one.tenant_id):
        found = list(some)
        done = await ingest.forget_names(NamesAsked(tenant=str(tenant), names=_told(found)))
        async with tenant_tx(across, tenant) as conn:
            await erasures.names_gone(conn, tenant, consents=[UUID(one) for one in done.gone])
            await _finish(conn, tenant, found)


def _told(names: Sequence[Name]) -> tuple[ForgottenName, ...]:
    return tuple(ForgottenName(id=str(one.id), name=one.name, put_away=one.put_away) for one in names)


async def _finish(conn: Connection, tenant: UUID, names: Sequence[Name]) -> None:
    for request in sorted({one.request_id for one in names}):
        if await erasures.forget(conn, tenant, request):
            log.info("forgotten", tenant=str(tenant), request=str(request), rule="RE2")
