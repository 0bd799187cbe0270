"""Spreadsheets and tracks: the report of any licence before claiming (rule CL8), a claim's licences for an audit (rule CL9)."""

import asyncio
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.claims.adapters.spreadsheets import CSV, XLSX, to_csv, to_xlsx
from services.claims.api.context import Context, Ctx, Reader, query
from services.claims.api.statement.licence_schemas import BROKEN
from services.claims.application.claim.frozen import sealed_claim
from services.claims.application.claim.geojson import MEDIA_TYPE, geojson
from services.claims.application.claim.make_report import draw, read_report
from services.claims.application.claim.tables import Claimed, claim_rows, claim_tables, report_tables
from services.claims.application.peers import PeerUnavailable
from shared.http.problem_schemas import GONE
from shared.http.problems import unavailable

router = APIRouter(tags=["exports"])
CSV_TYPE: Final = "text/csv"


def told(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Of a file made of what a claim has frozen, as long as that is kept."""
    return {200: {"content": {media_type: {}}}, **GONE}


def file_answer(content: bytes, media_type: str, name: str) -> Response:
    """For keeping, never for running in the browser."""
    safe = "".join(c if c.isalnum() or c in "-." else "-" for c in name if c.isascii())
    headers = {
        "Content-Disposition": f'attachment; filename="{safe}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    return Response(content, media_type=media_type, headers=headers)


@router.get("/licences/{licence_id}/report.xlsx", response_class=Response, responses=told(XLSX) | BROKEN)
async def get_report_xlsx(who: Reader, context: Ctx, licence_id: UUID) -> Response:
    """The report as a spreadsheet, in any state; marked NOT CLAIMED until it is lodged, then as lodged."""
    report, _ = await read_report(
        context.pool, who.tenant_id, licence_id, context.policy, context.sealer, context.clock()
    )
    content = await asyncio.to_thread(to_xlsx, report_tables(report), f"Off-road travel report {report.licence_number}")
    return file_answer(content, XLSX, f"report-{report.plate}-{report.licence_number}.xlsx")


@router.get("/licences/{licence_id}/report.geojson", response_class=Response, responses=told(MEDIA_TYPE) | BROKEN)
async def get_report_geojson(who: Reader, context: Ctx, licence_id: UUID) -> Response:
    """The tracks of the licence's devices in its time, by surface, for QGIS or any other GIS."""
    report, item = await read_report(
        context.pool, who.tenant_id, licence_id, context.policy, context.sealer, context.clock()
    )
    try:
        tracks, _ = await draw(who.tenant_id, item.statement, context.classifier)
    except PeerUnavailable as error:
        raise unavailable(f"The tracks cannot be drawn at the moment ({error}). Ask again.") from error
    return file_answer(geojson(report, tracks), MEDIA_TYPE, f"report-{report.plate}-{report.licence_number}.geojson")


async def _claimed(context: Context, tenant: UUID, claim_id: UUID) -> Claimed:
    sealed = await query(context, tenant, lambda conn: sealed_claim(conn, tenant, claim_id))
    return await asyncio.to_thread(sealed.open, context.sealer, tenant)


@router.get("/claims/{claim_id}/export.xlsx", response_class=Response, responses=told(XLSX))
async def get_claim_xlsx(who: Reader, context: Ctx, claim_id: UUID) -> Response:
    """Individual licences with daily summary, claimable percentage and totals: the claim's frozen numbers, always the same file
    but for its state."""
    claimed = await _claimed(context, who.tenant_id, claim_id)
    content = await asyncio.to_thread(to_xlsx, claim_tables(claimed), f"Claim {claimed.claim.number}")
    return file_answer(content, XLSX, f"{claimed.claim.number}.xlsx")


@router.get("/claims/{claim_id}/export.csv", response_class=Response, responses=told(CSV_TYPE))
async def get_claim_csv(who: Reader, context: Ctx, claim_id: UUID) -> Response:
    """The same as one flat table: `row` is `day`, `no_day`, `licence` or `claim`."""
    claimed = await _claimed(context, who.tenant_id, claim_id)
    return file_answer(to_csv(claim_rows(claimed)), CSV, f"{claimed.claim.number}.csv")
