"""Device-days that were asked for and are too many for one transaction: they wait here, a row a device, until they are made
due.  Takes a connection and never opens or ends a transaction."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.classifier.repo.fold_state import HeldCause
from shared.db.pool import Connection

WAIT: Final = """
insert into classifier.recompute_waiting (tenant_id, asking_id, device_id, cause, days)
select $1, $2, device_id, $3, string_to_array(days, ',')::int[] from unnest($4::text[], $5::text[]) as w (device_id, days)
"""
# Of the oldest asking only; what another process has in its hands is left to it.
TAKE: Final = """
select tenant_id, asking_id, device_id, cause, days from classifier.recompute_waiting
order by asked_at, tenant_id, asking_id, device_id limit $1 for update skip locked
"""
END: Final = """
delete from classifier.recompute_waiting as r
using unnest($3::text[]) as w (device_id)
where r.tenant_id = $1 and r.asking_id = $2 and r.device_id = w.device_id
"""


class Waiting(NamedTuple):
    """Days of one device."""

    tenant: UUID
    asking: UUID
    device: str
    cause: HeldCause
    days: list[int]


async def wait(
    conn: Connection, tenant: UUID, asking: UUID, cause: HeldCause, days: Mapping[str, Sequence[int]]
) -> None:
    """`days`: NZ days by device."""
    listed = [",".join(map(str, some)) for some in days.values()]
    await conn.execute(WAIT, tenant, asking, cause, list(days), listed)


async def take(conn: Connection, devices_max: int) -> list[Waiting]:
    """The oldest, locked until the transaction's end.  Worker's role."""
    return [Waiting(*row.values()) for row in await conn.fetch(TAKE, devices_max)]


async def end(conn: Connection, done: Sequence[Waiting]) -> None:
    """Delete what was taken, all of one asking."""
    if done:
        await conn.execute(END, done[0].tenant, done[0].asking, [one.device for one in done])
