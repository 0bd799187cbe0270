"""Devices on vehicles, trailers behind vehicles."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.register.creations import create_assignment, create_coupling
from services.claims.api.register.register_schemas import (
    AssignmentAnswer,
    AssignmentBody,
    CouplingAnswer,
    CouplingBody,
    EndBody,
)
from services.claims.application.refusals import not_found
from services.claims.application.register.assign_device import end_assignment
from services.claims.application.register.couple_trailer import end_coupling
from services.claims.repo import devices
from shared.db.pool import Connection

router = APIRouter(tags=["devices"])


@router.post("/devices", status_code=201, response_model=AssignmentAnswer)
async def post_device(request: Request, who: Writer, context: Ctx, body: AssignmentBody) -> Response:
    async def effect(conn: Connection) -> AssignmentAnswer:
        return AssignmentAnswer.model_validate(await create_assignment(conn, who.tenant_id, context, body))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/devices")
async def get_devices(
    who: Reader,
    context: Ctx,
    page: Paged,
    ref: str | None = None,
    vehicle_id: UUID | None = None,
    device: str | None = None,
) -> ListAnswer[AssignmentAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: devices.assignments(conn, who.tenant_id, page, ref, vehicle_id, device)
    )
    return listed(page, rows, AssignmentAnswer.model_validate)


@router.get("/devices/{assignment_id}")
async def get_device(who: Reader, context: Ctx, assignment_id: UUID) -> AssignmentAnswer:
    row = await query(context, who.tenant_id, lambda conn: devices.assignment(conn, who.tenant_id, assignment_id))
    if row is None:
        raise not_found("device assignment", assignment_id)
    return AssignmentAnswer.model_validate(row)


@router.post("/devices/{assignment_id}/end", response_model=AssignmentAnswer)
async def post_device_end(request: Request, who: Writer, context: Ctx, assignment_id: UUID, body: EndBody) -> Response:
    async def effect(conn: Connection) -> AssignmentAnswer:
        row = await end_assignment(conn, who.tenant_id, assignment_id, body.to_at, context.reviews)
        return AssignmentAnswer.model_validate(row)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/couplings", status_code=201, response_model=CouplingAnswer)
async def post_coupling(request: Request, who: Writer, context: Ctx, body: CouplingBody) -> Response:
    async def effect(conn: Connection) -> CouplingAnswer:
        return CouplingAnswer.model_validate(await create_coupling(conn, who.tenant_id, context, body))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/couplings")
async def get_couplings(
    who: Reader, context: Ctx, page: Paged, ref: str | None = None, vehicle_id: UUID | None = None
) -> ListAnswer[CouplingAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: devices.couplings(conn, who.tenant_id, page, ref, vehicle_id)
    )
    return listed(page, rows, CouplingAnswer.model_validate)


@router.get("/couplings/{coupling_id}")
async def get_coupling(who: Reader, context: Ctx, coupling_id: UUID) -> CouplingAnswer:
    row = await query(context, who.tenant_id, lambda conn: devices.coupling(conn, who.tenant_id, coupling_id))
    if row is None:
        raise not_found("coupling", coupling_id)
    return CouplingAnswer.model_validate(row)


@router.post("/couplings/{coupling_id}/end", response_model=CouplingAnswer)
async def post_coupling_end(request: Request, who: Writer, context: Ctx, coupling_id: UUID, body: EndBody) -> Response:
    async def effect(conn: Connection) -> CouplingAnswer:
        row = await end_coupling(conn, who.tenant_id, coupling_id, body.to_at, context.reviews)
        return CouplingAnswer.model_validate(row)

    return await command(request, context, who.tenant_id, 200, effect)
