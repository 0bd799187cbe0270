"""Settings of the claims service."""

import base64
import binascii
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared.http.mint import read_keys
from shared.settings import ServiceSettings, listed

KEY_BYTES = 32


def _key(text: SecretStr) -> SecretStr:
    try:
        size = len(base64.b64decode(text.get_secret_value(), validate=True))
    except (binascii.Error, ValueError):
        size = -1
    if size != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES} bytes in base64, e.g. from `openssl rand -base64 32`")
    return text


def _keys(text: SecretStr) -> SecretStr:
    for one in _split(text):
        _key(one)
    return text


def _split(text: SecretStr) -> list[SecretStr]:
    return [SecretStr(one.strip()) for one in text.get_secret_value().split(",") if one.strip()]


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return text.rstrip("/")


def _issuer(text: str) -> str:
    """Kept to the letter, a slash at its end too: it is compared with what tokens say."""
    if text:
        _url(text)
    return text


def _token_keys(text: SecretStr) -> SecretStr:
    read_keys(text.get_secret_value())
    return text


def _hosts(text: str) -> str:
    for one in listed(text):
        host, _, port = one.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError(f"must be host:port[,host:port…]; {one!r} is not")
    return text


Key = Annotated[SecretStr, AfterValidator(_key)]
Keys = Annotated[SecretStr, AfterValidator(_keys)]
"""Some keys, with commas between them."""
Url = Annotated[str, AfterValidator(_url)]
Issuer = Annotated[str, AfterValidator(_issuer)]
TokenKeys = Annotated[SecretStr, AfterValidator(_token_keys)]


class ClaimsSettings(ServiceSettings):
    service: ClassVar[str] = "claims"

    port: int = Field(default=8083, ge=0, le=65_535)
    classifier_url: Url
    classifier_token: SecretStr
    ingest_url: Url
    ingest_token: SecretStr
    pdf_url: Url
    pdf_token: SecretStr
    token_issuer: Url
    """This service's public address: the name under which it signs access tokens."""
    token_keys: TokenKeys
    """JWK Set of private P-256 keys, each with a `kid`.  The first signs; tokens of the others are believed still."""
    oidc_issuer: Issuer = ""
    """The OpenID provider that vouches for people; empty: nobody signs in."""
    oidc_audience: str = ""
    """Our client id at the provider."""
    bank_key: Key
    """Seals bank accounts, snapshots and documents.  Lost key = lost forms: back it up apart from the database."""
    bank_keys_old: Keys = SecretStr("")
    """Keys before `bank_key` that stored values may still be sealed with, until `rucor claims rotate-bank-key` is through."""
    webhook_local_hosts: Annotated[str, AfterValidator(_hosts)] = ""
    """host:port with commas between: the only places that webhooks may reach by http or at an address that is not public.
    For development and tests, or a receiver in the operator's own network."""
    licence_hash_key: Key
    """Must never change: it is what makes a licence unique among the lodged ones."""

    @model_validator(mode="after")
    def _provider_whole(self) -> Self:
        if bool(self.oidc_issuer) != bool(self.oidc_audience):
            raise ValueError("give oidc_issuer and oidc_audience together, or neither")
        return self


def key_bytes(key: SecretStr) -> bytes:
    return base64.b64decode(key.get_secret_value())


def bank_keys(settings: ClaimsSettings) -> list[bytes]:
    """The present key first."""
    return [key_bytes(key) for key in (settings.bank_key, *_split(settings.bank_keys_old))]


def webhook_hosts(settings: ClaimsSettings) -> frozenset[str]:
    return frozenset(listed(settings.webhook_local_hosts))
