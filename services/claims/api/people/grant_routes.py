"""Leave for operators to look into a tenant (rule PA4): given and ended by the tenant itself."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Context, Ctx, command, query
from services.claims.api.fields import Answer, Body, Form, GivenText, Instant
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.standing import still_holds
from services.claims.application.refusals import invalid, not_found
from services.claims.domain.instants import from_ms
from services.claims.repo import identities, ops_grants
from services.claims.repo.ops_grants import GrantRow
from shared.clock import new_id
from shared.db.pool import Connection, tenant_tx
from shared.http.auth import OPERATOR, Principal
from shared.http.guards import Visits, require

SCOPE: Final = "ops-grants:write"
TIME_MAX: Final = timedelta(days=14)
Granter = Annotated[Principal, Depends(require(SCOPE))]

_KEY_OR_PERSON: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})?$"
Holder = Annotated[
    str,
    StringConstraints(to_lower=True),
    Form(
        _KEY_OR_PERSON,
        "give the public id of an operator's key (8 characters), or an operator's person id, never a name",
    ),
]
NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""No leave is given so late: for a person whom no account is."""

router = APIRouter(prefix="/ops-grants", tags=["operator access"])


class GrantBody(Body):
    case_ref: GivenText = Field(description="The case, as you and the operator call it.", examples=["HELP-2214"])
    holder: Holder = Field(
        description="Who may look: the public id of an operator's key, or the id of an operator's person, who has signed in.",
        examples=["1f2e3d4c"],
    )
    from_at: Instant | None = Field(None, description="Null: from now on.")
    until_at: Instant = Field(description="At most 14 days after `from_at`.")
    reason: GivenText
    actor: ActorName | None = None


class EndGrantBody(Body):
    actor: ActorName | None = None


class GrantAnswer(Answer):
    id: UUID
    case_ref: str
    holder: str
    from_at: datetime
    until_at: datetime
    reason: str
    granted_by: str
    created_at: datetime
    ended_at: datetime | None = Field(description="When it was ended before its time.")
    ended_by: str


@router.post("", status_code=201, response_model=GrantAnswer)
async def post_grant(request: Request, who: Granter, context: Ctx, body: GrantBody) -> Response:
    """Let an operator read what is yours, for one case. Each of their requests stands in your audit log."""
    now = from_ms(context.clock())
    start = body.from_at or now
    if not start < body.until_at <= start + TIME_MAX:
        raise invalid("/until_at", f"must lie after `from_at`, and at most {TIME_MAX.days} days after it")
    if body.until_at <= now:
        raise invalid("/until_at", "has passed already")
    row = GrantRow(
        id=new_id(), case_ref=body.case_ref, holder=body.holder, from_at=start, until_at=body.until_at,
        reason=body.reason, granted_by=actor_of(who, body.actor), created_at=now,
    )  # fmt: skip

    async def effect(conn: Connection) -> GrantAnswer:
        await still_holds(conn, context, who)
        await ops_grants.insert(conn, who.tenant_id, row)
        return GrantAnswer.model_validate(row)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("")
async def get_grants(who: Granter, context: Ctx, page: Paged) -> ListAnswer[GrantAnswer]:
    """Every leave that was ever given, oldest first."""
    rows = await query(context, who.tenant_id, lambda conn: ops_grants.grants(conn, who.tenant_id, page))
    return listed(page, rows, GrantAnswer.model_validate)


@router.post("/{grant_id}/end", response_model=GrantAnswer)
async def post_end(request: Request, who: Granter, context: Ctx, grant_id: UUID, body: EndGrantBody) -> Response:
    """From now on the operator is refused. One that is over stays as it is."""
    at, by = from_ms(context.clock()), actor_of(who, body.actor)

    async def effect(conn: Connection) -> GrantAnswer:
        await ops_grants.end(conn, who.tenant_id, grant_id, at, by)
        row = await ops_grants.grant(conn, who.tenant_id, grant_id)
        if row is None:
            raise not_found("grant", grant_id)
        return GrantAnswer.model_validate(row)

    return await command(request, context, who.tenant_id, 200, effect)


def visits(context: Context) -> Visits:
    """Whether an operator may look into a tenant now; asked anew at each request, so that an end holds at once.

    The holder is a key's id, or a person's with the account at the provider that was theirs when the leave was given: nobody
    comes by another's leave by their name, or by being put in their place."""

    async def may(who: Principal, tenant: UUID) -> bool:
        known_since = None
        if who.person_id is not None:
            async with tenant_tx(context.pool, OPERATOR) as conn:
                known_since = await identities.known_since(conn, OPERATOR, who.person_id) or NEVER
        async with tenant_tx(context.pool, tenant) as conn:
            return await ops_grants.is_live(conn, tenant, who.key_id, known_since, from_ms(context.clock()))

    return may
