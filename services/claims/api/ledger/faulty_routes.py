"""Faulty data: mark a stretch as wrong, look at what became of it, take it back (how-to: "contact the service desk")."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.fields import Ref
from services.claims.api.ledger.faulty_schemas import FaultyAnswer, FaultyBody, FaultyWhole, State, TellBody, whole
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.ledger.mark_faulty import Told, mark_faulty, take_step
from services.claims.application.ledger.read_faulty import read_mark
from services.claims.domain.instants import from_ms
from services.claims.repo import faulty
from services.claims.repo.faulty import MarkRow
from shared.clock import new_id
from shared.db.pool import Connection

router = APIRouter(tags=["faulty data"])


async def _whole(conn: Connection, tenant: UUID, mark_id: UUID) -> FaultyWhole:
    found = await read_mark(conn, tenant, mark_id)
    return whole(found.row, found.stretches, found.steps, found.off_road_mm, found.claims, found.reviews)


@router.post("/faulty-data", status_code=201, response_model=FaultyWhole)
async def post_faulty(request: Request, who: Writer, context: Ctx, body: FaultyBody) -> Response:
    """No claim over the stretch can be lodged until the mark is settled or withdrawn (rule EL4)."""
    now_ms = context.clock()
    fields = body.model_dump(exclude={"actor"})
    row = MarkRow(
        tenant_id=who.tenant_id, id=new_id(), state="marked", actor=actor_of(who, body.actor), created_at=from_ms(now_ms),
        **fields,
    )  # fmt: skip

    async def effect(conn: Connection) -> FaultyWhole:
        await mark_faulty(conn, row, context.policy, now_ms)
        return await _whole(conn, who.tenant_id, row.id)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/faulty-data")
async def get_faulty_list(
    who: Reader,
    context: Ctx,
    page: Paged,
    state: State | None = None,
    ref: Ref | None = None,
    licence_id: UUID | None = None,
) -> ListAnswer[FaultyAnswer]:
    async def read(conn: Connection) -> ListAnswer[FaultyAnswer]:
        rows = await faulty.marks(conn, who.tenant_id, page, state=state, ref=ref, licence_id=licence_id)
        return listed(page, rows, FaultyAnswer.model_validate)

    return await query(context, who.tenant_id, read)


@router.get("/faulty-data/{mark_id}")
async def get_faulty(who: Reader, context: Ctx, mark_id: UUID) -> FaultyWhole:
    """With every step, and the claims that stood on it."""
    return await query(context, who.tenant_id, lambda conn: _whole(conn, who.tenant_id, mark_id))


@router.post("/faulty-data/{mark_id}/withdraw", response_model=FaultyWhole)
async def post_faulty_withdrawal(
    request: Request, who: Writer, context: Ctx, mark_id: UUID, body: TellBody
) -> Response:
    """The data are right after all; possible until an operator has decided."""
    told = Told(actor_of(who, body.actor), body.reason, from_ms(context.clock()))

    async def effect(conn: Connection) -> FaultyWhole:
        await take_step(conn, who.tenant_id, mark_id, "withdrawn", told)
        return await _whole(conn, who.tenant_id, mark_id)

    return await command(request, context, who.tenant_id, 200, effect)
