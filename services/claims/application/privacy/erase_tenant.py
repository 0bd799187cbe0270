"""Erase what rule RE1 does not hold of a tenant that leaves (rule RE2): table by table, again and again, until nothing goes."""

from typing import Final
from uuid import UUID

from services.claims.repo import erasure
from shared.db.pool import Connection, Pool, last_longer, tenant_tx

BATCH: Final = 500
ALL: Final = 1_000_000
DRY_MS: Final = 600_000


class _Undo(Exception):
    """Ends a transaction without its effect."""


async def erase(across: Pool, tenant: UUID, batch: int = BATCH) -> dict[str, int]:
    """table → rows that went, each batch in a transaction of its own: it can be broken off and begun again at any moment.

    `across` has the worker's role."""
    counts: dict[str, int] = {}
    async with tenant_tx(across, tenant) as conn:
        tables = await erasure.tables(conn)
    moved = True
    while moved:
        moved = False
        for table in tables:
            while True:
                async with tenant_tx(across, tenant) as conn:
                    count = await erasure.erase(conn, tenant, table, batch)
                if count:
                    moved = True
                    counts[table] = counts.get(table, 0) + count
                if count < batch:
                    break
    return counts


async def would_erase(across: Pool, tenant: UUID) -> dict[str, int]:
    """What `erase` would do, found by doing it in one transaction that is undone: of a large tenant it takes a while."""
    counts: dict[str, int] = {}
    try:
        async with tenant_tx(across, tenant) as conn:
            await last_longer(conn, DRY_MS)
            await _all(conn, tenant, counts)
            raise _Undo  # noqa: TRY301 - the only way to end a transaction without its effect
    except _Undo:
        return counts


async def _all(conn: Connection, tenant: UUID, counts: dict[str, int]) -> None:
    tables = await erasure.tables(conn)
    moved = True
    while moved:
        moved = False
        for table in tables:
            count = await erasure.erase(conn, tenant, table, ALL)
            if count:
                moved = True
                counts[table] = counts.get(table, 0) + count
