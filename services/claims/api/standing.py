"""Whoever is about to get something that lasts is looked at again (rule PA2)."""

from services.claims.api.context import Context
from services.claims.application.people.person_roles import scopes_now
from services.claims.domain.instants import from_ms
from shared.db.pool import Connection, tenant_tx
from shared.http.auth import Principal, holder_of
from shared.http.issuer import Ask
from shared.http.problems import Problem
from shared.http.standing import as_of_now
from shared.http.tokens import AccessToken


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


def holders_here(context: Context) -> Ask:
    """Of the tokens that claims itself takes."""

    async def ask(token: AccessToken, _text: str) -> bool:
        return await holds(context, holder_of(token))

    return ask
