"""ID tokens of the OpenID provider that is set: read its metadata, check its signature, take what the token proves."""

import hashlib
import time
from typing import Final
from urllib.parse import urlsplit

import httpx

from services.claims.application.people.sign_in import Identity, Proof
from services.claims.domain.instants import from_ms
from shared.clock import Clock
from shared.http.jwks import FetchedKeys, KeysUnavailable, get_json
from shared.http.tokens import LEEWAY_S, InvalidToken, verified

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Asymmetric ones alone: nobody else can sign in the provider's place."""
AGE_S_MAX: Final = 3_600
"""However long a provider lets its ID tokens live, they are proof of a sign-in for an hour."""
BELIEVED_S_MAX: Final = AGE_S_MAX + 2 * LEEWAY_S
"""However the clocks go, whatever is believed now is not in so many seconds."""
METADATA: Final = "/.well-known/openid-configuration"
METADATA_FRESH_S: Final = 3_600.0


class Provider:
    """`audience`: our client id at the provider."""

    def __init__(self, issuer: str, audience: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self.issuer = issuer
        self.audience = audience
        self._client = client
        self._clock = clock
        self._keys = FetchedKeys(client, self._jwks_uri)
        self._place: tuple[float, str] | None = None

    async def identify(self, id_token: str, nonce: str | None) -> Proof:
        """`nonce`: what the client sent with its request; the token bears the same, or none was sent.

        Raises InvalidToken, KeysUnavailable."""
        now_s = self._clock() // 1000
        claims = await verified(
            id_token, self._keys, algorithms=ALGORITHMS, issuer=self.issuer, audience=self.audience, now_s=now_s
        )
        if claims["iat"] < now_s - AGE_S_MAX:
            raise InvalidToken("it was given more than an hour ago: sign in again")
        if claims.get("nonce") != nonce:
            raise InvalidToken("its nonce is not the one that was sent as `nonce`: it answers another sign-in")
        party = claims.get("azp", None if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 else self.audience)
        if party != self.audience:
            raise InvalidToken("it was given to another client")
        email = claims.get("email")
        known = isinstance(email, str) and email and claims.get("email_verified") is True
        identity = Identity(self.issuer, claims["sub"], email if known else None)
        signed = id_token.rpartition(".")[0]
        return Proof(identity, hashlib.sha256(signed.encode()).digest(), from_ms((now_s + BELIEVED_S_MAX) * 1000))

    async def _jwks_uri(self) -> str:
        """Raises KeysUnavailable."""
        if self._place is None or time.monotonic() > self._place[0] + METADATA_FRESH_S:
            document = await get_json(self._client, self.issuer.rstrip("/") + METADATA)
            uri = document.get("jwks_uri") if isinstance(document, dict) else None
            if not isinstance(uri, str) or document.get("issuer") != self.issuer:
                raise KeysUnavailable(f"the metadata of {self.issuer} are not those of an OpenID provider of that name")
            if urlsplit(self.issuer).scheme == "https" and urlsplit(uri).scheme != "https":
                raise KeysUnavailable(f"the keys of {self.issuer} are not published over https")
            self._place = (time.monotonic(), uri)
        return self._place[1]
