"""The token endpoint, with a provider that vouches for people."""

from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.claims.adapters.oidc import Provider
from services.claims.api.people.token_routes import Desk
from services.claims.api.people.token_schemas import EXCHANGE, ID_TOKEN
from services.claims.domain.instants import from_ms
from services.claims.wiring import make_app
from shared.clock import new_id
from shared.http.mint import Mint
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.world import NOW_MS

NOW_S = NOW_MS // 1000
NOW = from_ms(NOW_MS)
PROVIDER = "https://id.example"
AUDIENCE = "rucor-portal"
MARY = {"name": "Mary Hill", "email": "mary@hill.example", "roles": ["verifier"], "actor": "R Hill"}


@dataclass
class SomeProvider:
    """An OpenID provider as there are many: metadata, RS256 keys, ID tokens."""

    key: RSAKey
    issuer: str = PROVIDER
    asked: int = 0

    def app(self) -> FastAPI:
        made = FastAPI()

        @made.get("/.well-known/openid-configuration")
        async def metadata() -> dict[str, Any]:
            return {"issuer": self.issuer, "jwks_uri": f"{PROVIDER}/keys"}

        @made.get("/keys")
        async def keys() -> dict[str, Any]:
            self.asked += 1
            return {"keys": [self.key.as_dict(private=False)]}

        return made

    def id_token(self, subject: str = "248289", key: RSAKey | None = None, **changed: Any) -> str:
        whole = {
            "iss": PROVIDER, "aud": AUDIENCE, "sub": subject, "iat": NOW_S, "exp": NOW_S + 600,
            "email": "Mary@Hill.example", "email_verified": True, "jti": new_id().hex,
        }  # fmt: skip
        claims = {name: value for name, value in (whole | changed).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key or self.key, ["RS256"])


@pytest.fixture
def some() -> SomeProvider:
    return SomeProvider(RSAKey.generate_key(2048, auto_kid=True))


@pytest.fixture
def signing_in(claims: Claims, some: SomeProvider) -> Claims:
    """The service with a provider that vouches for people."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(some.app()))
    desk = Desk(Mint(ISSUER, TOKEN_KEYS, claims.clock), Provider(PROVIDER, AUDIENCE, client, claims.clock))
    return replace(claims, app=make_app(claims.context, desk))


async def ask(claims: Claims, form: dict[str, str], **headers: str) -> httpx.Response:
    async with claims.client(None) as client:
        answer = await client.post("/oauth/token", data=form, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    return answer


async def exchange(claims: Claims, id_token: str, **more: str) -> httpx.Response:
    form = {"grant_type": EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": id_token}
    return await ask(claims, form | more)


async def refused(answer: httpx.Response, error: str, words: str = "", status: int = 400) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["error"]) == (status, error), told
    assert words in told["error_description"], told
    assert "access_token" not in told
    return told
