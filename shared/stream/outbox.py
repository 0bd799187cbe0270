"""Outbox: frames written in the transaction of their effect, then relayed to Kafka at least once (design §3).

The table `outbox` (DDL in `shared/db/tables.sql`) lies in the service's schema.  The relay takes whatever is committed:
serial ids become visible out of order, so "ids above the last one" would skip rows for ever.  It appends with acks=all and
deletes those ids in a second short transaction; no transaction is open while Kafka answers.  Readers are idempotent, so a
crash between the two, or two relays at once, changes nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from shared.contracts.topics import MESSAGE_BYTES_MAX
from shared.db.errors import DatabaseUnavailable, is_retryable
from shared.db.pool import Connection, Pool, tx
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.observability.metrics import OUTBOX_AGE, OUTBOX_RELAYED
from shared.stream.log import Log, StreamUnavailable

BATCH_BYTES_MAX: Final = 8_000_000
POLL_S: Final = 0.1
POLL_LISTENING_S: Final = 0.5
BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
SILENCE_MAX_S: Final = 60.0

APPEND: Final = """
insert into outbox (topic, partition, frame)
select topic, partition, frame from unnest($1::text[], $2::int[], $3::bytea[]) with ordinality
    as n (topic, partition, frame, at)
order by at
"""
NOTIFY: Final = "select pg_notify(current_schema() || '.outbox', '')"
CHANNEL: Final = "select current_schema() || '.outbox'"
# Sizes are read from the rows' heads, so the bound costs nothing; at least one row is always taken.
TAKE: Final = """
select id, topic, partition, frame, created_at from (
    select id, topic, partition, frame, created_at,
        sum(octet_length(frame)) over (order by id) - octet_length(frame) as bytes_before
    from (select * from outbox order by id limit $1) as head
) as sized
where bytes_before <= $2
order by id
"""
DELETE: Final = "delete from outbox where id = any($1::bigint[])"
AGE: Final = "select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from outbox"

log = get_logger(__name__)


async def append(conn: Connection, rows: Sequence[tuple[str, int, bytes]]) -> None:
    """Add (topic, partition, frame) rows inside the caller's transaction and wake the relay at its commit.

    Raises ValueError for a frame above the limit: it is split before, never here."""
    if not rows:
        return
    largest = max(len(frame) for _, _, frame in rows)
    if largest > MESSAGE_BYTES_MAX:
        raise ValueError(f"a frame of {largest} bytes is above {MESSAGE_BYTES_MAX}: split it before the outbox")
    await conn.execute(APPEND, [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    await conn.execute(NOTIFY)


class Relay:
    """Moves committed rows to Kafka, for ever.  Run as many as you like."""

    def __init__(
        self, pool: Pool, log: Log, *, batch: int = 500, health: Health | None = None, name: str = "outbox"
    ) -> None:
        self._pool = pool
        self._log = log
        self._batch = batch
        self._health = health
        self._name = name
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled.  Kafka or the database being away is waited out; `/healthz` fails after 60 s of it."""
        while True:
            async with self._listening() as listener:
                if listener is None:
                    await self._rounds(POLL_S)
                while listener is not None and not listener.is_closed():
                    await self._rounds(POLL_LISTENING_S)

    async def _rounds(self, pause_s: float) -> None:
        """Rounds until nothing is left, then a sleep that a commit's notification ends."""
        failures = 0
        while True:
            self._wake.clear()
            try:
                moved = await self.once()
            except (StreamUnavailable, DatabaseUnavailable) as error:
                backoff = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
                log.warning("outbox waits", error=str(error), pause_s=backoff)
                await asyncio.sleep(backoff)
                continue
            failures = 0
            if self._health is not None:
                self._health.beat(self._name, stale_after_s=SILENCE_MAX_S)
            if not moved:
                break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    async def once(self) -> int:
        """One round: take, append, delete; returns the number of rows moved.  Raises what was away, after deleting the
        rows that did arrive."""
        async with tx(self._pool) as conn:
            rows = await conn.fetch(TAKE, self._batch, BATCH_BYTES_MAX)
            OUTBOX_AGE.set(await conn.fetchval(AGE) if rows else 0.0)
        if not rows:
            return 0
        results = await asyncio.gather(
            *(self._log.append(row["topic"], row["partition"], row["frame"]) for row in rows), return_exceptions=True
        )
        arrived = [row["id"] for row, result in zip(rows, results, strict=True) if isinstance(result, int)]
        if arrived:
            async with tx(self._pool) as conn:
                await conn.execute(DELETE, arrived)
            OUTBOX_RELAYED.inc(len(arrived))
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(arrived)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[Connection | None]:
        """A connection that hears of commits; None where there is none to be had: then polling alone does it."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                conn = await stack.enter_async_context(self._pool.acquire(timeout=POLL_LISTENING_S))
                channel = await conn.fetchval(CHANNEL)
                await conn.add_listener(channel, self._heard)
                stack.push_async_callback(_silence, conn, channel, self._heard)
            except Exception as error:
                if not is_retryable(error):
                    raise
                log.warning("outbox polls without notifications", error=repr(error))
                conn = None
            yield conn

    def _heard(self, *_: object) -> None:
        self._wake.set()


async def _silence(conn: Connection, channel: str, heard: Callable[..., None]) -> None:
    if not conn.is_closed():
        await conn.remove_listener(channel, heard)
