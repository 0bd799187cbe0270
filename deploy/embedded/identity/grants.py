"""Sign-ins under way, codes that were given out, and tries that failed: in memory, few, and short-lived."""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from deploy.embedded.identity.accounts import Account

ASKED_S: Final = 600.0
"""A login page may lie open so long."""
CODE_S: Final = 60.0
KEPT_MAX: Final = 1_000
TRIES_MAX: Final = 5
TRIES_S: Final = 900.0
ALL_TRIES_MAX: Final = 100
"""Of all accounts together, in the same time."""
_SECRET_BYTES: Final = 32
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """A client's request that was in order, waiting for a person's password."""

    client_id: str
    redirect_uri: str
    state: str | None
    nonce: str
    challenge: str
    browser: str = field(default_factory=lambda: secrets.token_urlsafe(_SECRET_BYTES))
    """Also a cookie: the form must come from the browser that it was shown to."""


@dataclass(frozen=True)
class Code:
    asked: Asked
    account: Account
    signed_in_s: int

    def fits(self, client_id: str, redirect_uri: str, verifier: str) -> bool:
        """RFC 7636, S256 alone."""
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        same = (client_id, redirect_uri) == (self.asked.client_id, self.asked.redirect_uri)
        return hmac.compare_digest(challenge, self.asked.challenge) and same


class Shelf(Generic[T]):
    """Things by a secret name, each for a time; the oldest give way to new ones."""

    def __init__(self, life_s: float, now: Callable[[], float]) -> None:
        self._life_s = life_s
        self._now = now
        self._things: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def put(self, thing: T) -> str:
        name = secrets.token_urlsafe(_SECRET_BYTES)
        self._things[name] = (self._now() + self._life_s, thing)
        while len(self._things) > KEPT_MAX:
            self._things.popitem(last=False)
        return name

    def look(self, name: str) -> T | None:
        until, thing = self._things.get(name, (float("-inf"), None))
        return thing if until > self._now() else None

    def take(self, name: str) -> T | None:
        """It is gone afterwards, whatever comes of it."""
        thing = self.look(name)
        self._things.pop(name, None)
        return thing


class Tries:
    """Failed passwords by account, known or not."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, email: str) -> int:
        """So long no password of this account is looked at; 0: now."""
        own, everyone = self._recent(email), [at for name in list(self._failed) for at in self._recent(name)]
        waits = [
            TRIES_S - (self._now() - min(failed))
            for failed, most in ((own, TRIES_MAX), (everyone, ALL_TRIES_MAX))
            if len(failed) >= most
        ]
        return max(1, round(max(waits))) if waits else 0

    def failed(self, email: str) -> None:
        self._failed[email] = [*self._recent(email), self._now()]
        while len(self._failed) > KEPT_MAX:
            self._failed.popitem(last=False)

    def succeeded(self, email: str) -> None:
        self._failed.pop(email, None)

    def _recent(self, email: str) -> list[float]:
        recent = [at for at in self._failed.get(email, []) if self._now() - at < TRIES_S]
        if not recent:
            self._failed.pop(email, None)
        return recent
