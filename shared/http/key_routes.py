"""`/v1/keys`: a tenant's API keys.  The same routes in every service, each over its own keys.

No Idempotency-Key is taken: what a command answers first would have to be kept to be given again, and a secret is kept by
nobody."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from shared.clock import Clock
from shared.db import api_keys
from shared.db.api_keys import KeyFacts, key_id_of
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.auth import Principal, opened_by, require
from shared.http.fields import Answer, Body, GivenText, Instant
from shared.http.paging import LIMIT_MAX, cursor_of, place_of
from shared.http.problems import Problem
from shared.http.standing import ScopesOfPerson, as_of_now
from shared.nz_days import instant_of

SCOPE: Final = "keys:write"
GRACE_HOURS_MAX: Final = 168
SCOPES_MAX: Final = 50
Manager = Annotated[Principal, Depends(require(SCOPE))]
KeyId = Annotated[
    str, Path(pattern="^[0-9a-f]{8}$", description="The 8 characters after `rucor_`.", examples=["1f2e3d4c"])
]


class KeyBody(Body):
    name: GivenText = Field(description="Who or what will use it.", examples=["fleet portal"])
    scopes: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1, max_length=SCOPES_MAX, description="Each of them your own.", examples=[["audit-log:read"]]
    )
    expires_at: Instant | None = Field(None, description="When it ends; null: when it is revoked.")


class RotateBody(Body):
    grace_hours: int = Field(
        24, ge=0, le=GRACE_HOURS_MAX, description="So long the present secret works beside the new one."
    )


class KeyAnswer(Answer):
    """All of a key but its secret."""

    key_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_on: date | None = Field(description="The NZ day; null: never.")
    expires_at: datetime | None
    revoked_at: datetime | None
    old_until: datetime | None = Field(description="Until when the secret before the last rotation works.")
    requests_per_s: int | None = Field(description="Its own limit, which operators set; null: everybody's.")


class MadeKeyAnswer(KeyAnswer):
    key: str = Field(description="The key itself: shown this once, kept by nobody.", examples=["rucor_1f2e3d4c_…"])


class KeyPage(Answer):
    """Oldest first, the revoked ones too."""

    items: list[KeyAnswer]
    next_cursor: str | None


def router(pool: Pool, clock: Clock, scopes_of_person: ScopesOfPerson | None = None) -> APIRouter:
    """`pool` is the API role's.  Include it under `/v1`.  `scopes_of_person`: as `as_of_now` takes it; without it only keys of
    this service make keys, tokens do not."""
    routes = APIRouter(tags=["keys"])

    async def asking(conn: Connection, who: Principal, key_id: str | None = None) -> dict[str, KeyFacts]:
        """Who asks holds still, and nobody else changes these keys until the transaction ends.  Raises Problem 401, 403."""
        found = await api_keys.lock_keys(conn, who.tenant_id, [who.key_id] if key_id is None else [who.key_id, key_id])
        await as_of_now(conn, who, instant_of(clock()), scopes_of_person)
        return found

    @routes.get("/keys")
    async def keys(
        who: Manager,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> KeyPage:
        place = place_of(cursor)
        after = api_keys.FIRST if cursor is None else (place.at, f"{place.id.int:08x}")
        async with tenant_tx(pool, who.tenant_id) as conn:
            rows = await api_keys.keys_of(conn, who.tenant_id, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        more = last and cursor_of(last.created_at, UUID(int=int(last.key_id, 16)))
        return KeyPage(items=[KeyAnswer.model_validate(row) for row in rows[:limit]], next_cursor=more)

    @routes.post("/keys", status_code=201)
    async def make_key(who: Manager, body: KeyBody) -> MadeKeyAnswer:
        """A new key of your tenant, with scopes that you have yourself."""
        check_within(who, body.scopes)
        if body.expires_at is not None and body.expires_at <= instant_of(clock()):
            raise Problem(
                422, "invalid", "The request does not fit the schema",
                "Correct the fields listed in `errors` and send the request again.",
                errors=[{"pointer": "/expires_at", "code": "value_error", "detail": "lies in the past"}],
            )  # fmt: skip
        async with tenant_tx(pool, who.tenant_id) as conn:
            await asking(conn, who)
            key = await api_keys.issue_key(conn, who.tenant_id, body.name, sorted(set(body.scopes)), body.expires_at)
            return _made(await _key(conn, who, key_id_of(key) or ""), key)

    @routes.post("/keys/{key_id}/rotate")
    async def rotate_key(who: Manager, key_id: KeyId, body: RotateBody) -> MadeKeyAnswer:
        """A new secret for the same key. The present one works for the grace, an earlier one ends at once."""
        until = instant_of(clock()) + timedelta(hours=body.grace_hours)
        async with tenant_tx(pool, who.tenant_id) as conn:
            check_within(who, _found(await asking(conn, who, key_id), key_id).scopes)
            key = await api_keys.rotate_key(conn, who.tenant_id, key_id, until)
            if key is None:
                raise Problem(
                    409, "key_is_over", "This key works no longer", "It was revoked or has expired: make another key."
                )
            return _made(await _key(conn, who, key_id), key)

    @routes.post("/keys/{key_id}/revoke")
    async def revoke_key(who: Manager, key_id: KeyId) -> KeyAnswer:
        """It stops working within 30 seconds, for good. Revoking it again changes nothing."""
        async with tenant_tx(pool, who.tenant_id) as conn:
            _found(await asking(conn, who, key_id), key_id)
            await api_keys.revoke_key(conn, who.tenant_id, key_id)
            return KeyAnswer.model_validate(await _key(conn, who, key_id))

    return routes


def check_within(who: Principal, scopes: list[str]) -> None:
    """Nobody gives what they have not, nor what comes with it: who prepares makes no key that verifies (rule PA2).

    Raises Problem 403."""
    above = sorted(opened_by(scopes) - who.scopes)
    if above:
        raise Problem(
            403, "scope_not_yours", "A key cannot be given more than you have",
            f"You have not the scopes {', '.join(above)}: ask for them first, or leave them out.", scopes=above,
        )  # fmt: skip


async def _key(conn: Connection, who: Principal, key_id: str) -> KeyFacts:
    return _found(
        {one.key_id: one for one in await api_keys.keys_of(conn, who.tenant_id, api_keys.FIRST, 1, key_id)}, key_id
    )


def _found(keys: Mapping[str, KeyFacts], key_id: str) -> KeyFacts:
    """Raises Problem 404."""
    if key_id not in keys:
        raise Problem(404, "not_found", "There is nothing with this id", f"No key of yours has the id {key_id}.")
    return keys[key_id]


def _made(facts: KeyFacts, key: str) -> MadeKeyAnswer:
    return MadeKeyAnswer(**facts._asdict(), key=key)
