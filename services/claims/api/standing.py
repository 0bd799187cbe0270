"""Whoever is about to get something that lasts is looked at again (rule PA2)."""

from services.claims.api.context import Context
from services.claims.application.people.person_roles import scopes_now
from services.claims.domain.instants import from_ms
from shared.db.pool import Connection, tenant_tx
from shared.http.auth import Principal
from shared.http.problems import Problem
from shared.http.standing import as_of_now


async def still_holds(conn: Connection, context: Context, who: Principal) -> None:
    """The key, or the person with all that their token says, until the transaction ends.  Raises Problem 401."""
    await as_of_now(conn, who, from_ms(context.clock()), scopes_now)


async def holds(context: Context, who: Principal) -> bool:
    """The same, as an answer."""
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        try:
            await still_holds(conn, context, who)
        except Problem:
            return False
    return True
