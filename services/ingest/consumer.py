"""`ruc.quarantine` into the quarantine table: position and rows in one transaction, so each row arrives exactly once.

Taking pings does not wait for it: a stopped partition pages (`ruc_stream_partitions_failed`), it does not unready the
service, which would turn a lost quarantine into lost pings."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from services.ingest.repo import quarantine
from shared.clock import Clock
from shared.contracts.frame import decode_structs
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import SCHEMA_QUARANTINE
from shared.db.pool import Pool, tx
from shared.errors import Poison, Retryable, Superseded
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.stream import positions
from shared.stream.log import Record
from shared.stream.polled import Polled
from shared.stream.source import Source

GROUP: Final = "ingest.quarantine.v1"
LOOP: Final = "quarantine"
RECORDS_MAX: Final = 8
"""Frames a round: at most 8 · 512 kB come in, and one transaction has 5 s."""
ROWS_PER_INSERT: Final = 2_000
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
GIVE_UP_S: Final = 300.0
"""Failing for so long ends the process: a restart re-reads everything."""
STALE_AFTER_S: Final = 90.0
BROKEN_BYTES_KEPT: Final = 4_096

log = get_logger(__name__)


def rows_of(record: Record, now_ms: int, code_version: str) -> list[QuarantinedRow]:
    """The rows of a frame.  A frame that can't be read becomes a row itself, for operations: it stops no partition."""
    try:
        return decode_structs(SCHEMA_QUARANTINE, QuarantinedRow, record.value)
    except Poison as error:
        return [
            QuarantinedRow(
                tenant="", origin=record.topic, partition=record.partition, offset=record.offset, row=0, device="",
                code=error.code, detail=error.detail, body=record.value[:BROKEN_BYTES_KEPT], received_ms=now_ms,
                code_version=code_version,
            )
        ]  # fmt: skip


class QuarantineConsumer:
    """`make_source` gives a fresh source: after a failure the old one is left, and the positions are read again."""

    def __init__(
        self, make_source: Callable[[], Source], pool: Pool, health: Health, clock: Clock, code_version: str
    ) -> None:
        self._make_source = make_source
        self._pool = pool
        self._health = health
        self._clock = clock
        self._code_version = code_version

    async def run(self) -> None:
        """For ever.  Kafka or the database being away is waited out for GIVE_UP_S, then raised."""
        failing_since: float | None = None
        attempt = 0
        while True:
            source = self._make_source()
            try:
                await source.start()
                while True:
                    self._health.beat(LOOP, stale_after_s=STALE_AFTER_S)
                    await self._round(source)
                    failing_since, attempt = None, 0
            except Retryable as error:
                failing_since = failing_since or time.monotonic()
                if time.monotonic() - failing_since > GIVE_UP_S:
                    raise
                log.warning("quarantine round failed", error=str(error))
            finally:
                await source.stop()
            self._health.beat(LOOP, stale_after_s=STALE_AFTER_S)
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            attempt += 1

    async def _round(self, source: Source) -> None:
        polled = await source.poll(records_max=RECORDS_MAX)
        if not polled.records:
            return
        now = self._clock()
        rows = [row for record in polled.records for row in rows_of(record, now, self._code_version)]
        try:
            moved = await self._store(polled, rows)
        except Superseded:
            source.forget(polled.expected)
            return
        source.accept(moved)
        await source.hint_committed(polled)

    async def _store(self, polled: Polled, rows: Sequence[QuarantinedRow]) -> dict[positions.TP, positions.Position]:
        async with tx(self._pool) as conn:
            moved = await positions.compare_and_set(conn, polled.expected, polled.advanced)
            for first in range(0, len(rows), ROWS_PER_INSERT):
                await quarantine.insert(conn, rows[first : first + ROWS_PER_INSERT])
        return moved
