"""Who asks: API keys of tenants, and access tokens of people and machines.

Keys are cached for 30 s, and so is whether a token's holder stands: a revoked key, and every token that it got, works for at
most that long."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import FastAPI, Request
from starlette.middleware import Middleware

from shared.clock import Clock, system_clock
from shared.db import audit as table
from shared.db.api_keys import EVER, PRINT_BYTES, KeyRow, find_key, hash_key, key_id_of, note_use
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tx
from shared.http import audit, deeds
from shared.http.jwks import KeysUnavailable
from shared.http.problems import Problem, unavailable
from shared.http.rates import Rates, address_of, take
from shared.http.tokens import AccessToken, InvalidToken, TokenReader
from shared.nz_days import AUCKLAND, instant_of
from shared.observability.logging import get_logger
from shared.observability.metrics import AUTH_REFUSED
from shared.settings import LimitSettings

log = get_logger(__name__)

CACHE_S: Final = 30.0
CACHE_ROWS_MAX: Final = 10_000
_INVALID_TOKEN: Final = 'Bearer error="invalid_token"'  # noqa: S105 - RFC 6750 section 3
_DOTS_OF_A_TOKEN: Final = 2  # RFC 7515; a key has none
_NO_HASH: Final = bytes(32)
IMPLIED: Final = {
    "claims:write": frozenset({"claims:verify", "claims:lodge", "webhooks:write"}),
    "claims:read": frozenset({"audit:read"}),
}
"""A key's scope → what it opens besides: keys are older than the scopes that were parted from theirs.  A person's token
has exactly the scopes of their roles."""
OPERATOR: Final = table.OPERATOR
ASKING: Final = "rucor.asking"
"""Where a request's scope holds its Principal: who has asked is not asked again, by a second dependency or by the reading
that `If-Match` is compared with."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a key, or a person who signed in."""

    tenant_id: UUID
    key_id: str
    scopes: frozenset[str]
    person: str | None = None
    """The name of the person who signed in; None for a machine (rule PA2)."""
    person_id: UUID | None = None
    """Their id, of the claims service's people."""
    requests_per_s: int | None = None
    """The key's own limit, where it has one."""
    ends_at: datetime | None = None
    """When the secret that was shown ends, as far as that is known by now."""
    shown: bytes = b""
    """The first bytes of its SHA-256; empty for a person."""


def holder_of(token: AccessToken) -> Principal:
    """Who a token that is believed says it is."""
    return Principal(
        token.tenant_id,
        token.subject,
        token.scopes,
        token.person,
        None if token.person is None else UUID(token.subject),
        token.requests_per_s,
        shown=token.shown,
    )


def refuse(reason: str, detail: str, challenge: str = "Bearer") -> Problem:
    """401, counted by `reason`."""
    AUTH_REFUSED.labels(reason).inc()
    headers = {"WWW-Authenticate": challenge}
    return Problem(401, "unauthorized", "A valid API key or access token is needed", detail, headers=headers)


def bearer(request: Request) -> str:
    """What stands behind `Authorization: Bearer`.  Raises Problem 401."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise refuse("missing", "Send the header `Authorization: Bearer <key or access token>`.")
    return credentials.strip()


class Authenticator:
    """Key or token → principal; keys with a short cache.  Needs the API role's pool.  Without `tokens` only keys get in."""

    def __init__(
        self,
        pool: Pool,
        now: Callable[[], float] = time.monotonic,
        tokens: TokenReader | None = None,
        clock: Clock = system_clock,
        limits: LimitSettings | None = None,
    ) -> None:
        self._pool = pool
        self._now = now
        self._tokens = tokens
        self._clock = clock
        self.rates = Rates(limits or LimitSettings(), now)
        self._cache: OrderedDict[str, tuple[float, KeyRow | None]] = OrderedDict()

    async def _row(self, key_id: str, *, fresh: bool) -> KeyRow | None:
        cached = None if fresh else self._cache.get(key_id)
        if cached is not None and cached[0] > self._now():
            return cached[1]
        async with tx(self._pool) as conn:
            row = await find_key(conn, key_id)
        self._cache[key_id] = (self._now() + CACHE_S, row)
        self._cache.move_to_end(key_id)
        while len(self._cache) > CACHE_ROWS_MAX:
            self._cache.popitem(last=False)
        return row

    async def asking(self, request: Request) -> Principal:
        """Who sends the request, counted once.  Raises Problem 401, 429 above a limit, or 503 while it can't be checked."""
        known: Principal | None = request.scope.get(ASKING)
        if known is not None:
            return known
        address = address_of(request)
        try:
            principal = await self.principal(bearer(request), address)
        except Problem as refusal:
            if refusal.status == 401:
                self.rates.failed(address)
            raise
        take(request, self.rates, principal.key_id, principal.requests_per_s)
        request.scope[ASKING] = principal
        return principal

    async def principal(self, bearer: str, address: str | None = None) -> Principal:
        """Of a key or of an access token.  Raises Problem 401, or 503 while it can't be checked."""
        if self._tokens is None or bearer.count(".") != _DOTS_OF_A_TOKEN:
            return await self.of_key(bearer, address=address)
        return await self.of_token(bearer)

    async def of_token(self, text: str, *, now: bool = False) -> Principal:
        """`now`: as of this moment.  Raises Problem 401, or 503 while it can't be checked."""
        return holder_of(await self._token(text, now=now))

    async def confirmed(self, request: Request) -> bool:
        """The access token of a request that was let in, as of this moment; False where it came with a key.

        For what outlasts its maker.  Raises Problem 401, 503."""
        text = bearer(request)
        if self._tokens is None or text.count(".") != _DOTS_OF_A_TOKEN:
            return False
        await self._token(text, now=True)
        return True

    async def _token(self, text: str, *, now: bool = False) -> AccessToken:
        if self._tokens is None:
            raise refuse("token", "No access token is taken here: use an API key.")
        try:
            return await self._tokens.read(text, now=now)
        except (KeysUnavailable, DatabaseUnavailable) as error:
            raise unavailable("The access token can't be checked at the moment. Send the request again.") from error
        except InvalidToken as error:
            raise refuse(
                "token",
                f"The access token is not taken: {error}. Get a new one at /oauth/token of claims.",
                _INVALID_TOKEN,
            ) from error

    async def of_key(self, key: str, *, fresh: bool = False, address: str | None = None) -> Principal:
        """Raises Problem 401 for a key that is malformed, unknown, wrong, revoked or over: the answer is the same for all.

        `fresh`: as the database has it now, not as it was up to 30 s ago.  `address`: 429 instead of looking up a key that
        is not known here, while the address has failed too often."""
        key_id = key_id_of(key)
        if address is not None and key_id not in self._cache:
            self.rates.let_in(address)
        try:
            row = await self._row(key_id, fresh=fresh) if key_id else None
        except DatabaseUnavailable as error:
            raise unavailable("The key can't be checked at the moment. Send the request again.") from error
        now = instant_of(self._clock())
        matches = _matches(row, hash_key(key), now)
        if row is None or key_id is None or not matches or row.revoked or row.is_over(now):
            reason = "unknown" if row is None or not matches else "revoked" if row.revoked else "expired"
            raise refuse(
                reason,
                "This service does not know the API key, or it is revoked or expired: use your tenant's for this service.",
            )
        await self._note_use(key_id, row, now)
        end, shown = row.works_until(hash_key(key)), hash_key(key)[:PRINT_BYTES]
        return Principal(
            row.tenant_id, key_id, opened_by(row.scopes), requests_per_s=row.requests_per_s,
            ends_at=None if end == EVER else end, shown=shown,
        )  # fmt: skip

    async def _note_use(self, key_id: str, row: KeyRow, now: datetime) -> None:
        """The day of a key's last use, once a day.  Where the database is away nothing is noted, and nobody waits again for
        as long as the key is cached."""
        today = now.astimezone(AUCKLAND).date()
        if row.last_used_on == today:
            return
        self._cache[key_id] = (self._cache[key_id][0], row._replace(last_used_on=today))
        try:
            async with tx(self._pool) as conn:
                await note_use(conn, key_id, today)
        except DatabaseUnavailable:
            log.warning("a key's use is not noted", key_id=key_id)


def opened_by(scopes: Collection[str]) -> frozenset[str]:
    """All that a key with these scopes may do."""
    return frozenset(scopes).union(*(IMPLIED.get(scope, frozenset()) for scope in scopes))


def _matches(row: KeyRow | None, sha256: bytes, now: datetime) -> bool:
    """Its secret, or the one before while that still works; in constant time, also where there is no such key."""
    present = hmac.compare_digest(sha256, row.secret_sha256 if row else _NO_HASH)
    before = hmac.compare_digest(sha256, (row and row.old_secret_sha256) or _NO_HASH)
    return present or (before and row is not None and row.old_until is not None and now < row.old_until)


def install(
    app: FastAPI,
    pool: Pool,
    tokens: TokenReader | None = None,
    clock: Clock = system_clock,
    limits: LimitSettings | None = None,
) -> None:
    """Let `guards.require` work on this app, with keys looked up through `pool` (the API role) and tokens as `tokens` believes,
    and record every request of theirs in the audit log."""
    app.state.authenticator = Authenticator(pool, tokens=tokens, clock=clock, limits=limits)
    app.user_middleware.append(Middleware(audit.Audit, trail=deeds.Trail(app, pool, clock)))  # the innermost
