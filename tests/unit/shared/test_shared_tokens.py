"""Access tokens: what is believed, and every token that is not (rule PA2)."""

import base64
import hmac
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from shared.http.jwks import FRESH_S, RETRY_S, FetchedKeys, KeysUnavailable, KnownKeys, fixed
from shared.http.tokens import (
    ALGORITHM,
    AUDIENCE,
    LEEWAY_S,
    LIFE_S,
    TOKEN_LENGTH_MAX,
    TYPE,
    AccessToken,
    InvalidToken,
    TokenReader,
    sign,
    verified,
)

NOW_S = 1_795_305_600
ISSUER = "https://claims.example"
TENANT = UUID(int=7)
PERSON = UUID(int=9)
KEY = ECKey.generate_key("P-256", auto_kid=True)
OTHER = ECKey.generate_key("P-256", auto_kid=True)
MARY = AccessToken(tenant_id=TENANT, subject=str(PERSON), scopes=frozenset({"claims:read"}), person="Mary Hill")


class Clock:
    def __init__(self, now_s: int = NOW_S) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s * 1000


def reader(now_s: int = NOW_S, *keys: ECKey) -> TokenReader:
    return TokenReader(ISSUER, KnownKeys(KeySet([*keys] or [KEY])), Clock(now_s))


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a whole token, with changes; None takes one away."""
    whole = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": str(PERSON), "client_id": str(PERSON), "iat": NOW_S, "exp": NOW_S + LIFE_S,
        "jti": "1", "tenant": str(TENANT), "scope": "claims:read", "name": "Mary Hill",
    }  # fmt: skip
    return {name: value for name, value in (whole | changed).items() if value is not None}


def signed(body: dict[str, Any], key: Any = KEY, **header: Any) -> str:
    head = {"alg": ALGORITHM, "typ": TYPE, "kid": KEY.kid} | header
    return jwt.encode(head, body, key, [head["alg"]], default_type=None)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_shared_secret(secret: bytes) -> str:
    """The classic forgery: our public key, which all may read, as the secret of a symmetric algorithm."""
    text = f"{part({'alg': 'HS256', 'typ': TYPE, 'kid': KEY.kid})}.{part(claims())}"
    tag = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"


async def test_PA2_a_token_says_who_for_whom_and_what_for() -> None:
    assert await reader().read(sign(MARY, KEY, ISSUER, NOW_S)) == MARY
    machine = AccessToken(tenant_id=TENANT, subject="0a1b2c3d", scopes=frozenset({"pings:write", "pings:read"}))
    assert await reader().read(sign(machine, KEY, ISSUER, NOW_S)) == machine


async def test_PA2_it_ends_after_fifteen_minutes() -> None:
    token = sign(MARY, KEY, ISSUER, NOW_S)
    assert LIFE_S == 15 * 60
    assert await reader(NOW_S + LIFE_S).read(token) == MARY, "clocks may differ a little"
    with pytest.raises(InvalidToken, match="expired"):
        await reader(NOW_S + LIFE_S + LEEWAY_S).read(token)


@pytest.mark.parametrize(
    ("what", "token"),
    [
        ("another issuer", signed(claims(iss="https://evil.example"))),
        ("another audience", signed(claims(aud="console"))),
        ("no audience", signed(claims(aud=None))),
        ("no end", signed(claims(exp=None))),
        ("an end that never comes", signed(claims(exp=float("nan")))),
        ("an end that is no number", signed(claims(exp="tomorrow"))),
        ("issued tomorrow", signed(claims(iat=NOW_S + 86_400))),
        ("not yet", signed(claims(nbf=NOW_S + 86_400))),
        ("no tenant", signed(claims(tenant=None))),
        ("a tenant that is none", signed(claims(tenant="all"))),
        ("a tenant that is a number", signed(claims(tenant=7))),
        ("a scope that is a list", signed(claims(scope=["claims:read"]))),
        ("a name that is no text", signed(claims(name=7))),
        ("a person without an id", signed(claims(sub="mary"))),
        ("no token's id", signed(claims(jti=None))),
        ("claims that are a list", f"{part({'alg': ALGORITHM, 'typ': TYPE, 'kid': KEY.kid})}.{part([])}.x"),
        ("another kind of token", signed(claims(), typ="JWT")),
        ("an unknown key", signed(claims(), OTHER, kid=OTHER.kid)),
        ("another key under our key's name", signed(claims(), OTHER)),
        ("another algorithm", signed(claims(), RSAKey.generate_key(2048), alg="RS256")),
        ("a shared secret made of our public key", by_shared_secret(KEY.as_pem(private=False))),
        ("no signature", f"{part({'alg': 'none', 'typ': TYPE, 'kid': KEY.kid})}.{part(claims())}."),
        (
            "a critical header",
            f"{part({'alg': ALGORITHM, 'typ': TYPE, 'kid': KEY.kid, 'crit': ['x']})}.{part(claims())}.x",
        ),
        ("a header that is a list", f"{part([])}.{part(claims())}.x"),
        ("a key id that is a number", f"{part({'alg': ALGORITHM, 'typ': TYPE, 'kid': 7})}.{part(claims())}.x"),
        ("nothing", ""),
        ("words", "not.a.token"),
        ("no ASCII", "ä.ö.ü"),
        ("a very long one", "a" * TOKEN_LENGTH_MAX + ".b.c"),
    ],
)
async def test_PA2_a_token_is_refused_for(what: str, token: str) -> None:
    with pytest.raises(InvalidToken):
        await reader().read(token)


async def test_PA2_a_changed_token_is_refused() -> None:
    head, body, signature = sign(MARY, KEY, ISSUER, NOW_S).split(".")
    grown = part(claims(scope="claims:read claims:write"))
    foreign = part(claims(tenant=str(UUID(int=8))))
    for changed in (grown, foreign, body[:-1] + ("A" if body[-1] != "A" else "B")):
        with pytest.raises(InvalidToken):
            await reader().read(f"{head}.{changed}.{signature}")
    assert await reader().read(f"{head}.{body}.{signature}") == MARY


async def test_PA2_a_key_is_changed_without_a_gap() -> None:
    before, after = sign(MARY, KEY, ISSUER, NOW_S), sign(MARY, OTHER, ISSUER, NOW_S)
    both = reader(NOW_S, OTHER, KEY)
    assert (await both.read(before), await both.read(after)) == (MARY, MARY)
    with pytest.raises(InvalidToken, match="no such key"):
        await reader(NOW_S, OTHER).read(before)


class Issuer:
    """An issuer's JWK Set over HTTP, counted."""

    def __init__(self, *keys: Any) -> None:
        self.keys = keys
        self.asked = 0
        self.now = 0.0
        self.status = 200
        transport = httpx.MockTransport(self._answer)
        self.fetched = FetchedKeys(
            httpx.AsyncClient(transport=transport), fixed("https://claims.example/jwks"), lambda: self.now
        )

    def _answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        keys = [one if isinstance(one, dict) else one.as_dict(private=False) for one in self.keys]
        return httpx.Response(self.status, json={"keys": keys})


async def test_keys_are_read_once_and_again_when_they_are_old_or_unknown() -> None:
    issuer = Issuer(KEY)
    for _ in range(3):
        assert await issuer.fetched.find(KEY.kid) is not None
    assert issuer.asked == 1
    issuer.keys = (KEY, OTHER)
    assert await issuer.fetched.find(OTHER.kid) is None, "asked a moment ago"
    issuer.now = RETRY_S
    assert await issuer.fetched.find(OTHER.kid) is not None
    assert issuer.asked == 2
    for number in range(100):
        assert await issuer.fetched.find(f"made up {number}") is None
    assert issuer.asked == 2, "made-up key ids are no way to have us ask without end"
    issuer.now += FRESH_S
    issuer.keys = (OTHER,)
    assert await issuer.fetched.find(KEY.kid) is None, "a key that was taken back is no key"
    assert issuer.asked == 3


async def test_keys_known_before_are_good_while_the_issuer_is_away() -> None:
    issuer = Issuer(KEY)
    issuer.status = 500
    with pytest.raises(KeysUnavailable):
        await issuer.fetched.find(KEY.kid)
    with pytest.raises(KeysUnavailable, match="a moment ago"):
        await issuer.fetched.find(KEY.kid)
    assert issuer.asked == 1
    issuer.status, issuer.now = 200, RETRY_S
    assert await issuer.fetched.find(KEY.kid) is not None
    issuer.status, issuer.now = 500, RETRY_S + FRESH_S
    assert await issuer.fetched.find(KEY.kid) is not None


async def test_a_key_set_may_hold_keys_that_we_do_not_know_or_want() -> None:
    secret = OctKey.generate_key(256, parameters={"kid": "shared"}).as_dict(private=True)
    sealing = RSAKey.generate_key(2048, parameters={"kid": "enc", "use": "enc"}).as_dict(private=False)
    broken = {"kty": "EC", "crv": "P-256", "kid": "broken"}
    issuer = Issuer(secret, sealing, broken, {"kty": "AKP", "kid": "new"}, {}, KEY)
    found = [await issuer.fetched.find(kid) for kid in ("shared", "enc", "broken", "new")]
    assert found == [None] * 4
    assert await issuer.fetched.find(None) is not None, "the only key that is left needs no name"


async def test_an_id_token_may_be_signed_by_what_a_provider_uses_and_nothing_else() -> None:
    key = RSAKey.generate_key(2048, auto_kid=True)
    body = {"iss": ISSUER, "aud": ["rucor", "other"], "sub": "248289", "iat": NOW_S, "exp": NOW_S + 60}
    keys = KnownKeys(KeySet([key]))
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, body, key, ["RS256"])
    asked = {"issuer": ISSUER, "audience": "rucor", "now_s": NOW_S}
    assert (await verified(token, keys, algorithms=("RS256", "ES256"), **asked))["sub"] == "248289"  # type: ignore[arg-type]
    with pytest.raises(InvalidToken):
        await verified(token, keys, algorithms=("ES256",), **asked)  # type: ignore[arg-type]
