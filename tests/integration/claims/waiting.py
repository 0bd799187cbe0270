"""Holding a transaction open until somebody waits for it: interleavings on purpose, with no clock."""

import asyncio

import asyncpg

from tests.integration.claims.conftest import Claims

WAITERS = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def until_waiting(claims: Claims) -> None:
    """Returns when a session waits for a lock."""
    conn = await asyncpg.connect(claims.database.superuser)  # others do not see what a session waits for
    try:
        async with asyncio.timeout(10):
            while not await conn.fetchval(WAITERS):
                await asyncio.sleep(0.01)
    finally:
        await conn.close()
