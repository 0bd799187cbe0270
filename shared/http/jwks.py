"""Public keys by which a signed token is checked: our own at hand, or another's JWK Set (RFC 7517) over HTTP with a cache."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey, import_key

from shared.errors import Retryable

JWKS_PATH: Final = "/.well-known/jwks.json"
FRESH_S: Final = 300.0
"""So long keys are taken as they were read."""
RETRY_S: Final = 5.0
"""Least time between two requests to the issuer, whatever tokens come in."""
DOCUMENT_BYTES_MAX: Final = 200_000
TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)
_PUBLIC: Final = (ECKey, OKPKey, RSAKey)


class KeysUnavailable(Retryable):
    """The issuer's keys can't be had at the moment."""


class Keys(Protocol):
    """Where an issuer's public keys come from."""

    async def find(self, kid: str | None) -> Key | None:
        """The key of that id (without an id: the only key there is), None where the issuer has none such.

        Raises KeysUnavailable."""


class KnownKeys:
    """Keys at hand."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    async def find(self, kid: str | None) -> Key | None:
        return pick(self._keys, kid)


class FetchedKeys:
    """An issuer's JWK Set, read when it is needed.

    A key id that is not known asks again at once (the issuer has changed its key), yet never more often than RETRY_S; keys read
    before go on being good while the issuer is away."""

    def __init__(
        self, client: httpx.AsyncClient, url: Callable[[], Awaitable[str]], now: Callable[[], float] = time.monotonic
    ) -> None:
        """`url`: where the set lies, as the issuer's own metadata may have to tell first (raises KeysUnavailable)."""
        self._client = client
        self._url = url
        self._now = now
        self._keys = KeySet([])
        self._read_at = self._asked_at = float("-inf")
        self._one_reader = asyncio.Lock()

    async def find(self, kid: str | None) -> Key | None:
        key = pick(self._keys, kid)
        if key is not None and self._now() < self._read_at + FRESH_S:
            return key
        async with self._one_reader:
            if self._now() >= max(self._asked_at + RETRY_S, self._read_at if key is None else self._read_at + FRESH_S):
                self._asked_at = self._now()
                try:
                    self._keys = key_set(await get_json(self._client, await self._url()))
                    self._read_at = self._now()
                except KeysUnavailable:
                    if not self._keys:
                        raise
        if not self._keys:
            raise KeysUnavailable("the issuer's keys could not be read a moment ago")
        return pick(self._keys, kid)


def fixed(url: str) -> Callable[[], Awaitable[str]]:
    """For FetchedKeys: a place that is known."""

    async def place() -> str:
        return url

    return place


def pick(keys: KeySet, kid: str | None) -> Key | None:
    if kid is None:
        return keys.keys[0] if len(keys.keys) == 1 else None
    return next((key for key in keys.keys if key.kid == kid), None)


def key_set(document: Any) -> KeySet:
    """The signing keys of a JWK Set that we understand; symmetric ones and those for encryption are left out.

    Raises KeysUnavailable for something that is no set."""
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise KeysUnavailable("the issuer's answer is no JWK Set")
    keys: list[Key] = []
    for one in found:
        try:
            key = import_key(one)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, _PUBLIC) and key.get("use") in {None, "sig"}:
            keys.append(key)
    return KeySet(keys)


def open_client() -> httpx.AsyncClient:
    """For public documents of issuers.  It follows no redirect: keys come from where we were told."""
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


async def get_json(client: httpx.AsyncClient, url: str) -> Any:
    """A small JSON document.  Raises KeysUnavailable."""
    try:
        async with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise KeysUnavailable(f"{url} answered {answer.status_code}")
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > DOCUMENT_BYTES_MAX:
                    raise KeysUnavailable(f"{url} answered with more than {DOCUMENT_BYTES_MAX} bytes")
        return httpx.Response(answer.status_code, content=body).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise KeysUnavailable(f"{url} cannot be read: {type(error).__name__}") from error
