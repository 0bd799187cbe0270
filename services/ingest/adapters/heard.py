"""Which devices a provider was heard of, hour by hour: gathered in memory, written every few seconds.

It tells a provider where to look and is no evidence: after a crash the last seconds' hours may be missing."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np

from services.ingest.repo import providers
from services.ingest.repo.providers import HoursRow
from shared.clock import Clock
from shared.contracts.pings import Pings
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tx
from shared.observability.logging import get_logger

FLUSH_S: Final = 5.0
KEPT_DAYS: Final = 90
ENTRIES_MAX: Final = 50_000
"""Device-days in memory; beyond, those of further devices are not noted until the next flush."""
CHUNK: Final = 5_000
_HOUR_MS: Final = 3_600_000
_DAY_HOURS: Final = 24
_EPOCH: Final = date(1970, 1, 1)

log = get_logger(__name__)


class _Day(NamedTuple):
    tenant: UUID
    provider: UUID
    device: str
    day: int


class _Heard(NamedTuple):
    hours: int
    last_ms: int
    received_ms: int


class Heard:
    """`pool`: the worker's."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._days: dict[_Day, _Heard] = {}

    def note(self, tenant: UUID, provider: UUID, pings: Pings, received_ms: int) -> None:
        """The accepted pings of one request."""
        key, hour = pings.key.astype(np.int64), pings.ts_ms // _HOUR_MS
        order = np.lexsort((pings.ts_ms, hour, key))
        key, hour, ts_ms = key[order], hour[order], pings.ts_ms[order]
        lasts = np.flatnonzero(np.append((np.diff(key) != 0) | (np.diff(hour) != 0), True))[: len(key)]
        for one, at, last_ms in zip(key[lasts].tolist(), hour[lasts].tolist(), ts_ms[lasts].tolist(), strict=True):
            day = _Day(tenant, provider, pings.keys[one][1], at // _DAY_HOURS)
            before = self._days.get(day)
            if before is None and len(self._days) >= ENTRIES_MAX:
                continue
            hours, latest, _ = before or _Heard(0, 0, 0)
            self._days[day] = _Heard(hours | 1 << at % _DAY_HOURS, max(latest, last_ms), received_ms)

    async def flush(self) -> None:
        """Raises DatabaseUnavailable; what is not written stays for the next time."""
        while self._days:
            some = dict(list(self._days.items())[:CHUNK])
            async with tx(self._pool) as conn:
                await providers.put_hours(conn, sorted(_row(day, heard) for day, heard in some.items()))
            for day, heard in some.items():
                if self._days.get(day) == heard:
                    del self._days[day]

    async def run(self) -> None:
        """For ever.  What there is when it is cancelled is written first."""
        swept: date | None = None
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                try:
                    await self.flush()
                    swept = await self._sweep(swept)
                except DatabaseUnavailable as error:
                    log.warning("hours heard are written later", error=str(error))
        except asyncio.CancelledError:
            await self.flush()
            raise

    async def _sweep(self, swept: date | None) -> date:
        today = datetime.fromtimestamp(self._clock() / 1000, UTC).date()
        if today != swept:
            async with tx(self._pool) as conn:
                await providers.forget(conn, today - timedelta(days=KEPT_DAYS))
        return today


def _row(day: _Day, heard: _Heard) -> HoursRow:
    return HoursRow(
        day.tenant, day.provider, day.device, _EPOCH + timedelta(days=day.day), heard.hours,
        datetime.fromtimestamp(heard.last_ms / 1000, UTC), datetime.fromtimestamp(heard.received_ms / 1000, UTC),
    )  # fmt: skip
