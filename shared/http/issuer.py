"""Whether the holder of an access token still stands (ADR 0024): the issuer looks, the other services, which know neither its
keys nor its people, ask it (RFC 7662)."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

import httpx

from shared.clock import Clock
from shared.http.jwks import JWKS_PATH, FetchedKeys, KeysUnavailable, fixed, open_client
from shared.http.tokens import AccessToken, TokenReader
from shared.settings import TokenSettings

INTROSPECTION_PATH: Final = "/oauth/introspect"
KNOWN_S: Final = 30.0
"""So long an answer is taken as it was given, as a key is."""
AWAY_S: Final = 5.0
"""So long an issuer that did not answer is not asked for what need not be known as of now."""
KNOWN_MAX: Final = 10_000
TIMEOUT: Final = httpx.Timeout(2.0, connect=1.0)


Ask = Callable[[AccessToken, str], Awaitable[bool]]
"""Whether the holder of a token, as read and as it came, stands at this moment.  Raises KeysUnavailable."""


class Holders:
    """Asks, and remembers.  While nobody answers a token is believed, as long as it lives: pings do not wait for claims."""

    def __init__(self, ask: Ask, now: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._now = now
        self._known: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._away_until = float("-inf")

    async def stands(self, token: AccessToken, text: str, now: bool) -> bool:
        """Raises KeysUnavailable where it must be known as of now and nobody says."""
        digest = sha256(text.encode()).digest()
        until, active = self._known.get(digest, (float("-inf"), True))
        if not now and (until > self._now() or self._away_until > self._now()):
            return active
        try:
            active = await self._ask(token, text)
        except KeysUnavailable:
            self._away_until = self._now() + AWAY_S
            if now:
                raise
            return active
        self._known[digest] = (self._now() + KNOWN_S, active)
        self._known.move_to_end(digest)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return active


def by_asking(client: httpx.AsyncClient, url: str) -> Ask:
    """Over HTTP, at the issuer's `url`."""

    async def ask(_token: AccessToken, text: str) -> bool:
        try:
            answer = await client.post(url, data={"token": text}, timeout=TIMEOUT)
            if answer.status_code == httpx.codes.OK:
                return answer.json()["active"] is True
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            raise KeysUnavailable(f"the issuer does not say whether a token works: {type(error).__name__}") from error
        raise KeysUnavailable(f"the issuer answered {answer.status_code} where it was asked for a token")

    return ask


@asynccontextmanager
async def token_reader(settings: TokenSettings, clock: Clock) -> AsyncIterator[TokenReader | None]:
    """Believes the tokens of the issuer that is set, by its public keys, while their holder stands; None where none is set."""
    if not settings.token_issuer:
        yield None
        return
    url = settings.token_jwks_url or settings.token_issuer + JWKS_PATH
    near = url.removesuffix(JWKS_PATH) if url.endswith(JWKS_PATH) else settings.token_issuer
    async with open_client() as client:
        stands = Holders(by_asking(client, near + INTROSPECTION_PATH)).stands
        yield TokenReader(settings.token_issuer, FetchedKeys(client, fixed(url)), clock, stands)
