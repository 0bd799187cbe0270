"""Design G5: every revision is f of the fixes so far, with the road data set and the rulings that it names; and from the
evidence store alone every last revision comes out again with the same hash.  Streams of more than 10,000 pings through both
lanes, with land, an exclusion and another road data set coming in between."""

import uuid
from datetime import date
from functools import partial

import asyncpg
import numpy as np
import pytest

from services.classifier.application.judging import Judge, Judges
from services.classifier.application.reading import read_fixes
from services.classifier.application.road_sets import RoadsByDay
from services.classifier.application.windows import window_bounds_ms
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.scheme import V1
from services.classifier.repo import rulings
from services.classifier.repo.evidence import Stretch
from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.device_day import DeviceDay, hash_of
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Pings
from shared.contracts.topics import BACKFILL, PARTITIONS, PINGS
from shared.db.pool import tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.integration.rulings.conftest import ONE, Caller, api, land_body, one
from tests.simulation.district import build_district, drive
from tests.simulation.service import Evidence, Member, decode_sent, evidence, held_rows, outbox_frames

__all__ = ["api", "one"]
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAY = to_ordinal(date(2026, 3, 2))
DAYS = (DAY, DAY + 1, DAY + 2)
KEYS = [(str(ONE), f"ute-{at}") for at in range(4)] + [(str(uuid.UUID(int=2)), "ute-0")]
SETTLED_MS = bounds_ms(DAYS[-1] + 1)[1] + 150_000
ROUNDS = 12


def stream() -> Pings:
    """Five devices, three days: 10,500 fixes, some near midnight, one instant with two contents."""
    parts = [drive(key, bounds_ms(day)[1] - 1_800_000, 700, every_ms=3_000) for key in KEYS for day in DAYS]
    twin = parts[0].take(np.array([30]))
    return pings.concat([*parts, pings.make(twin.keys, twin.columns() | {"lat_e6": twin.lat_e6 + 40})])


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return build_district(tmp_path_factory.mktemp("corrected"), access="private", valid_from="2026-03-03")


async def deliver(store: Store, member: Member, fixes: Pings, rng: np.random.Generator) -> None:
    for at, key in enumerate(fixes.keys):
        mine = fixes.take(fixes.key == at)
        late = rng.random(len(mine)) < 0.3
        for lane, some in ((PINGS, mine.take(~late)), (BACKFILL, mine.take(late))):
            if len(some):
                store.log.append(lane.name, partition_of(*key), pings.encode_pings(some))
    await member.round()


async def assert_is_f(store: Store, revision: DeviceDay, held: Evidence, sets: dict[str, RoadSet]) -> None:
    """Of the fixes up to its rev, by the set and the rulings that it names."""
    key = (revision.tenant, revision.device)
    async with tx(store.worker) as conn:
        named = await rulings.named_rulings(conn, *key, revision.day, V1.gap_limit_ms, revision.land)
    assert named is not None, "the name of rulings that were in force"
    judge = Judge(classify_days, RoadsByDay.always(sets[revision.road_set]), {revision.tenant: named})
    (judged,) = judge(held.up_to(revision.rev, *key), [(key, revision.day)])
    assert revision == judged.revision(revision.rev, revision.settled)


async def test_G5_every_revision_is_f_and_replay_from_evidence_gives_the_same_hashes(
    store: Store, one: Caller, corrected: RoadSet
) -> None:
    rng = np.random.default_rng(11)
    fixes = stream()
    assert len(fixes) > 10_000
    order = rng.permutation(len(fixes))
    again = rng.choice(order, 600)
    sets = {each.name: each for each in (store.district, corrected)}
    member = Member(store.log, store.worker, store.district, cache_rows_max=4_000)
    for turn, rows in enumerate(np.array_split(np.concatenate([order, again]), ROUNDS)):
        await deliver(store, member, fixes.take(rows), rng)
        if turn == 2:
            await one.post("/land", land_body())
        if turn == 5:
            member.sets[corrected.name] = corrected
        if turn == 8:
            body = {
                "device": KEYS[0][1],
                "from_at": "2026-03-02T10:30:00Z",
                "to_at": "2026-03-02T10:45:00Z",
                "reason": "a fault",
            }
            await one.post("/exclusions", body)
    for lane in (PINGS, BACKFILL):
        for partition in range(PARTITIONS):
            store.log.append(lane.name, partition, pings.encode_tick(SETTLED_MS))
    watch = await asyncpg.connect(store.database.superuser)
    try:
        await member.round()
        while await held_rows(watch) or await watch.fetchval("select count(*) from classifier.road_set_sweep"):
            await member.round()
        await watch.execute("set search_path = classifier")
        held = await evidence(watch)
        out = decode_sent((await outbox_frames(watch)).values())
    finally:
        await watch.close()
    assert len(out.revisions) > 100
    for revision in out.revisions:
        await assert_is_f(store, revision, held, sets)
    await assert_replays(store, member, out.latest().values())


async def assert_replays(store: Store, member: Member, last: object) -> None:
    """From the store's own reading, and what the database says counts now."""
    revisions: list[DeviceDay] = list(last)  # type: ignore[call-overload]
    assert {one.road_set for one in revisions} == set(member.sets)
    assert {bool(one.land) for one in revisions} == {True, False}
    judges = Judges(partial(classify_days, scheme=V1), lambda: member.sets)
    async with tx(store.worker) as conn:
        judge = await judges.now(conn, {one.tenant for one in revisions})
    for last_one in revisions:
        key = (last_one.tenant, last_one.device)
        stretch = Stretch(key, last_one.day - 1, last_one.day + 1, *window_bounds_ms(last_one.day, V1.gap_limit_ms))
        read = await read_fixes(partial(tx, store.worker), [stretch])
        (judged,) = judge(read, [(key, last_one.day)])
        assert hash_of(judged.revision(0, settled=True)) == hash_of(last_one)
