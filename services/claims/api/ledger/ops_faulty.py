"""The operator's queue of faulty data, over all tenants: look at a mark, accept or refuse it."""

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Context, Ctx, command, query
from services.claims.api.ledger.faulty_schemas import OpsFaultyAnswer, OpsFaultyWhole, State, TellBody, whole
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.ledger.mark_faulty import Told, take_step
from services.claims.application.ledger.read_faulty import read_mark
from services.claims.application.refusals import not_found
from services.claims.application.register.attach import SIGNATURES, read_attachment
from services.claims.domain.instants import from_ms
from services.claims.domain.statement.faulty import FaultyState
from services.claims.repo import faulty, tenants
from services.claims.repo.faulty import MarkRow
from shared.db.pool import Connection, tx
from shared.http.audit import concerns
from shared.http.auth import Principal
from shared.http.guards import require_ops
from shared.http.problem_schemas import GONE

Operator = Annotated[Principal, Depends(require_ops("ops:faulty"))]
_BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(prefix="/ops/faulty-data", tags=["operator"])


async def _mark(context: Context, mark_id: UUID) -> tuple[MarkRow, str]:
    """The mark, and the name of whose it is.  What follows is done in that tenant's own transaction."""
    async with tx(context.across) as conn:
        row = await faulty.mark(conn, None, mark_id)
        name = None if row is None else await tenants.tenant_name(conn, row.tenant_id)
    if row is None:
        raise not_found("mark of faulty data", mark_id)
    return row, name or ""


async def _whole(conn: Connection, row: MarkRow, name: str) -> OpsFaultyWhole:
    found = await read_mark(conn, row.tenant_id, row.id)
    mark = whole(found.row, found.stretches, found.steps, found.off_road_mm, found.claims, found.reviews)
    return OpsFaultyWhole(**dict(mark), tenant_id=row.tenant_id, tenant_name=name, waits_for=found.waits_for)


@router.get("")
async def get_queue(
    _who: Operator, context: Ctx, page: Paged, state: State | None = None, tenant_id: UUID | None = None
) -> ListAnswer[OpsFaultyAnswer]:
    """Oldest first; `?state=marked` waits for a decision."""
    async with tx(context.across) as conn:
        rows = await faulty.marks(conn, tenant_id, page, state=state)
        names = await tenants.tenant_names(conn, sorted({row.tenant_id for row in rows}))
    concerns(*names)
    return listed(
        page,
        rows,
        lambda row: OpsFaultyAnswer.model_validate(vars(row) | {"tenant_name": names.get(row.tenant_id, "")}),
    )


@router.get("/{mark_id}")
async def get_mark(_who: Operator, context: Ctx, mark_id: UUID) -> OpsFaultyWhole:
    row, name = await _mark(context, mark_id)
    return await query(context, row.tenant_id, lambda conn: _whole(conn, row, name))


@router.get(
    "/{mark_id}/attachment",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(SIGNATURES, _BINARY)}, **GONE},
)
async def get_mark_attachment(_who: Operator, context: Ctx, mark_id: UUID) -> Response:
    """The file that the mark names."""
    row, _ = await _mark(context, mark_id)
    if row.attachment_id is None:
        raise not_found("attachment of that mark", mark_id)
    kept, content = await read_attachment(context.pool, row.tenant_id, context.sealer, row.attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(kept.name)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=kept.media_type, headers=headers)


async def _decide(
    request: Request, who: Principal, context: Context, mark_id: UUID, to: FaultyState, body: TellBody
) -> Response:
    row, name = await _mark(context, mark_id)
    told = Told(actor_of(who, body.actor), body.reason, from_ms(context.clock()))

    async def effect(conn: Connection) -> OpsFaultyWhole:
        await take_step(conn, row.tenant_id, mark_id, to, told)
        return await _whole(conn, row, name)

    return await command(request, context, row.tenant_id, 200, effect)


@router.post("/{mark_id}/accept", response_model=OpsFaultyWhole)
async def post_accept(request: Request, who: Operator, context: Ctx, mark_id: UUID, body: TellBody) -> Response:
    """The stretch is taken out: what it counts off road becomes unknown. Claims that stand on it are looked at again."""
    return await _decide(request, who, context, mark_id, "accepted", body)


@router.post("/{mark_id}/refuse", response_model=OpsFaultyWhole)
async def post_refuse(request: Request, who: Operator, context: Ctx, mark_id: UUID, body: TellBody) -> Response:
    """The data stand; the reason is told to the tenant."""
    return await _decide(request, who, context, mark_id, "refused", body)
