"""Audit cases (rule PA4): officer, scope, dates, what was given, legal hold; every step stays."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.audit.audit_schemas import (
    AuditCaseAnswer,
    CaseBody,
    CaseLineAnswer,
    CloseCaseBody,
    EventAnswer,
    GivenBody,
    HoldCaseBody,
    ScopeBody,
    WholeCaseAnswer,
)
from services.claims.api.context import AuditReader, Context, Ctx, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.audit.audit_cases import (
    close_case,
    event_of,
    open_case,
    record_given,
    set_hold,
    widen_case,
)
from services.claims.application.refusals import not_found
from services.claims.domain.instants import from_ms, nz_date
from services.claims.repo import audit_cases
from services.claims.repo.audit_cases import CaseRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.nz_days import from_ordinal

router = APIRouter(tags=["audit"])


async def _whole(conn: Connection, tenant: UUID, case_id: UUID) -> WholeCaseAnswer:
    row = await audit_cases.case(conn, tenant, case_id)
    if row is None:
        raise not_found("audit case", case_id)
    lines = await audit_cases.case_lines(conn, tenant, case_id)
    events = await audit_cases.events(conn, tenant, case_id)
    days = [{"from_on": from_ordinal(line.from_day), "to_on": from_ordinal(line.to_day)} for line in lines]
    return WholeCaseAnswer(
        **vars(row),
        lines=[CaseLineAnswer.model_validate({**vars(line), **at}) for line, at in zip(lines, days, strict=True)],
        history=[EventAnswer.model_validate({**vars(event), "on": event.on_day}) for event in events],
    )


async def _record(
    request: Request, context: Context, who: Principal, case_id: UUID, act: Callable[[Connection], Awaitable[None]]
) -> Response:
    """What `act` records of a case, in one transaction with the case that it leads to."""

    async def effect(conn: Connection) -> WholeCaseAnswer:
        await act(conn)
        return await _whole(conn, who.tenant_id, case_id)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/audit-cases", status_code=201, response_model=WholeCaseAnswer)
async def post_case(request: Request, who: Writer, context: Ctx, body: CaseBody) -> Response:
    """An audit over claimed licences. From now on everything they stand on is kept (rule RE1)."""
    actor = actor_of(who, body.actor)
    fields = body.model_dump(exclude={"claim_ids", "licence_ids", "actor"})
    row = CaseRow(id=new_id(), created_at=from_ms(context.clock()), **fields)

    async def effect(conn: Connection) -> WholeCaseAnswer:
        await open_case(conn, who.tenant_id, row, (body.claim_ids, body.licence_ids), actor)
        return await _whole(conn, who.tenant_id, row.id)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/audit-cases")
async def get_cases(
    who: AuditReader, context: Ctx, page: Paged, is_open: bool | None = None
) -> ListAnswer[AuditCaseAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: audit_cases.cases(conn, who.tenant_id, page, is_open=is_open)
    )
    return listed(page, rows, AuditCaseAnswer.model_validate)


@router.get("/audit-cases/{case_id}")
async def get_case(who: AuditReader, context: Ctx, case_id: UUID) -> WholeCaseAnswer:
    """With its scope and its history."""
    return await query(context, who.tenant_id, lambda conn: _whole(conn, who.tenant_id, case_id))


@router.post("/audit-cases/{case_id}/scope", response_model=WholeCaseAnswer)
async def post_scope(request: Request, who: Writer, context: Ctx, case_id: UUID, body: ScopeBody) -> Response:
    """More claimed licences. A scope is never made smaller: what was shown was shown."""
    now = from_ms(context.clock())
    event = event_of("scope_added", nz_date(now), "", actor_of(who, body.actor), now)
    scope = (body.claim_ids, body.licence_ids)
    return await _record(
        request, context, who, case_id, lambda conn: widen_case(conn, who.tenant_id, case_id, scope, event)
    )


@router.post("/audit-cases/{case_id}/given", response_model=WholeCaseAnswer)
async def post_given(request: Request, who: Writer, context: Ctx, case_id: UUID, body: GivenBody) -> Response:
    """What the officer was given, by whatever way."""
    now = from_ms(context.clock())
    event = event_of("given", body.on, body.what, actor_of(who, body.actor), now, body.attachment_id)
    return await _record(request, context, who, case_id, lambda conn: record_given(conn, who.tenant_id, case_id, event))


@router.post("/audit-cases/{case_id}/hold", response_model=WholeCaseAnswer)
async def post_hold(request: Request, who: Writer, context: Ctx, case_id: UUID, body: HoldCaseBody) -> Response:
    """Set or lift the legal hold. An open case keeps what it covers with or without one."""
    now = from_ms(context.clock())
    kind = "hold_set" if body.legal_hold else "hold_lifted"
    event = event_of(kind, body.on, body.reason, actor_of(who, body.actor), now)
    return await _record(
        request, context, who, case_id,
        lambda conn: set_hold(conn, who.tenant_id, case_id, held=body.legal_hold, event=event),
    )  # fmt: skip


@router.post("/audit-cases/{case_id}/close", response_model=WholeCaseAnswer)
async def post_close(request: Request, who: Writer, context: Ctx, case_id: UUID, body: CloseCaseBody) -> Response:
    """The audit is over. What it covered is kept for as long as its legal hold stands."""
    now = from_ms(context.clock())
    event = event_of("closed", body.on, body.outcome, actor_of(who, body.actor), now)
    return await _record(
        request, context, who, case_id,
        lambda conn: close_case(conn, who.tenant_id, case_id, body.on, body.outcome, event),
    )  # fmt: skip
