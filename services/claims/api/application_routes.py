"""Applications other than off-road claims: begun, changed, followed (rules OT2, OT3, OT4)."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.application_schemas import (
    ApplicationAnswer,
    ApplicationBody,
    Kind,
    State,
    WithdrawApplicationBody,
)
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.apply import begin_application, locked, take_application_step
from services.claims.application.refusals import not_found
from services.claims.domain.instants import from_ms
from services.claims.repo import applications
from services.claims.repo.applications import ApplicationRow, ApplicationStep
from shared.clock import new_id
from shared.db.pool import Connection

NOT_DETAILS: Final = frozenset({"kind", "licence_id", "ref", "actor"})

router = APIRouter(tags=["applications"])


def _answer(row: ApplicationRow) -> ApplicationAnswer:
    sha256 = row.inputs_sha256.hex() if row.inputs_sha256 is not None else None
    return ApplicationAnswer.model_validate(vars(row) | {"inputs_sha256": sha256})


@router.post("/applications", status_code=201, response_model=ApplicationAnswer)
async def post_application(request: Request, who: Writer, context: Ctx, body: ApplicationBody) -> Response:
    """A draft: nothing is asked for yet, nothing of the licence changes."""
    actor = actor_of(who, body.actor)
    given = body.model_dump(exclude=set(NOT_DETAILS), exclude_unset=True)
    row = ApplicationRow(
        id=new_id(), ref=body.ref, kind=body.kind, state="draft", vehicle_id=body.licence_id, licence_id=body.licence_id,
        claimant_id=None, details=b"", created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> ApplicationAnswer:
        return _answer(await begin_application(conn, who.tenant_id, row, given, actor))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/applications")
async def get_applications(
    who: Reader,
    context: Ctx,
    page: Paged,
    kind: Kind | None = None,
    state: State | None = None,
    licence_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    ref: str | None = None,
) -> ListAnswer[ApplicationAnswer]:
    rows = await query(
        context,
        who.tenant_id,
        lambda conn: applications.applications(
            conn, who.tenant_id, page, kind=kind, state=state, licence_id=licence_id, vehicle_id=vehicle_id, ref=ref
        ),
    )
    return listed(page, rows, _answer)


@router.get("/applications/{application_id}")
async def get_application(who: Reader, context: Ctx, application_id: UUID) -> ApplicationAnswer:
    row = await query(
        context, who.tenant_id, lambda conn: applications.application(conn, who.tenant_id, application_id)
    )
    if row is None:
        raise not_found("application", application_id)
    return _answer(row)


@router.post("/applications/{application_id}/withdraw", response_model=ApplicationAnswer)
async def post_withdraw_application(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: WithdrawApplicationBody
) -> Response:
    actor = actor_of(who, body.actor)
    step = ApplicationStep(
        id=new_id(), kind="withdrawn", state="withdrawn", on_day=body.on, reason=body.reason, reference=body.reference,
        actor=actor, created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> ApplicationAnswer:
        row = await locked(conn, who.tenant_id, application_id)
        await take_application_step(conn, who.tenant_id, row, step)
        after = await applications.lock_application(conn, who.tenant_id, application_id)
        return _answer(after or row)

    return await command(request, context, who.tenant_id, 200, effect)
