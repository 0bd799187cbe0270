"""Links of an audit case, for the tenant: made, revoked, and what was read through them (rule PA4)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.fields import Answer, Body, GivenText
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.standing import still_holds
from services.claims.application.audit.audit_links import DAYS_MAX, make_link, revoke_link
from services.claims.application.refusals import not_found
from services.claims.domain.instants import from_ms
from services.claims.repo import audit_cases, audit_links
from shared.db.pool import Connection
from shared.http.commands import no_key
from shared.http.openapi.document import TAKES_KEY

router = APIRouter(tags=["audit"])


Unkept = Annotated[
    None,
    Depends(
        no_key(
            "The answer shows the link's token, and would have to be kept to be given again. Send it without the header; where "
            "an answer is lost, look at the case's links and revoke the one that nobody knows."
        )
    ),
]


class LinkBody(Body):
    given_to: GivenText
    """The officer who will read through it."""
    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = 30
    actor: ActorName | None = None


class RevokeBody(Body):
    actor: ActorName | None = None


class LinkAnswer(Answer):
    id: UUID
    given_to: str
    created_at: datetime
    expires_at: datetime
    actor: str
    revoked_at: datetime | None
    revoked_by: str


class MadeLinkAnswer(LinkAnswer):
    token: str
    """Shown this once: send it as `Authorization: Bearer …`, never in an address."""


class LinksAnswer(Answer):
    items: list[LinkAnswer]


class AuditAccessAnswer(Answer):
    id: UUID
    link_id: UUID
    given_to: str
    created_at: datetime
    method: str
    path: str
    address: str
    agent: str


@router.post(
    "/audit-cases/{case_id}/links", status_code=201, response_model=MadeLinkAnswer, openapi_extra={TAKES_KEY: False}
)
async def post_link(
    request: Request, who: Writer, _unkept: Unkept, context: Ctx, case_id: UUID, body: LinkBody
) -> Response:
    """A link that reads exactly the claimed licences of the case, for 1 to 90 days.

    Its token is in this answer only. An Idempotency-Key is refused, since the answer would have to be kept: whoever asks twice
    has two links, and revokes one."""
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> MadeLinkAnswer:
        await still_holds(conn, context, who)
        row, token = await make_link(
            conn, who.tenant_id, case_id, body.given_to, body.days, actor, from_ms(context.clock())
        )
        return MadeLinkAnswer(**vars(row), token=token)

    return await command(request, context, who.tenant_id, 201, effect)


async def _links(conn: Connection, tenant: UUID, case_id: UUID) -> LinksAnswer:
    if await audit_cases.case(conn, tenant, case_id) is None:
        raise not_found("audit case", case_id)
    rows = await audit_links.links(conn, tenant, case_id)
    return LinksAnswer(items=[LinkAnswer.model_validate(row) for row in rows])


@router.get("/audit-cases/{case_id}/links")
async def get_links(who: Reader, context: Ctx, case_id: UUID) -> LinksAnswer:
    """Every link of the case, also those that open nothing any more; never a token."""
    return await query(context, who.tenant_id, lambda conn: _links(conn, who.tenant_id, case_id))


@router.post("/audit-cases/{case_id}/links/{link_id}/revoke", response_model=LinksAnswer)
async def post_revoke(
    request: Request, who: Writer, context: Ctx, case_id: UUID, link_id: UUID, body: RevokeBody
) -> Response:
    """It opens nothing from this moment. Revoking it again changes nothing."""
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> LinksAnswer:
        await revoke_link(conn, who.tenant_id, case_id, link_id, actor, from_ms(context.clock()))
        return await _links(conn, who.tenant_id, case_id)

    return await command(request, context, who.tenant_id, 200, effect)


@router.get("/audit-cases/{case_id}/accesses")
async def get_accesses(who: Reader, context: Ctx, page: Paged, case_id: UUID) -> ListAnswer[AuditAccessAnswer]:
    """What was asked through the case's links: by which, when, what, from which address."""

    async def read(conn: Connection) -> ListAnswer[AuditAccessAnswer]:
        if await audit_cases.case(conn, who.tenant_id, case_id) is None:
            raise not_found("audit case", case_id)
        rows = await audit_links.accesses(conn, who.tenant_id, case_id, page)
        return listed(page, rows, AuditAccessAnswer.model_validate)

    return await query(context, who.tenant_id, read)
