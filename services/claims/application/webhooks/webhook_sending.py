"""What delivering asks of the network; services.claims.adapters.webhook_http speaks HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    status: int | None
    """Of HTTP; None: there was no answer."""
    error: str
    """"" on success, else in words that name neither what was sent nor what was answered."""
    took_ms: int
    pause: timedelta | None = None
    """How long the receiver asks to be left alone."""

    @property
    def done(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The receiver says that it will never take anything again."""
        return self.status == 410


class Sender(Protocol):
    async def send(self, tenant: UUID, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """POST it to a place that may be reached.  Never raises for what the network or the receiver does."""
        ...
