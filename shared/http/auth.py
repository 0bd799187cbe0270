"""Who asks: API keys of tenants, and one token between two of our own services.

A route takes `Depends(require("pings:write"))` and gets a `Principal`; the tenant comes from the key, never from
the request.  Keys are cached for 30 s, so a revoked key works for at most that long."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import FastAPI, Request
from pydantic import SecretStr

from shared.db.api_keys import KeyRow, find_key, hash_key, key_id_of
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Pool, tx
from shared.http.problems import Problem, unavailable
from shared.observability.metrics import AUTH_REFUSED

CACHE_S: Final = 30.0
CACHE_ROWS_MAX: Final = 10_000
_SCHEME: Final = {"WWW-Authenticate": "Bearer"}
_NO_HASH: Final = bytes(32)
OPERATOR: Final = UUID(int=0)
"""The tenant of those who run the system.  It has no vehicles; its keys alone may bear operator scopes (rule PA4)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a key, or a person who signed in."""

    tenant_id: UUID
    key_id: str
    scopes: frozenset[str]
    person: str | None = None
    """The name of the person who signed in; None for a machine's key (rule PA2)."""


def _refuse(reason: str, detail: str) -> Problem:
    AUTH_REFUSED.labels(reason).inc()
    return Problem(401, "unauthorized", "A valid API key is needed", detail, headers=_SCHEME)


def _bearer(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise _refuse("missing", "Send the header `Authorization: Bearer <key>`.")
    return credentials.strip()


class Authenticator:
    """Key → principal, with a short cache.  Needs the API role's pool."""

    def __init__(self, pool: Pool, now: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._now = now
        self._cache: OrderedDict[str, tuple[float, KeyRow | None]] = OrderedDict()

    async def _row(self, key_id: str) -> KeyRow | None:
        cached = self._cache.get(key_id)
        if cached is not None and cached[0] > self._now():
            return cached[1]
        async with tx(self._pool) as conn:
            row = await find_key(conn, key_id)
        self._cache[key_id] = (self._now() + CACHE_S, row)
        self._cache.move_to_end(key_id)
        while len(self._cache) > CACHE_ROWS_MAX:
            self._cache.popitem(last=False)
        return row

    async def principal(self, key: str) -> Principal:
        """Raises Problem 401 for a key that is malformed, unknown, wrong or revoked: the answer is the same for all."""
        key_id = key_id_of(key)
        try:
            row = await self._row(key_id) if key_id else None
        except DatabaseUnavailable as error:
            raise unavailable("The key can't be checked at the moment. Send the request again.") from error
        matches = hmac.compare_digest(hash_key(key), row.secret_sha256 if row else _NO_HASH)
        if row is None or key_id is None or not matches or row.revoked:
            reason = "revoked" if row is not None and matches else "unknown"
            raise _refuse(reason, "The API key is unknown or revoked: use a valid key of your tenant.")
        return Principal(row.tenant_id, key_id, row.scopes)


def install(app: FastAPI, pool: Pool) -> None:
    """Let `require` work on this app, with keys looked up through `pool` (the API role)."""
    app.state.authenticator = Authenticator(pool)


def require(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """Dependency: the caller's principal, if its key has `scope`; else 401 or 403."""

    async def dependency(request: Request) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        principal = await authenticator.principal(_bearer(request))
        if scope not in principal.scopes:
            AUTH_REFUSED.labels("scope").inc()
            raise Problem(
                403, "scope_missing", "The API key does not allow this",
                f"The key needs the scope `{scope}`: use another key of your tenant.", scope=scope,
            )  # fmt: skip
        return principal

    return dependency


def require_ops(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """Dependency of operator routes: as `require`, and of the operator's tenant; else 401 or 403."""
    held = require(scope)

    async def dependency(request: Request) -> Principal:
        principal = await held(request)
        if principal.tenant_id != OPERATOR:
            AUTH_REFUSED.labels("scope").inc()
            raise Problem(
                403, "operators_only", "Only operators may do this",
                "Use a key of the operator, made with `rucor keys claims create --operator`.",
            )  # fmt: skip
        return principal

    return dependency


def require_internal(token: str | SecretStr) -> Callable[[Request], Awaitable[None]]:
    """Dependency for service to service: `Authorization: Bearer <token>`, compared in constant time."""
    expected = hash_key(token.get_secret_value() if isinstance(token, SecretStr) else token)

    async def dependency(request: Request) -> None:
        if not hmac.compare_digest(hash_key(_bearer(request)), expected):
            raise _refuse("unknown", "The service token is wrong.")

    return dependency
