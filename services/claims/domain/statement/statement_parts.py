"""A statement and the values it is made of.  Integer millimetres throughout."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

import msgspec

from services.claims.domain.register.recorder import MM_PER_KM, Conflict, Unit
from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.boundary import Boundary
from services.claims.domain.statement.log_entry import Logged
from services.claims.domain.statement.window import ClaimableRange
from shared.contracts.device_day import Basis, DeviceDay, Segment, Surface, hash_of

ClosedOn = Literal["legal_recorder", "device_odometer", "gps"]
OVER_PUBLIC: Final[Basis] = "declared_over_public"


def over_public_names(segments: Iterable[Segment]) -> tuple[str, ...]:
    """Rule SU7: the land for which metres on mapped public roads count, as the segments name it; sorted, each once."""
    return tuple(sorted({one.why.partition(": ")[2] or one.why for one in segments if one.basis == OVER_PUBLIC}))


# A statement of two years has seven hundred days: a dataclass or a named tuple of each costs three to ten times as much.
class Revision(msgspec.Struct, frozen=True, gc=False):
    """A device-day as the ledger holds it, with the hash of its content (shared.contracts.device_day.hash_of)."""

    day: DeviceDay
    """Its segments may have been left out (services.claims.domain.statement.grounds)."""
    content_hash: bytes
    over_public: tuple[str, ...] | None = None
    """As `over_public_names` tells from the segments; None: ask those."""

    @property
    def left_out(self) -> bool:
        """Only a settled day has segments, and it has them wherever it has metres; its first reading is one of its readings."""
        day = self.day
        segments = day.settled and not day.segments and bool(day.totals)
        return segments or (day.first_reading is not None and not day.readings)

    @property
    def over_public_names(self) -> tuple[str, ...]:
        return over_public_names(self.day.segments) if self.over_public is None else self.over_public

    @classmethod
    def of(cls, day: DeviceDay) -> "Revision":
        return cls(day, hash_of(day))


class Standing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A revision the statement stands on."""

    device: str
    day: int
    rev: int
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class EvidencePeriod:
    """What the shell must load for a statement."""

    from_ms: int
    until_ms: int
    spans: tuple[DeviceSpan, ...]
    device_days: tuple[tuple[str, int, int], ...]
    """(device, first NZ day, last NZ day), sorted; one a span."""
    whole_days: tuple[tuple[str, int], ...]
    """(device, NZ day) of those that are needed with their segments whatever the ledger says; it may say of more."""


class Amounts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Closed millimetres.  public + off_road + unknown are the share; carried and uncovered lie outside it."""

    public_mm: int = 0
    off_road_mm: int = 0
    unknown_mm: int = 0
    carried_mm: int = 0
    uncovered_mm: int = 0
    off_road_by_basis: tuple[tuple[str, int], ...] = ()
    """Sorted by basis; sums to off_road_mm."""
    unknown_by_basis: tuple[tuple[str, int], ...] = ()
    """Likewise to unknown_mm."""

    @property
    def over_public_mm(self) -> int:
        """Rule SU7: the part of off_road_mm on mapped public roads, counted by kind and written reason: always told apart."""
        return dict(self.off_road_by_basis).get(OVER_PUBLIC, 0)

    @property
    def share_mm(self) -> int:
        return self.public_mm + self.off_road_mm + self.unknown_mm

    @property
    def counted_mm(self) -> int:
        """What the distance recorder counts of it: a carried vehicle's wheels stand still."""
        return self.share_mm + self.uncovered_mm


Tally = dict[tuple[Surface, str], int]
"""Millimetres by surface and basis, while they are added up."""


def added(tallies: Iterable[Tally]) -> Tally:
    """Their sum."""
    whole: Tally = {}
    for tally in tallies:
        for what, mm in tally.items():
            whole[what] = whole.get(what, 0) + mm
    return whole


def amounts_of(tally: Tally) -> Amounts:
    public_mm = off_road_mm = unknown_mm = carried_mm = uncovered_mm = 0
    off_road, unknown = [], []
    for (surface, basis), mm in tally.items():
        if surface == "off_road":
            off_road_mm += mm
            off_road.append((basis, mm))
        elif surface == "unknown":
            unknown_mm += mm
            unknown.append((basis, mm))
        elif surface == "public_road":
            public_mm += mm
        elif surface == "carried":
            carried_mm += mm
        else:
            uncovered_mm += mm
    return Amounts(
        public_mm=public_mm,
        off_road_mm=off_road_mm,
        unknown_mm=unknown_mm,
        carried_mm=carried_mm,
        uncovered_mm=uncovered_mm,
        off_road_by_basis=tuple(sorted(off_road)),
        unknown_by_basis=tuple(sorted(unknown)),
    )


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One NZ day of the licence (rule DI6)."""

    on: date
    amounts: Amounts
    fixes: int
    """Of the whole day, also where only a part of it belongs to the licence."""
    devices: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Between two actual readings (or a boundary of the range): what rule DI1 made of it."""

    from_ms: int
    until_ms: int
    recorder_mm: int | None
    """None: no legal recorder here; closed on the device's odometer or on GPS alone."""
    gps_mm: int
    odometer_mm: int | None
    """What the device's odometer counted, where every day has one."""
    lack_mm: int
    rest_mm: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    licence_id: UUID
    window: ClaimableRange
    unit: Unit
    unit_mm: int
    start: Boundary
    end: Boundary
    recorder_mm: int | None
    """Distance of the range on the legal recorder; None while an actual reading lacks at an end (rule DI3).  Where given,
    totals.counted_mm == recorder_mm exactly."""
    lines: tuple[Line, ...]
    totals: Amounts
    lack_mm: int
    """Part of totals.unknown_mm that has no day: the recorder counted it, no fix explains it."""
    rest_mm: int
    """Likewise: remainders of scaling."""
    uncovered_lack_mm: int
    """Part of totals.uncovered_mm that has no day: both of these, from before the issue."""
    gps_mm: int
    """Unclosed GPS millimetres of the range."""
    drift_mm: int | None
    """Device odometer less legal recorder over the stretches that have both (rule DI2)."""
    closed_on: tuple[ClosedOn, ...]
    """What the distance closed on, most binding first; more than one while it is running."""
    stretches: tuple[Stretch, ...]
    engine_on_ms: int
    covered_ms: int
    spans: tuple[DeviceSpan, ...]
    stands_on: tuple[Standing, ...]
    unsettled_days: int
    conflicts: tuple[Conflict, ...]
    """Readings near the range that contradict each other."""
    missing: tuple[str, ...]
    """What a claim still lacks, in words."""
    log: tuple[Logged, ...]
    """Rule LI8: manual log entries of this licence, by day, with what of each counts."""
    over_public: tuple[str, ...]
    """Rule SU7: the land for which metres on mapped public roads count, as the segments name it."""
    incidents: tuple[str, ...]
    labels: tuple[str, ...]
    road_sets: tuple[str, ...]
    lands: tuple[str, ...]
    schemes: tuple[int, ...]
    hash: str
    """64 hex over everything above but the revs, so that an equal re-issue of a day changes nothing."""

    @property
    def logged_mm(self) -> int:
        """Part of totals.off_road_mm by manual log."""
        return sum(one.counted_mm for one in self.log)

    @property
    def claimable_km(self) -> int:
        """Rule DI7: floored once."""
        return self.totals.off_road_mm // MM_PER_KM

    @property
    def first_day(self) -> date | None:
        return self.lines[0].on if self.lines else None

    @property
    def last_day(self) -> date | None:
        return self.lines[-1].on if self.lines else None


def recorder_totals(stretches: Sequence[Stretch]) -> tuple[int, int]:
    """(GPS mm, recorder mm) over the stretches that have a legal recorder (rule EL6)."""
    closed = [stretch for stretch in stretches if stretch.recorder_mm is not None]
    return sum(stretch.gps_mm for stretch in closed), sum(stretch.recorder_mm or 0 for stretch in closed)
