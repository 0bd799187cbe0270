"""The statement of one licence: device-days joined over recorder, window, assignments and couplings when it is read
(design section 2, "Late binding"; rules LI2, DI1-DI3, VE1, VE2, DI7).  Integer millimetres throughout."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from services.claims.domain.licence import ClaimableRange, Licence, VehicleRecord
from services.claims.domain.recorder import MM_PER_KM, Unit
from services.claims.domain.vehicle import DeviceSpan
from shared.contracts.device_day import DeviceDay, hash_of

Located = Literal["reading", "interpolated", "extrapolated", "open"]
ClosedOn = Literal["legal_recorder", "device_odometer", "gps", "nothing"]


class Revision(NamedTuple):
    """A device-day as the ledger holds it, with the hash of its content (shared.contracts.device_day.hash_of)."""

    day: DeviceDay
    content_hash: bytes

    @classmethod
    def of(cls, day: DeviceDay) -> "Revision":
        return cls(day, hash_of(day))


class Standing(NamedTuple):
    """A revision the statement stands on."""

    device: str
    day: int
    rev: int
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class EvidencePeriod:
    """What the shell must load for a statement: device-days of these spans, whole NZ days."""

    from_ms: int
    until_ms: int
    spans: tuple[DeviceSpan, ...]
    device_days: tuple[tuple[str, int, int], ...]
    """(device, first NZ day, last NZ day), sorted; one a span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Closed millimetres.  public + off_road + unknown are the share; carried and uncovered lie outside it."""

    public_mm: int = 0
    off_road_mm: int = 0
    unknown_mm: int = 0
    carried_mm: int = 0
    uncovered_mm: int = 0
    off_road_by_basis: tuple[tuple[str, int], ...] = ()
    """Sorted by basis; sums to off_road_mm."""
    unknown_by_basis: tuple[tuple[str, int], ...] = ()

    @property
    def share_mm(self) -> int:
        return self.public_mm + self.off_road_mm + self.unknown_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One NZ day of the licence.  What the recorder counted and no fix explains has no day: it is in the totals only."""

    on: date
    amounts: Amounts
    fixes: int
    devices: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where the range begins or ends in time."""

    ms: int | None
    """None: nothing shows that it was reached."""
    units: int
    located: Located
    band_ms: tuple[int, int] | None = None
    """Rule DI3: the drift band of an interpolated boundary."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Between two actual readings (or a boundary of the range): what rule DI1 made of it."""

    from_ms: int
    until_ms: int
    recorder_mm: int | None
    """None: no legal recorder here; closed on the device's odometer or GPS."""
    gps_mm: int
    odometer_mm: int | None
    """What the device's odometer counted, where it has readings."""
    lack_mm: int
    rest_mm: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    licence_id: UUID
    range: ClaimableRange
    unit: Unit
    unit_mm: int
    start: Boundary
    end: Boundary
    recorder_mm: int | None
    """Distance of the range on the legal recorder; None while an actual reading lacks at an end.  Where given,
    totals.share_mm + totals.uncovered_mm == recorder_mm exactly."""
    lines: tuple[Line, ...]
    totals: Amounts
    lack_mm: int
    """Part of totals.unknown_mm that has no day: the recorder counted it, no fix explains it."""
    rest_mm: int
    """Likewise: remainders of scaling."""
    gps_mm: int
    odometer_mm: int | None
    drift_mm: int | None
    """Device odometer less legal recorder over the stretches that have both (rule DI2)."""
    closed_on: tuple[ClosedOn, ...]
    """What the distance closed on, most binding first; more than one while it is running."""
    stretches: tuple[Stretch, ...]
    engine_on_ms: int
    covered_ms: int
    spans: tuple[DeviceSpan, ...]
    stands_on: tuple[Standing, ...]
    missing: tuple[str, ...]
    """What a claim still lacks, in words."""
    incidents: tuple[str, ...]
    labels: tuple[str, ...]
    road_sets: tuple[str, ...]
    lands: tuple[str, ...]
    schemes: tuple[int, ...]
    hash: str
    """64 hex over everything above but the revs, so that an equal re-issue of a day changes nothing."""

    @property
    def claimable_mm(self) -> int:
        return self.totals.off_road_mm

    @property
    def claimable_km(self) -> int:
        """Rule DI7: floored once."""
        return self.totals.off_road_mm // MM_PER_KM

    @property
    def both_ends_actual(self) -> bool:
        """Rule DI3."""
        return self.recorder_mm is not None

    @property
    def coverage_share(self) -> float | None:
        """Rule EL6: covered part of the engine-on time, None without engine-on time."""
        return self.covered_ms / self.engine_on_ms if self.engine_on_ms else None

    @property
    def first_day(self) -> date | None:
        return self.lines[0].on if self.lines else None

    @property
    def last_day(self) -> date | None:
        return self.lines[-1].on if self.lines else None


def evidence_period(
    licence: Licence, record: VehicleRecord, rate_rises: Sequence[date], until_ms: int
) -> EvidencePeriod:
    """Which device-days a statement may need: from the last actual reading at or before the start to the first at or beyond
    the end, else from the issue and to `until_ms` (the present; it only limits what is loaded)."""
    raise NotImplementedError


def make_statement(
    licence: Licence, record: VehicleRecord, revisions: Sequence[Revision], rate_rises: Sequence[date]
) -> Statement:
    """Join and close.  `revisions`: any order; of one (device, day) the highest rev counts; days of other devices are
    ignored.  Pure and deterministic: the order of no input matters."""
    raise NotImplementedError
