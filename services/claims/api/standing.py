"""Whoever is about to get something that lasts is looked at again (rule PA2)."""

from services.claims.api.context import Context
from services.claims.application.people.person_roles import scopes_now
from services.claims.domain.instants import from_ms
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.http.standing import as_of_now


async def still_holds(conn: Connection, context: Context, who: Principal) -> None:
    """The key, or the person with all that their token says, until the transaction ends.  Raises Problem 401."""
    await as_of_now(conn, who, from_ms(context.clock()), scopes_now)
