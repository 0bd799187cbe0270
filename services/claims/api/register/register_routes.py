"""Claimants and waivers."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.register.creations import create_claimant
from services.claims.api.register.register_schemas import (
    ClaimantAnswer,
    ClaimantBody,
)
from services.claims.api.register.waiver_schemas import WaivedRule, WaiverAnswer, WaiverBody
from services.claims.application.claim.waive import waive
from services.claims.application.refusals import not_found
from services.claims.domain.instants import from_ms
from services.claims.repo import parties
from services.claims.repo.parties import ClaimantRow, WaiverRow
from shared.clock import new_id
from shared.db.pool import Connection

router = APIRouter(tags=["register"])


def claimant_answer(row: ClaimantRow) -> ClaimantAnswer:
    masked = f"…{row.bank_tail[0]}-{row.bank_tail[1:]}" if row.bank_tail else ""
    return ClaimantAnswer.model_validate({**vars(row), "bank_account_masked": masked})


@router.post("/claimants", status_code=201, response_model=ClaimantAnswer)
async def post_claimant(request: Request, who: Writer, context: Ctx, body: ClaimantBody) -> Response:
    async def effect(conn: Connection) -> ClaimantAnswer:
        return claimant_answer(await create_claimant(conn, who.tenant_id, context, body))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/claimants")
async def get_claimants(who: Reader, context: Ctx, page: Paged, ref: str | None = None) -> ListAnswer[ClaimantAnswer]:
    rows = await query(context, who.tenant_id, lambda conn: parties.claimants(conn, who.tenant_id, page, ref))
    return listed(page, rows, claimant_answer)


@router.get("/claimants/{claimant_id}")
async def get_claimant(who: Reader, context: Ctx, claimant_id: UUID) -> ClaimantAnswer:
    row = await query(context, who.tenant_id, lambda conn: parties.claimant(conn, who.tenant_id, claimant_id))
    if row is None:
        raise not_found("claimant", claimant_id)
    return claimant_answer(row)


@router.post("/waivers", status_code=201, response_model=WaiverAnswer)
async def post_waiver(request: Request, who: Writer, context: Ctx, body: WaiverBody) -> Response:
    """A person's decision to go on in spite of what stands against a licence (EL4) or an account's name (EL8) now: it covers
    that and nothing that comes later."""
    now_ms = context.clock()
    given = body.model_dump() | {"actor": actor_of(who, body.actor)}
    row = WaiverRow(id=new_id(), created_at=from_ms(now_ms), covers=[], **given)

    async def effect(conn: Connection) -> WaiverAnswer:
        made = await waive(conn, who.tenant_id, row, context.policy, context.sealer, context.hasher, now_ms)
        return WaiverAnswer.model_validate(made)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/waivers")
async def get_waivers(
    who: Reader,
    context: Ctx,
    page: Paged,
    rule: WaivedRule | None = None,
    licence_id: UUID | None = None,
    claimant_id: UUID | None = None,
) -> ListAnswer[WaiverAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: parties.waivers(conn, who.tenant_id, page, rule, licence_id, claimant_id)
    )
    return listed(page, rows, WaiverAnswer.model_validate)
