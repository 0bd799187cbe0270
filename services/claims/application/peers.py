"""What use cases ask of the other services; services.claims.adapters speaks HTTP to them."""

from typing import Protocol
from uuid import UUID

from shared.contracts.claim import Track
from shared.contracts.holds import HoldsTold
from shared.contracts.recompute import RecomputeAsked, Recomputed
from shared.errors import Retryable


class PeerUnavailable(Retryable):
    """The other service is away, too slow, or answered nonsense.  The message names it, never what was sent."""


class Pdf(Protocol):
    async def form(self, snapshot: bytes) -> bytes:
        """FormSnapshot as JSON → the PDF's bytes.  Raises PeerUnavailable."""
        ...

    async def report(self, report: bytes) -> bytes:
        """LicenceReport as JSON → the PDF's bytes.  Raises PeerUnavailable."""
        ...


class Tracks(Protocol):
    async def tracks(
        self, tenant: UUID, device: str, from_ms: int, until_ms: int
    ) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        """(tracks by surface, ways near them) of a device in [from_ms, until_ms).  Raises PeerUnavailable."""
        ...


class Recompute(Protocol):
    async def recompute(self, asked: RecomputeAsked) -> Recomputed:
        """A page of what device-days would say, or their being asked for.  Raises PeerUnavailable; Problem 422 with the
        classifier's own words where it refuses."""
        ...


class Holds(Protocol):
    async def holds(self, told: HoldsTold) -> None:
        """Days that an audit keeps, or keeps no more.  Raises PeerUnavailable."""
        ...


class Classifier(Tracks, Recompute, Holds, Protocol):
    """Everything that is asked of the classifier."""
