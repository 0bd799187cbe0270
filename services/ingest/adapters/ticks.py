"""Ticks: every 5 s, to every partition of both lanes of pings, "all that was received before this instant has been appended".

A tick is what lets a day be settled although a vehicle is silent or sold (design section 4)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.ingest.adapters.group_commit import Append
from shared.clock import Clock
from shared.contracts.pings import encode_tick
from shared.contracts.topics import BACKFILL, PINGS
from shared.errors import Retryable
from shared.observability.health import Health
from shared.observability.logging import get_logger

LANES: Final = (PINGS, BACKFILL)

log = get_logger(__name__)


class Ticker:
    """One tick round after the other.  A round that the log does not take is tried again at the next turn."""

    def __init__(
        self, append: Append, settled: Callable[[], Awaitable[None]], clock: Clock, health: Health, every_s: float
    ) -> None:
        self._append = append
        self._settled = settled
        self._clock = clock
        self._health = health
        self._every_s = every_s
        self._last_ms = 0
        self.failure: str | None = "no tick has reached the log yet"
        """Why the last round failed, for `/readyz`; None after a good one."""

    async def tick(self) -> None:
        """One round.  Ticks never go back, also where the clock does.  Raises Retryable."""
        now = max(self._last_ms, self._clock())
        await self._settled()
        frame = encode_tick(now)
        await asyncio.gather(
            *(self._append(lane.name, partition, frame) for lane in LANES for partition in range(lane.partitions))
        )
        self._last_ms = now

    async def run(self) -> None:
        while True:
            try:
                await self.tick()
                self.failure = None
            except Retryable as error:
                self.failure = f"the log does not take ticks: {error}"
                log.warning("tick failed", error=str(error))
            self._health.beat("ticks")
            await asyncio.sleep(self._every_s if self.failure is None else 0.5)
