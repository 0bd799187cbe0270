"""Positions on real Postgres: compare-and-set is all or nothing and fences every owner but the last."""

import asyncio

import pytest

from shared.db.pool import Pool, tx
from shared.errors import Superseded
from shared.stream.positions import TP, Position, compare_and_set, load

pytestmark = pytest.mark.integration

STARTS: dict[TP, Position] = {("t", p): Position("t", p, "id", 7, None, 0) for p in range(3)}


async def start(pool: Pool) -> dict[TP, Position]:
    async with tx(pool) as conn:
        return await load(conn, STARTS, STARTS)


async def stored(pool: Pool) -> dict[TP, Position]:
    async with tx(pool) as conn:
        return await load(conn, STARTS)


async def test_load_inserts_missing_partitions_at_their_start_once(pool: Pool) -> None:
    assert await start(pool) == STARTS
    later = {tp: Position(*tp, "other", 99, None, 0) for tp in STARTS}
    async with tx(pool) as conn:
        assert await load(conn, STARTS, later) == STARTS


async def test_load_leaves_out_what_is_neither_stored_nor_started(pool: Pool) -> None:
    async with tx(pool) as conn:
        assert await load(conn, [("t", 0)]) == {}


async def test_every_call_raises_the_version_also_without_records(pool: Pool) -> None:
    expected = await start(pool)
    async with tx(pool) as conn:
        after = await compare_and_set(conn, expected, {})
    assert after == await stored(pool)
    assert {p.version for p in after.values()} == {1}
    assert {p.next_offset for p in after.values()} == {7}


async def test_advancing_stores_offset_and_crc(pool: Pool) -> None:
    expected = await start(pool)
    advanced = {("t", 1): expected["t", 1].passed(41, 0xFFFF_FFFF)}
    async with tx(pool) as conn:
        after = await compare_and_set(conn, expected, advanced)
    assert after["t", 1] == Position("t", 1, "id", 42, 0xFFFF_FFFF, 1)
    assert after == await stored(pool)


async def test_a_zombie_is_superseded_and_changes_nothing(pool: Pool) -> None:
    expected = await start(pool)
    async with tx(pool) as conn:  # the new owner of one partition, without a record
        await compare_and_set(conn, {("t", 2): expected["t", 2]}, {})
    before = await stored(pool)
    with pytest.raises(Superseded, match="t/2"):
        async with tx(pool) as conn:
            await compare_and_set(conn, expected, {tp: p.passed(100, 1) for tp, p in expected.items()})
    assert await stored(pool) == before


async def test_of_many_concurrent_owners_exactly_one_wins_and_none_deadlocks(pool: Pool) -> None:
    expected = await start(pool)

    async def owner(number: int) -> bool:
        keys = sorted(expected, reverse=bool(number % 2))
        try:
            async with tx(pool) as conn:
                moved = {tp: expected[tp].passed(100 + number, number) for tp in keys}
                await compare_and_set(conn, {tp: expected[tp] for tp in keys}, moved)
        except Superseded:
            return False
        return True

    won = await asyncio.gather(*(owner(number) for number in range(12)))
    assert won.count(True) == 1
    assert {p.next_offset for p in (await stored(pool)).values()} == {101 + won.index(True)}


async def test_the_effect_is_rolled_back_with_a_lost_compare_and_set(pool: Pool) -> None:
    expected = await start(pool)
    async with tx(pool) as conn:
        await compare_and_set(conn, expected, {})
    with pytest.raises(Superseded):  # noqa: PT012 - both statements are one transaction
        async with tx(pool) as conn:
            await conn.execute("insert into outbox (topic, partition, frame) values ('t', 0, '')")
            await compare_and_set(conn, expected, {})
    async with tx(pool) as conn:
        assert await conn.fetchval("select count(*) from outbox") == 0


async def test_nothing_owned_is_nothing_to_do(pool: Pool) -> None:
    async with tx(pool) as conn:
        assert await compare_and_set(conn, {}, {}) == {}


async def test_going_back_or_advancing_a_stranger_is_a_bug(pool: Pool) -> None:
    expected = await start(pool)
    back = {("t", 0): Position("t", 0, "id", 3, None, 0)}
    async with tx(pool) as conn:
        with pytest.raises(ValueError, match="go back"):
            await compare_and_set(conn, expected, back)
        with pytest.raises(ValueError, match="expected"):
            await compare_and_set(conn, {}, back)
