"""The consumer: poll all owned partitions, compute outside any transaction, write everything in one (design section 4).

    poll → decode → read what memory lacks → fold (one kernel call, in a thread) → one short transaction → memory follows

Live fixes first: backfill comes from its own topic, reprocessing from a table, each in bites that a round can bear, and
only while no live record waits (ADR 0015).

A crash before the commit replays the batch, one after it finds nothing fresh.  A zombie fails the compare-and-set."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from services.classifier.application.bites import Bite
from services.classifier.application.commit import commit, report
from services.classifier.application.compaction import Compactor
from services.classifier.application.decode import Batch, RecordLike, decode
from services.classifier.application.effect import Effect, progress_rows
from services.classifier.application.judging import Judges
from services.classifier.application.progress import Progress
from services.classifier.application.reading import read_fixes
from services.classifier.application.sweeping import next_step
from services.classifier.application.windows import Window, WindowKey, build, window_bounds_ms
from services.classifier.fold import Fold, Work
from services.classifier.repo import fold_state
from services.classifier.repo.evidence import Stretch
from services.classifier.repo.fold_state import Cause
from shared.contracts.topics import BACKFILL, DAYS, PINGS
from shared.db.pool import Pool, tx
from shared.errors import Retryable, Superseded
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.observability.metrics import (
    CLASSIFIER_BITE,
    CLASSIFIER_FOLD_SECONDS,
    CLASSIFIER_WATERMARK_LAG,
)
from shared.stream.polled import Polled
from shared.stream.positions import TP, Position

POLL_S: Final = 1.0
RECORDS_MAX: Final = 2_000
ROWS_MAX: Final = 200_000
"""About so many pings a round: polls shrink when frames are large."""
DUE_MAX: Final = 200
"""Device-days of each cause that a round computes because they are due, beside the new fixes."""
ROWS_EACH: Final = 1_000
BACKFILL_ROWS_MIN: Final = 5_000
REPROCESS_MIN: Final = 10
REPROCESS_MAX: Final = 1_000
WINDOWS_PER_READ: Final = 500
ROUND_S_MAX: Final = 60.0
"""A round that takes longer is taken for hanging."""
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
"""Then the process ends: the supervisor's restart is the next attempt."""

log = get_logger(__name__)


class SourceLike(Protocol):
    """The three calls of the stream (`shared.stream.source.Source`; the simulation has its own)."""

    async def poll(self, *, records_max: int, timeout_s: float, bite: int) -> Polled: ...
    def accept(self, positions: Mapping[TP, Position]) -> None: ...
    def forget(self, partitions: Sequence[TP]) -> None: ...
    async def hint_committed(self, polled: Polled) -> None: ...


class Consumer:
    """One loop over this process's partitions.  `run` ends only by cancellation or by an error that a restart must heal."""

    def __init__(
        self, source: SourceLike, pool: Pool, fold: Fold, judges: Judges, *, gap_ms: int, code_version: str,
        clock: Callable[[], int], cadence_s: float = 1.0, due_max: int = DUE_MAX, health: Health | None = None,
        compactor: Compactor | None = None,
    ) -> None:  # fmt: skip
        self._source = source
        self._pool = pool
        self._fold = fold
        self._judges = judges
        self._gap_ms = gap_ms
        self._code_version = code_version
        self._clock = clock
        self._cadence_s = cadence_s
        self._due_max = due_max
        self._health = health
        self._compactor = compactor
        self._at: Mapping[TP, Position] = {}  # where the last round left the partitions
        self._records_max = RECORDS_MAX
        self._rows_each = ROWS_EACH
        """Rows of a backfill record, about."""
        self._backfill = Bite(BACKFILL_ROWS_MIN, ROWS_MAX)
        self._backfill_ticks: dict[int, int] = {}
        self._backfilling = False
        self._reprocess = Bite(min(REPROCESS_MIN, due_max), max(REPROCESS_MAX, due_max))
        self._progress = Progress()
        self._settling = False
        """The last round left days to settle: only after one that leaves none may their ticks be told."""

    async def run(self) -> None:
        """Rounds for ever.  What is away is waited for, bounded; a broken invariant raises at once."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                full = await self.round()
            except Retryable as error:
                if failures == len(BACKOFF_S):
                    raise
                log.warning("round failed", error=str(error), attempt=failures + 1)
                await asyncio.sleep(BACKOFF_S[failures])
                failures += 1
                continue
            failures = 0
            if self._health is not None:
                self._health.beat("consumer", stale_after_s=ROUND_S_MAX)
            if not full:  # pings that come in meanwhile are taken together, so that a live day is not computed for each
                await asyncio.sleep(max(0.0, self._cadence_s - (time.monotonic() - started)))

    async def round(self) -> bool:
        """One poll and its effect.  Returns whether more is waiting."""
        bite = max(1, self._backfill.size // self._rows_each)
        wait_s = 0.0 if self._backfilling else POLL_S
        polled = await self._source.poll(records_max=self._records_max, timeout_s=wait_s, bite=bite)
        expected = {tp: one for tp, one in polled.expected.items() if (PINGS.name, tp[1]) in polled.expected}
        if not expected:
            return False
        live = sum(record.topic == PINGS.name for record in polled.records)
        self._backfilling = len(polled.records) > live
        full = live >= self._records_max
        self._at = expected
        try:
            more = await self._step(polled, expected, caught_up=not full)
            await self._source.hint_committed(polled)
            more = more or full or len(polled.records) - live >= bite
            return more or await self._compact()
        except Superseded as error:
            log.warning("the round is computed again", reason=str(error))
            self._source.forget(list(expected))
            return True
        except Retryable:  # above all a commit of which is not known whether it came through: read again
            self._source.forget(list(expected))
            raise

    async def _step(self, polled: Polled, expected: Mapping[TP, Position], *, caught_up: bool) -> bool:
        """`caught_up`: no live record waits, so there is time for what can wait."""
        started = time.monotonic()
        versions = {tp[1]: position.version for tp, position in expected.items() if tp[0] == PINGS.name}
        most: dict[Cause, int] = {"settle": self._due_max, "dirty": self._due_max}
        if caught_up:
            most["reprocess"] = self._reprocess.size
        await self._resume(versions)
        batch = await asyncio.to_thread(self._decode, polled.records)
        ticks = self._fold.ticks_after(batch)
        async with tx(self._pool) as conn:
            due, more_due = await fold_state.read_due(conn, ticks, most)
            epoch = await fold_state.read_epoch(conn)
            told = self._progress.tellable(
                await fold_state.first_unsent(conn, DAYS.name, versions) if self._progress.waiting else {}
            )
            judge = await self._judges.now(conn, {key[0] for key in batch.pings.keys} | {one.tenant for one in due})
            swept = await next_step(conn, versions) if caught_up else None
        if not (polled.records or due or told or swept or self._settling):
            return False
        raised = {partition: version + 1 for partition, version in versions.items()}
        work = await asyncio.to_thread(self._fold.prepare, batch, due, raised, epoch, judge)
        effect = await self._advance(work)
        effect.outbox += progress_rows(told)
        if swept is not None:
            effect.swept = swept
            effect.held += swept.owed
        effect.book_version = judge.book_version
        moved = {tp: polled.advanced[tp] for tp in expected if tp in polled.advanced}
        accepted, last_id = await commit(self._pool, effect, expected, moved, batch.ticks_of(PINGS.name))
        self._fold.accept(effect)
        self._source.accept(accepted)
        self._at = accepted
        self._settling = "settle" in more_due
        self._backfill_ticks |= batch.ticks_of(BACKFILL.name)
        self._follow(effect, told, last_id)
        report(effect)
        seconds = time.monotonic() - started
        self._backfill.took(batch.rows_of(BACKFILL.name), seconds)
        self._reprocess.took(sum(one.cause == "reprocess" for one in due), seconds)
        return bool(more_due or swept)

    async def _compact(self) -> bool:
        """One bite of evidence where a round has left time for it.  Returns whether there was one."""
        if self._compactor is None:
            return False
        done = await self._compactor.step({tp: position for tp, position in self._at.items() if tp[0] == PINGS.name})
        if done is None:
            return False
        self._fold.moved({partition: position.version for (_, partition), position in done.positions.items()})
        self._source.accept(done.positions)
        return True

    def _decode(self, records: Sequence[RecordLike]) -> Batch:
        batch = decode(records, code_version=self._code_version)
        if rows_each := batch.rows_each(PINGS.name):
            self._records_max = max(1, min(RECORDS_MAX, ROWS_MAX // rows_each))
        self._rows_each = batch.rows_each(BACKFILL.name) or self._rows_each
        return batch

    async def _resume(self, versions: Mapping[int, int]) -> None:
        unknown = self._fold.synchronise(versions)
        if not unknown:
            return
        self._progress.forget(unknown)
        for partition in unknown:  # until its next tick nothing is known of that lane, and nothing is told
            self._backfill_ticks.pop(partition, None)
        async with tx(self._pool) as conn:
            self._fold.resume(versions, await fold_state.read_ticks(conn, unknown))

    async def _advance(self, work: Work) -> Effect:
        missing = self._fold.missing(work)
        for at in range(0, len(missing), WINDOWS_PER_READ):
            self._fold.admit(await self._read(missing[at : at + WINDOWS_PER_READ]))
        started = time.monotonic()
        effect = await asyncio.to_thread(self._fold.advance, work)
        CLASSIFIER_FOLD_SECONDS.observe(time.monotonic() - started)
        return effect

    async def _read(self, names: Sequence[WindowKey]) -> dict[WindowKey, Window]:
        stretches = [
            Stretch((tenant, device), day - 1, day + 1, *window_bounds_ms(day, self._gap_ms))
            for tenant, device, day in names
        ]
        fixes = await read_fixes(partial(tx, self._pool), stretches)
        return await asyncio.to_thread(build, fixes, self._gap_ms, names)

    def _follow(self, effect: Effect, told: Mapping[int, int], last_id: int) -> None:
        """After the commit: what claims may hear next, and how far behind we are."""
        self._progress.told(told)
        if not self._settling:  # a day that is over and not yet settled must not be called complete
            # complete is what both lanes have passed
            both = {p: min(tick, self._backfill_ticks.get(p, 0)) for p, tick in effect.ticks.items()}
            self._progress.passed(both, last_id)
        for lane, ticks in (("live", effect.ticks), ("backfill", self._backfill_ticks)):
            for partition, tick in ticks.items():
                if tick:
                    CLASSIFIER_WATERMARK_LAG.labels(str(partition), lane).set((self._clock() - tick) / 1_000)
        CLASSIFIER_BITE.labels("backfill").set(self._backfill.size)
        CLASSIFIER_BITE.labels("reprocess").set(self._reprocess.size)
