"""What an auditor's link opens: the case's claimed licences, as they were lodged, and nothing else (rule PA4)."""

import asyncio
from datetime import date, datetime
from typing import Annotated, Any, Final, cast
from urllib.parse import quote
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from services.claims.adapters.spreadsheets import CSV, XLSX, to_csv, to_xlsx
from services.claims.api.audit.audit_schemas import CaseLineAnswer
from services.claims.api.claim.export_routes import CSV_TYPE, file_answer, told
from services.claims.api.context import Context, Ctx, query
from services.claims.api.fields import Answer
from services.claims.api.statement.licence_schemas import BROKEN
from services.claims.application.audit import audit_links as use
from services.claims.application.audit.audit_links import Auditor
from services.claims.application.audit.auditing import (
    Lodged,
    case_claim,
    draw_lodged,
    explain_day,
    form_of_case,
    lodged_licence,
)
from services.claims.application.claim.geojson import MEDIA_TYPE, geojson
from services.claims.application.claim.tables import claim_rows, claim_tables, report_tables
from services.claims.application.peers import PeerUnavailable
from services.claims.domain.instants import from_ms
from services.claims.repo import audit_cases
from shared.contracts.device_day import Segment
from shared.db.pool import Connection, tenant_tx, tx
from shared.http import audit
from shared.http.auth import Authenticator, bearer, refuse
from shared.http.guards import LINK, NEEDED
from shared.http.problem_schemas import GONE
from shared.http.problems import unavailable
from shared.http.rates import address_of, take
from shared.nz_days import from_ordinal, nz_time, to_ordinal

PDF: Final = "application/pdf"
TEXT_LENGTH_MAX: Final = 300

router = APIRouter(prefix="/audit", tags=["auditor"])


async def _auditor(request: Request, context: Ctx) -> Auditor:
    """The holder of a link.  Every question is on record before it is answered.  Raises Problem 401."""
    given, now = bearer(request), from_ms(context.clock())
    rates, from_where = cast("Authenticator", request.app.state.authenticator).rates, address_of(request)
    rates.let_in(from_where)
    async with tx(context.pool) as conn:
        who = await use.believe(conn, given, now)
    if who is None:
        rates.failed(from_where)
        raise refuse(
            "unknown", "The link is unknown, revoked or has expired: ask whoever gave it to you for another one."
        )
    holder = f"link-{who.link_id}"
    take(request, rates, holder, None)
    audit.acts(who.tenant_id, holder, who.given_to)
    address = request.client.host if request.client is not None else ""
    agent = "".join(filter(str.isprintable, request.headers.get("user-agent", "")))[:TEXT_LENGTH_MAX]
    path = quote(request.url.path)[:TEXT_LENGTH_MAX]
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        await use.record_access(conn, who, now, request.method, path, address, agent)
    return who


NEEDED[_auditor] = LINK
Holder = Annotated[Auditor, Depends(_auditor)]


class AuditAnswer(Answer):
    """What the link is for."""

    reference: str
    organisation: str
    officer: str
    subject: str
    opened_on: date
    due_on: date | None
    given_to: str
    expires_at: datetime
    lines: list[CaseLineAnswer]


class SegmentAnswer(Answer):
    """Unclosed GPS millimetres: the statement closes them on the distance recorder."""

    start: datetime
    end: datetime
    surface: str
    basis: str
    kind: str
    gps_mm: int
    why: str
    from_lng_lat: tuple[float, float]
    to_lng_lat: tuple[float, float]


class RevisionAnswer(Answer):
    device: str
    rev: int
    content_hash: str
    road_set: str
    land: str
    scheme: int
    incidents: list[str]
    segments: list[SegmentAnswer]


class ExplanationAnswer(Answer):
    claim_id: UUID
    licence_id: UUID
    day: date
    revisions: list[RevisionAnswer]


@router.get("/scope")
async def get_audit(who: Holder, context: Ctx) -> AuditAnswer:
    """The case and the claimed licences that it covers."""

    async def read(conn: Connection) -> AuditAnswer:
        row = await audit_cases.case(conn, who.tenant_id, who.case_id)
        lines = await audit_cases.case_lines(conn, who.tenant_id, who.case_id)
        days = [{"from_on": from_ordinal(one.from_day), "to_on": from_ordinal(one.to_day)} for one in lines]
        return AuditAnswer.model_validate(
            {
                **(vars(row) if row is not None else {}),
                "given_to": who.given_to,
                "expires_at": who.expires_at,
                "lines": [{**vars(line), **at} for line, at in zip(lines, days, strict=True)],
            }
        )

    return await query(context, who.tenant_id, read)


@router.get("/claims/{claim_id}/form.pdf", response_class=Response, responses=told(PDF))
async def get_audited_form(who: Holder, context: Ctx, claim_id: UUID) -> Response:
    """The form as it was rendered, where the case covers every licence on it."""
    return Response(await form_of_case(context.pool, who, claim_id, context.sealer), media_type=PDF)


@router.get("/claims/{claim_id}/export.xlsx", response_class=Response, responses=told(XLSX))
async def get_audited_xlsx(who: Holder, context: Ctx, claim_id: UUID) -> Response:
    """The case's licences of the claim with daily summary and totals, as lodged."""
    claimed = await case_claim(context.pool, who, claim_id, context.sealer)
    content = await asyncio.to_thread(to_xlsx, claim_tables(claimed), f"Claim {claimed.claim.number}")
    return file_answer(content, XLSX, f"{claimed.claim.number}.xlsx")


@router.get("/claims/{claim_id}/export.csv", response_class=Response, responses=told(CSV_TYPE))
async def get_audited_csv(who: Holder, context: Ctx, claim_id: UUID) -> Response:
    """The same as one flat table."""
    claimed = await case_claim(context.pool, who, claim_id, context.sealer)
    return file_answer(to_csv(claim_rows(claimed)), CSV, f"{claimed.claim.number}.csv")


async def _lodged(context: Context, who: Auditor, claim_id: UUID, licence_id: UUID) -> Lodged:
    return await lodged_licence(context.pool, who, claim_id, licence_id, context.sealer)


LICENCE: Final = "/claims/{claim_id}/licences/{licence_id}"


@router.get(LICENCE + "/statement", response_class=Response, responses=told("application/json"))
async def get_audited_statement(who: Holder, context: Ctx, claim_id: UUID, licence_id: UUID) -> Response:
    """The report that was frozen when the licence was lodged: days, totals, closure, findings, evidence."""
    found = await _lodged(context, who, claim_id, licence_id)
    return Response(msgspec.json.encode(found.report), media_type="application/json")


@router.get(LICENCE + "/report.xlsx", response_class=Response, responses=told(XLSX))
async def get_audited_report_xlsx(who: Holder, context: Ctx, claim_id: UUID, licence_id: UUID) -> Response:
    """The same as a spreadsheet."""
    report = (await _lodged(context, who, claim_id, licence_id)).report
    content = await asyncio.to_thread(to_xlsx, report_tables(report), f"Off-road travel report {report.licence_number}")
    return file_answer(content, XLSX, f"report-{report.plate}-{report.licence_number}.xlsx")


@router.get(LICENCE + "/report.pdf", response_class=Response, responses=told(PDF) | BROKEN)
async def get_audited_report(who: Holder, context: Ctx, claim_id: UUID, licence_id: UUID) -> Response:
    """The same on paper, with the map of those days."""
    found = await _lodged(context, who, claim_id, licence_id)
    try:
        drawn, ways = await draw_lodged(context.pool, who, found, context.policy, context.classifier, context.clock())
        report = msgspec.structs.replace(found.report, tracks=drawn, roads=ways)
        pdf = await context.pdf.report(msgspec.json.encode(report))
    except PeerUnavailable as error:
        raise unavailable(f"The report cannot be made at the moment ({error}). Ask again.") from error
    return Response(pdf, media_type=PDF)


@router.get(LICENCE + "/report.geojson", response_class=Response, responses=told(MEDIA_TYPE) | BROKEN)
async def get_audited_tracks(who: Holder, context: Ctx, claim_id: UUID, licence_id: UUID) -> Response:
    """The tracks of those days, by surface."""
    found = await _lodged(context, who, claim_id, licence_id)
    try:
        drawn, _ = await draw_lodged(context.pool, who, found, context.policy, context.classifier, context.clock())
    except PeerUnavailable as error:
        raise unavailable(f"The tracks cannot be drawn at the moment ({error}). Ask again.") from error
    report = found.report
    return file_answer(geojson(report, drawn), MEDIA_TYPE, f"report-{report.plate}-{report.licence_number}.geojson")


def _segment(one: Segment) -> SegmentAnswer:
    return SegmentAnswer(
        start=nz_time(one.start_ms), end=nz_time(one.end_ms), surface=one.surface, basis=one.basis, kind=one.kind,
        gps_mm=one.mm, why=one.why, from_lng_lat=(one.start_lng_e6 / 1e6, one.start_lat_e6 / 1e6),
        to_lng_lat=(one.end_lng_e6 / 1e6, one.end_lat_e6 / 1e6),
    )  # fmt: skip


@router.get(LICENCE + "/days/{day}", responses=GONE)
async def get_audited_day(who: Holder, context: Ctx, claim_id: UUID, licence_id: UUID, day: date) -> ExplanationAnswer:
    """Why each stretch of one day counted as it did: the very revisions that the claim stands on."""
    found = await explain_day(context.pool, who, claim_id, licence_id, to_ordinal(day))
    revisions: list[dict[str, Any]] = [
        {
            "device": one.device, "rev": one.rev, "content_hash": one.content_hash.hex(), "road_set": one.day.road_set,
            "land": one.day.land, "scheme": one.day.scheme, "incidents": list(one.day.incidents),
            "segments": [_segment(segment) for segment in one.day.segments],
        }
        for one in found
        if one.day is not None
    ]  # fmt: skip
    return ExplanationAnswer(
        claim_id=claim_id, licence_id=licence_id, day=day,
        revisions=[RevisionAnswer.model_validate(one) for one in revisions],
    )  # fmt: skip
