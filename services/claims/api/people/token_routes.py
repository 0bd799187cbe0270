"""Where access tokens come from (rule PA2): RFC 6749 client credentials for machines, RFC 8693 token exchange for people.

These routes alone answer errors as RFC 6749 section 5.2 has them: OAuth clients know no others."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from services.claims.adapters.oidc import Provider
from services.claims.api.context import Context
from services.claims.api.people.token_schemas import (
    ACCESS_TOKEN,
    ASKED,
    CLIENT_CREDENTIALS,
    EXCHANGE,
    FORM,
    ID_TOKEN,
    REQUEST,
    RESPONSES,
    STANDING,
)
from services.claims.application.people.sign_in import NotAPerson, sign_in, use_once
from services.claims.domain.instants import from_ms
from shared.db.api_keys import key_id_of
from shared.http import audit
from shared.http.audit import without_audit
from shared.http.auth import Authenticator
from shared.http.issuer import INTROSPECTION_PATH
from shared.http.jwks import JWKS_PATH, KeysUnavailable
from shared.http.mint import Mint
from shared.http.openapi.document import TAKES_KEY
from shared.http.problems import Problem, unavailable
from shared.http.rates import address_of, take
from shared.http.tokens import AccessToken, InvalidToken
from shared.observability.metrics import AUTH_REFUSED

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
FORM_BYTES_MAX: Final = 32_000
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

router = APIRouter(tags=["sign-in"])


@dataclass(frozen=True)
class Desk:
    """`provider`: who vouches for people; None: nobody signs in, machines alone get tokens."""

    mint: Mint
    provider: Provider | None


@dataclass
class Refused(Exception):
    """RFC 6749 section 5.2."""

    error: str
    words: str
    status: int = 400
    basic: bool = False
    extra: dict[str, Any] | None = None

    def answer(self) -> JSONResponse:
        challenge = {"WWW-Authenticate": 'Basic realm="rucor"'} if self.basic else {}
        body = {"error": self.error, "error_description": self.words} | (self.extra or {})
        return JSONResponse(body, self.status, NO_STORE | challenge)


def install(app: FastAPI, desk: Desk) -> None:
    app.state.desk = desk
    app.include_router(router)


@router.get(JWKS_PATH)
@without_audit("public keys")
async def get_jwks(request: Request) -> dict[str, Any]:
    """The public keys of access tokens (RFC 7517)."""
    return cast("Desk", request.app.state.desk).mint.public()


@router.get(METADATA_PATH)
@without_audit("public addresses")
async def get_metadata(request: Request) -> dict[str, Any]:
    """What an OAuth client needs to know (RFC 8414)."""
    issuer = cast("Desk", request.app.state.desk).mint.issuer
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "introspection_endpoint": issuer + INTROSPECTION_PATH,
        "introspection_endpoint_auth_methods_supported": ["none"],
        "jwks_uri": issuer + JWKS_PATH,
        "grant_types_supported": [CLIENT_CREDENTIALS, EXCHANGE],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "response_types_supported": [],
    }


@router.post(TOKEN_PATH, openapi_extra={"requestBody": REQUEST, "security": [], TAKES_KEY: False}, responses=RESPONSES)
async def post_token(request: Request) -> JSONResponse:
    """Get an access token.

    `client_credentials`: an API key's id and the key itself, for a machine.  Token exchange: the ID token of a person who
    signed in at the OpenID provider, with `tenant` where they are of several."""
    try:
        form = _form(request, await request.body())
        match form.get("grant_type"):
            case "client_credentials":
                token, more = _narrowed(await _machine(request, form), form.get("scope")), {}
            case "urn:ietf:params:oauth:grant-type:token-exchange":
                token, more = await _person(request, form), {"issued_token_type": ACCESS_TOKEN}
            case None:
                raise Refused("invalid_request", "`grant_type` is missing.")  # noqa: TRY301 - one way out for all of them
            case _:
                raise Refused("unsupported_grant_type", f"Send {CLIENT_CREDENTIALS} or {EXCHANGE}.")  # noqa: TRY301
    except Refused as refused:
        AUTH_REFUSED.labels("grant").inc()
        return refused.answer()
    audit.acts(token.tenant_id, token.subject, token.person)  # who signed in, and for which tenant, is on record
    audit.concerns(token.tenant_id)
    issued, life_s = cast("Desk", request.app.state.desk).mint.issue(token)
    body = {
        "access_token": issued,
        "token_type": "Bearer",
        "expires_in": life_s,
        "scope": " ".join(sorted(token.scopes)),
    }
    return JSONResponse(body | more, 200, NO_STORE)


@router.post(
    INTROSPECTION_PATH, openapi_extra={"requestBody": ASKED, "security": [], TAKES_KEY: False}, responses=STANDING
)
@without_audit("whoever has a token asks whether it still works; nothing of a tenant's is shown")
async def post_introspect(request: Request) -> JSONResponse:
    """Whether an access token still works (RFC 7662): its signature and time are right, and its key was not revoked, nor its
    person deactivated or deprived of a role that it names.

    The token itself is what lets one ask, and nothing of it is told."""
    authenticator = cast("Authenticator", request.app.state.authenticator)
    try:
        token = _form(request, await request.body()).get("token", "")
        if not token:
            raise Refused("invalid_request", "`token` is missing.")  # noqa: TRY301 - one way out
        try:
            await authenticator.of_token(token, now=True)
        except Problem as refusal:
            if refusal.status != 401:
                raise
            return JSONResponse({"active": False}, 200, NO_STORE)
        return JSONResponse({"active": True}, 200, NO_STORE)
    except Refused as refused:
        return refused.answer()


def _form(request: Request, body: bytes) -> dict[str, str]:
    """Parameters without a value count as left out, and none may be given twice (RFC 6749 section 3.2)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refused("invalid_request", f"Send the parameters with Content-Type: {FORM}.")
    try:
        pairs = parse_qsl(body.decode(), strict_parsing=bool(body), max_num_fields=50, errors="strict")
    except ValueError:
        raise Refused("invalid_request", "The body is not form-encoded.") from None
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Refused("invalid_request", "A parameter is given twice.")
    return dict(pairs)


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str, bool]:
    """Id and secret of the client, and whether they came as HTTP Basic."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", ""), False
    if "client_secret" in form:
        raise Refused("invalid_request", "Authenticate in one way: by HTTP Basic or in the body.")
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refused("invalid_client", "The Authorization header is not HTTP Basic.", 401, basic=True) from None
    return unquote_plus(user), unquote_plus(password), True


async def _machine(request: Request, form: Mapping[str, str]) -> AccessToken:
    client_id, secret, basic = _client(request, form)
    unknown = Refused(
        "invalid_client", "The client is unknown, its secret is wrong, or its key is revoked.", 401, basic
    )
    if not secret or key_id_of(secret) != client_id:
        raise unknown
    authenticator, address = cast("Authenticator", request.app.state.authenticator), address_of(request)
    authenticator.rates.let_in(address)
    try:
        principal = await authenticator.of_key(secret, fresh=True)
    except Problem as problem:
        if problem.status != 401:
            raise
        authenticator.rates.failed(address)
        raise unknown from problem
    take(request, authenticator.rates, principal.key_id, principal.requests_per_s)
    return AccessToken(
        tenant_id=principal.tenant_id, subject=principal.key_id, scopes=principal.scopes, shown=principal.shown,
        requests_per_s=principal.requests_per_s,
        ends_at_s=None if principal.ends_at is None else int(principal.ends_at.timestamp()),
    )  # fmt: skip


async def _person(request: Request, form: Mapping[str, str]) -> AccessToken:
    """RFC 8693 has `invalid_request` for every subject token that is not taken.  One that gets no token is not used up."""
    desk, context = cast("Desk", request.app.state.desk), cast("Context", request.app.state.context)
    if desk.provider is None:
        raise Refused("unsupported_grant_type", "No OpenID provider is set here: people can't sign in.")
    if form.get("subject_token_type") != ID_TOKEN or "subject_token" not in form:
        raise Refused("invalid_request", f"Send an ID token as `subject_token`, with `subject_token_type` {ID_TOKEN}.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise Refused("invalid_request", f"Only tokens of the type {ACCESS_TOKEN} are given.")
    try:
        tenant = UUID(form["tenant"]) if "tenant" in form else None
    except ValueError:
        raise Refused("invalid_request", "`tenant` is no tenant's id.") from None
    now = from_ms(context.clock())
    try:
        proof = await desk.provider.identify(form["subject_token"], form.get("nonce"))
        token = _narrowed(await sign_in(context.pool, proof.identity, tenant, now), form.get("scope"))
    except KeysUnavailable as error:
        raise unavailable("The OpenID provider can't be asked at the moment. Try again.") from error
    except InvalidToken as error:
        raise Refused("invalid_request", f"The ID token is not taken: {error}.") from error
    except NotAPerson as error:
        choices = [{"tenant": str(one.tenant), "name": one.name} for one in error.choices]
        raise Refused("invalid_request", error.words, extra={"tenants": choices} if choices else None) from error
    take(request, cast("Authenticator", request.app.state.authenticator).rates, token.subject, None)
    if not await use_once(context.pool, proof, now):
        raise Refused("invalid_request", "The ID token was used before: each is good once. Sign in again.")
    return token


def _narrowed(token: AccessToken, scope: str | None) -> AccessToken:
    """As much as was asked for, never more than there is."""
    if scope is None:
        return token
    asked = frozenset(scope.split())
    if not asked or not asked <= token.scopes:
        raise Refused("invalid_scope", f"You may have: {' '.join(sorted(token.scopes))}.")
    return replace(token, scopes=asked)
