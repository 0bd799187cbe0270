"""The quarantine table: rows in by the consumer, pages out for one tenant."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from shared.contracts.quarantine import QuarantinedRow
from shared.db.pool import Connection

NO_TENANT: Final = UUID(int=0)
"""Rows whose tenant can't be told: kept for operations, seen by no tenant."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

INSERT_ROWS: Final = """
insert into ingest.quarantine
    (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body, received_at, code_version)
select * from unnest(
    $1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[], $9::bytea[],
    $10::timestamptz[], $11::text[]
)
on conflict on constraint quarantine_pkey do nothing
"""
SELECT_PAGE: Final = """
select id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body, received_at, code_version
from ingest.quarantine
where tenant_id = $1
    and ($2::bigint is null or id < $2)
    and ($3::text is null or code = $3)
    and ($4::text is null or device_id = $4)
    and starts_with(origin, $5)
order by id desc
limit $6
"""
PURGE: Final = "select ingest.purge_quarantine($1, $2, $3)"
FORGET: Final = "select ingest.forget_refused($1, $2, $3, $4, $5, false)"


class StoredRow(NamedTuple):
    """One row as a tenant sees it."""

    id: int
    origin: str
    partition: int
    offset: int
    row: int
    device_id: str
    code: str
    detail: str
    body: bytes
    received_at: datetime
    code_version: str


def _tenant(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return NO_TENANT


async def insert(conn: Connection, rows: Sequence[QuarantinedRow]) -> None:
    """Store the rows; one that is there already stays as it is."""
    await conn.execute(
        INSERT_ROWS,
        [_tenant(row.tenant) for row in rows],
        [row.origin for row in rows],
        [row.partition for row in rows],
        [row.offset for row in rows],
        [row.row for row in rows],
        [row.device.replace("\0", "\ufffd") for row in rows],
        [row.code for row in rows],
        [row.detail.replace("\0", "\ufffd") for row in rows],
        [row.body for row in rows],
        [_EPOCH + timedelta(milliseconds=row.received_ms) for row in rows],
        [row.code_version for row in rows],
    )


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    before: int | None,
    code: str | None,
    device_id: str | None,
    limit: int,
    origin: str = "",
) -> list[StoredRow]:
    """Newest first, from below the id `before`."""
    found = await conn.fetch(SELECT_PAGE, tenant_id, before, code, device_id, origin, limit)
    return [StoredRow(*row) for row in found]


async def purge(conn: Connection, kept: Sequence[UUID], limit: int, *, dry: bool) -> int:
    """Rows older than rule RE1 holds, but of the tenants in `kept`: gone, or that would go.  The database judges."""
    count: int = await conn.fetchval(PURGE, list(kept), limit, dry)
    return count


async def forget(conn: Connection, tenant: UUID, device: str, days: tuple[int, int], limit: int) -> int:
    """So many rows of the device that came on these NZ days, both included, are gone (rule RE2).  In the tenant's
    transaction."""
    count: int = await conn.fetchval(FORGET, tenant, device, *days, limit)
    return count
