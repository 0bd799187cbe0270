"""The classifier's consumer over a simulated log and the real Postgres, and what must hold at every moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import asyncpg
import numpy as np

from services.classifier.application.compaction import Compactor
from services.classifier.application.judging import Judge, Judges, Kernel
from services.classifier.application.road_sets import RoadsByDay, register
from services.classifier.consumer import Consumer
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.rulings import NO_BOOK
from services.classifier.domain.scheme import V1
from services.classifier.fold import Fold
from services.classifier.library import found_of
from services.classifier.repo.evidence import unpack_frames
from services.classifier.roads.dataset import RoadSet
from shared.contracts import chunk, pings, topics
from shared.contracts.device_day import DeviceDay, Hold, Progress
from shared.contracts.frame import decode_structs, read_header
from shared.contracts.pings import Pings
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import BACKFILL, PINGS, SCHEMA_TICK
from shared.db.pool import Pool, tx
from shared.nz_days import bounds_ms, days_of
from shared.stream.positions import TP
from tests.simulation.crash import CrashAt
from tests.simulation.log import SimulatedLog, SimulatedSource

TABLES = "evidence_span, evidence_frame, fix_chunk, day_due, partition_tick, stream_position, outbox"
Identity = tuple[str, str, int, int]


@dataclass
class Sent:
    """What the classifier says to others, in order."""

    revisions: list[DeviceDay] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    quarantined: list[QuarantinedRow] = field(default_factory=list)

    def latest(self) -> dict[tuple[str, str, int], DeviceDay]:
        """What a reader keeps: the highest rev of each device-day."""
        kept: dict[tuple[str, str, int], DeviceDay] = {}
        for one in self.revisions:
            name = (one.tenant, one.device, one.day)
            if name not in kept or one.rev > kept[name].rev:
                kept[name] = one
        return kept

    def open_holds(self) -> set[tuple[str, str, int, str]]:
        """What a reader takes for open, whatever the order in which frames reached it: the highest rev decides."""
        last: dict[tuple[str, str, int, str], Hold] = {}
        for one in self.holds:
            name = (one.tenant, one.device, one.day, one.kind)
            if name not in last or one.rev > last[name].rev:
                last[name] = one
        return {name for name, one in last.items() if one.open}


async def held_rows(conn: "asyncpg.Connection[asyncpg.Record]") -> set[tuple[str, str, int, str]]:
    """Device-days that wait for a computation that somebody asked for."""
    rows = await conn.fetch(
        "select tenant_id::text, device_id, day, cause from classifier.day_due where cause <> 'settle'"
    )
    return {tuple(row) for row in rows}


class Member:
    """One process of the classifier: dies at a crash with all its memory."""

    def __init__(
        self,
        log: SimulatedLog,
        pool: Pool,
        *roads: RoadSet,
        cache_rows_max: int,
        due_max: int = 200,
        kernel: Kernel = classify_days,
        compactor: Compactor | None = None,
    ) -> None:
        self.sets = {one.name: one for one in roads}
        self.source = SimulatedSource(log, [PINGS, BACKFILL], pool)
        self._pool = pool
        self.consumer = Consumer(
            self.source,
            pool,
            Fold(gap_ms=V1.gap_limit_ms, code_version="test", cache_rows_max=cache_rows_max),
            Judges(kernel, lambda: self.sets),
            gap_ms=V1.gap_limit_ms,
            code_version="test",
            clock=lambda: 0,
            cadence_s=0,
            due_max=due_max,
            compactor=compactor,
        )

    async def ready(self) -> None:
        """As the library does it: what is open is registered."""
        async with tx(self._pool) as conn:
            await register(conn, [found_of(one) for one in self.sets.values()], 0)

    async def round(self, crash_at: int | None = None) -> int:
        """One round; returns its number of awaits.  Raises Crash where it was told to."""
        await self.ready()
        going = CrashAt(self.consumer.round(), crash_at)
        await going
        return going.awaits


async def outbox_frames(conn: "asyncpg.Connection[asyncpg.Record]") -> dict[int, bytes]:
    """What is committed and not yet on a topic, by id."""
    rows = await conn.fetch("select id, frame from classifier.outbox order by id")
    return {row["id"]: row["frame"] for row in rows}


def decode_sent(frames: Iterable[bytes]) -> Sent:
    """The records in frames for `ruc.days` and `ruc.quarantine`, in order."""
    out = Sent()
    for frame in frames:
        match read_header(frame).schema:
            case topics.SCHEMA_DEVICE_DAYS:
                out.revisions += decode_structs(topics.SCHEMA_DEVICE_DAYS, DeviceDay, frame)
            case topics.SCHEMA_PROGRESS:
                out.progress += decode_structs(topics.SCHEMA_PROGRESS, Progress, frame)
            case topics.SCHEMA_HOLDS:
                out.holds += decode_structs(topics.SCHEMA_HOLDS, Hold, frame)
            case topics.SCHEMA_QUARANTINE:
                out.quarantined += decode_structs(topics.SCHEMA_QUARANTINE, QuarantinedRow, frame)
            case other:
                raise AssertionError(f"schema {other} in the outbox")
    return out


def identities(fixes: Pings) -> list[Identity]:
    """Each row's (tenant, device, instant, content)."""
    return [
        (*fixes.keys[key], ts, content)
        for key, ts, content in zip(
            fixes.key.tolist(), fixes.ts_ms.tolist(), pings.content_hash(fixes).tolist(), strict=True
        )
    ]


@dataclass
class Evidence:
    """All fixes in the database, each with the revision number under which it came."""

    fixes: Pings
    revs: np.ndarray

    def up_to(self, rev: int, tenant: str, device: str) -> Pings:
        wanted = [at for at, key in enumerate(self.fixes.keys) if key == (tenant, device)]
        return self.fixes.take((self.revs <= rev) & np.isin(self.fixes.key, wanted))


async def evidence(conn: "asyncpg.Connection[asyncpg.Record]") -> Evidence:
    rows = await conn.fetch("select rev, frame from classifier.evidence_frame")
    parts = unpack_frames([(row["rev"], row["frame"]) for row in rows])
    rows = await conn.fetch("select chunk from classifier.fix_chunk")
    held = chunk.concat(parts + [chunk.decode_chunk(row["chunk"]) for row in rows])
    return Evidence(held.pings, held.revs)


def folded(log: SimulatedLog, next_offsets: Mapping[TP, int]) -> set[Identity]:
    """Identities of the fixes in the records below the positions, of both lanes."""
    fixes: set[Identity] = set()
    for tp, end in next_offsets.items():
        for record in log.records[tp][:end]:
            if read_header(record.value).schema != SCHEMA_TICK:
                fixes |= set(identities(pings.decode_pings(record.value)))
    return fixes


def before_tick(log: SimulatedLog, partition: int, tick_ms: int) -> set[Identity]:
    """Fixes appended to either lane before its first tick that reaches `tick_ms`."""
    fixes: set[Identity] = set()
    for lane in (PINGS, BACKFILL):
        for record in log.records[lane.name, partition]:
            if read_header(record.value).schema != SCHEMA_TICK:
                fixes |= set(identities(pings.decode_pings(record.value)))
            elif pings.decode_tick(record.value) >= tick_ms:
                break
        else:
            raise AssertionError(f"nobody ever wrote a tick of {tick_ms} to {lane.name}")
    return fixes


def assert_is_f(revision: DeviceDay, fixes: Pings, roads: RoadSet) -> None:
    """The revision says exactly what the kernel says of these fixes."""
    key = (revision.tenant, revision.device)
    (judged,) = Judge(classify_days, RoadsByDay.always(roads), NO_BOOK)(fixes, [(key, revision.day)])
    assert revision == judged.revision(revision.rev, revision.settled)


def assert_every_revision_is_f(
    out: Sent, held: Evidence, roads: RoadSet, already: set[tuple[str, str, int, int]]
) -> None:
    """Design section 5: every revision equals f of the fixes in evidence at its position, not only the last one."""
    for one in out.revisions:
        name = (one.tenant, one.device, one.day, one.rev)
        if name not in already:
            assert_is_f(one, held.up_to(one.rev, one.tenant, one.device), roads)
            already.add(name)


def assert_progress_is_true(
    topic: Iterable[bytes], progress: Progress, held: Evidence, tick_before: set[Identity]
) -> None:
    """Complete-through: a reader that has the topic up to here knows every fix that came before the tick."""
    latest = decode_sent(topic).latest()
    for name in days_with_fixes(tick_before):
        known = latest[name]
        before = {one for one in tick_before if days_with_fixes([one]) == {name}}
        assert before <= set(identities(held.up_to(known.rev, known.tenant, known.device)))
        assert known.settled or not is_settled(known.day, progress.tick_ms)


def days_with_fixes(fixes: Iterable[Identity]) -> set[tuple[str, str, int]]:
    known = list(fixes)
    days = days_of(np.array([one[2] for one in known], np.int64)).tolist()
    return {(tenant, device, day) for (tenant, device, _, _), day in zip(known, days, strict=True)}


def is_settled(day: int, tick_ms: int) -> bool:
    return tick_ms >= bounds_ms(day)[1] + V1.gap_limit_ms
