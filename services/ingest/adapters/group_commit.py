"""Group commit: what many requests send within a few milliseconds goes to the log as one frame a partition.

Guarantee (G1): `put` returns only after every row of its batch is durable in the log; else it raises.  A batch that was
given up at its deadline may still land later: it was not acknowledged, and a fix that comes twice counts once."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.clock import Clock
from shared.contracts import pings as pings_contract
from shared.contracts.frame import FRAME_BYTES_MAX
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Pings
from shared.contracts.topics import BACKFILL, PINGS
from shared.errors import Poison, Retryable
from shared.observability.metrics import INGEST_COMMIT_PINGS, INGEST_WAITING_BYTES

WINDOW_MIN_S: Final = 0.010
WINDOW_MAX_S: Final = 0.050
FLUSH_PINGS: Final = 20_000
"""A flush does not wait for its window once it has so many."""
FLUSHES_MAX: Final = 4
"""Flushes that may wait for the log at once."""
WAITING_PINGS_MAX: Final = 400_000
"""Waiting for a flush or for its answer; above it nothing more is taken (24 MB of columns)."""
DEADLINE_S: Final = 10.0
BACKFILL_AGE_MS: Final = 72 * 3_600_000
_ROW_BYTES: Final = 60


class Append(Protocol):
    """`shared.stream.Log.append`: the offset once the frame is durable, else a Retryable."""

    def __call__(self, topic: str, partition: int, value: bytes, *, deadline_s: float = ...) -> Awaitable[int]: ...


class Overloaded(Retryable):
    """More is waiting than may wait: nothing was taken, try again shortly."""


class NotDurable(Retryable):
    """The log did not acknowledge in time: the batch may or may not be there, send it again."""


class _Waiting(NamedTuple):
    pings: Pings
    answer: "asyncio.Future[str | None]"
    """None once durable, else why not."""


class PartitionFrame(NamedTuple):
    topic: str
    partition: int
    frame: bytes
    owners: NDArray[np.int64]
    """Which of the flush's batches have rows in it."""


def _split(pings: Pings) -> list[bytes]:
    """Frames of at most FRAME_BYTES_MAX, halved until each fits."""
    frame = pings_contract.encode_pings(pings)
    if len(frame) <= FRAME_BYTES_MAX:
        return [frame]
    if len(pings) == 1:
        raise Poison("frame_too_large", f"one ping of {len(frame)} bytes")
    middle = len(pings) // 2
    return _split(pings.take(np.arange(middle))) + _split(pings.take(np.arange(middle, len(pings))))


def build_frames(batches: Sequence[Pings], backfill_age_ms: int) -> list[PartitionFrame]:
    """One frame a lane and partition (more where it would be too large) of everything in the batches.

    Fixes that were older than `backfill_age_ms` when they came go to the backfill lane."""
    merged = pings_contract.concat(batches)
    owner = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    of_key = np.array([partition_of(*key) for key in merged.keys], np.int64)
    of_row = of_key[merged.key]
    late = merged.received_ms - merged.ts_ms > backfill_age_ms
    frames: list[PartitionFrame] = []
    for topic, lane in ((PINGS, ~late), (BACKFILL, late)):
        for partition in np.unique(of_row[lane]).tolist():
            rows = np.flatnonzero(lane & (of_row == partition))
            owners = np.unique(owner[rows])
            frames += [PartitionFrame(topic.name, partition, frame, owners) for frame in _split(merged.take(rows))]
    return frames


def _failures(frames: Sequence[PartitionFrame], sent: Sequence[int | BaseException]) -> dict[int, str]:
    """Why which batch is not durable.  Raises what is no failure of the log."""
    failures: dict[int, str] = {}
    for one, outcome in zip(frames, sent, strict=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, Retryable):
            raise outcome
        if isinstance(outcome, Retryable):
            failures |= dict.fromkeys(one.owners.tolist(), str(outcome))
    return failures


@dataclass(slots=True)
class _Load:
    pings: int = 0
    window_s: float = WINDOW_MIN_S


class GroupCommit:
    """Collects batches, flushes them together, answers each when all its rows are durable."""

    def __init__(
        self,
        append: Append,
        clock: Clock,
        *,
        deadline_s: float = DEADLINE_S,
        backfill_age_ms: int = BACKFILL_AGE_MS,
    ) -> None:
        self._append = append
        self._clock = clock
        self._deadline_s = deadline_s
        self._backfill_age_ms = backfill_age_ms
        self._queue: list[_Waiting] = []
        self._queued_pings = 0
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._flights: set[asyncio.Task[None]] = set()
        self._unanswered: set[asyncio.Future[str | None]] = set()
        self._load = _Load()

    async def put(self, pings: Pings) -> None:
        """Stamp `received_ms` with the present, queue, and wait until durable.  Raises Overloaded or NotDurable.

        The stamp is taken in the same step that queues the batch: `settled` relies on it."""
        if not len(pings):
            return
        if self._load.pings + len(pings) > WAITING_PINGS_MAX:
            raise Overloaded(f"{self._load.pings} pings are waiting for the log")
        stamped = replace(pings, received_ms=np.full(len(pings), self._clock(), np.int64))
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(stamped, answer))
        self._unanswered.add(answer)
        self._queued_pings += len(pings)
        self._count(len(pings))
        self._wake.set()
        if self._queued_pings >= FLUSH_PINGS:
            self._full.set()
        try:
            async with asyncio.timeout(self._deadline_s):
                failure = await asyncio.shield(answer)
        except TimeoutError:
            raise NotDurable(f"the log has not acknowledged within {self._deadline_s:.0f} s") from None
        if failure is not None:
            raise NotDurable(failure)

    async def settled(self) -> None:
        """Return once everything put before this call is durable or given up: a tick may then be written."""
        if self._unanswered:
            await asyncio.wait(set(self._unanswered))

    async def run(self) -> None:
        """Flush for ever.  On cancellation what is queued is flushed, and every flight is waited for."""
        try:
            while True:
                await self._wake.wait()
                self._reap()
                await self._window()
                while len(self._flights) >= FLUSHES_MAX:
                    await self._land()
                self._launch()
        finally:
            if self._queue:
                self._launch()
            if self._flights:
                await asyncio.wait(self._flights)

    async def _window(self) -> None:
        """Wait for more; longer while earlier flushes are still under way, so that the log gets fewer, larger ones."""
        busy = bool(self._flights)
        factor = 1.5 if busy else 0.5
        self._load.window_s = min(WINDOW_MAX_S, max(WINDOW_MIN_S, self._load.window_s * factor))
        try:
            async with asyncio.timeout(self._load.window_s):
                await self._full.wait()
        except TimeoutError:
            pass

    def _launch(self) -> None:
        batch, self._queue, self._queued_pings = self._queue, [], 0
        self._wake.clear()
        self._full.clear()
        if batch:
            self._flights.add(asyncio.create_task(self._flush(batch), name="flush"))

    async def _land(self) -> None:
        await asyncio.wait(self._flights, return_when=asyncio.FIRST_COMPLETED)
        self._reap()

    def _reap(self) -> None:
        """Forget landed flights; an error in one that is not the log's is ours, and ends the loop."""
        landed = {flight for flight in self._flights if flight.done()}
        self._flights -= landed
        for flight in landed:
            flight.result()

    def _count(self, pings: int) -> None:
        self._load.pings += pings
        INGEST_WAITING_BYTES.set(self._load.pings * _ROW_BYTES)

    async def _flush(self, batch: list[_Waiting]) -> None:
        rows = sum(len(waiting.pings) for waiting in batch)
        failures: dict[int, str] = {}
        try:
            batches = [waiting.pings for waiting in batch]
            frames = await asyncio.to_thread(build_frames, batches, self._backfill_age_ms)
            sent = await asyncio.gather(
                *(self._append(one.topic, one.partition, one.frame, deadline_s=self._deadline_s) for one in frames),
                return_exceptions=True,
            )
            failures = _failures(frames, sent)
            INGEST_COMMIT_PINGS.observe(rows)
        except BaseException as error:
            failures = dict.fromkeys(range(len(batch)), f"the flush failed: {error!r}")
            self._wake.set()  # so that `run` sees the error now and ends
            raise
        finally:
            self._count(-rows)
            for at, waiting in enumerate(batch):
                self._unanswered.discard(waiting.answer)
                if not waiting.answer.done():
                    waiting.answer.set_result(failures.get(at))
