"""From a password to a verified licence: the local provider's own pages, the token exchange, the claims API (rules PA2, CL2)."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from deploy.embedded.identity import accounts
from deploy.embedded.identity.app import Provider as LocalProvider
from deploy.embedded.identity.app import make_app as make_provider
from deploy.embedded.identity.settings import CLIENT_ID, IdentitySettings
from services.claims.adapters.oidc import Provider
from services.claims.api.people.token_routes import Desk
from services.claims.api.people.token_schemas import EXCHANGE, ID_TOKEN
from services.claims.wiring import make_app
from shared.http.mint import Mint
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

HOME = "http://127.0.0.1:8085"
BACK = "http://127.0.0.1:50000/callback"
PASSWORD = "a long enough password"


async def id_token(provider: httpx.AsyncClient, email: str, nonce: str) -> str:
    """What a client and a browser do."""
    metadata = (await provider.get("/.well-known/openid-configuration")).json()
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": BACK, "scope": "openid email", "state": "s",
        "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    page = await provider.get(metadata["authorization_endpoint"], params=asked)
    request = re.search(r'name="request" value="([^"]+)"', page.text)
    assert request is not None, page.text
    form = {"request": request[1], "email": email, "password": PASSWORD}
    back = await provider.post("/login", data=form, headers={"Origin": HOME})
    assert back.status_code == 303, back.text
    code = dict(parse_qsl(urlsplit(back.headers["location"]).query))["code"]
    grant = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": CLIENT_ID, "code_verifier": verifier
    }  # fmt: skip
    token: str = (await provider.post(metadata["token_endpoint"], data=grant)).json()["id_token"]
    return token


async def test_CL2_a_person_signs_in_with_a_password_and_verifies_a_licence(
    claims: Claims, fleet: Fleet, tmp_path: Path
) -> None:
    settings = IdentitySettings(embedded=True, identity_issuer=HOME, identity_folder=tmp_path)
    transport = httpx.ASGITransport(make_provider(LocalProvider(settings, claims.clock)))
    provider = httpx.AsyncClient(transport=transport, base_url=HOME)
    desk = Desk(Mint(ISSUER, TOKEN_KEYS, claims.clock), Provider(HOME, CLIENT_ID, provider, claims.clock))
    service = replace(claims, app=make_app(claims.context, desk))
    licence = await fleet.claimable()
    clients = {}
    for name, role in (("Mary Hill", "verifier"), ("Joe Hill", "viewer")):
        email = f"{name.split()[0].lower()}@hill.example"
        await fleet.post("/people", {"name": name, "email": email, "roles": [role], "actor": "R Hill"})
        accounts.set_password(tmp_path, email, name, PASSWORD)
        form = {
            "grant_type": EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": await id_token(provider, email, name),
            "nonce": name, "tenant": str(fleet.tenant),
        }  # fmt: skip
        async with service.client(None) as client:
            told = (await client.post("/oauth/token", data=form)).json()
        clients[name] = service.client(told["access_token"])
    path = f"/v1/licences/{licence}/verification"
    asked = (await clients["Mary Hill"].get(path)).json()
    body = {"statement_hash": asked["statement_hash"], "wording": asked["wording"]}
    kept_out = await clients["Joe Hill"].post(path, json=body)
    assert (kept_out.status_code, kept_out.json()["scope"]) == (403, "claims:verify")
    verified = await clients["Mary Hill"].post(path, json=body)
    assert (verified.status_code, verified.json()["verified_by"]) == (201, "Mary Hill")
    assert (await clients["Joe Hill"].get(path)).json()["verified_by"] == "Mary Hill"
