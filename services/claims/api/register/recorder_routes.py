"""Distance recorders and their readings."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.register.creations import create_reading, create_recorder
from services.claims.api.register.register_schemas import (
    ReadingAnswer,
    ReadingBody,
    ReadingSource,
    RecorderAnswer,
    RecorderBody,
)
from services.claims.application.refusals import not_found
from services.claims.repo import recorders
from shared.db.pool import Connection
from shared.http.fields import Instant, Until

router = APIRouter(tags=["recorders"])


@router.post("/recorders", status_code=201, response_model=RecorderAnswer)
async def post_recorder(request: Request, who: Writer, context: Ctx, body: RecorderBody) -> Response:
    async def effect(conn: Connection) -> RecorderAnswer:
        return RecorderAnswer.model_validate(await create_recorder(conn, who.tenant_id, context, body))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/recorders")
async def get_recorders(
    who: Reader, context: Ctx, page: Paged, ref: str | None = None, vehicle_id: UUID | None = None
) -> ListAnswer[RecorderAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: recorders.recorders(conn, who.tenant_id, page, ref, vehicle_id)
    )
    return listed(page, rows, RecorderAnswer.model_validate)


@router.get("/recorders/{recorder_id}")
async def get_recorder(who: Reader, context: Ctx, recorder_id: UUID) -> RecorderAnswer:
    row = await query(context, who.tenant_id, lambda conn: recorders.recorder(conn, who.tenant_id, recorder_id))
    if row is None:
        raise not_found("recorder", recorder_id)
    return RecorderAnswer.model_validate(row)


@router.post("/readings", status_code=201, response_model=ReadingAnswer)
async def post_reading(request: Request, who: Writer, context: Ctx, body: ReadingBody) -> Response:
    async def effect(conn: Connection) -> ReadingAnswer:
        return ReadingAnswer.model_validate(await create_reading(conn, who.tenant_id, context, body))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/readings")
async def get_readings(
    who: Reader,
    context: Ctx,
    page: Paged,
    ref: str | None = None,
    recorder_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    source: ReadingSource | None = None,
    from_at: Annotated[
        Instant | None, Query(alias="from", description="Instant or NZ day (its start), included.")
    ] = None,
    to_at: Annotated[Until | None, Query(alias="to", description="Instant or NZ day (its end), included.")] = None,
) -> ListAnswer[ReadingAnswer]:
    rows = await query(
        context,
        who.tenant_id,
        lambda conn: recorders.readings(
            conn, who.tenant_id, page, ref=ref, recorder_id=recorder_id, vehicle_id=vehicle_id, from_at=from_at, to_at=to_at,
            source=source,
        ),
    )  # fmt: skip
    return listed(page, rows, ReadingAnswer.model_validate)


@router.get("/readings/{reading_id}")
async def get_reading(who: Reader, context: Ctx, reading_id: UUID) -> ReadingAnswer:
    row = await query(context, who.tenant_id, lambda conn: recorders.reading(conn, who.tenant_id, reading_id))
    if row is None:
        raise not_found("reading", reading_id)
    return ReadingAnswer.model_validate(row)
