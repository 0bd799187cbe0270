"""First answers of commands that carried an Idempotency-Key, stored in the command's own transaction.

The table `idempotency` lies in the schema of each service that takes commands; the role's search path finds it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.db.pool import Connection

# Waits for another transaction with the same key, so a retry that overtakes its first try gets that one's answer.
BEGIN: Final = """
insert into idempotency (tenant_id, key, request_hash) values ($1, $2, $3)
on conflict on constraint idempotency_pk do nothing returning key"""
STORED: Final = "select request_hash, status, body from idempotency where tenant_id = $1 and key = $2"
LOCK_STORED: Final = STORED + " for update"
FINISH: Final = "update idempotency set status = $3, body = $4 where tenant_id = $1 and key = $2"


@dataclass(frozen=True)
class Stored:
    """`status`: None while the request, of several transactions, is not answered.  `body`: empty where it told of somebody who
    has been forgotten since."""

    request_hash: bytes
    status: int | None
    body: bytes | None

    def awaits(self, request_hash: bytes) -> bool:
        """This very request began, and may go on where it ended."""
        return self.status is None and self.request_hash == request_hash


async def begin(conn: Connection, tenant: UUID, key: str, request_hash: bytes) -> Stored | None:
    """None: this is the first, or it is not answered yet: go on and `finish`.  Else what was asked and answered before."""
    if await conn.fetchval(BEGIN, tenant, key, request_hash) is not None:
        return None
    found = await stored(conn, tenant, key, LOCK_STORED)
    return None if found is not None and found.awaits(request_hash) else found


async def stored(conn: Connection, tenant: UUID, key: str, statement: str = STORED) -> Stored | None:
    row = await conn.fetchrow(statement, tenant, key)
    return None if row is None else Stored(row["request_hash"], row["status"], row["body"])


async def finish(conn: Connection, tenant: UUID, key: str, status: int, body: bytes) -> None:
    await conn.execute(FINISH, tenant, key, status, body)
