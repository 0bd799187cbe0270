"""Rule SU9 on the real database: sets found, registered and swapped while the fold runs; only their days are reprocessed."""

import shutil
import uuid
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from services.classifier.application import sweeping
from services.classifier.application.road_sets import RoadSetMissing
from services.classifier.library import Library
from services.classifier.repo import road_sets
from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import PINGS
from shared.db.pool import tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.simulation.district import build_district, drive
from tests.simulation.service import Member, Sent, decode_sent, held_rows, outbox_frames

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAY = to_ordinal(date(2026, 3, 2))
DAYS = [DAY, DAY + 1, DAY + 2, DAY + 3]
KEYS = [(str(uuid.UUID(int=at % 2 + 1)), f"ute-{at}") for at in range(5)]
SETTLED_MS = bounds_ms(DAYS[-1])[1] + 150_000


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    """The district with a private road, valid from the third of the days."""
    return build_district(tmp_path_factory.mktemp("later"), access="private", valid_from="2026-03-04")


async def said(store: Store) -> Sent:
    watch = await asyncpg.connect(store.database.superuser)
    try:
        return decode_sent((await outbox_frames(watch)).values())
    finally:
        await watch.close()


async def settle_all(store: Store) -> Sent:
    await store.take(
        *(drive(key, bounds_ms(day)[0] + 40_000_000, 5) for key in KEYS for day in DAYS), tick_ms=SETTLED_MS
    )
    return await said(store)


async def quiet(store: Store, member: Member) -> None:
    watch = await asyncpg.connect(store.database.superuser)
    try:
        await member.round()
        while await held_rows(watch) or await watch.fetchval("select count(*) from classifier.road_set_sweep"):
            await member.round()
        assert decode_sent((await outbox_frames(watch)).values()).open_holds() == set()
    finally:
        await watch.close()


async def test_SU9_a_new_set_reprocesses_exactly_the_days_from_its_valid_from_on(
    store: Store, corrected: RoadSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (await settle_all(store)).latest()
    monkeypatch.setattr(sweeping, "DEVICES_PER_STEP", 2)
    monkeypatch.setattr(sweeping, "DAYS_PER_STEP", 1)
    member = Member(store.log, store.worker, store.district, corrected, cache_rows_max=10**6)
    await quiet(store, member)
    out = await said(store)
    changed = {name for name, one in out.latest().items() if one.rev > before[name].rev}
    assert changed == {(*key, day) for key in KEYS for day in DAYS[2:]}
    assert {(one.tenant, one.device, one.day) for one in out.holds} == changed
    for (_, _, day), one in out.latest().items():
        assert one.settled
        assert one.road_set == (corrected.name if day >= DAYS[2] else store.district.name)
        assert {total.surface for total in one.totals} == ({"off_road"} if day >= DAYS[2] else {"public_road"})


async def test_SU9_fixes_that_come_while_a_set_is_registered_end_up_under_it(store: Store, corrected: RoadSet) -> None:
    await settle_all(store)
    late = drive(KEYS[0], bounds_ms(DAYS[2])[0] + 50_000_000, 3)
    slow = store.member  # has polled and read the register before the other set is there
    member = Member(store.log, store.worker, store.district, corrected, cache_rows_max=10**6)
    slow.sets |= member.sets
    read = slow.consumer._judges.now

    async def register_after(conn: object, tenants: object) -> object:
        judge = await read(conn, tenants)  # type: ignore[arg-type]
        await member.ready()
        return judge

    slow.consumer._judges.now = register_after  # type: ignore[method-assign,assignment]
    store.log.append(PINGS.name, partition_of(*KEYS[0]), pings.encode_pings(late))
    await slow.consumer.round()
    assert (await said(store)).latest()[*KEYS[0], DAYS[2]].road_set == store.district.name
    await quiet(store, member)
    last = (await said(store)).latest()[*KEYS[0], DAYS[2]]
    assert (last.road_set, last.fixes) == (corrected.name, 8)


async def test_SU9_a_process_that_lacks_a_registered_set_computes_nothing_with_another(
    store: Store, corrected: RoadSet
) -> None:
    await settle_all(store)
    await Member(store.log, store.worker, store.district, corrected, cache_rows_max=10**6).ready()
    revisions = len((await said(store)).revisions)
    with pytest.raises(RoadSetMissing, match=corrected.name):
        await store.take(drive(KEYS[0], bounds_ms(DAYS[3])[0] + 50_000_000, 3))
    assert len((await said(store)).revisions) == revisions
    store.member.sets[corrected.name] = corrected
    await quiet(store, store.member)
    assert (await said(store)).latest()[*KEYS[0], DAYS[3]].fixes == 8


def library(store: Store, folder: Path, warmed: list[str]) -> Library:
    return Library(folder, store.worker, lambda: bounds_ms(DAY)[0], lambda roads: warmed.append(roads.name))


async def test_SU9_a_set_put_into_the_folder_is_opened_warmed_and_registered_without_a_restart(
    store: Store, tmp_path: Path
) -> None:
    folder, warmed = tmp_path / "roads", list[str]()
    one = library(store, folder, warmed)
    await one.look()
    assert "rucor roads build" in (one.problem() or "")
    first = build_district(tmp_path)
    await one.look()
    assert (one.problem(), one.complete(), warmed) == (None, True, [first.name])
    second = build_district(tmp_path, access="private", supersedes=first.name)
    await one.look()
    await one.look()
    assert warmed == [first.name, second.name]
    assert one.timeline.of_day(DAY).name == second.name
    assert set(one.sets) == {first.name, second.name}, "an older revision may name it"
    async with tx(store.worker) as conn:
        assert [(row.name, row.supersedes) for row in await road_sets.read(conn)] == [
            (first.name, ""), (second.name, first.name),
        ]  # fmt: skip


async def test_a_registered_set_whose_folder_is_missing_is_named(store: Store, tmp_path: Path) -> None:
    made = build_district(tmp_path)
    one, other = library(store, tmp_path / "roads", []), library(store, tmp_path / "elsewhere", [])
    await one.look()
    await other.look()
    assert not other.complete()
    assert made.name in (other.problem() or "")
    shutil.rmtree(made.path)
    await one.look()
    assert made.name in (one.problem() or ""), "still open here, gone at the next start"
    assert one.complete()


async def test_a_folder_that_is_no_data_set_hinders_no_other(store: Store, tmp_path: Path) -> None:
    made = build_district(tmp_path)
    broken = tmp_path / "roads" / "broken"
    shutil.copytree(made.path, broken)
    (broken / "meta.json").write_text("{}")
    one = library(store, tmp_path / "roads", [])
    await one.look()
    assert (one.problem(), list(one.sets)) == (None, [made.name])


async def test_sets_found_together_are_registered_by_date_and_one_without_a_date_from_the_day_it_came(
    store: Store, tmp_path: Path
) -> None:
    later = build_district(tmp_path, valid_from="2026-09-01")
    earlier = build_district(tmp_path, access="private", valid_from="2026-02-01")
    one = library(store, tmp_path / "roads", [])
    await one.look()
    assert [one.timeline.of_day(day)[:2] for day in (0, DAY, DAY + 300)] == [
        (earlier.name, True), (earlier.name, False), (later.name, False),
    ]  # fmt: skip
