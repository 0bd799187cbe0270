"""What becomes of an application that is ready: sent, received, decided, paid (rules OT2, OT3, OT4)."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Context, Ctx, Writer
from services.claims.api.refunds.application_bodies import (
    DeclinedBody,
    DutyBody,
    GrantedBody,
    PaymentBody,
    ReceivedApplicationBody,
    SentApplicationBody,
    WithdrawApplicationBody,
)
from services.claims.api.refunds.application_routes import record
from services.claims.api.refunds.application_schemas import (
    ApplicationAnswer,
)
from services.claims.application.refunds.application_steps import do_duty, follow, pay
from services.claims.domain.instants import from_ms
from services.claims.repo.applications import ApplicationRow, ApplicationStep
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal

router = APIRouter(tags=["applications"])


def _step(context: Context, kind: str, on: date, actor: str) -> ApplicationStep:
    return ApplicationStep(
        id=new_id(), kind=kind, state=kind, on_day=on, actor=actor, created_at=from_ms(context.clock())
    )  # fmt: skip


async def _follow(
    request: Request, context: Context, who: Principal, application_id: UUID, step: ApplicationStep
) -> Response:
    async def act(conn: Connection, row: ApplicationRow) -> None:
        await follow(conn, who.tenant_id, row, step, context.reviews)

    return await record(request, context, who, application_id, act)


@router.post("/applications/{application_id}/sent", response_model=ApplicationAnswer)
async def post_application_sent(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: SentApplicationBody
) -> Response:
    """It went to the Agency."""
    step = _step(context, "sent", body.on, actor_of(who, body.actor))
    step = replace(step, channel=body.channel, reference=body.reference)
    return await _follow(request, context, who, application_id, step)


@router.post("/applications/{application_id}/received", response_model=ApplicationAnswer)
async def post_application_received(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: ReceivedApplicationBody
) -> Response:
    """The Agency has it: its ten working days run."""
    step = replace(_step(context, "received", body.on, actor_of(who, body.actor)), reference=body.reference)
    return await _follow(request, context, who, application_id, step)


@router.post("/applications/{application_id}/granted", response_model=ApplicationAnswer)
async def post_granted(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: GrantedBody
) -> Response:
    """The refund is approved: a surrendered licence is void."""
    step = _step(context, "granted", body.on, actor_of(who, body.actor))
    step = replace(step, cents=body.cents, reference=body.reference)
    return await _follow(request, context, who, application_id, step)


@router.post("/applications/{application_id}/declined", response_model=ApplicationAnswer)
async def post_declined(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: DeclinedBody
) -> Response:
    """It is refused: the licence runs on, and its kilometres are free again."""
    step = _step(context, "declined", body.on, actor_of(who, body.actor))
    step = replace(step, reason=body.reason, reference=body.reference)
    return await _follow(request, context, who, application_id, step)


@router.post("/applications/{application_id}/withdraw", response_model=ApplicationAnswer)
async def post_withdraw_application(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: WithdrawApplicationBody
) -> Response:
    """Take it back.  Once it was sent, only with the Agency's word (`reference`) that it will not decide it."""
    step = _step(context, "withdrawn", body.on, actor_of(who, body.actor))
    step = replace(step, reason=body.reason, reference=body.reference)
    return await _follow(request, context, who, application_id, step)


@router.post("/applications/{application_id}/payments", response_model=ApplicationAnswer)
async def post_payment(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: PaymentBody
) -> Response:
    """What the Agency paid, set off against charges that are owed, or took back."""
    step = _step(context, body.kind, body.on, actor_of(who, body.actor))
    step = replace(step, state="granted", cents=body.cents, reference=body.reference, reason=body.reason)

    async def act(conn: Connection, row: ApplicationRow) -> None:
        await pay(conn, who.tenant_id, row, step)

    return await record(request, context, who, application_id, act)


@router.post("/applications/{application_id}/duties/{code}", response_model=ApplicationAnswer)
async def post_duty(
    request: Request, who: Writer, context: Ctx, application_id: UUID, code: str, body: DutyBody
) -> Response:
    """A person reports a duty as done, e.g. that the label was destroyed."""
    step = _step(context, "duty", body.on, actor_of(who, body.actor))

    async def act(conn: Connection, row: ApplicationRow) -> None:
        await do_duty(conn, who.tenant_id, row, replace(step, state=row.state, code=code, reason=body.reason))

    return await record(request, context, who, application_id, act)
