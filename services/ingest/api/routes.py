"""Ingest's HTTP routes: `POST /v1/pings` and `GET /v1/quarantine`; beside them those of providers, keys and claims."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import Response

from services.ingest.adapters.heard import Heard
from services.ingest.api import provider_routes
from services.ingest.api.intake import Intake, Sender
from services.ingest.api.provider_routes import Consented
from services.ingest.api.quarantine_page import Asked, page_of
from services.ingest.api.schemas import (
    PINGS_ANSWERS,
    PINGS_BODY,
    Ping,
    QuarantinePage,
    Receipt,
)
from services.ingest.settings import BODY_BYTES_MAX
from shared.clock import system_clock
from shared.db.pool import Pool
from shared.http import audit_log, auth, conventions, key_routes
from shared.http.audit import audited_hourly
from shared.http.auth import Principal
from shared.http.guards import require
from shared.http.limits import BodyLimit
from shared.http.paging import Here
from shared.http.problems import Problem
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
    status, receipt = await intake.take(request, Sender(str(principal.tenant_id), principal.key_id))
    return Response(msgspec.json.encode(receipt), status, media_type="application/json")


@router.get("/quarantine", tags=["quarantine"])
async def get_quarantine(
    request: Request,
    principal: Annotated[Principal, Depends(require("pings:read"))],
    here: Here,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    code: Annotated[str | None, Query(max_length=64)] = None,
    device_id: Annotated[str | None, Query(max_length=128)] = None,
) -> QuarantinePage:
    """The tenant's refused rows, newest first, with reason and bytes."""
    pool: Pool = request.app.state.pool
    if "\0" in f"{code}{device_id}":
        raise Problem(422, "invalid", "The request does not fit the schema", "A filter can't hold a NUL character.")
    return await page_of(pool, principal.tenant_id, here, Asked(limit, cursor, code, device_id))


def create_app(
    intake: Intake,
    pool: Pool,
    heard: Heard,
    for_claims: APIRouter,
    tokens: TokenReader | None = None,
    limits: LimitSettings | None = None,
) -> FastAPI:
    """The API: `pool` is the API role's."""
    app = FastAPI(title="rucor ingest", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, limit_bytes=BODY_BYTES_MAX)
    auth.install(app, pool, tokens, limits=limits)
    app.state.intake = intake
    app.state.pool = pool
    app.include_router(router)
    app.include_router(provider_routes.router(intake, pool, heard, Consented(pool)), prefix="/v1")
    app.include_router(for_claims)
    app.include_router(audit_log.router(pool), prefix="/v1")
    app.include_router(key_routes.router(pool, system_clock, limits=limits), prefix="/v1")
    conventions.install(app, [Ping])
    return app
