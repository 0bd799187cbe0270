"""`GET /v1/audit-log`: who read or wrote a tenant's data.  The same route in every service, each over its own log."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, Field

from shared.db import audit as table
from shared.db.audit import Wanted
from shared.db.pool import Pool, tenant_tx
from shared.http.auth import Principal
from shared.http.deeds import OVERVIEW
from shared.http.fields import Answer, Instant, Until, printable
from shared.http.guards import require
from shared.http.paging import LIMIT_MAX, Here

SCOPE: Final = "audit-log:read"
Reader = Annotated[Principal, Depends(require(SCOPE))]
Filter = Annotated[
    str | None, Query(min_length=1, max_length=200), AfterValidator(lambda text: text and printable(text))
]


class AccessAnswer(Answer):
    """One request, or one effect of it in the database."""

    id: UUID
    at: datetime
    key_id: str = Field(
        description="Public part of the key; `service`: another of our services, for an answer of its own; `cli`: a command."
    )
    person: str | None = Field(description="Who had signed in; null: a machine's key.")
    actor_tenant: UUID | None = Field(
        description="Whose key it was, where it was not yours: the operator's, a provider's."
    )
    method: str = Field(description="`CLI`: what an operator did at the command line; `route` is the command.")
    route: str = Field(
        description=f"The route as the OpenAPI document names it; `{OVERVIEW}`: an operator's look over all registers at once."
    )
    things: dict[str, str] = Field(description="Ids from the path and the query; nothing of a body.")
    status: int
    request_id: str = Field(description="The answer's `X-Trace-Id`.")


class AccessPage(Answer):
    """Newest first."""

    items: list[AccessAnswer]
    next_cursor: str | None


def router(pool: Pool) -> APIRouter:
    """`pool` is the API role's.  Include it under `/v1`."""
    routes = APIRouter(tags=["audit log"])

    @routes.get("/audit-log")
    async def audit_log(
        who: Reader,
        here: Here,
        from_: Annotated[Instant | None, Query(alias="from")] = None,
        to: Annotated[Until | None, Query()] = None,
        actor: Filter = None,
        route: Filter = None,
        thing: Filter = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> AccessPage:
        """Every authenticated request that touched this tenant's data, newest first: `actor` is a key id or a person's name,
        `route` a template, `thing` an id.  Rows are kept for four years after their month."""
        before = None if cursor is None else here.place_of(cursor)
        wanted = Wanted(from_, to, actor, route, thing)
        async with tenant_tx(pool, who.tenant_id) as conn:
            rows = await table.page(conn, who.tenant_id, wanted, before and (before.at, before.id), limit + 1)
        more = here.cursor_of(rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
        return AccessPage(items=[AccessAnswer.model_validate(row) for row in rows[:limit]], next_cursor=more)

    return routes
