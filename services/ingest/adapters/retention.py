"""How long refused rows are kept: four years, and longer while anything of their tenant is open (rule RE1); those of a vehicle
that is to be forgotten until nothing holds their day (rule RE2).

Claims alone knows what is open, and says so once a minute.  It is kept in memory: a process that has not heard of it lately
lets nothing go, since unknown is kept."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.ingest.repo import providers, quarantine
from shared.clock import Clock
from shared.db.pool import Pool, tenant_tx, tx
from shared.observability.logging import get_logger

LOOP: Final = "quarantine retention"
LOOK_EVERY_S: Final = 30.0
STALE_S: Final = 3_600.0
PURGE_EVERY_MS: Final = 6 * 3_600_000
LATELY_MS: Final = 300_000
BATCH: Final = 500
BATCHES_MAX: Final = 20
"""Of one stretch in one request."""

log = get_logger(__name__)


class _Told(NamedTuple):
    kept: Sequence[UUID]
    at_ms: int


class Retention:
    """`pool`: the worker's."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._told: _Told | None = None
        self._purged_ms: int | None = None

    def told(self, kept: Sequence[UUID]) -> None:
        """Everything of these tenants is kept, and of no other."""
        self._told = _Told(kept, self._clock())

    async def round(self) -> bool:
        """At most a batch; True where there is more to do at once."""
        now_ms, told = self._clock(), self._told
        if told is None or now_ms - told.at_ms > LATELY_MS:
            return False
        if self._purged_ms is not None and now_ms - self._purged_ms < PURGE_EVERY_MS:
            return False
        async with tx(self._pool) as conn:
            gone = await quarantine.purge(conn, told.kept, BATCH, dry=False)
        if gone:
            log.info("refused rows purged", rows=gone, rule="RE1")
        if gone == BATCH:
            return True
        self._purged_ms = now_ms
        return False

    async def forget(self, tenant: UUID, device: str, days: tuple[int, int]) -> bool:
        """Drop the refused rows of these NZ days, both included; False where some are left for another time."""
        for _ in range(BATCHES_MAX):
            async with tenant_tx(self._pool, tenant) as conn:
                gone = await quarantine.forget(conn, tenant, device, days, BATCH)
            if gone < BATCH:
                return True
        return False

    async def forget_name(self, tenant: UUID, name: str, put_away: str) -> None:
        """Of somebody who was forgotten, in the tenant's consents."""
        async with tenant_tx(self._pool, tenant) as conn:
            await providers.forget_name(conn, tenant, name, put_away)
