"""What nobody waits for, a little at a time: notes of rule LI4 on licences from before them, the daily purge (RE1)."""

from datetime import date
from typing import Final
from uuid import UUID

from services.claims.application.privacy import purge
from services.claims.application.register.papers import note_missing
from services.claims.application.sealing import Hasher
from services.claims.domain.instants import from_ms, nz_date
from services.claims.repo import erasures
from shared.clock import Clock
from shared.db.pool import Pool, tenant_tx, tx
from shared.observability.logging import get_logger
from shared.rounds import each

LOOP: Final = "house"

log = get_logger(__name__)


class House:
    """`across` spans tenants."""

    def __init__(self, across: Pool, hasher: Hasher, clock: Clock) -> None:
        self._across = across
        self._hasher = hasher
        self._clock = clock
        self._purged_on: date | None = None

    async def round(self) -> bool:
        """True where there is more to do at once."""
        today = nz_date(from_ms(self._clock()))
        if today != self._purged_on:
            await self._forget()
            await each(LOOP, await purge.tenants(self._across), self._purge)
            self._purged_on = today
        return await note_missing(self._across, self._hasher) > 0

    async def _forget(self) -> None:
        """Requests whose subject no hold covers any more (rule RE2)."""
        async with tx(self._across) as conn:
            waiting = await erasures.open_requests(conn)
        await each(LOOP, waiting, self._forget_one)

    async def _forget_one(self, asked: tuple[UUID, UUID]) -> None:
        tenant, request = asked
        async with tenant_tx(self._across, tenant) as conn:
            if await erasures.forget(conn, tenant, request):
                log.info("forgotten", tenant=str(tenant), request=str(request), rule="RE2")

    async def _purge(self, tenant: UUID) -> None:
        rows = await purge.purge(self._across, tenant, self._clock())
        if counts := {table: count for table, count in rows.items() if count}:
            log.info("purged", tenant=str(tenant), rows=counts, rule="RE1")
