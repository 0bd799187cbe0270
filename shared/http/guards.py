"""Who may take a route: dependencies over the `Principal` of a request.

A route takes `Depends(require("pings:write"))`; the tenant comes from the key or token, never from the request, but for an
operator who looks into a tenant by its leave (rule PA4)."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from fastapi import Request
from pydantic import SecretStr

from shared.db.api_keys import hash_key
from shared.http import audit, deeds
from shared.http.auth import OPERATOR, Authenticator, Principal, bearer, refuse
from shared.http.problems import Problem
from shared.observability.metrics import AUTH_REFUSED

VISITED_TENANT: Final = "Rucor-Tenant"
"""Header of an operator's request: the tenant that they look into by its leave (rule PA4)."""
VISITOR: Final = "ops:visit"
VISITABLE: Final = frozenset({"claims:read"})
INTERNAL: Final = ""
LINK: Final = "audit:link"
"""What an auditor's link opens (rule PA4): no scope of any key."""
NEEDED: Final[dict[object, str]] = {}
"""Dependencies made here → the scope that they want, or INTERNAL: how OpenAPI tells who may ask."""

Visits = Callable[[Principal, UUID], Awaitable[bool]]
"""Whether an operator may look into a tenant now; an app without one lets nobody."""


def require(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """Dependency: the caller's principal, if its key or token has `scope`; else 401 or 403."""

    async def dependency(request: Request) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        principal = await authenticator.asking(request)
        audit.acts(principal.tenant_id, principal.key_id, principal.person)
        tenant = request.headers.get(VISITED_TENANT)
        if tenant is not None:
            return await _visiting(request, principal, scope, tenant)
        if scope not in principal.scopes:
            raise _not_allowed(principal, scope)
        return principal

    NEEDED[dependency] = scope
    return dependency


async def _visiting(request: Request, principal: Principal, scope: str, named: str) -> Principal:
    """The operator as a reader of the tenant named in the header, where that tenant has given leave.  Raises Problem 403."""
    may: Visits | None = getattr(request.app.state, "visits", None)
    if principal.tenant_id != OPERATOR or may is None:
        raise Problem(
            403, "operators_only", "Only operators may do this",
            f"Leave the header `{VISITED_TENANT}` out: the tenant is your key's own.",
        )  # fmt: skip
    tenant = _tenant_named(named)
    audit.concerns(tenant)  # from here on: a refusal stands in its log too
    if VISITOR not in principal.scopes:
        raise _not_allowed(principal, VISITOR)
    if scope not in VISITABLE or request.method not in deeds.READING:
        raise Problem(
            403,
            "read_only",
            "An operator only reads",
            f"With `{VISITED_TENANT}` only what `claims:read` opens is shown.",
        )
    if not await may(principal, tenant):
        raise Problem(
            403, "no_grant", "This tenant has given you no leave",
            "Ask the tenant for a grant for your case (`POST /v1/ops-grants`); it may have ended, or not begun.",
        )  # fmt: skip
    return replace(principal, tenant_id=tenant)


def _tenant_named(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError:
        raise Problem(
            400, "bad_request", "The request can't be read", f"`{VISITED_TENANT}` is no tenant's id."
        ) from None


def _not_allowed(principal: Principal, scope: str) -> Problem:
    AUTH_REFUSED.labels("scope").inc()
    headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
    if principal.person is None:
        title, detail = (
            "The API key does not allow this",
            f"The key needs the scope `{scope}`: use another key of your tenant.",
        )
    else:
        title, detail = (
            "Your roles do not allow this",
            f"None of your roles gives the scope `{scope}`: ask for one that does.",
        )
    return Problem(403, "scope_missing", title, detail, headers=headers, scope=scope)


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

    NEEDED[dependency] = scope
    return dependency


def require_internal(token: str | SecretStr) -> Callable[[Request], Awaitable[None]]:
    """Dependency for service to service: `Authorization: Bearer <token>`, compared in constant time."""
    expected = hash_key(token.get_secret_value() if isinstance(token, SecretStr) else token)

    async def dependency(request: Request) -> None:
        if not hmac.compare_digest(hash_key(bearer(request)), expected):
            raise refuse("unknown", "The service token is wrong.")
        audit.acts_as_service()

    NEEDED[dependency] = INTERNAL
    return dependency
