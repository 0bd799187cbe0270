"""Settings of the local provider."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from shared.settings import BrowserSettings, ProcessSettings

CLIENT_ID: Final = "rucor"
LOOPBACK_REDIRECT: Final = "http://127.0.0.1/callback"
"""Of programs on this machine: any port (RFC 8252 section 7.3)."""

_LOOPBACK_PORT: Final = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}/callback")


class IdentitySettings(ProcessSettings, BrowserSettings):
    service: ClassVar[str] = "identity"

    embedded: bool = False
    identity_issuer: str
    identity_folder: Path
    """Accounts and signing key."""
    identity_redirects: str = ""
    """Further redirect URIs, exact, with spaces between them."""

    @model_validator(mode="after")
    def _at_home(self) -> Self:
        """Passwords go over plain HTTP here, so it stays on the machine."""
        issuer = urlsplit(self.identity_issuer)
        if not self.embedded:
            raise ValueError(
                "the local provider is a part of the embedded stack; elsewhere use an OpenID provider of your own"
            )
        if issuer.scheme != "http" or not _loopback(issuer.hostname or "") or not _loopback(self.host):
            raise ValueError("the local provider answers on the loopback interface alone")
        return self

    def redirects(self) -> tuple[str, ...]:
        return (LOOPBACK_REDIRECT, *self.identity_redirects.split())


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def allowed(redirect_uri: str, registered: tuple[str, ...]) -> bool:
    """Exactly a registered one; of the loopback one any port."""
    return redirect_uri in registered or _LOOPBACK_PORT.fullmatch(redirect_uri) is not None
