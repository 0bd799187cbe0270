"""What use cases ask of the other services; services.claims.adapters speaks HTTP to them."""

from typing import Final, Protocol
from uuid import UUID

from services.claims.domain.preflight.case import Ground
from shared.contracts.claim import Track
from shared.contracts.erasure import ErasureAsked, ErasureDone, NamesAsked, RulingNamesAsked
from shared.contracts.faulty import FaultyStretch, Pending, PendingAsked, StretchTaken
from shared.contracts.holds import HoldsTold, KeptTold
from shared.contracts.places import PlacesAsked, PlacesTold
from shared.contracts.recompute import RecomputeAsked, Recomputed
from shared.errors import Retryable

SIMPLIFY_M: Final = 10
"""Points of a printed track may lie this far from the line: below a printer's dot at the report's scale."""


class PeerUnavailable(Retryable):
    """The other service is away, too slow, or answered nonsense.  The message names it, never what was sent."""


class PeerRefused(PeerUnavailable):
    """The other service will not do it as asked: a person must look, though asking again does no harm."""


class Pdf(Protocol):
    async def form(self, snapshot: bytes) -> bytes:
        """FormSnapshot as JSON → the PDF's bytes.  Raises PeerUnavailable, PeerRefused for what cannot be printed."""
        ...

    async def report(self, report: bytes) -> bytes:
        """LicenceReport as JSON → the PDF's bytes.  Raises PeerUnavailable."""
        ...


class Tracks(Protocol):
    async def tracks(
        self, tenant: UUID, device: str, from_ms: int, until_ms: int, simplify_m: int = SIMPLIFY_M
    ) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        """(tracks by surface, ways near them) of a device in [from_ms, until_ms); 0: every fix.  Raises PeerUnavailable."""
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

    async def holds_told(self) -> None:
        """Every hold there is has been told.  Raises PeerUnavailable."""
        ...


class Erasures(Protocol):
    async def forget(self, asked: ErasureAsked) -> ErasureDone:
        """Drop the fixes of these days; which of them are gone.  Raises PeerUnavailable."""
        ...

    async def forget_names(self, asked: RulingNamesAsked) -> ErasureDone:
        """Put these names away in rulings; which of them stand nowhere any more.  Raises PeerUnavailable."""
        ...


class Faulty(Protocol):
    async def take_out(self, stretch: FaultyStretch) -> StretchTaken:
        """Nothing of the stretch counts as off road from now on; the same again changes nothing.  Raises PeerUnavailable,
        PeerRefused."""
        ...

    async def pending(self, asked: PendingAsked) -> Pending:
        """Which of its days do not heed it yet, as far as the ledger knows them.  Raises PeerUnavailable, PeerRefused."""
        ...


class Grounds(Protocol):
    async def ground(self, tenant: UUID) -> Ground:
        """What the tenant declares of its land, and how the road data sets are covered.  Raises PeerUnavailable."""
        ...


class Places(Protocol):
    async def places(self, asked: PlacesAsked) -> PlacesTold:
        """Where segments lie, in words (rule DI6).  Raises PeerUnavailable."""
        ...


class RefusedRows(Protocol):
    """What is asked of ingest."""

    async def kept(self, told: KeptTold) -> None:
        """Of which tenants everything is kept.  Raises PeerUnavailable."""
        ...

    async def forget(self, asked: ErasureAsked) -> ErasureDone:
        """Drop the refused rows of these days; which of them are gone.  Raises PeerUnavailable."""
        ...

    async def forget_names(self, asked: NamesAsked) -> ErasureDone:
        """Put these names away in consents; which of them stand nowhere any more.  Raises PeerUnavailable."""
        ...


class Classifier(Tracks, Recompute, Holds, Erasures, Faulty, Grounds, Places, Protocol):
    """Everything that is asked of the classifier."""
