"""Guarantee G2 and design sections 4 and 5 by a state machine: deliver, duplicate, reorder, re-batch, crash at any await,
restart, zombie.  In-memory log, real Postgres, the real kernel over a real road data set."""

import asyncio
import itertools
import uuid
from datetime import date
from pathlib import Path
from typing import ClassVar, get_args

import asyncpg
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from services.classifier.application.compaction import Compactor, Policy
from services.classifier.domain.scheme import V1
from services.classifier.repo import fold_state
from services.classifier.repo.fold_state import HeldCause
from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import BACKFILL, PARTITIONS, PINGS, Topic
from shared.db.pool import open_pool, tenant_tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.simulation.crash import Crash
from tests.simulation.district import across_midnight, build_district, drive
from tests.simulation.log import SimulatedLog
from tests.simulation.service import (
    TABLES,
    Member,
    assert_every_revision_is_f,
    assert_is_f,
    assert_progress_is_true,
    before_tick,
    days_with_fixes,
    decode_sent,
    evidence,
    folded,
    held_rows,
    identities,
    is_settled,
    outbox_frames,
)
from tests.stack import Database

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DAY = to_ordinal(date(2026, 4, 4))
"""Its midnight is followed by the 25-hour day on which NZ daylight saving ends."""
TENANTS = (str(uuid.UUID(int=1)), str(uuid.UUID(int=2)))
DEVICES = ((TENANTS[0], "ute-1"), (TENANTS[0], "ute-2"), (TENANTS[1], "ute-1"))
LAST_TICK = bounds_ms(DAY + 2)[1] + 150_000
MEMBERS = 2
LANES = (PINGS, BACKFILL)


def all_fixes() -> pings.Pings:
    """Three devices over two midnights, one instant with two contents (rule DI4)."""
    parts = [across_midnight(key, DAY) for key in DEVICES]
    parts += [
        drive(DEVICES[0], bounds_ms(DAY + 1)[1] - 60_000, 8),
        drive(DEVICES[2], bounds_ms(DAY + 1)[0] + 36_000_000, 10),
    ]
    twin = parts[0].take(np.array([3]))
    parts.append(pings.make(twin.keys, twin.columns() | {"lat_e6": twin.lat_e6 + 40}))
    return pings.concat(parts)


FIXES = all_fixes()
ROWS = st.lists(st.integers(0, len(FIXES) - 1), min_size=1, max_size=25)


class FoldMachine(RuleBasedStateMachine):
    """Whatever happens, evidence is the set of fixes below the position and every revision is f of it."""

    database: ClassVar[Database]
    roads: ClassVar[RoadSet]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.log = SimulatedLog()
        self.delivered: set[int] = set()
        self.checked: set[tuple[str, str, int, int]] = set()
        self.topic: list[bytes] = []
        self.told = 0
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.pool = await open_pool(self.database.dsn("classifier", "worker"), name="property", size=3)
        self.api = await open_pool(self.database.dsn("classifier", "api"), name="property-api", size=1)
        self.watch = await asyncpg.connect(self.database.superuser)
        await self.watch.execute("set search_path = classifier")
        await self.watch.execute(f"truncate {TABLES}")
        self.members = [self._member(number) for number in range(MEMBERS)]

    def _member(self, number: int) -> Member:
        # the second one's memory holds almost nothing, so it reads evidence all the time
        # and it settles one day a round, so that progress has to wait for the others
        return Member(
            self.log,
            self.pool,
            self.roads,
            cache_rows_max=(1_000_000, 20)[number],
            due_max=(200, 1)[number],
            compactor=Compactor(self.pool, Policy(V1.gap_limit_ms, delay_ms=0, quiet_ms=0)),
        )

    @rule(rows=ROWS, late=st.booleans())
    def deliver(self, rows: list[int], late: bool = False) -> None:
        """Some fixes, in any order, any of them again, in either lane or both, one frame a partition."""
        batch = FIXES.take(np.array(rows))
        self.delivered |= set(rows)
        for partition in range(PARTITIONS):
            mine = [at for at, key in enumerate(batch.keys) if partition_of(*key) == partition]
            some = batch.take(np.isin(batch.key, mine))
            if len(some):
                self.log.append((BACKFILL if late else PINGS).name, partition, pings.encode_pings(some))

    @rule(
        tick_ms=st.sampled_from([bounds_ms(DAY)[1] - 1, bounds_ms(DAY)[1] + 150_000, bounds_ms(DAY + 1)[1] + 150_000]),
        lanes=st.sampled_from([LANES, LANES, LANES[:1], LANES[1:]]),
    )
    def tick(self, tick_ms: int, lanes: tuple[Topic, ...] = LANES) -> None:
        """Ticks of several ingests need not come in order, nor to both lanes at once."""
        for lane, partition in itertools.product(lanes, range(PARTITIONS)):
            self.log.append(lane.name, partition, pings.encode_tick(tick_ms))

    @rule(number=st.integers(0, MEMBERS - 1))
    def fold(self, number: int) -> None:
        """Either member: the one whose positions are stale is the zombie."""
        self.runner.run(self.members[number].round())

    @rule(number=st.integers(0, MEMBERS - 1), at=st.integers(1, 60))
    def crash(self, number: int, at: int) -> None:
        try:
            self.runner.run(self.members[number].round(at))
        except Crash:
            self.members[number] = self._member(number)

    @rule(seed=st.integers(0, 9), share=st.floats(0.2, 1.0), twice=st.booleans())
    def relay(self, seed: int, share: float, twice: bool) -> None:
        """Some committed frames reach the topic, in any order, some of them twice."""
        self.runner.run(self._relay(seed, share, twice))

    async def _relay(self, seed: int, share: float, twice: bool) -> None:
        frames = await outbox_frames(self.watch)
        taken = np.random.default_rng(seed).permutation(list(frames))[: int(np.ceil(len(frames) * share))].tolist()
        self.topic += [frames[at] for at in taken]
        if not twice:  # else the relay died before it could delete them
            await self.watch.execute("delete from outbox where id = any($1::bigint[])", taken)

    @rule(
        device=st.sampled_from(DEVICES),
        days=st.lists(st.integers(DAY, DAY + 2), min_size=1, max_size=3),
        cause=st.sampled_from(get_args(HeldCause)),
    )
    def request(self, device: tuple[str, str], days: list[int], cause: HeldCause) -> None:
        """Somebody asks through the API for days to be computed again, also for some without a fix."""
        self.runner.run(self._request(device, days, cause))

    async def _request(self, device: tuple[str, str], days: list[int], cause: HeldCause) -> None:
        async with tenant_tx(self.api, uuid.UUID(device[0])) as conn:
            await fold_state.request(conn, device[0], [(device[1], day) for day in days], cause)

    @rule(number=st.integers(0, MEMBERS - 1))
    def restart(self, number: int) -> None:
        self.members[number] = self._member(number)

    @invariant()
    def evidence_is_the_set_and_revisions_are_f(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        async with self.watch.transaction(isolation="repeatable_read"):
            rows = await self.watch.fetch("select topic, partition, next_offset from stream_position")
            held = await evidence(self.watch)
            out = decode_sent([*self.topic, *(await outbox_frames(self.watch)).values()])
            assert out.open_holds() == await held_rows(self.watch), "a hold is open exactly as long as its row waits"
        fixes = folded(self.log, {(row["topic"], row["partition"]): row["next_offset"] for row in rows})
        assert not out.quarantined, out.quarantined[0]
        kept = identities(held.fixes)
        assert len(kept) == len(set(kept)), "an identity lies in evidence twice"
        assert set(kept) == fixes
        assert {(one.tenant, one.device, one.day) for one in out.revisions} == days_with_fixes(fixes)
        assert_every_revision_is_f(out, held, self.roads, self.checked)
        for at in range(self.told, len(self.topic)):
            for one in decode_sent(self.topic[at : at + 1]).progress:
                assert_progress_is_true(self.topic[:at], one, held, before_tick(self.log, one.partition, one.tick_ms))
        self.told = len(self.topic)

    @precondition(lambda self: self.delivered)
    @rule()
    def replay_adds_nothing(self) -> None:
        """All that was delivered so far once more: no revision, no evidence."""
        self._until_quiet()
        if self.runner.run(held_rows(self.watch)):
            return  # they would send revisions of their own
        before = self.runner.run(self._counts())
        self.deliver(sorted(self.delivered))
        self._until_quiet()
        assert self.runner.run(self._counts()) == before

    async def _counts(self) -> tuple[int, int]:
        out = decode_sent([*self.topic, *(await outbox_frames(self.watch)).values()])
        return len(out.revisions), len((await evidence(self.watch)).fixes)

    def _until_quiet(self) -> None:
        for _ in range(4):
            self.fold(0)

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            self.runner.run(self._close())
            self.runner.close()

    def _finish(self) -> None:
        """Everything delivered, all days over: the ledger is the one every other history ends with."""
        rest = np.random.default_rng(1).permutation([at for at in range(len(FIXES)) if at not in self.delivered])
        for at in range(0, len(rest), 12):
            self.deliver(rest[at : at + 12].tolist(), late=at % 24 == 0)
            self.fold(at // 12 % MEMBERS)
            self.fold(0)
        self.tick(LAST_TICK)
        for _ in range(3):
            self.fold(1)
            self.relay(0, 1.0, False)
            self.runner.run(self._check())
        self._until_quiet()
        self.runner.run(self._check())
        self.runner.run(self._final())

    async def _final(self) -> None:
        await self._relay(0, 1.0, False)
        while await held_rows(self.watch):
            await self.members[0].round()
        self.tick(LAST_TICK)  # who took the partitions over a moment ago knows only its own ticks of the backfill lane
        for _ in range(2):
            await self.members[0].round()
            await self._relay(0, 1.0, False)
        await self._relay(0, 1.0, False)
        await self._check()
        out = decode_sent(self.topic)
        latest, whole = out.latest(), await evidence(self.watch)
        assert {one.partition for one in out.progress if one.tick_ms == LAST_TICK} == set(range(PARTITIONS))
        assert set(identities(whole.fixes)) == set(identities(FIXES))
        assert set(latest) == days_with_fixes(identities(FIXES))
        assert all(one.settled and is_settled(one.day, LAST_TICK) for one in latest.values())
        assert await self.watch.fetchval("select count(*) from day_due") == 0
        for one in latest.values():
            mine = FIXES.take(np.isin(FIXES.key, [FIXES.keys.index((one.tenant, one.device))]))
            assert_is_f(one, mine, self.roads)

    async def _close(self) -> None:
        await self.watch.close()
        await self.api.close()
        await self.pool.close()


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    folder: Path = tmp_path_factory.mktemp("district")
    return build_district(folder)


@pytest.mark.parametrize("examples", [8, pytest.param(80, marks=pytest.mark.slow)])
def test_G2_any_order_duplicates_crashes_and_zombies_give_one_ledger(
    database: Database, roads: RoadSet, examples: int
) -> None:
    FoldMachine.database, FoldMachine.roads = database, roads
    run_state_machine_as_test(
        FoldMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking a history against a real database takes longer than reading it
            database=None,
        ),
    )
