"""From `ruc.days` into the ledger: poll, decode, one short transaction with the positions (design section 4).

Writes are idempotent (highest rev wins), so resends and reordering change nothing; the compare-and-set stops a zombie."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from services.claims.repo import ledger
from shared.clock import Clock
from shared.contracts.device_day import DeviceDay, Hold, Progress
from shared.contracts.frame import decode_structs, read_header
from shared.contracts.topics import DAYS, SCHEMA_DEVICE_DAYS, SCHEMA_HOLDS, SCHEMA_PROGRESS
from shared.db.pool import Pool, tx
from shared.errors import Fatal, Poison, Retryable, Superseded
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.observability.metrics import CLAIMS_REVISIONS, CLAIMS_WATERMARK_LAG
from shared.stream import positions
from shared.stream.polled import Polled
from shared.stream.source import Source

GROUP: Final = "claims.days.v1"
TOPICS: Final = (DAYS,)
RECORDS_MAX: Final = 50
"""A frame holds at most 512 kB: one poll stays below 26 MB and its transaction well below 5 s."""
LOOP: Final = "days"
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0, 5.0)
"""About 24 s of a dependency being away, then the process ends non-zero and is started again."""

log = get_logger(__name__)


@dataclass
class Effect:
    """What a batch of frames says; `columns` is `days`, encoded for the database."""

    days: list[DeviceDay] = field(default_factory=list)
    columns: ledger.DayColumns | None = None
    holds: list[Hold] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)


def decode(polled: Polled) -> Effect:
    """What the frames say.  A frame of our own that cannot be read is a broken invariant: Fatal, never skipped."""
    effect = Effect()
    for record in polled.records:
        try:
            schema = read_header(record.value).schema
            if schema == SCHEMA_DEVICE_DAYS:
                effect.days += decode_structs(schema, DeviceDay, record.value)
            elif schema == SCHEMA_PROGRESS:
                effect.progress += decode_structs(schema, Progress, record.value)
            elif schema == SCHEMA_HOLDS:
                effect.holds += decode_structs(schema, Hold, record.value)
            else:
                raise Fatal(
                    f"{record.topic}/{record.partition} offset {record.offset}: schema {schema} has no place here"
                )
        except Poison as error:
            raise Fatal(f"{record.topic}/{record.partition} offset {record.offset}: {error}") from error
    effect.columns = ledger.day_columns(effect.days)
    return effect


class DaysConsumer:
    """The loop.  `pool` is the worker's: device-days are of every tenant."""

    def __init__(self, source: Source, pool: Pool, health: Health, clock: Clock) -> None:
        self._source = source
        self._pool = pool
        self._health = health
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled.  Raises Fatal, and Retryable once a dependency has been away for too long."""
        failures = 0
        await self._source.start()
        try:
            while True:
                try:
                    await self.step()
                    failures = 0
                except Retryable as error:
                    if failures == len(BACKOFF_S):
                        raise
                    log.warning("dependency away", error=str(error), attempt=failures + 1)
                    self._source.forget(self._source.owned)
                    await asyncio.sleep(BACKOFF_S[failures])
                    failures += 1
                self._health.beat(LOOP)
        finally:
            await self._source.stop()

    async def step(self, *, timeout_s: float = 1.0) -> int:
        """One poll and its effect; how many records it had."""
        polled = await self._source.poll(records_max=RECORDS_MAX, timeout_s=timeout_s)
        if not polled.records:
            return 0
        effect = await asyncio.to_thread(decode, polled)
        try:
            async with tx(self._pool) as conn:
                moved = await positions.compare_and_set(conn, polled.expected, polled.advanced)
                await ledger.put_days(conn, effect.columns)
                await ledger.put_holds(conn, effect.holds)
                await ledger.put_progress(conn, effect.progress)
        except Superseded:
            self._source.forget(polled.expected)
            return 0
        self._source.accept(moved)
        CLAIMS_REVISIONS.inc(len(effect.days))
        for record in effect.progress:
            CLAIMS_WATERMARK_LAG.labels(str(record.partition)).set(max(0, self._clock() - record.tick_ms) / 1000)
        await self._source.hint_committed(polled)
        return len(polled.records)
