"""One creation of a kind at a time per tenant, so that a check for what exists and the insert after it are one step."""

from typing import Final
from uuid import UUID

from shared.db.pool import Connection

LOCK: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"


async def one_at_a_time(conn: Connection, tenant: UUID, kind: str) -> None:
    """Held until the transaction ends.  The constraints stay the guarantee; this only makes their answers helpful."""
    await conn.execute(LOCK, f"{tenant}/{kind}")
