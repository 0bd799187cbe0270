"""The keys by which the claims service signs access tokens; no other service has them."""

import json
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from shared.clock import Clock
from shared.http.jwks import KnownKeys
from shared.http.tokens import ALGORITHM, AccessToken, Stands, TokenReader, sign

CURVE: Final = "P-256"


def read_keys(text: str) -> list[ECKey]:
    """A JWK Set of private P-256 keys with their ids; the first signs, tokens of the others are believed still.

    Raises ValueError."""
    try:
        keys = [ECKey.import_key(one) for one in json.loads(text)["keys"]]
    except (JoseError, KeyError, TypeError, ValueError):
        keys = []
    if not keys or not all(key.is_private and key.curve_name == CURVE and key.kid for key in keys):
        raise ValueError("must be a JWK Set of private P-256 keys, each with a kid")
    return keys


def fresh_keys() -> str:
    """A JWK Set with one new key, as `read_keys` takes it."""
    key = ECKey.generate_key(CURVE, auto_kid=True)
    return json.dumps({"keys": [key.as_dict(private=True)]})


class Mint:
    """Signs with the first key."""

    def __init__(self, issuer: str, keys: list[ECKey], clock: Clock) -> None:
        self.issuer = issuer
        self._keys = keys
        self._clock = clock

    def issue(self, token: AccessToken) -> tuple[str, int]:
        """The token, and for how many seconds it is good."""
        now_s = self._clock() // 1000
        return sign(token, self._keys[0], self.issuer, now_s), token.life_s(now_s)

    def public(self) -> dict[str, Any]:
        """The JWK Set that everybody may see."""
        return {"keys": [key.as_dict(private=False, use="sig", alg=ALGORITHM) for key in self._keys]}

    def reader(self, stands: Stands | None = None) -> TokenReader:
        """Believes what this mint has issued, while the holder stands."""
        return TokenReader(self.issuer, KnownKeys(KeySet([*self._keys])), self._clock, stands)
