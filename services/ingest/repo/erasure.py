"""What is held of a tenant, and its erasure (rule RE2).  Needs the worker's role."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.db.pool import Connection

TABLES: Final = "select ingest.tenant_tables()"
GIVE: Final = "select place, body from ingest.give_rows($1, $2, $3, $4)"
ERASE: Final = "select ingest.erase($1, $2, $3)"
REVOKE_ALL: Final = (
    "update ingest.api_key set revoked_at = now() where tenant_id = $1 and revoked_at is null returning key_id"
)


async def tables(conn: Connection) -> list[str]:
    return [row[0] for row in await conn.fetch(TABLES)]


async def give_rows(
    conn: Connection, tenant: UUID, table: str, after: tuple[int, int], limit: int
) -> list[tuple[tuple[int, int], str]]:
    """Rows as JSON behind a place, each with its own place."""
    return [(row["place"], row["body"]) for row in await conn.fetch(GIVE, tenant, table, after, limit)]


async def erase(conn: Connection, tenant: UUID, kept_devices: Sequence[str], limit: int) -> int:
    """At most `limit` rows of a table; refused rows of `kept_devices` stay.  How many went."""
    count: int = await conn.fetchval(ERASE, tenant, list(kept_devices), limit)
    return count


async def revoke_all(conn: Connection, tenant: UUID) -> int:
    return len(await conn.fetch(REVOKE_ALL, tenant))
