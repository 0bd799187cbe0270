"""Who asks, as the database has them at this moment.

A key is remembered for 30 s, and what it or its token may do with it.  That is too long where something is given that outlasts
them (a key, a person, a link): whoever asks for it is looked at again, in the very transaction that gives it, and a revocation
that comes at the same time waits for that transaction or is seen by it (rule PA2)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.db import api_keys
from shared.db.pool import Connection
from shared.http.auth import Principal, opened_by, refuse
from shared.http.problems import Problem

ScopesOfPerson = Callable[[Connection, UUID, UUID], Awaitable[frozenset[str]]]
"""Of the tenant's person: what their roles allow now; nothing for one who has left or is not there."""
_STALE: Final = 'Bearer error="invalid_token"'


async def as_of_now(
    conn: Connection, who: Principal, now: datetime, scopes_of_person: ScopesOfPerson | None
) -> Principal:
    """With the end and the limit that the key has now.  None for `scopes_of_person`: a service that has neither the people nor
    the keys of access tokens.

    Raises Problem 401 where the key or person holds no longer, 403 for a token where nobody can say."""
    held, asker, known = frozenset[str](), who, scopes_of_person is not None
    if who.person_id is None:
        key = await api_keys.held_key(conn, who.tenant_id, who.key_id)
        known = known or key is not None
        end = api_keys.OVER if key is None else key.works_until(who.shown)
        if key is not None and now < end:
            held = opened_by(key.scopes)
            asker = replace(who, ends_at=None if end == api_keys.EVER else end, requests_per_s=key.requests_per_s)
    elif scopes_of_person is not None:
        held = await scopes_of_person(conn, who.tenant_id, who.person_id)
    if not known:
        raise Problem(
            403, "key_needed", "This needs a key of this service",
            "This service knows neither the key nor the person of an access token: use an API key of this service.",
        )  # fmt: skip
    if not who.scopes <= held:
        raise refuse(
            "revoked", "The key was revoked, rotated or has ended, or the person has left or lost a role: nothing that "
            "lasts is given to them.", _STALE,
        )  # fmt: skip
    return asker
