"""Device-days that were asked for and are too many for one transaction: what is left of them waits here until it is due.
Takes a connection and never opens or ends a transaction."""

from typing import Final, NamedTuple
from uuid import UUID

from services.classifier.repo.fold_state import HeldCause
from shared.db.pool import Connection

WAIT: Final = """
insert into classifier.recompute_waiting (tenant_id, waiting_id, cause, device_id, first_day, last_day, after_device, after_day)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
# What another process has in its hands is left to it.
TAKE: Final = """
select tenant_id, waiting_id, cause, device_id, first_day, last_day, after_device, after_day
from classifier.recompute_waiting order by asked_at, tenant_id, waiting_id limit 1 for update skip locked
"""
MOVE: Final = """
update classifier.recompute_waiting set (after_device, after_day) = ($3, $4) where tenant_id = $1 and waiting_id = $2
"""
END: Final = "delete from classifier.recompute_waiting where tenant_id = $1 and waiting_id = $2"

DeviceDay = tuple[str, int]
"""(device, NZ day)."""
FIRST: Final[DeviceDay] = ("", -(1 << 31))
"""Before every other."""


class Scope(NamedTuple):
    """Device-days of one device, or of all (""), from one NZ day to another, both included."""

    device: str
    first_day: int
    last_day: int


class Waiting(NamedTuple):
    """What of a scope lies behind `after`."""

    tenant: UUID
    id: UUID
    cause: HeldCause
    scope: Scope
    after: DeviceDay


async def wait(conn: Connection, waiting: Waiting) -> None:
    await conn.execute(WAIT, waiting.tenant, waiting.id, waiting.cause, *waiting.scope, *waiting.after)


async def take(conn: Connection) -> Waiting | None:
    """The oldest, locked until the transaction's end.  Worker's role."""
    row = await conn.fetchrow(TAKE)
    if row is None:
        return None
    scope = Scope(row["device_id"], row["first_day"], row["last_day"])
    return Waiting(row["tenant_id"], row["waiting_id"], row["cause"], scope, (row["after_device"], row["after_day"]))


async def move(conn: Connection, waiting: Waiting, after: DeviceDay) -> None:
    await conn.execute(MOVE, waiting.tenant, waiting.id, *after)


async def end(conn: Connection, waiting: Waiting) -> None:
    await conn.execute(END, waiting.tenant, waiting.id)
