"""`/v1/keys`: a tenant's API keys.  The same routes in every service, each over its own keys.

What shows a secret takes no Idempotency-Key: what a command answers first would have to be kept to be given again, and a secret
is kept by nobody."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from shared.clock import Clock
from shared.db import api_keys
from shared.db.api_keys import KeyFacts, key_id_of
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.auth import Principal, opened_by
from shared.http.commands import no_key
from shared.http.fields import Answer, Body, Form, GivenText, Instant
from shared.http.guards import VISITOR, require
from shared.http.paging import LIMIT_MAX, Here
from shared.http.problems import Problem
from shared.http.standing import ScopesOfPerson, as_of_now
from shared.nz_days import instant_of
from shared.settings import LimitSettings

SCOPE: Final = "keys:write"
GRACE_HOURS_MAX: Final = 168
SCOPES_MAX: Final = 50
Manager = Annotated[Principal, Depends(require(SCOPE))]
KeyId = Annotated[
    str,
    Form("^[0-9a-f]{8}$", "give the key's id, the 8 characters after `rucor_`; GET /v1/keys lists them"),
    Path(description="The 8 characters after `rucor_`.", examples=["1f2e3d4c"]),
]


Unkept = Annotated[
    None,
    Depends(
        no_key(
            "The answer shows a secret, and would have to be kept to be given again. Send it without the header; where an "
            "answer is lost, list the keys and revoke the one that nobody knows."
        )
    ),
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


def router(
    pool: Pool, clock: Clock, scopes_of_person: ScopesOfPerson | None = None, limits: LimitSettings | None = None
) -> APIRouter:
    """`pool` is the API role's.  Include it under `/v1`.  `scopes_of_person`: as `as_of_now` takes it; without it only keys of
    this service make keys, tokens do not."""
    keys_max = (limits or LimitSettings()).keys_per_tenant
    routes = APIRouter(tags=["keys"])

    async def asking(conn: Connection, who: Principal, key_id: str) -> tuple[Principal, KeyFacts | None]:
        """Who asks, as of now, and the tenant's key of that id; nobody else changes either until the transaction ends.

        Raises Problem 401, 403."""
        found = await api_keys.lock_keys(conn, who.tenant_id, [who.key_id, key_id])
        return await as_of_now(conn, who, instant_of(clock()), scopes_of_person), found.get(key_id)

    @routes.get("/keys")
    async def keys(
        who: Manager,
        here: Here,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
    ) -> KeyPage:
        place = here.place_of(cursor)
        after = api_keys.FIRST if cursor is None else (place.at, f"{place.id.int:08x}")
        async with tenant_tx(pool, who.tenant_id) as conn:
            rows = await api_keys.keys_of(conn, who.tenant_id, after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        more = last and here.cursor_of(last.created_at, UUID(int=int(last.key_id, 16)))
        return KeyPage(items=[KeyAnswer.model_validate(row) for row in rows[:limit]], next_cursor=more)

    @routes.post("/keys", status_code=201)
    async def make_key(who: Manager, _unkept: Unkept, body: KeyBody) -> MadeKeyAnswer:
        """A new key of your tenant, with scopes that you have yourself.

        It ends with your own key at the latest, and has its limit."""
        check_within(who, body.scopes)
        now = instant_of(clock())
        if body.expires_at is not None and body.expires_at <= now:
            raise _wrong_end("lies in the past")
        async with tenant_tx(pool, who.tenant_id) as conn:
            asker, _ = await asking(conn, who, who.key_id)
            end = _end_within(asker, body.expires_at)
            if await api_keys.live_keys(conn, who.tenant_id, now) >= keys_max:
                raise _too_many(keys_max)
            key = await api_keys.issue_key(
                conn, who.tenant_id, body.name, sorted(set(body.scopes)), end, asker.requests_per_s
            )
            return _made(await _key(conn, who, key_id_of(key) or ""), key)

    @routes.post("/keys/{key_id}/rotate")
    async def rotate_key(who: Manager, _unkept: Unkept, key_id: KeyId, body: RotateBody) -> MadeKeyAnswer:
        """A new secret for the same key. The present one works for the grace, an earlier one ends at once."""
        until = instant_of(clock()) + timedelta(hours=body.grace_hours)
        async with tenant_tx(pool, who.tenant_id) as conn:
            asker, present = await asking(conn, who, key_id)
            _check_reach(asker, _there(present, key_id))
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
            _there((await asking(conn, who, key_id))[1], key_id)
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
    found = await api_keys.keys_of(conn, who.tenant_id, api_keys.FIRST, 1, key_id)
    return _there(found[0] if found else None, key_id)


def _there(key: KeyFacts | None, key_id: str) -> KeyFacts:
    """Raises Problem 404."""
    if key is None:
        raise Problem(404, "not_found", "There is nothing with this id", f"No key of yours has the id {key_id}.")
    return key


def _end_within(asker: Principal, wanted: datetime | None) -> datetime | None:
    """The end of a key that `asker` makes: as wanted, else with the asker's own secret.  Raises Problem 422."""
    if asker.ends_at is not None and wanted is not None and wanted > asker.ends_at:
        raise _wrong_end(f"lies after the end of what you ask with, {asker.ends_at:%Y-%m-%dT%H:%M:%SZ}")
    return wanted or asker.ends_at


def _too_many(keys_max: int) -> Problem:
    return Problem(
        409, "too_many_keys", "No further key is made",
        f"{keys_max} keys of your tenant work already: revoke one that nobody needs. `GET /v1/keys` tells their last use.",
        limit_keys=keys_max,
    )  # fmt: skip


def _wrong_end(detail: str) -> Problem:
    return Problem(
        422, "invalid", "The request does not fit the schema",
        "Correct the fields listed in `errors` and send the request again.",
        errors=[{"pointer": "/expires_at", "code": "value_error", "detail": detail}],
    )  # fmt: skip


def _check_reach(asker: Principal, key: KeyFacts) -> None:
    """Whoever rotates a key can use it: it may open, last and ask no more than what they have.  A tenant's leave for one key of
    the operator is that key's alone (rule PA4).  Raises Problem 403."""
    check_within(asker, key.scopes)
    if VISITOR in key.scopes and key.key_id != asker.key_id:
        raise _not_yours("A key that tenants may have let in is rotated by itself alone")
    ends, per_s = key.expires_at or api_keys.EVER, key.requests_per_s
    if ends > (asker.ends_at or api_keys.EVER) or (
        asker.requests_per_s is not None and (per_s is None or per_s > asker.requests_per_s)
    ):
        raise _not_yours("A key that lasts longer than yours, or may ask more often, is not yours to rotate")


def _not_yours(title: str) -> Problem:
    return Problem(403, "key_not_yours", title, "Rotate it with its own newest secret, or revoke it and make another.")


def _made(facts: KeyFacts, key: str) -> MadeKeyAnswer:
    return MadeKeyAnswer(**facts._asdict(), key=key)
