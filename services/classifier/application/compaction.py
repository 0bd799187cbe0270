"""Compaction: frames of days that are over and quiet become chunks, one device-day each, in bounded bites.

    list the oldest waiting frames of one partition → read them, and the chunks that their device-days have already
    → encode → one short transaction under the compare-and-set: frames and old chunks go, chunks come

Nothing is lost by a crash at any moment: it is one transaction, and the database refuses an exchange in which a fix is
missing (`classifier.compact`).  Nothing that a reader sees changes either: a fix keeps the revision it came with.  The
partition's owner does it, when its consumer has caught up; a zombie fails the compare-and-set."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from services.classifier.application.windows import WindowKey, only
from services.classifier.repo import chunks, evidence, fold_state
from services.classifier.repo.chunks import Chunk, Quiet, Waiting
from services.classifier.repo.evidence import ChunkId, FrameId
from shared.contracts import chunk as codec
from shared.contracts.chunk import Kept
from shared.contracts.device_day import make_rev
from shared.contracts.partitioning import partition_of
from shared.db.pool import Pool, tx
from shared.errors import Poison, Superseded
from shared.nz_days import days_of, from_ordinal
from shared.observability.logging import get_logger
from shared.observability.metrics import CLASSIFIER_COMPACTED
from shared.stream import positions
from shared.stream.positions import TP, Position

FRAMES_MAX: Final = 10_000
"""Of one bite: each costs its transaction some 20 microseconds, on a busy machine three times that."""
ROWS_MAX: Final = 200_000
"""Fixes of one bite, about 70 bytes each in memory; a frame has 20,000 at most."""
MERGED_ROWS_MAX: Final = 200_000
"""Fixes that a bite takes out of old chunks, those of the smallest first; a chunk over the limit stays beside the new one."""
FRAMES_PER_READ: Final = 256
CHUNKS_PER_SLICE: Final = 100
STEP_S: Final = 0.5
"""A step does so much of a bite and then lets the consumer poll; the transaction at the end comes on top."""

log = get_logger(__name__)


class Policy(NamedTuple):
    """When a frame may be compacted."""

    gap_ms: int
    """A day is settled when its partition's tick is past its end by this."""
    delay_ms: int
    """So long after it is settled, a day's late fixes are still waited for."""
    quiet_ms: int
    """So long after it came, by the partition's ticks, a frame stays a frame."""


@dataclass(slots=True)
class Bite:
    """Frames on their way into chunks.  Frames never change, so that it may take its time until the exchange."""

    frames: tuple[FrameId, ...]
    read: int = 0
    """How many of the frames are in `parts`."""
    parts: list[Kept] = field(default_factory=list)
    fixes: int = 0
    merged: tuple[ChunkId, ...] = ()
    left: list[tuple[WindowKey, Kept]] = field(default_factory=list)
    """Device-days that are not yet encoded."""
    encoded: list[Chunk] = field(default_factory=list)  # without the revision that the transaction will have

    @property
    def partition(self) -> int:
        return self.frames[0].partition


class Done(NamedTuple):
    """What a step has done; nothing but the first part of a bite where there are no positions."""

    positions: dict[TP, Position]
    """The position of the bite's partition, once it is committed."""
    frames: int = 0
    fixes: int = 0
    """Those of the frames."""
    chunks: int = 0
    rows: int = 0
    """Fixes of the chunks that were written, with those of merged ones."""


class Compactor:
    """One process's compaction.  `step` is called between two rounds of the consumer, with its present positions."""

    def __init__(self, pool: Pool, policy: Policy) -> None:
        self._pool = pool
        self._policy = policy
        self._months: set[tuple[int, int]] = set()
        self._bite: Bite | None = None
        self._broken = False

    async def step(self, expected: Mapping[TP, Position]) -> Done | None:
        """About STEP_S of work on a bite of one of the partitions; None when nothing may be compacted.

        Evidence that cannot be read stays as it is, and live pings do not wait for it: no more then until the restart.
        Raises Superseded when the partition has another owner, DatabaseUnavailable where a retry can help."""
        try:
            return None if self._broken else await self._step(expected)
        except Poison:
            log.exception("evidence cannot be compacted")
            self._broken = True
            return None

    async def _step(self, expected: Mapping[TP, Position]) -> Done | None:
        bite, self._bite = self._bite, None  # an error forgets it, and so does a partition that went to another owner
        owned = {tp[1]: tp for tp in expected}
        if bite is None or bite.partition not in owned:
            bite = await self._begin(list(owned))
        if bite is None:
            return None
        started = time.monotonic()
        while True:
            if bite.read < len(bite.frames):
                await self._gather(bite)
            elif bite.left:
                await self._encode(bite)
            else:
                tp = owned[bite.partition]
                return await self._exchange(bite, {tp: expected[tp]})
            if time.monotonic() - started >= STEP_S:
                self._bite = bite
                return Done({})

    async def _begin(self, partitions: Sequence[int]) -> Bite | None:
        quiet = await self._quiet(partitions)
        async with tx(self._pool) as conn:
            waiting = await chunks.find_waiting(conn, quiet, FRAMES_MAX)
        return Bite(tuple(one.id for one in cut(waiting))) if waiting else None

    async def _quiet(self, partitions: Sequence[int]) -> dict[int, Quiet]:
        """By partition, which frames are over and quiet at its tick; partitions without a tick are left out."""
        async with tx(self._pool) as conn:
            ticks = await fold_state.read_ticks(conn, partitions)
        policy, passed = self._policy, {p: tick for p, tick in ticks.items() if tick}
        over = np.array([tick - policy.gap_ms - policy.delay_ms for tick in passed.values()], np.int64)
        return {
            partition: Quiet(day - 1, tick - policy.quiet_ms)
            for (partition, tick), day in zip(passed.items(), days_of(over).tolist(), strict=True)
        }

    async def _gather(self, bite: Bite) -> None:
        """Some more frames; after the last of them, the chunks that their device-days have already."""
        some = bite.frames[bite.read : bite.read + FRAMES_PER_READ]
        async with tx(self._pool) as conn:
            frames = await evidence.fetch_frames(conn, some)
        if len(frames) < len(some):
            raise Superseded("frames that we were about to compact are gone")
        bite.parts += await asyncio.to_thread(evidence.unpack_frames, frames)
        bite.read += len(some)
        if bite.read < len(bite.frames):
            return
        fresh = await asyncio.to_thread(_by_day, codec.concat(bite.parts))
        bite.fixes, bite.parts = sum(len(kept.revs) for kept in fresh.values()), []
        async with tx(self._pool) as conn:
            there = await chunks.find_chunks(conn, fresh.keys())
            bite.merged = _worth_merging(there, {name: len(kept.revs) for name, kept in fresh.items()})
            bodies = await evidence.fetch_chunks(conn, bite.merged)
        bite.left = await asyncio.to_thread(_join, fresh, bodies)

    async def _encode(self, bite: Bite) -> None:
        some, bite.left = bite.left[:CHUNKS_PER_SLICE], bite.left[CHUNKS_PER_SLICE:]
        bite.encoded += await asyncio.to_thread(_encode, some)

    async def _exchange(self, bite: Bite, expected: Mapping[TP, Position]) -> Done:
        """The one transaction."""
        await self._make_months({one.id.day for one in bite.encoded})
        async with tx(self._pool) as conn:
            accepted = await positions.compare_and_set(conn, expected, {})
            (position,) = accepted.values()
            rev = make_rev(await fold_state.read_epoch(conn), position.version)
            written = [one._replace(id=one.id._replace(rev=rev)) for one in bite.encoded]
            await chunks.compact(conn, bite.frames, bite.merged, written)
        CLASSIFIER_COMPACTED.inc(bite.fixes)
        return Done(accepted, len(bite.frames), bite.fixes, len(written), sum(one.rows for one in written))

    async def _make_months(self, days: set[int]) -> None:
        """Days of a backfill lie in months that nobody made ahead."""
        by_month = {(day.year, day.month): ordinal for ordinal in days for day in [from_ordinal(ordinal)]}
        for month in by_month.keys() - self._months:
            async with tx(self._pool) as conn:
                await chunks.make_month(conn, by_month[month])
            self._months.add(month)


def cut(waiting: Sequence[Waiting]) -> list[Waiting]:
    """As many frames as a bite takes; it ends between two tenants or days where it can, so that days stay whole."""
    rows = np.cumsum([one.rows for one in waiting])
    fits = max(1, int(np.searchsorted(rows, ROWS_MAX, side="right")))
    if fits == len(waiting) < FRAMES_MAX:
        return list(waiting)
    groups = [(one.day, one.id.tenant) for one in waiting]
    edge = groups.index(groups[min(fits, len(groups) - 1)])
    return list(waiting[: edge or fits])


def _by_day(kept: Kept) -> dict[WindowKey, Kept]:
    """The fixes of each device-day, under its key alone."""
    days = days_of(kept.pings.ts_ms)
    order = np.lexsort((days, kept.pings.key))
    key, day = kept.pings.key[order], days[order]
    heads = np.flatnonzero(np.r_[True, (key[1:] != key[:-1]) | (day[1:] != day[:-1])])
    names = [(*kept.pings.keys[k], d) for k, d in zip(key[heads].tolist(), day[heads].tolist(), strict=True)]
    groups = zip(names, np.split(order, heads[1:]), strict=True)
    return {name: Kept(only(name[:2], kept.pings.take(rows)), kept.revs[rows]) for name, rows in groups}


def _worth_merging(there: Sequence[tuple[ChunkId, int]], fresh: Mapping[WindowKey, int]) -> tuple[ChunkId, ...]:
    """Old chunks that the new fixes go into: the smallest first, as far as the limits reach."""
    budget = MERGED_ROWS_MAX
    sizes = dict(fresh)
    merged: list[ChunkId] = []
    for one, rows in there:
        name = (one.tenant, one.device, one.day)
        if rows > budget:
            break
        if sizes[name] + rows <= codec.ROWS_MAX:
            merged.append(one)
            sizes[name] += rows
            budget -= rows
    return tuple(merged)


def _join(fresh: Mapping[WindowKey, Kept], bodies: Sequence[bytes]) -> list[tuple[WindowKey, Kept]]:
    parts = {name: [kept] for name, kept in fresh.items()}
    for kept in map(codec.decode_chunk, bodies):
        parts[(*kept.pings.keys[0], int(days_of(kept.pings.ts_ms[:1])[0]))].append(kept)
    return [(name, codec.concat(some)) for name, some in parts.items()]


def _encode(days: Sequence[tuple[WindowKey, Kept]]) -> list[Chunk]:
    return [
        Chunk(
            ChunkId(*name, 0),
            partition_of(name[0], name[1]),
            len(kept.revs),
            int(kept.pings.ts_ms.min()),
            int(kept.pings.ts_ms.max()),
            codec.encode_chunk(kept),
        )
        for name, kept in days
    ]
