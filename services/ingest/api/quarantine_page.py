"""A page of the quarantine, for a tenant or for a provider of one."""

import base64
import binascii
from uuid import UUID

from services.ingest.api.schemas import QuarantinePage, QuarantineRow
from services.ingest.repo import quarantine
from services.ingest.repo.quarantine import StoredRow
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tenant_tx
from shared.http.problems import Problem, unavailable


async def page_of(
    pool: Pool, tenant: UUID, limit: int, cursor: str | None, code: str | None, device_id: str | None, origin: str = ""
) -> QuarantinePage:
    """Newest first; `origin`: only rows whose origin begins so.  Raises Problem 422, 503."""
    before = _from_cursor(cursor)
    try:
        async with tenant_tx(pool, tenant) as conn:
            rows = await quarantine.page(
                conn, tenant, before=before, code=code, device_id=device_id, limit=limit + 1, origin=origin
            )
    except DatabaseUnavailable as error:
        raise unavailable("The quarantine can't be read at the moment: try again.") from error
    more = len(rows) > limit
    return QuarantinePage(
        items=[_to_api_row(row) for row in rows[:limit]], next_cursor=_to_cursor(rows[limit - 1].id) if more else None
    )


def _to_cursor(row_id: int) -> str:
    return base64.urlsafe_b64encode(f"q{row_id}".encode()).decode()


def _from_cursor(cursor: str | None) -> int | None:
    """Raises Problem 422 for a cursor that we did not make."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode("ascii")
    except (ValueError, binascii.Error):
        text = ""
    if not (text.startswith("q") and text[1:].isdigit() and len(text) < 20):
        raise Problem(
            422, "bad_cursor", "The cursor is not known",
            "Leave `cursor` out to start at the newest row, or send the one of the last page."
        )  # fmt: skip
    return int(text[1:])


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
