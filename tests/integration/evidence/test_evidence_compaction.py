"""Compaction: the fixes before are the fixes after, with their revisions, whoever reads and whatever crashes."""

import uuid
from datetime import date

import asyncpg
import numpy as np
import pytest

from services.classifier.application.judging import Judge
from services.classifier.application.reading import fixes_at
from services.classifier.application.road_sets import RoadsByDay
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.rulings import NO_BOOK
from services.classifier.repo.evidence import Stretch
from shared.contracts.device_day import hash_of
from shared.contracts.pings import Pings
from shared.db.pool import tenant_tx, tx
from shared.errors import Superseded
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.integration.evidence.conftest import HOUR_MS, POLICY, Keeper, everything, tick_after
from tests.simulation.crash import Crash, CrashAt
from tests.simulation.district import across_midnight, drive
from tests.simulation.service import decode_sent, identities, outbox_frames

pytestmark = pytest.mark.integration

DAY = to_ordinal(date(2026, 3, 2))
NOON_MS = bounds_ms(DAY)[0] + 43_200_000
KEYS = [(str(uuid.UUID(int=1 + n % 2)), f"ute-{n}") for n in range(6)]


async def fill(store: Store) -> None:
    """Two days of six devices of two tenants, piece by piece: many revisions, frames across midnight."""
    for key in KEYS:
        fixes = across_midnight(key, DAY, 24)
        await store.take(*[fixes.take(np.arange(at, at + 6)) for at in range(0, 24, 6)])
    for at in range(0, 20, 5):
        await store.take(*[drive(key, NOON_MS, 20).take(np.arange(at, at + 5)) for key in KEYS])


async def test_the_fixes_before_are_the_fixes_after_with_their_revisions(store: Store, keeper: Keeper) -> None:
    await fill(store)
    before = await keeper.read(*KEYS)
    await store.take(tick_ms=tick_after(DAY + 1))
    bites = await keeper.drain()
    assert sum(one.fixes for one in bites) == len(before) == 6 * 44
    assert await keeper.count("evidence_frame") == await keeper.count("evidence_span") == 0
    assert await keeper.count("fix_chunk") == 12
    assert await keeper.read(*KEYS) == before


async def test_only_days_that_are_over_are_compacted(store: Store, keeper: Keeper) -> None:
    await fill(store)
    await store.take(tick_ms=bounds_ms(DAY)[1] + 4 * HOUR_MS)
    before = await keeper.read(*KEYS)
    await keeper.drain()
    async with tx(store.worker) as conn:
        days = await conn.fetch("select distinct day from classifier.fix_chunk")
    assert {row["day"] for row in days} == {DAY}
    assert await keeper.count("evidence_frame") > 0
    assert await keeper.read(*KEYS) == before


async def test_a_day_waits_for_its_late_fixes_and_a_frame_until_it_is_quiet(store: Store, keeper: Keeper) -> None:
    await store.take(drive(KEYS[0], NOON_MS, 10))
    settled = bounds_ms(DAY)[1] + 150_000
    await store.take(tick_ms=settled + 3 * HOUR_MS - 1)
    assert await keeper.step() is None
    await store.take(tick_ms=settled + 3 * HOUR_MS)
    assert (await keeper.drain())[0].fixes == 10
    await store.take(drive(KEYS[0], NOON_MS + 7, 3))
    await store.take(tick_ms=settled + 4 * HOUR_MS - 1)
    assert await keeper.step() is None
    await store.take(tick_ms=settled + 4 * HOUR_MS)
    done = await keeper.step()
    assert done is not None
    assert (done.fixes, done.rows) == (3, 13)


async def test_a_late_fix_is_merged_into_its_days_chunk(store: Store, keeper: Keeper) -> None:
    await fill(store)
    await store.take(tick_ms=tick_after(DAY + 1))
    await keeper.drain()
    await store.take(drive(KEYS[0], NOON_MS + 7_000, 3))
    before = await keeper.read(*KEYS)
    await store.take(tick_ms=tick_after(DAY + 1, 9))
    await keeper.drain()
    assert await keeper.count("fix_chunk") == 12
    assert await keeper.read(*KEYS) == before


async def test_a_chunk_over_the_limit_stays_beside_the_new_one(
    store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    await store.take(tick_ms=tick_after(DAY + 1))
    await keeper.drain()
    await store.take(drive(KEYS[0], NOON_MS + 7_000, 3), drive(KEYS[2], NOON_MS + 7_000, 3))
    monkeypatch.setattr("services.classifier.application.compaction.MERGED_ROWS_MAX", 20)
    before = await keeper.read(*KEYS)
    await store.take(tick_ms=tick_after(DAY + 1, 9))
    await keeper.drain()
    assert await keeper.count("fix_chunk") == 14
    assert await keeper.read(*KEYS) == before


async def test_small_bites_come_to_the_same(store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.classifier.application.compaction.FRAMES_MAX", 2)
    monkeypatch.setattr("services.classifier.application.compaction.ROWS_MAX", 12)
    monkeypatch.setattr("services.classifier.application.compaction.FRAMES_PER_READ", 1)
    await fill(store)
    before = await keeper.read(*KEYS)
    await store.take(tick_ms=tick_after(DAY + 1))
    assert len(await keeper.drain()) > 12
    assert await keeper.count("evidence_frame") == 0
    assert await keeper.count("fix_chunk") == 12
    assert await keeper.read(*KEYS) == before


async def test_a_bite_may_take_many_steps(store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds go on in between: fixes of the same days come in and stay frames, the exchange is for the others."""
    monkeypatch.setattr("services.classifier.application.compaction.STEP_S", 0.0)
    monkeypatch.setattr("services.classifier.application.compaction.FRAMES_PER_READ", 1)
    monkeypatch.setattr("services.classifier.application.compaction.CHUNKS_PER_SLICE", 1)
    await fill(store)
    await store.take(tick_ms=tick_after(DAY + 1))
    steps = [await keeper.step()]
    await store.take(*[drive(key, NOON_MS + 7_000, 3) for key in KEYS])
    before = await keeper.read(*KEYS)
    while not steps[-1].positions:
        steps.append(await keeper.step())
    assert len(steps) > 5
    assert await keeper.read(*KEYS) == before
    steps += await keeper.drain()
    assert await keeper.count("evidence_frame") == 6
    assert await keeper.read(*KEYS) == before


async def test_G5_the_fixes_of_any_revision_can_be_told_after_compaction(store: Store, keeper: Keeper) -> None:
    await fill(store)
    worker = lambda: tx(store.worker)  # noqa: E731
    revs = sorted({row[5] for row in await keeper.read(*KEYS)})
    asked = [everything(key) for key in KEYS]
    before = {rev: sorted(identities(await fixes_at(worker, asked, rev))) for rev in [0, *revs]}
    await store.take(tick_ms=tick_after(DAY + 1))
    await keeper.drain()
    await store.take(drive(KEYS[0], NOON_MS + 7_000, 3))  # a frame beside the chunks
    assert {rev: sorted(identities(await fixes_at(worker, asked, rev))) for rev in [0, *revs]} == before
    assert len(before[0]) == 0 < len(before[revs[0]]) < len(before[revs[-1]])


async def test_G5_every_revision_is_recomputed_from_chunks_to_the_same_hash(store: Store, keeper: Keeper) -> None:
    await fill(store)
    await store.take(drive(KEYS[0], NOON_MS + 7_000, 3))
    await store.take(tick_ms=tick_after(DAY + 1))
    await keeper.drain()
    assert await keeper.count("evidence_frame") == 0
    async with tx(store.worker) as conn:
        sent = decode_sent((await outbox_frames(conn)).values()).revisions
    judge = Judge(classify_days, RoadsByDay.always(store.district), NO_BOOK)
    for one in sent:
        key = (one.tenant, one.device)
        stretch = Stretch(key, one.day - 1, one.day + 1, *window_bounds_ms(one.day, POLICY.gap_ms))
        known = await fixes_at(lambda: tx(store.worker), [stretch], one.rev)
        (judged,) = judge(known, [(key, one.day)])
        assert hash_of(judged.revision(one.rev, one.settled)) == hash_of(one)
    assert len(sent) > 40
    assert {one.settled for one in sent} == {True, False}


async def test_every_crash_leaves_all_or_nothing(store: Store, keeper: Keeper) -> None:
    await fill(store)
    before = await keeper.read(*KEYS)
    await store.take(tick_ms=tick_after(DAY + 1))
    crashed, at = 0, 1
    while True:
        held = await keeper.positions()
        going = CrashAt(keeper.compactor.step(held), at)
        try:
            done = await going
        except Crash:
            crashed += 1
            assert await keeper.read(*KEYS) == before
            at += 1
            continue
        if done is None:
            break
        store.member.source.accept(done.positions)
    assert crashed > 10
    assert await keeper.count("evidence_frame") == 0
    assert await keeper.read(*KEYS) == before


async def test_an_owner_that_lost_its_partition_compacts_nothing(store: Store, keeper: Keeper) -> None:
    await fill(store)
    held = await keeper.positions()
    await store.take(tick_ms=tick_after(DAY + 1))
    before = await keeper.read(*KEYS)
    with pytest.raises(Superseded):
        await keeper.compactor.step(held)
    assert await keeper.count("fix_chunk") == 0
    assert await keeper.read(*KEYS) == before


async def test_the_fold_goes_on_from_chunks(store: Store, keeper: Keeper) -> None:
    """A late fix of a compacted day recomputes it from the chunk: no fix is counted again, none is missing."""
    await fill(store)
    await store.take(tick_ms=tick_after(DAY + 1))
    await keeper.drain()
    late: Pings = drive(KEYS[0], NOON_MS, 21)
    await store.take(late)
    fixes = await keeper.read(KEYS[0])
    assert len(fixes) == 24 + 21
    assert len(set(fixes)) == len({row[:4] for row in fixes})


async def test_G6_chunks_are_their_tenants(store: Store, keeper: Keeper) -> None:
    await fill(store)
    await store.take(tick_ms=tick_after(DAY + 1))
    await keeper.drain()
    async with tenant_tx(store.api, uuid.UUID(int=1)) as conn:
        rows = await conn.fetch("select distinct tenant_id from classifier.fix_chunk")
        days = await conn.fetch("select distinct tenant_id from classifier.evidence_day")
    assert {row["tenant_id"] for row in rows} == {row["tenant_id"] for row in days} == {uuid.UUID(int=1)}
    async with tx(store.api) as conn:
        assert await conn.fetchval("select count(*) from classifier.fix_chunk") == 0
        assert await conn.fetchval("select count(*) from classifier.evidence_day") == 0
        assert await conn.fetchval("select count(*) from classifier.retention_hold") == 0


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("worker", "delete from classifier.fix_chunk"),
        ("worker", "insert into classifier.fix_chunk select * from classifier.fix_chunk"),
        ("worker", "update classifier.fix_chunk set rows = 1"),
        ("worker", "delete from classifier.evidence_frame"),
        ("worker", "select * from classifier.fix_chunk_2026_03"),
        ("worker", "create table classifier.fix_chunk_2027_01 partition of classifier.fix_chunk for values from (0) to (1)"),
        ("worker", "delete from classifier.retention_hold"),
        ("worker", "update classifier.retention_hold set to_day = 0"),
        ("api", "delete from classifier.retention_hold"),
        ("api", "update classifier.retention_hold set to_day = 0"),
        ("api", "select classifier.drop_chunk_month('2000-01-01', '2026-01-01')"),
        ("api", "select classifier.make_chunk_month(20000)"),
    ],
)  # fmt: skip
async def test_chunks_come_and_go_through_the_functions_only(
    store: Store, keeper: Keeper, role: str, statement: str
) -> None:
    await store.take(drive(KEYS[0], NOON_MS, 5))
    await store.take(tick_ms=tick_after(DAY))
    await keeper.drain()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tx(store.worker if role == "worker" else store.api) as conn:
            await conn.execute(statement)


async def test_an_exchange_that_loses_a_fix_is_refused(
    store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.classifier.application import compaction

    whole = compaction._encode

    def one_less(days: object) -> list[compaction.Chunk]:
        return [one._replace(rows=one.rows - 1) for one in whole(days)]

    await fill(store)
    await store.take(tick_ms=tick_after(DAY + 1))
    before = await keeper.read(*KEYS)
    monkeypatch.setattr(compaction, "_encode", one_less)
    with pytest.raises(asyncpg.RestrictViolationError, match="fixes for"):
        await keeper.step()
    assert await keeper.read(*KEYS) == before


async def test_a_frame_that_cannot_be_read_stays_and_stops_nothing_else(store: Store, keeper: Keeper) -> None:
    await fill(store)
    owner = await asyncpg.connect(store.database.superuser)
    try:
        await owner.execute("update classifier.evidence_frame set frame = set_byte(frame, 30, get_byte(frame, 30) # 1)")
    finally:
        await owner.close()
    frames = await keeper.count("evidence_frame")
    await store.take(tick_ms=tick_after(DAY + 1))
    assert await keeper.step() is None
    assert await keeper.step() is None
    assert await keeper.count("evidence_frame") == frames
    await store.take(drive(KEYS[0], NOON_MS + 86_400_000, 3))
    assert await keeper.count("evidence_frame") == frames + 1
