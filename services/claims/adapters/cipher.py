"""AES-256-GCM for bank accounts, snapshots and documents, HMAC-SHA-256 for licence numbers (rules RE3, LI4).

Sealed bytes: version u8 · key id 4 bytes (of the key's SHA-256) · nonce 12 bytes · ciphertext and tag.  The key's id lets a
later release open what an older key sealed; the place is bound as associated data."""

import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Fatal

VERSION: Final = 1
KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = 1 + _ID_BYTES


class SealBroken(Fatal):
    """A sealed value does not open: another key, another row, or changed bytes."""


def key_id(key: bytes) -> bytes:
    """What a sealed value says of its key: it does not help to find the key."""
    return hashlib.sha256(key).digest()[:_ID_BYTES]


class AesGcmSealer:
    """Seals with the first key, opens what any of the keys sealed (rule RE3)."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._present = key_id(keys[0])

    @property
    def present(self) -> bytes:
        """The id of the key that seals."""
        return self._present

    @property
    def known(self) -> frozenset[bytes]:
        """Ids of the keys that open."""
        return frozenset(self._ciphers)

    def seal(self, plain: bytes, place: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        head = bytes([VERSION]) + self._present
        return head + nonce + self._ciphers[self._present].encrypt(nonce, plain, head + place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises SealBroken."""
        head, nonce = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(head[1:])
        if cipher is None or head[:1] != bytes([VERSION]):
            raise SealBroken(
                "sealed with a key that is not configured: is RUCOR_BANK_KEY right, and every older key in RUCOR_BANK_KEYS_OLD?"
            )
        try:
            return cipher.decrypt(nonce, sealed[_HEAD_BYTES + _NONCE_BYTES :], head + place.encode())
        except InvalidTag:
            raise SealBroken("a sealed value was changed or moved to another row") from None


class HmacHasher:
    """HMAC-SHA-256; the purpose keeps hashes of different things apart."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._key = key

    def digest(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + data, "sha256")
