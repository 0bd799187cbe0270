"""Settings of the claims service."""

import base64
import binascii
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from shared.settings import ServiceSettings

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


Key = Annotated[SecretStr, AfterValidator(_key)]
Keys = Annotated[SecretStr, AfterValidator(_keys)]
"""Some keys, with commas between them."""
Url = Annotated[str, AfterValidator(_url)]


class ClaimsSettings(ServiceSettings):
    service: ClassVar[str] = "claims"

    port: int = Field(default=8083, ge=0, le=65_535)
    classifier_url: Url
    classifier_token: SecretStr
    pdf_url: Url
    pdf_token: SecretStr
    bank_key: Key
    """Seals bank accounts, snapshots and documents.  Lost key = lost forms: back it up apart from the database."""
    bank_keys_old: Keys = SecretStr("")
    """Keys before `bank_key` that stored values may still be sealed with, until `rucor claims rotate-bank-key` is through."""
    licence_hash_key: Key
    """Must never change: it is what makes a licence unique among the lodged ones."""


def key_bytes(key: SecretStr) -> bytes:
    return base64.b64decode(key.get_secret_value())


def bank_keys(settings: ClaimsSettings) -> list[bytes]:
    """The present key first."""
    return [key_bytes(key) for key in (settings.bank_key, *_split(settings.bank_keys_old))]
