"""How long evidence is kept (rule RE1), and what there is of it.

Months are made ahead and, once nothing can need them, dropped whole: four years after their last day, for a fix belongs to
a licence issued on its day or before, applied for within two years and answerable for two more; later where a hold is open.
A month has the fixes of all tenants, so one tenant's hold keeps it for all."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from services.classifier.repo import chunks, retention
from services.classifier.repo.retention import Count, Frames, Hold, Month
from shared.clock import Clock
from shared.db.errors import constraints
from shared.db.pool import Pool, tx
from shared.nz_days import to_ordinal
from shared.observability.logging import get_logger
from shared.observability.metrics import CLASSIFIER_EVIDENCE_BYTES, CLASSIFIER_FRAMES_WAITING

MONTHS_AHEAD: Final = 3
LOOP: Final = "evidence"
LOOK_EVERY_S: Final = 60.0
STALE_S: Final = 3_600.0
ANSWERS_KEPT: Final = timedelta(days=30)
ANSWERS_PER_TX: Final = 1_000

log = get_logger(__name__)


class RetentionKeeps(Exception):
    """Rule RE1 keeps the month."""


class MonthStatus(NamedTuple):
    month: Month
    counted: Count


class Status(NamedTuple):
    months: tuple[MonthStatus, ...]
    waiting: Frames
    holds: tuple[Hold, ...]


def today_of(clock: Clock) -> date:
    """The UTC day: never ahead of New Zealand's."""
    return datetime.fromtimestamp(clock() / 1_000, UTC).date()


async def make_ahead(pool: Pool, today: date) -> None:
    """This month and the next ones are there after this."""
    for ahead in range(MONTHS_AHEAD + 1):
        years, month = divmod(today.month - 1 + ahead, 12)
        async with tx(pool) as conn:
            await chunks.make_month(conn, to_ordinal(date(today.year + years, month + 1, 1)))


async def months(pool: Pool, today: date) -> list[Month]:
    """Every month and what rule RE1 says of it on `today`."""
    async with tx(pool) as conn:
        return await retention.read_months(conn, today)


async def drop(pool: Pool, month: date, today: date) -> None:
    """Drop one month.  Raises RetentionKeeps where the database refuses: it is young or held."""
    with constraints({"retention_keeps": lambda: RetentionKeeps(f"rule RE1 keeps {month:%Y-%m}")}):
        async with tx(pool) as conn:
            await retention.drop_month(conn, month, today)


async def sweep(pool: Pool, today: date) -> list[Month]:
    """Drop every month that nothing needs any more, each in a transaction of its own; returns them."""
    dropped: list[Month] = []
    for one in await months(pool, today):
        if one.verdict != "over":
            continue
        try:
            await drop(pool, one.month, today)
        except RetentionKeeps as error:  # a hold was opened since we looked
            log.warning("month stays", reason=str(error))
            continue
        log.info("month of evidence dropped", month=f"{one.month:%Y-%m}", bytes=one.bytes, rule="RE1")
        dropped.append(one)
    return dropped


async def status(pool: Pool, today: date) -> Status:
    """What the store holds.  Counts month by month, so that no statement reads years."""
    counted: list[MonthStatus] = []
    for one in await months(pool, today):
        first, days = to_ordinal(one.month), monthrange(one.month.year, one.month.month)[1]
        async with tx(pool) as conn:
            counted.append(MonthStatus(one, await retention.count_chunks(conn, first, first + days - 1)))
    async with tx(pool) as conn:
        waiting, holds = await retention.read_waiting(conn), await retention.read_holds(conn)
    return Status(tuple(counted), waiting, tuple(holds))


async def hold(pool: Pool, tenant: UUID, hold_id: UUID, days: tuple[int, int], reason: str) -> None:
    async with tx(pool) as conn:
        await retention.open_hold(conn, tenant, hold_id, days, reason)


async def release(pool: Pool, tenant: UUID, hold_id: UUID) -> bool:
    """True when the hold was open."""
    async with tx(pool) as conn:
        return await retention.close_hold(conn, tenant, hold_id)


def measure(found: Sequence[Month], waiting: Frames) -> None:
    """Bytes on disk and what waits, as metrics."""
    CLASSIFIER_EVIDENCE_BYTES.labels("chunks").set(sum(one.bytes for one in found))
    CLASSIFIER_EVIDENCE_BYTES.labels("frames").set(waiting.bytes)
    CLASSIFIER_FRAMES_WAITING.set(waiting.frames)


async def forget_answers(pool: Pool, now_ms: int) -> int:
    """First answers of idempotent requests that nobody repeats any more; how many."""
    before = datetime.fromtimestamp(now_ms / 1_000, UTC) - ANSWERS_KEPT
    total = 0
    while True:
        async with tx(pool) as conn:
            gone = await retention.drop_answers(conn, before, ANSWERS_PER_TX)
        total += gone
        if gone < ANSWERS_PER_TX:
            return total


class House:
    """Months made and dropped, and old answers, once a day; metrics in every round."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._done: date | None = None

    async def round(self) -> bool:
        """Never more to do at once."""
        today = today_of(self._clock)
        if today != self._done:
            await make_ahead(self._pool, today)
            await sweep(self._pool, today)
            if gone := await forget_answers(self._pool, self._clock()):
                log.info("old answers dropped", rows=gone, rule="RE1")
            self._done = today
        found = await months(self._pool, today)
        async with tx(self._pool) as conn:
            waiting = await retention.read_waiting(conn)
        measure(found, waiting)
        return False
