"""One creation of a kind at a time per tenant, so that a check for what exists and the insert after it are one step."""

from typing import Final
from uuid import UUID

from shared.db.pool import Connection

LOCK: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
LOCK_SHARED: Final = "select pg_advisory_xact_lock_shared(hashtextextended($1, 0))"


async def one_at_a_time(conn: Connection, tenant: UUID, kind: str) -> None:
    """Held until the transaction ends.  The constraints stay the guarantee; this only makes their answers helpful."""
    await conn.execute(LOCK, f"{tenant}/{kind}")


async def together(conn: Connection, tenant: UUID, kind: str) -> None:
    """Shared with others of the same sort, but never beside `one_at_a_time` of the kind; until the transaction ends."""
    await conn.execute(LOCK_SHARED, f"{tenant}/{kind}")
