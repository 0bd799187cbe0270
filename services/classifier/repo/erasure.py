"""What is held of a tenant beside its fixes, and its erasure (rule RE2).  Needs the worker's role; `forget_days` and
`forget_name` the API's."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.db.pool import Connection

TABLES: Final = "select classifier.tenant_tables()"
GIVE: Final = "select place, body from classifier.give_rows($1, $2, $3, $4)"
ERASE: Final = "select classifier.erase($1, $2, $3, $4, $5)"
FORGET_NAME: Final = "select classifier.forget_name($1, $2, $3, $4, $5)"
FORGET_DAYS: Final = "select classifier.forget_days($1, $2, $3, $4)"
DEVICES: Final = """
select device_id, min(day) as first_day, max(day) as last_day from classifier.evidence_day
where tenant_id = $1 group by device_id order by device_id"""
REVOKE_ALL: Final = (
    "update classifier.api_key set revoked_at = now() where tenant_id = $1 and revoked_at is null returning key_id"
)
FIXES: Final = ("evidence_frame", "evidence_span", "fix_chunk")
"""Given out as fixes, not as rows."""


async def tables(conn: Connection) -> list[str]:
    return [row[0] for row in await conn.fetch(TABLES) if row[0] not in FIXES]


async def give_rows(
    conn: Connection, tenant: UUID, table: str, after: tuple[int, int], limit: int
) -> list[tuple[tuple[int, int], str]]:
    """Rows as JSON behind a place, each with its own place."""
    return [(row["place"], row["body"]) for row in await conn.fetch(GIVE, tenant, table, after, limit)]


async def devices(conn: Connection, tenant: UUID) -> list[tuple[str, int, int]]:
    """(device, first NZ day, last NZ day) of the fixes in evidence."""
    return [tuple(row) for row in await conn.fetch(DEVICES, tenant)]


async def erase(conn: Connection, tenant: UUID, kept: Sequence[tuple[str, int, int]], limit: int) -> int:
    """`kept`: (device, first day, last day) that stay.  At most `limit` rows of a table; how many went."""
    count: int = await conn.fetchval(
        ERASE, tenant, [one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept], limit
    )
    return count


async def forget_days(conn: Connection, tenant: UUID, device: str, from_day: int, to_day: int) -> int:
    """Device-days of fixes that are left: a hold keeps them, or a frame has others too.  In the tenant's transaction."""
    left: int = await conn.fetchval(FORGET_DAYS, tenant, device, from_day, to_day)
    return left


async def forget_name(conn: Connection, tenant: UUID, name: str, put_away: str, held: Sequence[tuple[int, int]]) -> int:
    """Versions of rulings that still have the name: a day of theirs is among `held` (first, last), or a hold here keeps it.
    In the tenant's transaction."""
    days = [one[0] for one in held], [one[1] for one in held]
    left: int = await conn.fetchval(FORGET_NAME, tenant, name, put_away, *days)
    return left


async def revoke_all(conn: Connection, tenant: UUID) -> int:
    return len(await conn.fetch(REVOKE_ALL, tenant))
