"""Section 40 exemptions: applied for, granted, watched over, ended (rules EX1 to EX5)."""

from datetime import date
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Context, Ctx, Reader, Writer, command, query
from services.claims.api.exemption.exemption_schemas import (
    AdviceAnswer,
    AdviceBody,
    ExceptionAnswer,
    ExceptionBody,
    ExemptionAnswer,
    ExemptionBody,
    ExemptionDutyAnswer,
    ExemptionLookBody,
    ExemptionStepAnswer,
    ExemptionStepBody,
    ExemptionSummaryAnswer,
    State,
    WatchAnswer,
    WatchedAnswer,
)
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.statement.licence_schemas import FindingAnswer
from services.claims.application.claim.draft_claim import shown
from services.claims.application.exemption.exempt import (
    add_exception,
    begin_exemption,
    check_boundary,
    duties_of,
    judged_now,
    take_exemption_step,
)
from services.claims.application.exemption.watch_exemption import Watch, advise_vehicle, watch_exemption
from services.claims.application.peers import PeerUnavailable
from services.claims.application.refusals import not_found
from services.claims.domain.exemption.exemption_watch import Watched
from services.claims.domain.instants import from_ms
from services.claims.repo import exemptions, vehicles
from services.claims.repo.exemptions import ExceptionRow, ExemptionRow, ExemptionStep
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import unavailable

MM_PER_M: Final = 1_000

router = APIRouter(tags=["exemptions"])


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _answer(conn: Connection, tenant: UUID, exemption_id: UUID, context: Context) -> ExemptionAnswer:
    row = await exemptions.exemption(conn, tenant, exemption_id)
    if row is None:
        raise not_found("exemption", exemption_id)
    now = from_ms(context.clock())
    steps = await exemptions.steps(conn, tenant, exemption_id)
    judged = await judged_now(conn, tenant, row, context.policy, now)
    plate = vehicles.plate_at(await vehicles.plates(conn, tenant, [row.vehicle_id]), row.vehicle_id, now)
    details = msgspec.json.decode(row.details)
    return ExemptionAnswer.model_validate(
        {
            **vars(row),
            "details": details,
            "boundary": msgspec.json.decode(row.boundary),
            "label": f"RUC EXEMPT {plate} {details.get('locality', '')}".strip(),
            "findings": [FindingAnswer.model_validate(shown(one)) for one in judged.findings],
            "can_apply": judged.can_apply,
            "fee_cents": judged.fee_cents,
            "decided_by": judged.decided_by,
            "steps": [ExemptionStepAnswer.model_validate(one) for one in steps],
            "duties": [ExemptionDutyAnswer.model_validate(one) for one in duties_of(steps, context.policy)],
            "exceptions": [
                ExceptionAnswer.model_validate(one) for one in await exemptions.exceptions(conn, tenant, exemption_id)
            ],
        }
    )


@router.post("/exemptions", status_code=201, response_model=ExemptionAnswer)
async def post_exemption(request: Request, who: Writer, context: Ctx, body: ExemptionBody) -> Response:
    """A draft of form RUCEX: the answer shows what is missing, the fee, and by when it would be decided."""
    row = ExemptionRow(
        id=new_id(), ref=body.ref, vehicle_id=body.vehicle_id, state="draft", details=body.details.model_dump_json(),
        boundary=_text(body.boundary), created_at=from_ms(context.clock()),
    )  # fmt: skip
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> ExemptionAnswer:
        made = await begin_exemption(conn, who.tenant_id, row, actor)
        return await _answer(conn, who.tenant_id, made.id, context)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/exemptions")
async def get_exemptions(
    who: Reader,
    context: Ctx,
    page: Paged,
    vehicle_id: UUID | None = None,
    state: State | None = None,
    ref: str | None = None,
) -> ListAnswer[ExemptionSummaryAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: exemptions.exemptions(conn, who.tenant_id, page, vehicle_id, state, ref)
    )
    return listed(page, rows, ExemptionSummaryAnswer.model_validate)


@router.get("/exemptions/{exemption_id}")
async def get_exemption(who: Reader, context: Ctx, exemption_id: UUID) -> ExemptionAnswer:
    return await query(context, who.tenant_id, lambda conn: _answer(conn, who.tenant_id, exemption_id, context))


@router.post("/exemptions/{exemption_id}/steps", response_model=ExemptionAnswer)
async def post_exemption_step(
    request: Request, who: Writer, context: Ctx, exemption_id: UUID, body: ExemptionStepBody
) -> Response:
    """What happened to it: amended, sent (confirm the fee), granted, declined, withdrawn; then what changed, a reading that the
    Agency asked for, a duty that is done, its end."""
    step = ExemptionStep(
        id=new_id(), kind=body.kind, on_day=body.on, code=body.code, reference=body.reference, reason=body.reason,
        reading=body.reading, cents=body.fee_cents, attachment_id=body.attachment_id, actor=actor_of(who, body.actor),
        created_at=from_ms(context.clock()),
    )  # fmt: skip
    boundary = None if body.boundary is None else _text(body.boundary)
    if boundary is not None:
        check_boundary(boundary)

    async def effect(conn: Connection) -> ExemptionAnswer:
        await take_exemption_step(
            conn, who.tenant_id, exemption_id, step, context.reviews, at=body.at,
            details=None if body.details is None else body.details.model_dump_json(), boundary=boundary,
        )  # fmt: skip
        return await _answer(conn, who.tenant_id, exemption_id, context)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/exemptions/{exemption_id}/exceptions", status_code=201, response_model=ExemptionAnswer)
async def post_exception(
    request: Request, who: Writer, context: Ctx, exemption_id: UUID, body: ExceptionBody
) -> Response:
    """Travel beyond ten kilometres that the conditions allow, with its evidence (rule EX3)."""
    row = ExceptionRow(
        id=new_id(), kind=body.kind, from_at=body.from_at, until_at=body.until_at, back=body.back, destination=body.destination,
        attachment_id=body.attachment_id, actor=actor_of(who, body.actor), created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> ExemptionAnswer:
        await add_exception(conn, who.tenant_id, exemption_id, row)
        return await _answer(conn, who.tenant_id, exemption_id, context)

    return await command(request, context, who.tenant_id, 201, effect)


@router.post("/exemptions/{exemption_id}/exceptions/{exception_id}/look", response_model=ExemptionAnswer)
async def post_look(
    request: Request, who: Writer, context: Ctx, exemption_id: UUID, exception_id: UUID, body: ExemptionLookBody
) -> Response:
    """A person judged the route, once: no machine can say what is direct and practical."""
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> ExemptionAnswer:
        if not await exemptions.look(conn, who.tenant_id, exemption_id, exception_id, actor, body.words):
            raise not_found("exception that nobody has looked at", exception_id)
        return await _answer(conn, who.tenant_id, exemption_id, context)

    return await command(request, context, who.tenant_id, 200, effect)


@router.get("/exemptions/{exemption_id}/monitoring")
async def get_monitoring(
    who: Reader, context: Ctx, exemption_id: UUID, from_on: Annotated[date, Query()], to_on: Annotated[date, Query()]
) -> WatchAnswer:
    """Travel on the road further than ten kilometres from the boundary's edge, at most 92 NZ days at a time (rule EX3)."""
    try:
        found = await watch_exemption(
            context.pool,
            who.tenant_id,
            exemption_id,
            from_on,
            to_on,
            context.classifier,
            context.policy,
            context.clock(),
        )
    except PeerUnavailable as error:
        raise unavailable(str(error)) from error
    return _watch(found)


def _watch(found: Watch) -> WatchAnswer:
    items = [_watched(one) for one in found.found]
    return WatchAnswer(
        items=items, breaches=sum(one.status == "breach" for one in items), stretches=found.stretches,
        looked_at=found.looked_at, unsettled=list(found.unsettled),
    )  # fmt: skip


def _watched(one: Watched) -> WatchedAnswer:
    stretch = one.far.stretch
    return WatchedAnswer(
        status=one.status, words=one.words, device=stretch.device, from_at=from_ms(stretch.start_ms),
        to_at=from_ms(stretch.end_ms), surface=stretch.surface, farthest_km=int(one.far.farthest_m * MM_PER_M),
        beyond_km=int(one.far.beyond_m * MM_PER_M), exception_id=UUID(one.exception) if one.exception else None,
    )  # fmt: skip


@router.post("/vehicles/{vehicle_id}/exemption-advice")
async def post_advice(who: Writer, context: Ctx, vehicle_id: UUID, body: AdviceBody) -> AdviceAnswer:
    """Exemption against refunds, in dollars and risk, by what the vehicle did in the last year (rule EX5).  Changes nothing."""
    boundary = _text(body.boundary)
    check_boundary(boundary)
    now = from_ms(context.clock())
    try:
        advice, yearly = await advise_vehicle(
            context.pool, who.tenant_id, vehicle_id, boundary, context.classifier, context.policy, now
        )
    except PeerUnavailable as error:
        raise unavailable(str(error)) from error
    return AdviceAnswer(
        **{name: getattr(advice, name) for name in ("charges_cents", "refunds_cents", "saved_cents", "words", "fee_cents")},
        beyond_km=advice.beyond_mm, public_km=yearly.public_mm, off_road_km=yearly.off_road_mm, unknown_km=yearly.unknown_mm,
    )  # fmt: skip
