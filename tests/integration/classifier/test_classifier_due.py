"""Device-days that somebody asks for: each is computed after the request, and its hold is open exactly until then."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import date

import asyncpg
import pytest

from services.classifier.application.road_sets import NamedRoads
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import Book
from services.classifier.domain.scheme import V1
from services.classifier.repo import fold_state
from services.classifier.repo.fold_state import Cause, HeldCause
from shared.contracts import pings
from shared.contracts.device_day import Progress
from shared.contracts.pings import Key, Pings
from shared.contracts.topics import BACKFILL, PARTITIONS, PINGS
from shared.db.pool import tenant_tx, tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.simulation.crash import MeetAt
from tests.simulation.district import drive
from tests.simulation.service import Member, Sent, decode_sent, held_rows, outbox_frames

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAY = to_ordinal(date(2026, 3, 2))
NOON_MS = bounds_ms(DAY)[0] + 43_200_000
SETTLED_MS = bounds_ms(DAY)[1] + V1.gap_limit_ms
MINE, THEIRS = (str(uuid.UUID(int=1)), "ute-1"), (str(uuid.UUID(int=2)), "ute-1")
Watch = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def watch(store: Store) -> AsyncIterator[Watch]:
    connection = await asyncpg.connect(store.database.superuser)
    yield connection
    await connection.close()


async def ask(store: Store, key: Key = MINE, days: Sequence[int] = (DAY,), cause: HeldCause = "dirty") -> None:
    """As the API does it: with the tenant's own rights."""
    async with tenant_tx(store.api, uuid.UUID(key[0])) as conn:
        await fold_state.request(conn, key[0], [(key[1], day) for day in days], cause)


async def said(watch: Watch) -> Sent:
    return decode_sent((await outbox_frames(watch)).values())


async def assert_holds_are_rows(watch: Watch) -> None:
    async with watch.transaction(isolation="repeatable_read"):
        assert (await said(watch)).open_holds() == await held_rows(watch)


async def quiet(store: Store, watch: Watch) -> None:
    for _ in range(5):
        await store.member.round()
        await assert_holds_are_rows(watch)
    assert not await held_rows(watch)


class Ruling:
    """The kernel beside something that people change; remembers what it was at each day's last computation."""

    def __init__(self, store: Store) -> None:
        self.now = 0
        self.computed: dict[tuple[str, str, int], int] = {}
        self.broken = False
        store.member = Member(store.log, store.worker, store.district, cache_rows_max=1_000_000, kernel=self.classify)
        self._store = store

    def classify(
        self, pings: Pings, wanted: Sequence[tuple[Key, int]], roads: NamedRoads, *, book: Book
    ) -> Sequence[DayOutcome]:
        if self.broken:
            raise ZeroDivisionError("a fault of this release")
        self.computed |= {(*key, day): self.now for key, day in wanted}
        return classify_days(pings, wanted, roads, V1, book)

    async def change(self, cause: HeldCause = "dirty") -> None:
        self.now += 1
        await ask(self._store, cause=cause)


@pytest.mark.parametrize("cause", ["dirty", "reprocess"])
async def test_a_request_opens_a_hold_that_its_computation_closes(store: Store, watch: Watch, cause: HeldCause) -> None:
    await store.take(drive(MINE, NOON_MS, 10))
    await ask(store, cause=cause)
    assert (await said(watch)).open_holds() == {(*MINE, DAY, cause)}
    await quiet(store, watch)
    first, second = (await said(watch)).revisions
    assert second.rev > first.rev
    assert second.totals == first.totals


async def test_a_day_without_a_fix_is_let_go_with_the_next_round(store: Store, watch: Watch) -> None:
    await ask(store, days=[DAY, DAY + 1])
    await quiet(store, watch)
    assert (await said(watch)).revisions == []


async def test_asking_twice_is_one_row_under_the_later_id(store: Store, watch: Watch) -> None:
    await ask(store, days=[DAY, DAY])
    (first,) = await watch.fetch("select id from classifier.day_due")
    await ask(store)
    (second,) = await watch.fetch("select id from classifier.day_due")
    assert second["id"] > first["id"]
    await assert_holds_are_rows(watch)


async def test_a_request_at_any_moment_of_a_round_is_computed_after_it(store: Store, watch: Watch) -> None:
    """Before the fold's read, between its read and its commit, within its transaction, after it."""
    ruling = Ruling(store)
    await store.take(drive(MINE, NOON_MS, 10))
    await ruling.change()
    for at in itertools.count(1):
        round_ = MeetAt(store.member.consumer.round(), at, ruling.change())
        await round_
        if round_.met is None:
            assert at > 15, "every await was tried"
            break
        await round_.met
        await assert_holds_are_rows(watch)
        await store.member.round()
        await store.member.round()
        assert ruling.computed[(*MINE, DAY)] == ruling.now, f"request at await {at}"
        await assert_holds_are_rows(watch)
        assert not await held_rows(watch)
        await ruling.change()  # so that the next round has a row to compute from its first await on


async def test_a_zombie_does_not_clear_what_its_successor_owes(store: Store, watch: Watch) -> None:
    await store.take(drive(MINE, NOON_MS, 10))
    await ask(store)
    zombie = store.member.consumer
    polled = await store.member.source.poll()
    await store.member.round()
    await ask(store)
    due = await watch.fetch("select * from classifier.day_due where cause = 'dirty'")
    fold = zombie._fold
    fold.synchronise({})  # what it remembers is of its own time
    with pytest.raises(Exception, match="another owner moved"):
        await zombie._step(polled, polled.expected, caught_up=True)
    assert await watch.fetch("select * from classifier.day_due where cause = 'dirty'") == due
    await quiet(store, watch)


async def test_a_computation_that_fails_holds_its_day_until_one_succeeds(store: Store, watch: Watch) -> None:
    ruling = Ruling(store)
    await store.take(drive(MINE, NOON_MS, 10))
    ruling.broken = True
    await ask(store, cause="reprocess")
    await store.member.round()
    assert (await said(watch)).open_holds() == {(*MINE, DAY, "dirty"), (*MINE, DAY, "reprocess")}
    await assert_holds_are_rows(watch)
    assert await watch.fetchval("select min(due_ms) from classifier.day_due where cause <> 'settle'") == 600_000
    await ask(store)
    ruling.broken = False
    await store.member.round()
    assert (await said(watch)).open_holds() == {(*MINE, DAY, "reprocess")}
    await store.take(tick_ms=bounds_ms(DAY)[0])
    await quiet(store, watch)


async def test_many_requests_and_rounds_at_once_leave_no_hold_behind(store: Store, watch: Watch) -> None:
    days = range(DAY, DAY + 6)
    await store.take(*(drive(key, bounds_ms(day)[0] + 40_000_000, 5) for key in (MINE, THEIRS) for day in days))

    async def requests(key: Key, cause: HeldCause) -> None:
        for turn in range(8):
            await ask(store, key, [*days][turn % 3 :], cause)

    async def rounds() -> None:
        for _ in range(20):
            await store.member.round()
            await assert_holds_are_rows(watch)

    await asyncio.gather(
        requests(MINE, "dirty"),
        requests(MINE, "dirty"),
        requests(MINE, "reprocess"),
        requests(THEIRS, "dirty"),
        rounds(),
    )
    await quiet(store, watch)


async def test_settled_days_go_before_reprocessing_and_progress_does_not_wait_for_it(
    store: Store, watch: Watch
) -> None:
    keys = [(MINE[0], f"ute-{at}") for at in range(6)]
    await store.take(*(drive(key, NOON_MS, 5) for key in keys))
    for key in keys:
        await ask(store, key, cause="reprocess")
    async with tx(store.worker) as conn:
        most: dict[Cause, int] = {"settle": 6, "dirty": 9, "reprocess": 2}
        due, more = await fold_state.read_due(conn, dict.fromkeys(range(12), 2**42), most)
    assert [one.cause for one in due] == ["settle"] * 6 + ["reprocess"] * 2
    assert more == {"reprocess"}
    member = Member(store.log, store.worker, store.district, cache_rows_max=10**6, due_max=2)
    for partition in range(PARTITIONS):
        store.log.append(PINGS.name, partition, pings.encode_tick(SETTLED_MS))
        store.log.append(BACKFILL.name, partition, pings.encode_tick(SETTLED_MS))
    await member.round()
    assert not (await said(watch)).progress
    told: list[Progress] = []
    for _ in range(6):
        await watch.execute("delete from classifier.outbox")
        await member.round()
        told += (await said(watch)).progress
        settled = await watch.fetchval("select count(*) = 0 from classifier.day_due where cause = 'settle'")
        assert settled or not told
    assert {one.tick_ms for one in told} == {SETTLED_MS}


async def test_more_device_days_than_a_transaction_may_hold_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="in one transaction"):
        await ask(store, days=range(fold_state.ROWS_PER_REQUEST + 1))


async def test_G6_the_api_role_asks_for_its_own_tenants_days_only(store: Store) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with tenant_tx(store.api, uuid.UUID(MINE[0])) as conn:
            await fold_state.request(conn, THEIRS[0], [(THEIRS[1], DAY)], "dirty")
    await ask(store, THEIRS)
    async with tenant_tx(store.api, uuid.UUID(MINE[0])) as conn:
        assert await conn.fetch("select * from classifier.day_due") == []
        assert await conn.execute("update classifier.day_due set due_ms = 1") == "UPDATE 0"


async def test_the_api_role_cannot_touch_what_the_fold_owes_itself(store: Store) -> None:
    await store.take(drive(MINE, NOON_MS, 10))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with tenant_tx(store.api, uuid.UUID(MINE[0])) as conn:
            await conn.execute("update classifier.day_due set due_ms = 2^60")
    async with tx(store.worker) as conn:
        ticks = dict.fromkeys(range(12), SETTLED_MS)
        due, more = await fold_state.read_due(conn, ticks, {"settle": 5})
    assert ([one[:4] for one in due], more) == ([(*MINE, DAY, "settle")], set())
