"""Put vehicles and recorders right, and take back what never was: devices, couplings, sales, claims outside (VE, EL5, LI7)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.claims.api.context import Context, Ctx, Writer, command
from services.claims.api.fields import Body, GivenText, Text, shown
from services.claims.api.register.change_routes import (
    RegisterChangeAnswer,
    WhyBody,
    change_answer,
    given_of,
    why_of,
)
from services.claims.api.register.register_schemas import ReadingAnswer
from services.claims.application.refusals import already_exists, not_found
from services.claims.application.register.attach import check_attachment
from services.claims.application.register.correct_vehicle import correct_recorder, correct_vehicle
from services.claims.application.register.strike import (
    strike_assignment,
    strike_coupling,
    strike_ending,
    strike_outside,
)
from services.claims.repo import recorders
from services.claims.repo.changes import Why
from shared.db.pool import Connection
from shared.http.auth import Principal

router = APIRouter(tags=["register"])


class VehicleFixBody(WhyBody):
    """What is left out stays."""

    model_config = shown(reason="as its papers say", actor="R Hill", ruc_type="1", gross_kg=3050)

    description: Text | None = None
    powered: bool | None = None
    ruc_type: Text | None = None
    gross_kg: Annotated[int, Field(gt=0, le=1_000_000)] | None = None
    exempt: bool | None = None
    exempt_reason: Text | None = None


class RecorderFixBody(WhyBody):
    """What is left out stays; `unit` and `rollover_at` only while no licence of it is claimed."""

    model_config = shown(reason="a typing error", actor="R Hill", serial="OD-20931")

    kind: Literal["odometer", "hubodometer"] | None = None
    serial: GivenText | None = None
    unit: Literal["km", "mi"] | None = None
    rollover_at: Annotated[int, Field(ge=1_000, le=1_000_000_000)] | None = None


class ReadingFileBody(Body):
    attachment_id: UUID


async def _changed(
    request: Request, who: Principal, context: Context, why: Why, effect: Callable[[Connection], Awaitable[None]]
) -> Response:
    async def whole(conn: Connection) -> RegisterChangeAnswer:
        await effect(conn)
        return await change_answer(conn, who.tenant_id, why)

    return await command(request, context, who.tenant_id, 200, whole)


@router.post("/vehicles/{vehicle_id}/correction", response_model=RegisterChangeAnswer)
async def post_vehicle_correction(
    request: Request, who: Writer, context: Ctx, vehicle_id: UUID, body: VehicleFixBody
) -> Response:
    """Type, weight, description, whether it is powered or exempt.  What a claim counted too much becomes a disclosure."""
    why, given = why_of(who, context, body), given_of(body)
    return await _changed(
        request, who, context, why,
        lambda conn: correct_vehicle(conn, who.tenant_id, vehicle_id, given, why, context.reviews),
    )  # fmt: skip


@router.post("/recorders/{recorder_id}/correction", response_model=RegisterChangeAnswer)
async def post_recorder_correction(
    request: Request, who: Writer, context: Ctx, recorder_id: UUID, body: RecorderFixBody
) -> Response:
    """Kind, serial, unit, and where its display starts again."""
    why, given = why_of(who, context, body), given_of(body)
    return await _changed(
        request, who, context, why,
        lambda conn: correct_recorder(conn, who.tenant_id, recorder_id, given, why, context.reviews),
    )  # fmt: skip


@router.post("/devices/{assignment_id}/strike", response_model=RegisterChangeAnswer)
async def post_assignment_strike(
    request: Request, who: Writer, context: Ctx, assignment_id: UUID, body: WhyBody
) -> Response:
    """The device never was on the vehicle in that time."""
    why = why_of(who, context, body)
    return await _changed(
        request, who, context, why,
        lambda conn: strike_assignment(conn, who.tenant_id, assignment_id, why, context.reviews),
    )  # fmt: skip


@router.post("/couplings/{coupling_id}/strike", response_model=RegisterChangeAnswer)
async def post_coupling_strike(
    request: Request, who: Writer, context: Ctx, coupling_id: UUID, body: WhyBody
) -> Response:
    """The trailer never was behind the vehicle in that time."""
    why = why_of(who, context, body)
    return await _changed(
        request, who, context, why,
        lambda conn: strike_coupling(conn, who.tenant_id, coupling_id, why, context.reviews),
    )  # fmt: skip


@router.post("/vehicles/{vehicle_id}/sale/strike", response_model=RegisterChangeAnswer)
async def post_sale_strike(request: Request, who: Writer, context: Ctx, vehicle_id: UUID, body: WhyBody) -> Response:
    """The vehicle never left.  Its reading goes too, licences reach as far as before; put the devices on again."""
    why = why_of(who, context, body)
    return await _changed(
        request, who, context, why, lambda conn: strike_ending(conn, who.tenant_id, vehicle_id, why, context.reviews)
    )


@router.post("/licences/{licence_id}/claimed-outside/strike", response_model=RegisterChangeAnswer)
async def post_outside_strike(request: Request, who: Writer, context: Ctx, licence_id: UUID, body: WhyBody) -> Response:
    """The licence never was claimed outside this system: it may be claimed here (rule LI7)."""
    why = why_of(who, context, body)
    return await _changed(request, who, context, why, lambda conn: strike_outside(conn, who.tenant_id, licence_id, why))


@router.post("/readings/{reading_id}/attachment", response_model=ReadingAnswer)
async def post_reading_file(
    request: Request, who: Writer, context: Ctx, reading_id: UUID, body: ReadingFileBody
) -> Response:
    """The photo or scan that proves a reading, once (rule VE3): also of one that was imported or came with a sale."""

    async def effect(conn: Connection) -> ReadingAnswer:
        await check_attachment(conn, who.tenant_id, body.attachment_id)
        proved = await recorders.prove_reading(conn, who.tenant_id, reading_id, body.attachment_id)
        row = await recorders.reading(conn, who.tenant_id, reading_id)
        if row is None:
            raise not_found("reading", reading_id)
        if not proved:
            raise already_exists("The reading has its file.", row.attachment_id)
        return ReadingAnswer.model_validate(row)

    return await command(request, context, who.tenant_id, 200, effect)
