"""Backfill beside live fixes: a live fix waits for one bite at most, however much lies in the other lane; both lanes give
one ledger, and complete-through is what both have passed."""

import uuid
from datetime import date

import asyncpg
import numpy as np
import pytest

from services.classifier.application.bites import Bite
from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Key, Pings
from shared.contracts.topics import BACKFILL, PARTITIONS, PINGS
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.simulation.district import drive
from tests.simulation.service import Sent, assert_is_f, decode_sent, outbox_frames

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAY = to_ordinal(date(2026, 3, 2))
TENANT = str(uuid.UUID(int=1))
OLD, LIVE = (TENANT, "backfilled"), (TENANT, "live")
DAYS = 60


def of_day(key: Key, day: int, count: int = 30) -> Pings:
    return drive(key, bounds_ms(day)[0] + 40_000_000, count)


def append(store: Store, lane: str, fixes: Pings) -> None:
    store.log.append(lane, partition_of(*fixes.keys[0]), pings.encode_pings(fixes))


async def said(store: Store) -> Sent:
    watch = await asyncpg.connect(store.database.superuser)
    try:
        return decode_sent((await outbox_frames(watch)).values())
    finally:
        await watch.close()


def tick(store: Store, lane: str, tick_ms: int) -> None:
    for partition in range(PARTITIONS):
        store.log.append(lane, partition, pings.encode_tick(tick_ms))


async def test_a_large_backfill_never_delays_live_fixes_by_more_than_a_bite(store: Store) -> None:
    """Counted in records: every live record is folded by the very next round, whatever waits in the other lane."""
    for day in range(DAY - DAYS, DAY):
        for some in np.array_split(np.arange(30), 3):
            append(store, BACKFILL.name, of_day(OLD, day).take(some))
    consumer = store.member.consumer
    consumer._backfill = Bite(60, 120)  # rows: six frames of ten at first
    consumer._rows_each = 10
    partition = partition_of(*OLD)
    drive_today = of_day(LIVE, DAY, 40)
    behind: list[int] = []
    for at in range(40):
        append(store, PINGS.name, drive_today.take(np.array([at])))
        await store.member.round()
        live = [one for one in (await said(store)).revisions if one.device == LIVE[1]]
        assert live[-1].fixes == at + 1, "the live fix is folded by the first round after it"
        done = store.member.source._positions[BACKFILL.name, partition].next_offset
        behind.append(done)
        if done == 3 * DAYS:
            break
    taken = np.diff([0, *behind])
    assert behind[-1] == 3 * DAYS, "the backfill gets through beside live fixes"
    assert taken.max() <= 12, "120 rows at most"
    assert len(behind) > 10


async def test_backfill_waits_while_live_records_fill_a_round(store: Store) -> None:
    append(store, BACKFILL.name, of_day(OLD, DAY - 5))
    store.member.consumer._records_max = 2
    for at in range(6):
        append(store, PINGS.name, of_day(LIVE, DAY).take(np.array([at])))
    devices = []
    for _ in range(4):
        store.member.consumer._records_max = 2
        await store.member.round()
        devices.append({one.device for one in (await said(store)).revisions})
    assert devices == [{"live"}, {"live"}, {"live"}, {"live", "backfilled"}]


async def test_G2_a_device_day_split_over_both_lanes_is_one_set_of_fixes(store: Store) -> None:
    fixes = of_day(OLD, DAY, 40)
    append(store, BACKFILL.name, fixes.take(np.arange(0, 40, 2)))
    append(store, PINGS.name, fixes.take(np.arange(0, 40, 3)))
    await store.member.round()
    append(store, BACKFILL.name, fixes)
    await store.member.round()
    assert_is_f((await said(store)).latest()[*OLD, DAY], fixes, store.district)


async def test_complete_through_is_what_both_lanes_have_passed(store: Store) -> None:
    settled_ms = bounds_ms(DAY)[1] + 150_000
    append(store, PINGS.name, of_day(LIVE, DAY))
    tick(store, PINGS.name, settled_ms)
    append(store, BACKFILL.name, of_day(OLD, DAY - 9))
    await store.member.round()
    out = await said(store)
    assert {one.settled for one in out.revisions} == {True}, "live ticks settle"
    watch = await asyncpg.connect(store.database.superuser)
    await watch.execute("delete from classifier.outbox")  # the relay has sent everything
    await store.member.round()
    assert (await said(store)).progress == []
    tick(store, BACKFILL.name, settled_ms - 7)
    for _ in range(2):
        await store.member.round()
    await watch.close()
    assert {one.tick_ms for one in (await said(store)).progress} == {settled_ms - 7}


def test_a_bite_grows_while_rounds_are_short_and_shrinks_when_one_is_long() -> None:
    bite = Bite(10, 80)
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 0.1, 0.7, 3.0, 3.0, 3.0, 3.0):
        bite.took(bite.size, seconds)
        sizes.append(bite.size)
    assert sizes == [20, 40, 80, 80, 80, 40, 20, 10, 10]
    bite.took(0, 9.0)
    bite.took(3, 0.1)
    assert bite.size == 10, "a round without a full bite is no measure"


async def test_DI5_late_fixes_of_a_settled_day_come_with_the_next_round_through_either_lane(store: Store) -> None:
    fixes = of_day(OLD, DAY)
    await store.take(fixes.take(np.r_[0:10, 14:30]), tick_ms=bounds_ms(DAY)[1] + 150_000)
    for lane, rows in ((BACKFILL, np.arange(10, 12)), (PINGS, np.arange(12, 14))):
        append(store, lane.name, fixes.take(rows))
        await store.member.round()
        last = (await said(store)).latest()[*OLD, DAY]
        assert last.settled
        assert last.fixes == 26 + rows[-1] - 9
    assert_is_f(last, fixes, store.district)


async def test_G2_a_resend_that_adds_nothing_writes_no_revision_and_no_evidence(store: Store) -> None:
    fixes = of_day(OLD, DAY)
    await store.take(fixes, tick_ms=bounds_ms(DAY)[1] + 150_000)
    before = await said(store)
    for lane in (PINGS, BACKFILL, PINGS):
        append(store, lane.name, fixes)
    await store.member.round()
    watch = await asyncpg.connect(store.database.superuser)
    assert await watch.fetchval("select count(*) from classifier.evidence_frame") == 1
    await watch.close()
    assert (await said(store)).revisions == before.revisions
