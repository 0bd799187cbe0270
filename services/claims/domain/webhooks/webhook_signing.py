"""Signatures of the Standard Webhooks scheme (https://www.standardwebhooks.com) and the times of retries.  Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the scheme's prefix, not a secret
DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 180, 900, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200, 43_200, 43_200)
)
"""After the first, second … failed attempt, before jitter: 12 retries over 70 hours, growing until they reach twice a day."""
ATTEMPTS_MAX: Final = len(DELAYS) + 1
JITTER: Final = 0.2
_STEPS: Final = 1_000


def secret_text(secret: bytes) -> str:
    """As a person is shown it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signed_headers(secrets: Sequence[bytes], event_id: UUID, at_s: int, body: bytes) -> dict[str, str]:
    """`at_s`: the present, seconds since 1970.  One signature for each live secret, so that a rotation breaks nobody."""
    signed = f"{event_id}.{at_s}.".encode() + body
    marks = (base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets)
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


def delay_after(delivery_id: UUID, attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None: no more.  The jitter, up to a fifth either way, follows from the
    delivery, so that the retries of many deliveries spread and each of them is the same whoever computes it."""
    if attempts >= ATTEMPTS_MAX:
        return None
    drawn = hashlib.blake2b(delivery_id.bytes + attempts.to_bytes(2, "big"), digest_size=4).digest()
    share = int.from_bytes(drawn, "big") % (2 * _STEPS + 1) / _STEPS - 1  # from -1 to 1
    return DELAYS[attempts - 1] * (1 + JITTER * share)
