"""A crash at every single await of a round, and a zombie at its worst moment: the effect is there once or not at all."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import msgspec
import numpy as np
import pytest

from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.device_day import DeviceDay
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import BACKFILL, PARTITIONS, PINGS
from shared.db.pool import Pool, open_pool
from shared.nz_days import bounds_ms, to_ordinal
from tests.simulation.crash import Crash
from tests.simulation.district import across_midnight, build_district
from tests.simulation.log import SimulatedLog
from tests.simulation.service import TABLES, Member, decode_sent, evidence, identities, outbox_frames
from tests.stack import Database

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAY = to_ordinal(date(2026, 3, 2))
KEY = (str(uuid.UUID(int=1)), "ute-1")
FIXES = across_midnight(KEY, DAY)
TICK_MS = bounds_ms(DAY + 1)[1] + 150_000
Watch = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return build_district(tmp_path_factory.mktemp("district"))


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.dsn("classifier", "worker"), name="crash", size=3)
    yield opened
    await opened.close()


@pytest.fixture
async def watch(database: Database) -> AsyncIterator[Watch]:
    connection = await asyncpg.connect(database.superuser)
    await connection.execute("set search_path = classifier")
    yield connection
    await connection.close()


def filled(*, tick: bool) -> SimulatedLog:
    log = SimulatedLog()
    partition = partition_of(*KEY)
    for rows in (np.arange(15), np.arange(10, 24)):
        log.append(PINGS.name, partition, pings.encode_pings(FIXES.take(rows)))
    for at in range(PARTITIONS) if tick else ():
        log.append(PINGS.name, at, pings.encode_tick(TICK_MS))
        log.append(BACKFILL.name, at, pings.encode_tick(TICK_MS))
    return log


async def ledger(watch: Watch) -> dict[tuple[str, str, int], DeviceDay]:
    """What a reader keeps, without the revision numbers."""
    latest = decode_sent((await outbox_frames(watch)).values()).latest()
    return {name: msgspec.structs.replace(one, rev=0) for name, one in latest.items()}


async def test_a_crash_at_any_await_of_a_round_changes_nothing(watch: Watch, pool: Pool, roads: RoadSet) -> None:
    await Member(filled(tick=True), pool, roads, cache_rows_max=10**6).round()
    wanted = await ledger(watch)
    assert {one.settled for one in wanted.values()} == {True}
    for at in range(1, 1_000):
        await watch.execute(f"truncate {TABLES}")
        log = filled(tick=True)
        try:
            awaits = await Member(log, pool, roads, cache_rows_max=10**6).round(at)
        except Crash:
            pass
        else:
            assert 20 < awaits < at, "every await was tried"
            return
        after = Member(log, pool, roads, cache_rows_max=10**6)
        await after.round()
        await after.round()
        kept = identities((await evidence(watch)).fixes)
        assert sorted(kept) == sorted(identities(FIXES)), f"crash at await {at}"
        assert await ledger(watch) == wanted, f"crash at await {at}"
        assert await watch.fetchval("select count(*) from day_due") == 0


async def test_a_day_still_open_at_a_crash_is_settled_by_the_next_process(
    watch: Watch, pool: Pool, roads: RoadSet
) -> None:
    log = filled(tick=False)
    await Member(log, pool, roads, cache_rows_max=10**6).round()
    assert {one.settled for one in (await ledger(watch)).values()} == {False}
    for at in range(PARTITIONS):
        log.append(PINGS.name, at, pings.encode_tick(TICK_MS))
        log.append(BACKFILL.name, at, pings.encode_tick(TICK_MS))
    await Member(log, pool, roads, cache_rows_max=10**6).round()
    settled = await ledger(watch)
    assert len(settled) == 2
    assert all(one.settled and one.segments for one in settled.values())


async def test_a_zombie_frozen_before_its_transaction_writes_nothing(watch: Watch, pool: Pool, roads: RoadSet) -> None:
    """It has polled and computed, sleeps, and wakes when another owner has folded the same records."""
    log = filled(tick=True)
    zombie, owner = (Member(log, pool, roads, cache_rows_max=10**6) for _ in range(2))
    await owner.ready()
    polled = await zombie.source.poll()
    asleep, awake = asyncio.Event(), asyncio.Event()

    async def frozen_poll(**_: object) -> object:
        asleep.set()
        await awake.wait()
        return polled

    zombie.consumer._source.poll = frozen_poll  # type: ignore[method-assign]
    waking = asyncio.create_task(zombie.consumer.round())
    await asleep.wait()
    await owner.round()
    before = (await outbox_frames(watch), await watch.fetch("select * from stream_position order by partition"))
    awake.set()
    assert await waking is True
    assert (await outbox_frames(watch), await watch.fetch("select * from stream_position order by partition")) == before


async def test_two_owners_at_the_same_moment_leave_one_effect(watch: Watch, pool: Pool, roads: RoadSet) -> None:
    for _ in range(8):
        await watch.execute(f"truncate {TABLES}")
        log = filled(tick=True)
        members = [Member(log, pool, roads, cache_rows_max=10**6) for _ in range(2)]
        await members[0].ready()
        await asyncio.gather(*(member.consumer.round() for member in members))
        kept = identities((await evidence(watch)).fixes)
        assert sorted(kept) == sorted(identities(FIXES))
        revisions = decode_sent((await outbox_frames(watch)).values()).revisions
        assert sorted((one.device, one.day) for one in revisions) == [("ute-1", DAY), ("ute-1", DAY + 1)]
