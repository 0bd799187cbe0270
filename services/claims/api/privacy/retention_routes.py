"""Until when records are held, and holds (rule RE1)."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.fields import Answer, Body, GivenText
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.privacy import retention as use
from services.claims.application.refusals import not_found
from services.claims.repo import retention
from services.claims.repo.retention import HoldRow, LicenceRetention
from services.claims.repo.rows import Page
from shared.db.pool import Connection

HeldBy = Literal["issue", "application", "audit", "hold", "disclosure"]

router = APIRouter(tags=["retention"])


class RetentionAnswer(Answer):
    licence_id: UUID
    issued_on: date
    applied_on: date | None
    held_until: date | None
    """The last day; null while something open holds it."""
    held_by: HeldBy
    words: str
    held: bool


class ClaimRetentionAnswer(Answer):
    claim_id: UUID
    held_until: date | None
    held_by: HeldBy
    words: str
    held: bool
    licences: list[RetentionAnswer]


class HoldBody(Body):
    licence_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)] | None = None
    """None: everything of the tenant."""
    reason: GivenText
    actor: ActorName | None = None


class ReleaseBody(Body):
    reason: GivenText
    actor: ActorName | None = None


class HoldAnswer(Answer):
    id: UUID
    kind: Literal["legal", "needed"]
    """needed: the service's own, so that the fixes are kept as long as rule RE1 says."""
    licence_id: UUID | None
    reason: str
    actor: str
    created_at: datetime
    released_at: datetime | None
    released_by: str
    released_reason: str


class HoldsAnswer(Answer):
    items: list[HoldAnswer]


def _answer(one: LicenceRetention) -> RetentionAnswer:
    return RetentionAnswer.model_validate({**vars(one), "words": use.WORDS[one.held_by]})


@router.get("/licences/{licence_id}/retention")
async def get_licence_retention(who: Reader, context: Ctx, licence_id: UUID) -> RetentionAnswer:
    """Until when everything about this licence is held, and why."""
    return _answer(await query(context, who.tenant_id, lambda conn: use.retention_of(conn, who.tenant_id, licence_id)))


@router.get("/claims/{claim_id}/retention")
async def get_claim_retention(who: Reader, context: Ctx, claim_id: UUID) -> ClaimRetentionAnswer:
    found = await query(context, who.tenant_id, lambda conn: use.retention_of_claim(conn, who.tenant_id, claim_id))
    return ClaimRetentionAnswer.model_validate(
        {
            **vars(found),
            "claim_id": claim_id,
            "words": use.WORDS[found.held_by],
            "licences": [_answer(one) for one in found.licences],
        }
    )


@router.post("/holds", status_code=201, response_model=HoldsAnswer)
async def post_hold(request: Request, who: Writer, context: Ctx, body: HoldBody) -> Response:
    """Keep the records of these licences, or of everything, until the hold is released."""
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> HoldsAnswer:
        made = await use.open_holds(conn, who.tenant_id, body.licence_ids, body.reason, actor)
        return HoldsAnswer(items=[HoldAnswer.model_validate(await _one(conn, who.tenant_id, hold)) for hold in made])

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/holds")
async def get_holds(who: Reader, context: Ctx, page: Paged, *, only_open: bool = False) -> ListAnswer[HoldAnswer]:
    rows = await query(
        context, who.tenant_id, lambda conn: retention.holds(conn, who.tenant_id, page, only_open=only_open)
    )
    return listed(page, rows, HoldAnswer.model_validate)


@router.post("/holds/{hold_id}/release", response_model=HoldAnswer)
async def post_release(request: Request, who: Writer, context: Ctx, hold_id: UUID, body: ReleaseBody) -> Response:
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> HoldAnswer:
        await _one(conn, who.tenant_id, hold_id)
        await use.release_hold(conn, who.tenant_id, hold_id, actor, body.reason)
        return HoldAnswer.model_validate(await _one(conn, who.tenant_id, hold_id))

    return await command(request, context, who.tenant_id, 200, effect)


async def _one(conn: Connection, tenant: UUID, hold_id: UUID) -> HoldRow:
    found = await retention.holds(conn, tenant, Page(1), only_open=False, hold=hold_id)
    if not found:
        raise not_found("hold", hold_id)
    return found[0]
