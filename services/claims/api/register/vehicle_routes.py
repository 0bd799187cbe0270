"""Vehicles and their plates, devices on them, couplings, and their sale."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.register.creations import create_vehicle
from services.claims.api.register.register_schemas import (
    PlateAnswer,
    PlateBody,
    SaleAnswer,
    SaleBody,
    VehicleAnswer,
    VehicleBody,
)
from services.claims.application.refusals import not_found
from services.claims.application.register.add_vehicle import change_plate
from services.claims.application.register.sell_vehicle import sell_vehicle
from services.claims.domain.instants import from_ms
from services.claims.domain.register.vehicle import InvalidPlate, normalise_plate
from services.claims.repo import vehicles
from services.claims.repo.rows import Page
from services.claims.repo.vehicles import EndingRow, PlateRow, VehicleRow
from shared.clock import new_id
from shared.db.pool import Connection

router = APIRouter(tags=["vehicles"])


def _answer(row: VehicleRow, plates: list[PlateRow], endings: list[EndingRow]) -> VehicleAnswer:
    own = [PlateAnswer.model_validate(plate) for plate in plates if plate.vehicle_id == row.id]
    ending = next((e for e in endings if e.vehicle_id == row.id), None)
    present = own[-1].plate if own else ""
    return VehicleAnswer.model_validate(
        {
            **vars(row),
            "plate": present,
            "plates": own,
            "sold_at": ending and ending.at,
            "ended_by": ending and ending.kind,
        }
    )


async def _answers(conn: Connection, tenant: UUID, rows: list[VehicleRow]) -> dict[UUID, VehicleAnswer]:
    ids = [row.id for row in rows]
    plates = await vehicles.plates(conn, tenant, ids)
    endings = await vehicles.endings(conn, tenant, ids)
    return {row.id: _answer(row, plates, endings) for row in rows}


async def _one(conn: Connection, tenant: UUID, vehicle_id: UUID) -> VehicleAnswer:
    row = await vehicles.vehicle(conn, tenant, vehicle_id)
    if row is None:
        raise not_found("vehicle", vehicle_id)
    return (await _answers(conn, tenant, [row]))[vehicle_id]


@router.post("/vehicles", status_code=201, response_model=VehicleAnswer)
async def post_vehicle(request: Request, who: Writer, context: Ctx, body: VehicleBody) -> Response:
    async def effect(conn: Connection) -> VehicleAnswer:
        row = await create_vehicle(conn, who.tenant_id, context, body)
        return await _one(conn, who.tenant_id, row.id)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/vehicles")
async def get_vehicles(
    who: Reader, context: Ctx, page: Paged, ref: str | None = None, plate: str | None = None
) -> ListAnswer[VehicleAnswer]:
    async def read(conn: Connection) -> ListAnswer[VehicleAnswer]:
        rows = await _matching(conn, who.tenant_id, page, ref, plate)
        answers = await _answers(conn, who.tenant_id, rows)
        return listed(page, rows, lambda row: answers[row.id])

    return await query(context, who.tenant_id, read)


async def _matching(conn: Connection, tenant: UUID, page: Page, ref: str | None, plate: str | None) -> list[VehicleRow]:
    try:
        borne = None if plate is None else normalise_plate(plate)
    except InvalidPlate:
        return []
    return await vehicles.vehicles(conn, tenant, page, ref, borne)


@router.get("/vehicles/{vehicle_id}")
async def get_vehicle(who: Reader, context: Ctx, vehicle_id: UUID) -> VehicleAnswer:
    return await query(context, who.tenant_id, lambda conn: _one(conn, who.tenant_id, vehicle_id))


@router.get("/vehicles/{vehicle_id}/plates")
async def get_plates(who: Reader, context: Ctx, vehicle_id: UUID) -> ListAnswer[PlateAnswer]:
    """Every plate the vehicle ever bore, oldest first, each with its time (rule VE1): all on one page."""
    found = await query(context, who.tenant_id, lambda conn: _one(conn, who.tenant_id, vehicle_id))
    return ListAnswer(items=found.plates, next_cursor=None)


@router.post("/vehicles/{vehicle_id}/plates", status_code=201, response_model=VehicleAnswer)
async def post_plate(request: Request, who: Writer, context: Ctx, vehicle_id: UUID, body: PlateBody) -> Response:
    async def effect(conn: Connection) -> VehicleAnswer:
        await change_plate(conn, who.tenant_id, vehicle_id, body.plate, body.from_at, context.hasher)
        return await _one(conn, who.tenant_id, vehicle_id)

    return await command(request, context, who.tenant_id, 201, effect)


@router.post("/vehicles/{vehicle_id}/sale", response_model=SaleAnswer)
async def post_sale(request: Request, who: Writer, context: Ctx, vehicle_id: UUID, body: SaleBody) -> Response:
    row = EndingRow(
        id=new_id(),
        vehicle_id=vehicle_id,
        recorder_id=vehicle_id,
        **body.model_dump() | {"actor": actor_of(who, body.actor)},
    )

    async def effect(conn: Connection) -> SaleAnswer:
        sold = await sell_vehicle(conn, who.tenant_id, row, from_ms(context.clock()), context.reviews)
        fields = {**vars(sold.ending), "licences_ended": sold.licences_ended, "warnings": sold.warnings}
        return SaleAnswer.model_validate(fields)

    return await command(request, context, who.tenant_id, 200, effect)
