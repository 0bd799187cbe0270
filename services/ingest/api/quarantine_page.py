"""A page of the quarantine, for a tenant or for a provider of one."""

import base64
from dataclasses import dataclass
from uuid import UUID

from services.ingest.api.schemas import QuarantinePage, QuarantineRow
from services.ingest.repo import quarantine
from services.ingest.repo.quarantine import StoredRow
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tenant_tx
from shared.http.paging import Listing
from shared.http.problems import unavailable


@dataclass(frozen=True)
class Asked:
    """`origin`: only rows whose origin begins so."""

    limit: int
    cursor: str | None
    code: str | None
    device_id: str | None
    origin: str = ""


async def page_of(pool: Pool, tenant: UUID, here: Listing, asked: Asked) -> QuarantinePage:
    """Newest first.  Raises Problem 400, 503."""
    limit = asked.limit
    before = here.number_of(asked.cursor)
    try:
        async with tenant_tx(pool, tenant) as conn:
            rows = await quarantine.page(
                conn,
                tenant,
                before=before,
                code=asked.code,
                device_id=asked.device_id,
                limit=limit + 1,
                origin=asked.origin,
            )
    except DatabaseUnavailable as error:
        raise unavailable("The quarantine can't be read at the moment: try again.") from error
    more = len(rows) > limit
    following = here.number(rows[limit - 1].id) if more else None
    return QuarantinePage(items=[_to_api_row(row) for row in rows[:limit]], next_cursor=following)


def _to_api_row(row: StoredRow) -> QuarantineRow:
    try:
        body, encoded = row.body.decode(), None
    except UnicodeDecodeError:
        body, encoded = None, base64.b64encode(row.body).decode()
    return QuarantineRow(
        origin=row.origin, partition=row.partition, offset=row.offset, row=row.row, device_id=row.device_id,
        code=row.code, detail=row.detail, body=body, body_base64=encoded, received_at=row.received_at,
        code_version=row.code_version,
    )  # fmt: skip
