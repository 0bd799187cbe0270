"""Access tokens (rule PA2): machines by client credentials, and what holds for every token that is given out."""

import base64
from urllib.parse import quote_plus

import pytest

from services.claims.api.people.token_schemas import CLIENT_CREDENTIALS, EXCHANGE
from services.claims.cli import revoke_key
from shared.db.api_keys import PRINT_BYTES, hash_key
from shared.http.tokens import LIFE_S, AccessToken, sign
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.tokens.conftest import MARY, SomeProvider, ask, exchange, refused
from tests.integration.claims.world import NOW_MS, Fleet

pytestmark = pytest.mark.integration


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(user)}:{quote_plus(password)}".encode()).decode()


async def test_PA2_a_machine_gets_a_token_for_its_key(claims: Claims, fleet: Fleet) -> None:
    key = await claims.key(fleet.tenant, "claims:read", "claims:write")
    key_id = key[6:14]
    in_body = {"grant_type": CLIENT_CREDENTIALS, "client_id": key_id, "client_secret": key}
    for answer in (
        await ask(claims, in_body),
        await ask(claims, {"grant_type": CLIENT_CREDENTIALS}, authorization=basic(key_id, key)),
    ):
        told = answer.json()
        assert (told["token_type"], told["expires_in"]) == ("Bearer", LIFE_S)
        assert told["scope"] == "audit:read claims:lodge claims:read claims:verify claims:write webhooks:write"
        machine = claims.client(told["access_token"])
        assert (await machine.get("/v1/claimants")).status_code == 200
        nobody = await machine.post("/v1/people", json=MARY)
        assert (nobody.status_code, nobody.json()["scope"]) == (403, "people:write")
        assert 'error="insufficient_scope"' in nobody.headers["www-authenticate"]
    less = (await ask(claims, in_body | {"scope": "claims:read"})).json()
    assert less["scope"] == "claims:read"
    assert (await claims.client(less["access_token"]).post("/v1/claimants", json={"name": "X"})).status_code == 403
    await refused(await ask(claims, in_body | {"scope": "claims:read people:write"}), "invalid_scope")
    await refused(await ask(claims, in_body | {"scope": " "}), "invalid_scope")


async def test_PA2_a_wrong_or_revoked_client_gets_nothing(claims: Claims, fleet: Fleet) -> None:
    key, other = await claims.key(fleet.tenant, "claims:read"), await claims.key(fleet.tenant, "claims:write")
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    await refused(await ask(claims, form | {"client_secret": other}), "invalid_client", status=401)
    await refused(await ask(claims, form | {"client_secret": key[:-1] + "x"}), "invalid_client", status=401)
    await refused(await ask(claims, form | {"client_secret": ""}), "invalid_client", status=401)
    by_basic = await ask(claims, {"grant_type": CLIENT_CREDENTIALS}, authorization=basic(key[6:14], other))
    await refused(by_basic, "invalid_client", status=401)
    assert by_basic.headers["www-authenticate"].startswith("Basic")
    await refused(
        await ask(claims, {"grant_type": CLIENT_CREDENTIALS}, authorization="Basic %"), "invalid_client", "", 401
    )
    token = (await ask(claims, form)).json()["access_token"]
    await revoke_key(claims.database.dsn("claims", "worker"), fleet.tenant, key[6:14])
    await refused(await ask(claims, form), "invalid_client", "revoked", 401)
    machine = claims.client(token)
    gone = await machine.get("/v1/claimants")
    assert (gone.status_code, gone.json()["code"]) == (401, "unauthorized"), "it dies with its key"
    assert gone.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_PA2_a_token_ends_after_its_life(claims: Claims, fleet: Fleet) -> None:
    key = await claims.key(fleet.tenant, "claims:read")
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    machine = claims.client((await ask(claims, form)).json()["access_token"])
    assert (await machine.get("/v1/claimants")).status_code == 200
    claims.clock.now_ms += (LIFE_S + 60) * 1000
    late = await machine.get("/v1/claimants")
    assert (late.status_code, late.json()["code"]) == (401, "unauthorized")
    assert late.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    claims.clock.now_ms = NOW_MS


async def test_PA2_requests_that_are_none_are_refused_as_oauth_has_it(signing_in: Claims, fleet: Fleet) -> None:
    key = await signing_in.key(fleet.tenant, "claims:read")
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    await refused(await ask(signing_in, {}), "invalid_request")
    await refused(await ask(signing_in, {"scope": "claims:read"}), "invalid_request", "grant_type")
    await refused(await ask(signing_in, {"grant_type": "password"}), "unsupported_grant_type")
    await refused(await ask(signing_in, form, authorization=basic("a", "b")), "invalid_request", "one way")
    await refused(await ask(signing_in, {"grant_type": EXCHANGE}), "invalid_request", "subject_token")
    await refused(await exchange(signing_in, "x", requested_token_type="urn:x"), "invalid_request")
    await refused(await exchange(signing_in, "x", tenant="mine"), "invalid_request", "tenant")
    async with signing_in.client(None) as client:
        twice = "grant_type=client_credentials&grant_type=client_credentials"
        for content, kind in ((twice, "x-www-form-urlencoded"), ("{}", "json"), ("\xff=%ff", "x-www-form-urlencoded")):
            headers = {"Content-Type": f"application/{kind}"}
            await refused(await client.post("/oauth/token", content=content, headers=headers), "invalid_request")
        assert (await client.get("/oauth/token")).status_code == 405
        assert (await client.get("/.well-known/jwks.json")).json()["keys"][0].keys() == {
            "kty", "crv", "x", "y", "kid", "use", "alg"
        }, "nothing private"  # fmt: skip
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["token_endpoint"] == f"{ISSUER}/oauth/token"


async def test_PA2_every_token_that_is_given_out_is_in_the_audit_log(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    other = await signing_in.fleet("Another farm")
    left = await other.post("/people", MARY)
    await other.post(f"/people/{left['id']}/deactivate", {"reason": "left", "actor": "a"}, 200)
    mary = await fleet.post("/people", MARY)
    assert (await exchange(signing_in, some.id_token(), tenant=str(fleet.tenant))).status_code == 200
    key = await signing_in.key(fleet.tenant, "claims:read")
    form = {"grant_type": CLIENT_CREDENTIALS, "client_id": key[6:14], "client_secret": key}
    assert (await ask(signing_in, form)).status_code == 200
    await refused(await ask(signing_in, form | {"client_secret": key[:-1] + "x"}), "invalid_client", status=401)
    rows = (await fleet.get("/audit-log", route="/oauth/token"))["items"]
    assert [(row["key_id"], row["person"], row["status"]) for row in rows] == [
        (key[6:14], None, 200), (mary["id"], "Mary Hill", 200)
    ]  # fmt: skip
    assert (await other.get("/audit-log", route="/oauth/token"))["items"] == []


async def test_PA2_a_token_that_may_not_verify_makes_no_key_that_may(claims: Claims, fleet: Fleet) -> None:
    """A key that writes claims verifies and lodges besides."""
    scopes = frozenset({"keys:write", "claims:write", "claims:lodge"})
    key = await claims.key(fleet.tenant, *scopes)
    token = AccessToken(tenant_id=fleet.tenant, subject=key[6:14], scopes=scopes, shown=hash_key(key)[:PRINT_BYTES])
    client = claims.client(sign(token, TOKEN_KEYS[0], ISSUER, claims.clock() // 1000))
    refused = await client.post("/v1/keys", json={"name": "portal", "scopes": ["claims:write"]})
    assert (refused.status_code, refused.json()["scopes"]) == (403, ["claims:verify", "webhooks:write"])
    made = await client.post("/v1/keys", json={"name": "portal", "scopes": ["claims:lodge"]})
    assert made.status_code == 201, made.text
