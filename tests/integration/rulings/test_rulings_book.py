"""Versions of rulings on real Postgres: what is in force, the counter, and that every name a revision ever bore is found again."""

import random
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import asyncpg
import pytest

from services.classifier.domain.rulings import Rulings
from services.classifier.repo import ruling_versions, rulings
from services.classifier.repo.ruling_versions import ExclusionRow, LandRow
from shared.db.pool import Pool, open_pool, tenant_tx, tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.stack import Database

pytestmark = pytest.mark.integration

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
DAY = to_ordinal(date(2026, 3, 2))
GAP_MS = 150_000
AT = datetime(2026, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pools:
    worker: Pool
    api: Pool


@pytest.fixture
async def pools(database: Database) -> AsyncIterator[Pools]:
    async with AsyncExitStack() as stack:
        worker = await open_pool(database.dsn("classifier", "worker"), name="test-worker", size=2)
        stack.push_async_callback(worker.close)
        api = await open_pool(database.dsn("classifier", "api"), name="test-api", size=2)
        stack.push_async_callback(api.close)
        yield Pools(worker, api)


def land(number: int, **changed: object) -> LandRow:
    row = LandRow(
        id=uuid.UUID(int=100 + number), version=1, state="declared", kind="owned", name=f"Block {number}", address="",
        first_day=DAY, last_day=DAY + 10, over_public=False, reason="ours", change_reason="", actor="", key_id="abcdef01",
        wkb=bytes([1, number]), south_e6=0, west_e6=0, north_e6=1, east_e6=1, created_at=AT, written_at=AT,
    )  # fmt: skip
    return replace(row, **changed)  # type: ignore[arg-type]


def exclusion(number: int, **changed: object) -> ExclusionRow:
    start = bounds_ms(DAY)[0]
    row = ExclusionRow(
        id=uuid.UUID(int=200 + number), version=1, state="active", device="ute-1", from_ms=start, to_ms=start + 60_000,
        reason="jammed", change_reason="", actor="", key_id="abcdef01", wkb=b"", south_e6=0, west_e6=0, north_e6=0,
        east_e6=0, created_at=AT, written_at=AT,
    )  # fmt: skip
    return replace(row, **changed)  # type: ignore[arg-type]


async def enter(pool: Pool, tenant: uuid.UUID, row: LandRow | ExclusionRow) -> None:
    async with tenant_tx(pool, tenant) as conn:
        if isinstance(row, LandRow):
            await ruling_versions.insert_land(conn, tenant, row, await ruling_versions.enter(conn))
        else:
            await ruling_versions.insert_exclusion(conn, tenant, row, await ruling_versions.enter(conn))


async def book_of(pools: Pools, tenant: uuid.UUID) -> Rulings:
    async with tx(pools.worker) as conn:
        return (await rulings.read_book(conn, [str(tenant)])).get(str(tenant), Rulings())


async def test_SU7_the_newest_version_is_in_force_and_a_withdrawn_land_is_not(pools: Pools) -> None:
    await enter(pools.api, ONE, land(2))
    await enter(pools.api, ONE, land(1))
    await enter(pools.api, ONE, land(2, version=2, name="Renamed", last_day=DAY + 3))
    first = await book_of(pools, ONE)
    assert [(one.id, one.name) for one in first.lands] == [
        (str(uuid.UUID(int=101)), "Block 1"),
        (str(uuid.UUID(int=102)), "Renamed"),
    ]
    await enter(pools.api, ONE, land(1, version=2, state="withdrawn"))
    assert [one.name for one in (await book_of(pools, ONE)).lands] == ["Renamed"]


async def test_only_an_active_exclusion_is_in_force(pools: Pools) -> None:
    await enter(pools.api, ONE, exclusion(1, state="proposed"))
    assert (await book_of(pools, ONE)).exclusions == ()
    await enter(pools.api, ONE, exclusion(1, version=2))
    assert [one.device for one in (await book_of(pools, ONE)).exclusions] == ["ute-1"]
    await enter(pools.api, ONE, exclusion(1, version=3, state="lifted"))
    assert (await book_of(pools, ONE)).exclusions == ()


async def test_every_change_raises_the_version_of_the_book_with_it(pools: Pools) -> None:
    async def version() -> int:
        async with tx(pools.worker) as conn:
            return await rulings.book_version(conn)

    assert await version() == 0
    await enter(pools.api, ONE, land(1))
    await enter(pools.api, TWO, exclusion(1))
    assert await version() == 2
    with pytest.raises(asyncpg.UniqueViolationError):
        await enter(pools.api, ONE, land(1))
    assert await version() == 2, "a change that fails raises nothing"


async def test_G5_every_name_that_a_revision_ever_bore_is_found_again(pools: Pools) -> None:
    rng = random.Random(7)
    rows: dict[uuid.UUID, LandRow | ExclusionRow] = {}
    seen: dict[tuple[str, int, str], Rulings] = {}
    start = bounds_ms(DAY)[0]
    for _ in range(40):
        number = rng.randrange(4)
        fresh: LandRow | ExclusionRow
        if rng.random() < 0.5:
            first = DAY + rng.randrange(4)
            state = rng.choice(["declared", "declared", "withdrawn"])
            fresh = land(number, first_day=first, last_day=first + rng.randrange(3), state=state, name=rng.choice("ab"))
        else:
            from_ms = start + rng.randrange(4 * 86_400_000)
            fresh = exclusion(
                number, state=rng.choice(["proposed", "active", "active", "lifted"]), from_ms=from_ms,
                to_ms=from_ms + rng.randrange(86_400_000), device=rng.choice(["ute-1", "ute-2"]),
            )  # fmt: skip
        before = rows.get(fresh.id)
        if isinstance(fresh, ExclusionRow) and isinstance(before, ExclusionRow):  # only its state can change
            fresh = replace(before, state=fresh.state)
        rows[fresh.id] = replace(fresh, version=1 if before is None else before.version + 1)
        await enter(pools.api, ONE, rows[fresh.id])
        book = await book_of(pools, ONE)
        for device in ("ute-1", "ute-2", "ute-3"):
            for day in range(DAY - 1, DAY + 6):
                known = book.of_day(device, day, GAP_MS)
                seen[device, day, known.name] = known
    assert len({name for _, _, name in seen}) > 20
    async with tx(pools.worker) as conn:
        for (device, day, name), known in seen.items():
            assert await rulings.named_rulings(conn, str(ONE), device, day, GAP_MS, name) == known
        assert await rulings.named_rulings(conn, str(ONE), "ute-1", DAY, GAP_MS, "0" * 16) is None
        assert (
            await rulings.named_rulings(conn, str(TWO), "ute-1", DAY, GAP_MS, next(n for _, _, n in seen if n)) is None
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update classifier.land_version set name = ''",
        "delete from classifier.land_version",
        "delete from classifier.exclusion_version",
        "update classifier.ruling_counter set value = 0",
        "select * from classifier.ruling_counter",
        "select * from classifier.api_key",
    ],
)
async def test_G5_the_api_role_changes_no_version_and_sees_no_counter(pools: Pools, statement: str) -> None:
    await enter(pools.api, ONE, land(1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(pools.api, ONE) as conn:
            await conn.execute(statement)


async def test_SU7_the_database_refuses_land_over_a_public_road_without_kind_or_reason(pools: Pools) -> None:
    written = "The council closed this road for our quarry."
    await enter(pools.api, ONE, land(1, over_public=True, kind="closed_works_site", reason=written))
    for wrong in ({"kind": "owned", "reason": written}, {"kind": "map_error", "reason": "short"}):
        with pytest.raises(asyncpg.CheckViolationError):
            await enter(pools.api, ONE, land(2, over_public=True, **wrong))
