"""OpenID Connect, authorization code with PKCE and nothing else: discovery, keys, login page, token endpoint."""

import asyncio
import hmac
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.embedded.children import write_private
from deploy.embedded.identity import accounts, pages
from deploy.embedded.identity.accounts import Account
from deploy.embedded.identity.grants import ASKED_S, CODE_S, Asked, Code, Shelf, Tries
from deploy.embedded.identity.settings import CLIENT_ID, IdentitySettings, allowed
from shared.clock import Clock
from shared.http.limits import BodyLimit
from shared.http.mint import fresh_keys, read_keys
from shared.mailbox import mailbox

ID_TOKEN_S: Final = 300
ALGORITHM: Final = "ES256"
KEY_FILE: Final = "key.json"
COOKIE: Final = "rucor-login"
FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 16_000
PARAMETER_LENGTH_MAX: Final = 2_000
PASSWORDS_AT_ONCE: Final = 2
AUTHORIZE: Final = "/authorize"
_NO_STORE: Final = {"Cache-Control": "no-store"}
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Provider:
    """The state of one process: what is lost with it is asked for again."""

    def __init__(self, settings: IdentitySettings, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        self.issuer = settings.identity_issuer
        self.folder = settings.identity_folder
        self.redirects = settings.redirects()
        self.key = load_key(self.folder)
        self.clock = clock
        self.asked: Shelf[Asked] = Shelf(ASKED_S, now)
        self.codes: Shelf[Code] = Shelf(CODE_S, now)
        self.tries = Tries(now)
        self.passwords = asyncio.Semaphore(PASSWORDS_AT_ONCE)


def load_key(folder: Path) -> ECKey:
    """The signing key, made at the first start."""
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, fresh_keys())
    return read_keys(path.read_text())[0]


def make_app(provider: Provider) -> FastAPI:
    """The HTTP side, without `/healthz`, which `serve` adds."""
    app = FastAPI(title="rucor sign-in", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.provider = provider
    app.add_middleware(BodyLimit, limit_bytes=FORM_BYTES_MAX)
    app.get("/.well-known/openid-configuration")(get_metadata)
    app.get("/jwks.json")(get_keys)
    app.get(AUTHORIZE)(get_authorize)
    app.post("/login")(post_login)
    app.post("/token")(post_token)
    return app


def _provider(request: Request) -> Provider:
    return cast("Provider", request.app.state.provider)


async def get_metadata(request: Request) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0."""
    issuer = _provider(request).issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + "/token",
        "jwks_uri": issuer + "/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "profile"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


async def get_keys(request: Request) -> dict[str, Any]:
    return {"keys": [_provider(request).key.as_dict(private=False, use="sig", alg=ALGORITHM)]}


async def get_authorize(request: Request) -> Response:
    """The login page.  A wrong client or redirect URI is told to the person alone; every other error to the client."""
    provider, given = _provider(request), request.query_params
    if len(given.multi_items()) != len(given) or any(len(value) > PARAMETER_LENGTH_MAX for value in given.values()):
        return pages.refusal("A parameter is given twice, or is too long.")
    redirect = given.get("redirect_uri", "")
    if given.get("client_id") != CLIENT_ID or not allowed(redirect, provider.redirects):
        return pages.refusal(
            "The program that sent you here is not known, or wants you sent to a place that is not registered."
        )
    error = _fault(dict(given))
    if error:
        return _back(redirect, given.get("state"), provider.issuer, error=error)
    asked = Asked(CLIENT_ID, redirect, given.get("state"), given["nonce"], given["code_challenge"])
    page = pages.login(provider.asked.put(asked))
    page.set_cookie(COOKIE, asked.browser, max_age=int(ASKED_S), path="/login", httponly=True, samesite="strict")
    return page


def _fault(given: dict[str, str]) -> str:
    """RFC 6749 section 4.1.2.1; "" where the request is in order."""
    if given.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in given.get("scope", "").split():
        return "invalid_scope"
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(given.get("code_challenge", "")):
        return "invalid_request"
    if not given.get("nonce"):  # so that every ID token of ours answers one sign-in, and its exchange must show which
        return "invalid_request"
    return "login_required" if given.get("prompt") == "none" else ""  # nobody is ever signed in already


def _back(redirect: str, state: str | None, issuer: str, **more: str) -> RedirectResponse:
    """To the client; `iss` against mix-ups (RFC 9207)."""
    query = urlencode(more | {"iss": issuer} | ({} if state is None else {"state": state}))
    return RedirectResponse(f"{redirect}{'&' if '?' in redirect else '?'}{query}", 303, _NO_STORE)


async def _form(request: Request) -> dict[str, str] | None:
    """None for what is no form, or gives something twice."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return None
    try:
        pairs = parse_qsl(
            (await request.body()).decode(), strict_parsing=True, keep_blank_values=True, max_num_fields=20
        )
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


async def post_login(request: Request) -> Response:
    """A right password sends the browser back with a code.  The form must come from the page and browser it was shown in."""
    provider, form = _provider(request), await _form(request)
    name = (form or {}).get("request", "")
    asked = provider.asked.look(name)
    if form is None or asked is None:
        return pages.refusal("This page has lain open too long, or was used already: begin again where you came from.")
    origin = request.headers.get("origin", provider.issuer)
    cookie = request.cookies.get(COOKIE, "").encode()
    if origin != provider.issuer or not hmac.compare_digest(cookie, asked.browser.encode()):
        return pages.refusal(
            "This form did not come from this browser's own page: begin again where you came from.", 403
        )
    account = await _right(provider, form.get("email", ""), form.get("password", ""))
    if not isinstance(account, Account):
        return _again(name, form.get("email", ""), account)
    provider.asked.take(name)
    code = provider.codes.put(Code(asked, account, provider.clock() // 1000))
    back = _back(asked.redirect_uri, asked.state, provider.issuer, code=code)
    back.delete_cookie(COOKIE, path="/login", httponly=True, samesite="strict")
    return back


async def _right(provider: Provider, email: str, password: str) -> Account | int:
    """The account, or the seconds to wait before the next try: 0 for a wrong password or e-mail, which look the same."""
    key = mailbox(email)[:PARAMETER_LENGTH_MAX]
    async with provider.passwords:
        wait_s = provider.tries.wait_s(key)
        if wait_s or len(password) > accounts.PASSWORD_LENGTH_MAX:
            return wait_s
        account = (await asyncio.to_thread(accounts.read, provider.folder)).get(key, accounts.NOBODY)
        provider.tries.failed(key)  # before the answer is known: tries at the same moment count too
        if not await asyncio.to_thread(accounts.matches, account, password):
            return 0
    provider.tries.succeeded(key)
    return account


def _again(name: str, email: str, wait_s: int) -> HTMLResponse:
    if not wait_s:
        return pages.login(name, email=email, wrong="E-mail or password is wrong.", status=401)
    minutes = -(-wait_s // 60)
    page = pages.login(name, email=email, wrong=f"Too many tries: wait {minutes} minutes.", status=429)
    page.headers["Retry-After"] = str(wait_s)
    return page


async def post_token(request: Request) -> JSONResponse:
    """The ID token for a code, once.  The client is public: PKCE proves that it is the one that asked."""
    provider, form = _provider(request), await _form(request)
    if form is None or not {"grant_type", "code", "redirect_uri", "client_id", "code_verifier"} <= form.keys():
        return _refused(
            "invalid_request", "Send grant_type, code, redirect_uri, client_id and code_verifier, form-encoded."
        )
    if form["grant_type"] != "authorization_code":
        return _refused("unsupported_grant_type", "Only authorization_code is given here.")
    code = provider.codes.take(form["code"])
    verifier = form["code_verifier"]
    if (
        code is None
        or not _VERIFIER.fullmatch(verifier)
        or not code.fits(form["client_id"], form["redirect_uri"], verifier)
    ):
        return _refused("invalid_grant", "The code is used, too old, or another client's.")
    body = {"id_token": _id_token(provider, code), "token_type": "Bearer", "expires_in": ID_TOKEN_S, "scope": "openid"}
    return JSONResponse(body, 200, _NO_STORE)


def _refused(error: str, words: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": words}, 400, _NO_STORE)


def _id_token(provider: Provider, code: Code) -> str:
    now_s = provider.clock() // 1000
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "aud": code.asked.client_id,
        "sub": code.account.subject,
        "iat": now_s,
        "exp": now_s + ID_TOKEN_S,
        "auth_time": code.signed_in_s,
        "nonce": code.asked.nonce,
        "name": code.account.name,
        "email": code.account.email,
        "email_verified": True,  # whoever may set passwords on this machine vouches for them
    }
    return jwt.encode({"alg": ALGORITHM, "kid": provider.key.kid}, claims, provider.key, [ALGORITHM])
