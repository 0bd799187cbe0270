"""Device-days into the ledger: highest rev wins in any order, nothing settled or named is lost (design section 2, G2)."""

import asyncio
import itertools
from collections.abc import Sequence
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.claims.consumer import GROUP, TOPICS, DaysConsumer
from services.claims.domain.statement.statement import Revision
from services.claims.repo import ledger
from services.claims.repo.ledger import Window
from shared.contracts.device_day import DeviceDay, Hold, Progress, Reading, hash_of
from shared.contracts.frame import pack_structs
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import DAYS, SCHEMA_DEVICE_DAYS, SCHEMA_HOLDS, SCHEMA_PROGRESS
from shared.db.pool import tx
from shared.errors import Fatal
from shared.observability.health import Health
from shared.stream.log import Log
from shared.stream.source import Source
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, HOUR_MS, KM, Fleet, device_day
from tests.stack import Database, Topics

pytestmark = pytest.mark.integration
_numbers = itertools.count()

revisions = st.lists(
    st.tuples(st.integers(1, 6), st.booleans(), st.integers(0, 2)), min_size=1, max_size=8, unique_by=lambda r: r[0]
)
"""(rev, settled, off-road km): one content per rev, as the classifier writes them."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(revisions=revisions, data=st.data())
def test_G2_highest_rev_wins_and_every_settled_one_is_kept_whatever_the_order(
    database: Database, revisions: list[tuple[int, bool, int]], data: st.DataObject
) -> None:
    tenant, device = uuid4(), f"d{next(_numbers)}"
    days = [
        device_day(tenant, device, FIRST_DAY, rev=rev, settled=settled, off_road_mm=km * KM)
        for rev, settled, km in revisions
    ]
    delivered = data.draw(st.permutations(days + data.draw(st.lists(st.sampled_from(days), max_size=4))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(delivered)), max_size=3)))
    batches = [delivered[a:b] for a, b in itertools.pairwise([0, *cuts, len(delivered)])]
    current, history = asyncio.run(deliver(database, tenant, device, batches))
    last = max(days, key=lambda d: d.rev)
    assert current == (last.rev, last.settled, hash_of(last))
    assert history == sorted(d.rev for d in days if d.settled and d.rev != last.rev)


async def deliver(
    database: Database, tenant: object, device: str, batches: Sequence[Sequence[DeviceDay]]
) -> tuple[tuple[int, bool, bytes], list[int]]:
    conn = await asyncpg.connect(database.dsn("claims", "worker"))
    try:
        for batch in batches:
            async with conn.transaction():
                await ledger.put_days(conn, ledger.day_columns(batch))
        row = await conn.fetchrow(
            "select rev, settled, hash from claims.device_day where tenant_id = $1 and device = $2", tenant, device
        )
        old = await conn.fetch(
            "select rev from claims.device_day_history where tenant_id = $1 and device = $2 order by rev",
            tenant,
            device,
        )
    finally:
        await conn.close()
    assert row is not None
    return tuple(row), [r["rev"] for r in old]


async def test_a_revision_comes_back_as_it_was_written(claims: Claims, fleet: Fleet) -> None:
    day = device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=(1 << 40) | 7)
    async with tx(claims.worker) as conn:
        await ledger.put_days(conn, ledger.day_columns([day]))
        windows = [Window("imei-1", FIRST_DAY - 1, FIRST_DAY + 1), Window("imei-1", FIRST_DAY, FIRST_DAY)]
        (read,) = await ledger.days_in(conn, fleet.tenant, windows)
    assert read.day == day
    assert read.content_hash == hash_of(day)


def in_order(days: list[Revision]) -> list[Revision]:
    return sorted(days, key=lambda one: one.day.day)


async def test_a_summary_has_segments_and_hourly_readings_of_the_days_asked_for_only(
    claims: Claims, fleet: Fleet
) -> None:
    """Also of days that were written before the two were kept apart."""
    plain = [device_day(fleet.tenant, "imei-1", FIRST_DAY + number) for number in range(3)]
    hours = [tuple(Reading(one.first_fix_ms + hour * HOUR_MS, hour * KM) for hour in range(4)) for one in plain]
    days = [
        replace(one, first_reading=mine[0], last_reading=mine[-1], readings=mine)
        for one, mine in zip(plain, hours, strict=True)
    ]
    windows = [Window("imei-1", FIRST_DAY, FIRST_DAY + 2)]
    async with tx(claims.worker) as conn:
        await ledger.put_days(conn, ledger.day_columns(days))
        found = await ledger.summaries_in(conn, fleet.tenant, windows, [("imei-1", FIRST_DAY + 1)])
        await conn.execute("update claims.device_day set brief = null where tenant_id = $1", fleet.tenant)
        older = await ledger.summaries_in(conn, fleet.tenant, windows, [("imei-1", FIRST_DAY + 1)])
    brief = [replace(one, segments=(), readings=()) for one in days]
    assert [one.day for one in in_order(found)] == [brief[0], days[1], brief[2]]
    assert [one.left_out for one in in_order(found)] == [True, False, True]
    assert [one.day for one in in_order(older)] == [
        replace(days[0], segments=()),
        days[1],
        replace(days[2], segments=()),
    ]
    assert {one.content_hash for one in (*found, *older)} == {hash_of(one) for one in days}


async def test_holds_and_progress_never_go_back(claims: Claims, fleet: Fleet) -> None:
    def hold(rev: int, is_open: bool) -> Hold:
        return Hold(tenant=str(fleet.tenant), device="d", day=1, kind="dirty", open=is_open, rev=rev)

    async with tx(claims.worker) as conn:
        await ledger.put_holds(conn, [hold(2, True), hold(1, False)])
        assert len(await ledger.open_holds(conn, fleet.tenant, [Window("d", 0, 2)])) == 1
        await ledger.put_holds(conn, [hold(3, False)])
        await ledger.put_holds(conn, [hold(2, True)])
        assert await ledger.open_holds(conn, fleet.tenant, [Window("d", 0, 2)]) == []
        await ledger.put_progress(conn, [Progress(partition=1, tick_ms=20), Progress(partition=1, tick_ms=10)])
        await ledger.put_progress(conn, [Progress(partition=1, tick_ms=15)])
        assert await ledger.progress(conn) == {1: 20}


def consumer_of(claims: Claims, topics: Topics) -> DaysConsumer:
    source = Source(topics.settings("claims"), group=GROUP, topics=TOPICS, pool=claims.worker)
    return DaysConsumer(source, claims.worker, Health(), claims.clock)


async def read_all(claims: Claims, topics: Topics, records: int) -> None:
    """The service's own loop until the positions have passed that many records."""
    running = asyncio.create_task(consumer_of(claims, topics).run())
    try:
        async with asyncio.timeout(60):
            while not running.done():
                async with claims.worker.acquire() as conn:
                    if (
                        await conn.fetchval("select coalesce(sum(next_offset), 0) from claims.stream_position")
                        == records
                    ):
                        return
                await asyncio.sleep(0.1)
            await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_frames_reach_the_ledger_once_over_restart_and_resend(
    claims: Claims, fleet: Fleet, topics: Topics
) -> None:
    tenant = str(fleet.tenant)
    days = [device_day(fleet.tenant, f"imei-{i % 5}", FIRST_DAY + i) for i in range(40)]
    log = await Log.open(topics.settings("classifier"), client="test-classifier")
    frames = [(partition_of(tenant, "imei-0"), frame) for frame in pack_structs(SCHEMA_DEVICE_DAYS, days)]
    hold = Hold(tenant=tenant, device="imei-0", day=FIRST_DAY, kind="reprocess", open=True, rev=1)
    frames += [(0, frame) for frame in pack_structs(SCHEMA_HOLDS, [hold])]
    frames += [(p, pack_structs(SCHEMA_PROGRESS, [Progress(partition=p, tick_ms=100 + p)])[0]) for p in range(12)]
    for partition, frame in frames:
        await log.append(DAYS.name, partition, frame)

    await read_all(claims, topics, len(frames))
    before = await everything(claims)
    for partition, frame in reversed(frames):
        await log.append(DAYS.name, partition, frame)
    await log.close()
    await read_all(claims, topics, 2 * len(frames))
    after = await everything(claims)
    assert after == before
    assert len(before["device_day"]) == 40
    assert len(before["hold"]) == 1
    assert sorted((r["partition"], r["tick_ms"]) for r in before["progress"]) == [(p, 100 + p) for p in range(12)]
    progress = await fleet.get("/progress")
    assert progress == {"complete_through": None, "devices": []}


async def everything(claims: Claims) -> dict[str, list[asyncpg.Record]]:
    async with claims.worker.acquire() as conn:
        return {
            table: await conn.fetch(f"select * from claims.{table} t order by t::text")
            for table in ("device_day", "device_day_history", "hold", "progress")
        }


async def test_a_frame_of_our_own_that_cannot_be_read_stops_the_service(claims: Claims, topics: Topics) -> None:
    log = await Log.open(topics.settings("classifier"), client="test-classifier")
    await log.append(DAYS.name, 3, pack_structs(SCHEMA_PROGRESS, [Progress(partition=3, tick_ms=1)])[0][:-1] + b"x")
    await log.close()
    async with asyncio.timeout(60):
        with pytest.raises(Fatal, match=r"ruc\.days\.v1/3 offset 0"):
            await consumer_of(claims, topics).run()
    async with claims.worker.acquire() as conn:
        assert await conn.fetchval("select coalesce(sum(next_offset), 0) from claims.stream_position") == 0
