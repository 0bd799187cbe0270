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
FINISH: Final = "update idempotency set status = $3, body = $4 where tenant_id = $1 and key = $2"


@dataclass(frozen=True)
class Stored:
    """`body`: empty where it told of somebody who has been forgotten since."""

    request_hash: bytes
    status: int
    body: bytes


async def begin(conn: Connection, tenant: UUID, key: str, request_hash: bytes) -> Stored | None:
    """None: this is the first, go on and `finish`.  Else what was asked and answered before."""
    if await conn.fetchval(BEGIN, tenant, key, request_hash) is not None:
        return None
    return await stored(conn, tenant, key)


async def stored(conn: Connection, tenant: UUID, key: str) -> Stored | None:
    row = await conn.fetchrow(STORED, tenant, key)
    return None if row is None else Stored(row["request_hash"], row["status"], row["body"])


async def finish(conn: Connection, tenant: UUID, key: str, status: int, body: bytes) -> None:
    await conn.execute(FINISH, tenant, key, status, body)
