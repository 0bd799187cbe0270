"""Access tokens: JWTs as RFC 9068 has them, signed by the claims service, understood by every service.

A token bears a tenant, scopes, and the person who signed in, if one did.  It lives 15 minutes, and dies with the key that got
it: whoever reads it asks whether that still stands (ADR 0024)."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, Key
from joserfc.jws import JWSRegistry, extract_compact
from joserfc.jwt import JWTClaimsRegistry

from shared.clock import Clock, new_id
from shared.http.jwks import Keys

ALGORITHM: Final = "ES256"
"""The only one: the token's own header never chooses."""
TYPE: Final = "at+jwt"
AUDIENCE: Final = "rucor"
LIFE_S: Final = 900
LEEWAY_S: Final = 10
"""Between the clocks of two machines."""
TOKEN_LENGTH_MAX: Final = 8_192


HOLDER_GONE: Final = "its key was revoked, rotated or has ended, or its holder has left"


class InvalidToken(Exception):
    """Not a token to trust; the message may be shown to the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a token says.  `subject`: the person's id, or the key's; `person`: the person's name, None for a machine.

    Of a machine also what its key said: `requests_per_s`, its own limit; `shown`, by which secret it got the token (the first
    bytes of its SHA-256).  `ends_at_s`: when that secret ends, which the token never outlives."""

    tenant_id: UUID
    subject: str
    scopes: frozenset[str]
    person: str | None = None
    requests_per_s: int | None = None
    shown: bytes = b""
    ends_at_s: int | None = field(default=None, compare=False)

    def life_s(self, now_s: int) -> int:
        """How long it may live from now on."""
        return LIFE_S if self.ends_at_s is None else max(0, min(LIFE_S, self.ends_at_s - now_s))


def sign(token: AccessToken, key: ECKey, issuer: str, now_s: int) -> str:
    """The token in its compact form, good for its life from now."""
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": token.subject,
        "client_id": token.subject,
        "iat": now_s,
        "exp": now_s + token.life_s(now_s),
        "jti": new_id().hex,
        "tenant": str(token.tenant_id),
        "scope": " ".join(sorted(token.scopes)),
    }
    if token.person is not None:
        claims["name"] = token.person
    if token.requests_per_s is not None:
        claims["requests_per_s"] = token.requests_per_s
    if token.shown:
        claims["shown"] = token.shown.hex()
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    return jwt.encode(header, claims, key, [ALGORITHM], default_type=None)


Stands = Callable[[AccessToken, str, bool], Awaitable[bool]]
"""Whether the holder of a token, whose signature is right, still stands, as far as is known; the token as read and as it came.
Third argument: as of this moment, else KeysUnavailable is raised."""


class TokenReader:
    """Believes tokens of one issuer, while their holder stands."""

    def __init__(self, issuer: str, keys: Keys, clock: Clock, stands: Stands | None = None) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clock = clock
        self._stands = stands

    async def read(self, text: str, *, now: bool = False) -> AccessToken:
        """`now`: of a holder who stands at this moment.  Raises InvalidToken, KeysUnavailable where that can't be checked."""
        token = await self._signed(text)
        if self._stands is not None and not await self._stands(token, text, now):
            raise InvalidToken(HOLDER_GONE)
        return token

    async def _signed(self, text: str) -> AccessToken:
        if len(text) > TOKEN_LENGTH_MAX:
            raise InvalidToken("it is no access token")
        found = await verified(
            text, self._keys, algorithms=(ALGORITHM,), issuer=self._issuer, audience=AUDIENCE, now_s=self._clock() // 1000,
            typ=TYPE, essential=("client_id", "jti", "tenant", "scope"),
        )  # fmt: skip
        return _from_claims(found)


def _from_claims(claims: Mapping[str, Any]) -> AccessToken:
    scope, person = claims["scope"], claims.get("name")
    per_s = claims.get("requests_per_s")
    try:
        tenant = UUID(claims["tenant"])
        shown = bytes.fromhex(claims.get("shown", ""))
        if not isinstance(scope, str) or not (person is None or isinstance(person, str)) or not _is_limit(per_s):
            raise InvalidToken("its claims are not those of an access token")
        if person is not None:
            UUID(claims["sub"])
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidToken("its claims are not those of an access token") from error
    return AccessToken(
        tenant_id=tenant,
        subject=claims["sub"],
        scopes=frozenset(scope.split()),
        person=person,
        requests_per_s=per_s,
        shown=shown,
    )


def _is_limit(per_s: object) -> bool:
    return per_s is None or (isinstance(per_s, int) and not isinstance(per_s, bool) and per_s > 0)


async def verified(
    text: str,
    keys: Keys,
    *,
    algorithms: Sequence[str],
    issuer: str,
    audience: str,
    now_s: int,
    typ: str | None = None,
    essential: Sequence[str] = (),
) -> dict[str, Any]:
    """The claims of a whole JWT: signed with one of the issuer's keys by one of `algorithms`, of this issuer, for us, in time.

    `typ`: what the header's `typ` must be; None: anything.  Raises InvalidToken, KeysUnavailable."""
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=typ is not None)
    try:
        header = _header(text, registry)
        if typ is not None and str(header.get("typ", "")).lower().removeprefix("application/") != typ:
            raise InvalidToken("it is a token of another kind")
        key = await keys.find(header.get("kid"))
        if key is None:
            raise InvalidToken("its issuer has no such key")
        claims = jwt.decode(text, _fitting(key, header), algorithms, registry).claims
        if not isinstance(claims, dict):
            raise InvalidToken("its claims are no object")
        _check_times(claims)
        wanted: dict[str, Any] = {name: {"essential": True} for name in (*essential, "sub", "iat", "exp")}
        wanted |= {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": audience}}
        JWTClaimsRegistry(now=now_s, leeway=LEEWAY_S, **wanted).validate(claims)
    except ExpiredTokenError as error:
        raise InvalidToken("it has expired") from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken("it is not whole, not meant for here, or not by the issuer that is trusted here") from error
    return claims


def _fitting(key: Key, header: Mapping[str, Any]) -> Key:
    key.check_use("sig")
    key.check_alg(header["alg"])
    return key


def _header(text: str, registry: JWSRegistry) -> dict[str, Any]:
    """Before the signature is known to be right: it only names the key.  Raises InvalidToken, JoseError."""
    if not text.isascii():
        raise InvalidToken("it is no signed token")
    header = extract_compact(text.encode(), None, registry).headers()
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str | None):
        raise InvalidToken("it is no signed token")
    return header


def _check_times(claims: Mapping[str, Any]) -> None:
    """NaN compares with nothing, so it would never expire."""
    for name in ("exp", "iat", "nbf"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not math.isfinite(value)):
            raise InvalidToken("its times are no times")
