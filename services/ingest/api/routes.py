"""Ingest's HTTP routes: `POST /v1/pings` and `GET /v1/quarantine`."""

import base64
import binascii
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import Response

from services.ingest.api.intake import Intake
from services.ingest.api.schemas import (
    PINGS_ANSWERS,
    PINGS_BODY,
    Ping,
    QuarantinePage,
    QuarantineRow,
    Receipt,
)
from services.ingest.repo import quarantine
from services.ingest.repo.quarantine import StoredRow
from services.ingest.settings import BODY_BYTES_MAX
from shared.clock import system_clock
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tenant_tx
from shared.http import audit_log, auth, conventions, key_routes
from shared.http.audit import audited_hourly
from shared.http.auth import Principal, require
from shared.http.limits import BodyLimit
from shared.http.problems import Problem, unavailable
from shared.http.tokens import TokenReader
from shared.settings import LimitSettings

PAGE_MAX = 500
router = APIRouter(prefix="/v1")


@router.post(
    "/pings", status_code=202, response_model=Receipt, responses=PINGS_ANSWERS, openapi_extra=PINGS_BODY, tags=["pings"]
)
@audited_hourly("a fleet sends every few seconds; what was sent is itself kept as evidence, with when it came")
async def post_pings(request: Request, principal: Annotated[Principal, Depends(require("pings:write"))]) -> Response:
    """Append a batch of pings.  Sending the same pings again is harmless: each counts once."""
    intake: Intake = request.app.state.intake
    status, receipt = await intake.take(request, principal)
    return Response(msgspec.json.encode(receipt), status, media_type="application/json")


@router.get("/quarantine", tags=["quarantine"])
async def get_quarantine(
    request: Request,
    principal: Annotated[Principal, Depends(require("pings:read"))],
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    code: Annotated[str | None, Query(max_length=64)] = None,
    device_id: Annotated[str | None, Query(max_length=128)] = None,
) -> QuarantinePage:
    """The tenant's refused rows, newest first, with reason and bytes."""
    pool: Pool = request.app.state.pool
    before = _from_cursor(cursor)
    if "\0" in f"{code}{device_id}":
        raise Problem(422, "invalid", "The request does not fit the schema", "A filter can't hold a NUL character.")
    try:
        async with tenant_tx(pool, principal.tenant_id) as conn:
            rows = await quarantine.page(
                conn, principal.tenant_id, before=before, code=code, device_id=device_id, limit=limit + 1
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


def create_app(
    intake: Intake, pool: Pool, tokens: TokenReader | None = None, limits: LimitSettings | None = None
) -> FastAPI:
    """The API: `pool` is the API role's."""
    app = FastAPI(title="rucor ingest", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, limit_bytes=BODY_BYTES_MAX)
    auth.install(app, pool, tokens, limits=limits)
    app.state.intake = intake
    app.state.pool = pool
    app.include_router(router)
    app.include_router(audit_log.router(pool), prefix="/v1")
    app.include_router(key_routes.router(pool, system_clock), prefix="/v1")
    conventions.install(app, [Ping])
    return app
