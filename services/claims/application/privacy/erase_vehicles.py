"""What was let go of about a vehicle is gone in the other services too (rule RE2): the classifier is told which days of which
device nothing holds any more, again and again until none of their fixes is left; ingest of refused rows (`refused_rows.py`)."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from services.claims.application.peers import Erasures
from services.claims.repo import erasures
from services.claims.repo.erasures import Stretch
from shared.contracts.erasure import ErasureAsked, ForgottenStretch
from shared.db.pool import Connection, Pool, tenant_tx, tx
from shared.observability.logging import get_logger

BATCH: Final = 20
"""Stretches in one request: of years, each has a thousand device-days."""

log = get_logger(__name__)


async def tell_next(across: Pool, classifier: Erasures) -> bool:
    """One batch of one tenant; False where there is nothing to ask for now.  Holds are told before, so that the classifier
    keeps what one that was opened meanwhile covers.  Raises PeerUnavailable."""
    async with tx(across) as conn:
        found = await erasures.to_ask(conn, BATCH)
    if not found:
        return False
    tenant = found[0].tenant_id
    done = await classifier.forget(asking(tenant, found))
    gone = {UUID(one) for one in done.gone}
    await positions_gone(across, tenant, [one for one in found if one.id in gone])
    return True


def asking(tenant: UUID, stretches: Iterable[Stretch]) -> ErasureAsked:
    """As the other services are asked."""
    asked = [
        ForgottenStretch(id=str(one.id), device=one.device, from_day=one.from_day, to_day=one.to_day)
        for one in stretches
    ]
    return ErasureAsked(tenant=str(tenant), stretches=tuple(asked))


async def positions_gone(across: Pool, tenant: UUID, stretches: list[Stretch]) -> None:
    async with tenant_tx(across, tenant) as conn:
        await erasures.positions_gone(conn, tenant, [one.id for one in stretches])
        await _finish(conn, tenant, stretches)


async def refused_gone(across: Pool, tenant: UUID, stretches: list[Stretch]) -> None:
    """Ingest has no refused row of these any more."""
    async with tenant_tx(across, tenant) as conn:
        await erasures.refused_gone(conn, tenant, [one.id for one in stretches])
        await _finish(conn, tenant, stretches)


async def _finish(conn: Connection, tenant: UUID, stretches: list[Stretch]) -> None:
    for request in sorted({one.request_id for one in stretches}):
        if await erasures.forget(conn, tenant, request):
            log.info("forgotten", tenant=str(tenant), request=str(request), rule="RE2")
