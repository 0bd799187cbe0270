"""Evidence on real Postgres: what is kept, who may see it (guarantee G6), and that nothing in it is ever changed."""

import uuid
from datetime import date

import asyncpg
import numpy as np
import pytest

from services.classifier.application.reading import fixes_at, read_fixes
from services.classifier.repo.evidence import Stretch
from shared.contracts import pings
from shared.db.pool import tenant_tx, tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.simulation.district import across_midnight, drive
from tests.simulation.service import identities

pytestmark = pytest.mark.integration

DAY = to_ordinal(date(2026, 3, 2))
NOON_MS = bounds_ms(DAY)[0] + 43_200_000
MINE, THEIRS = (str(uuid.UUID(int=1)), "ute-1"), (str(uuid.UUID(int=2)), "ute-1")


def stretch(key: tuple[str, str], from_ms: int, to_ms: int) -> Stretch:
    return Stretch(key, DAY - 1, DAY + 2, from_ms, to_ms)


async def test_fixes_come_back_as_they_came_in(store: Store) -> None:
    fixes = across_midnight(MINE, DAY)
    await store.take(fixes, drive((MINE[0], "ute-2"), NOON_MS, 5))
    back = await read_fixes(lambda: tx(store.worker), [stretch(MINE, 0, 2**42)])
    assert sorted(identities(back)) == sorted(identities(fixes))
    assert sorted(back.received_ms.tolist()) == sorted(fixes.received_ms.tolist())


async def test_a_stretch_gives_its_own_time_and_device_only(store: Store) -> None:
    fixes = drive(MINE, NOON_MS, 10)
    await store.take(fixes, drive((MINE[0], "ute-2"), NOON_MS, 10))
    wanted = stretch(MINE, int(fixes.ts_ms[3]), int(fixes.ts_ms[6]))
    back = await read_fixes(lambda: tx(store.worker), [wanted, wanted])
    assert sorted(back.ts_ms.tolist()) == fixes.ts_ms[3:7].tolist()


async def test_G5_the_fixes_of_any_earlier_revision_can_be_told(store: Store) -> None:
    fixes = drive(MINE, NOON_MS, 30)
    for turn in range(3):
        await store.take(fixes.take(np.arange(turn * 10, turn * 10 + 10)))
    asked = [stretch(MINE, 0, 2**42)]
    known = [await fixes_at(lambda: tx(store.worker), asked, rev) for rev in range(4)]
    assert [len(one) for one in known] == [0, 10, 20, 30]
    assert sorted(known[2].ts_ms.tolist()) == fixes.ts_ms[:20].tolist()


async def test_G6_an_api_transaction_sees_its_tenant_only_even_without_a_where(store: Store) -> None:
    await store.take(drive(MINE, NOON_MS, 10), drive(THEIRS, NOON_MS, 7))
    async with tenant_tx(store.api, uuid.UUID(MINE[0])) as conn:
        spans = await conn.fetch("select tenant_id, rows from classifier.evidence_span")
        frames = await conn.fetch("select frame from classifier.evidence_frame")
    assert {(str(row["tenant_id"]), row["rows"]) for row in spans} == {(MINE[0], 10)}
    assert {key for row in frames for key in pings.decode_pings(row["frame"]).keys} == {MINE}


async def test_G6_asking_for_another_tenants_device_gives_nothing(store: Store) -> None:
    await store.take(drive(THEIRS, NOON_MS, 7))
    mine = uuid.UUID(MINE[0])
    back = await read_fixes(lambda: tenant_tx(store.api, mine), [stretch(THEIRS, 0, 2**42)])
    assert len(back) == 0


async def test_G6_without_a_tenant_the_api_role_sees_nothing(store: Store) -> None:
    await store.take(drive(MINE, NOON_MS, 10))
    async with tx(store.api) as conn:
        assert await conn.fetchval("select count(*) from classifier.evidence_span") == 0
        assert await conn.fetchval("select count(*) from classifier.evidence_frame") == 0


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("worker", "update classifier.evidence_frame set frame = ''"),
        ("worker", "delete from classifier.evidence_span"),
        ("worker", "truncate classifier.evidence_frame cascade"),
        ("api", "insert into classifier.evidence_frame select * from classifier.evidence_frame"),
        ("api", "delete from classifier.day_due"),
        ("api", "update classifier.day_due set day = 0"),
        ("api", "select * from classifier.outbox"),
        ("api", "select * from classifier.stream_position"),
        ("api", "update classifier.partition_tick set tick_ms = 0"),
    ],
)
async def test_evidence_is_written_once_and_the_api_only_reads_it(store: Store, role: str, statement: str) -> None:
    pool = store.worker if role == "worker" else store.api
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tx(pool) as conn:
            await conn.execute(statement)


async def test_a_span_cannot_name_another_tenants_frame(store: Store) -> None:
    await store.take(drive(MINE, NOON_MS, 10))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with tx(store.worker) as conn:
            await conn.execute(
                """insert into classifier.evidence_span
                   select $1, device_id, day, partition, rev, part, rows, first_ms, last_ms from classifier.evidence_span""",
                uuid.UUID(THEIRS[0]),
            )
