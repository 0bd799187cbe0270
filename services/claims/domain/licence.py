"""Distance licences: what one covers, and where and when its metres may be claimed (rules LI1-LI4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.instants import nz_date
from services.claims.domain.recorder import LICENCE_UNIT, Recorder, RecorderReading, Unit
from services.claims.domain.vehicle import Assignment, Coupling, Ending, Vehicle

LicenceKind = Literal["D", "H", "additional"]
ORDINARY: Final = frozenset({"D", "H"})
EndCause = Literal[
    "used_up", "overlap", "sale", "deregistration", "exemption", "surrender", "recorder_change", "rate_rise"
]


class InvalidLicence(ValueError):
    """The licence cannot be what its paper says.  `field` names what to correct."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def normalise_number(text: str) -> str:
    """Letters and digits in upper case: what must be unique in a tenant (rule LI4).  The format is nowhere published, so
    it stays opaque.  Raises InvalidLicence where nothing is left."""
    number = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if not number:
        raise InvalidLicence("number", "a licence number needs at least one letter or digit")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """One paper licence.  Readings are in the recorder's own units, money in cents."""

    id: UUID
    claimant_id: UUID
    vehicle_id: UUID
    recorder_id: UUID
    number: str
    kind: LicenceKind = "D"
    start_reading: int
    end_reading: int
    """Covers (start_reading, end_reading] (rule LI1)."""
    issued_at: datetime
    purchased_on: date
    units: int | None = None
    """Of 1000 km, or 621 miles.  None: derived from the range."""
    gross_cents: int | None = None
    """What the units cost before credit and fee (rule LI5)."""
    credit_cents: int = 0
    fee_cents: int = 0
    ruc_type: str | None = None
    gross_kg: int | None = None
    plate_at_issue: str = ""
    surrendered: Ending | None = None
    """Only `at`, `recorder_id` and `reading` count."""

    @property
    def issued_on(self) -> date:
        return nz_date(self.issued_at)


def units_of(licence: Licence, unit: Unit) -> int | None:
    """Licence units: as written, else the range over one unit where it divides exactly."""
    if licence.units is not None:
        return licence.units
    whole, rest = divmod(licence.end_reading - licence.start_reading, LICENCE_UNIT[unit])
    return whole if rest == 0 else None


def check_licence(licence: Licence, recorder: Recorder) -> None:
    """Raises InvalidLicence with the field to correct: end not after start, a range that is not units x 1000 km (621 miles)
    of an ordinary licence, money below zero, another recorder's or vehicle's (rules LI1, VE2)."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleRecord:
    """Everything about one vehicle that late binding joins, each tuple in any order."""

    vehicle: Vehicle
    recorders: tuple[Recorder, ...]
    readings: tuple[RecorderReading, ...]
    licences: tuple[Licence, ...]
    """All of the vehicle, the asked one among them."""
    assignments: tuple[Assignment, ...]
    """Of the vehicle and of every vehicle that towed it."""
    couplings: tuple[Coupling, ...] = ()

    def recorder_of(self, licence: Licence) -> Recorder:
        """Raises KeyError when the record lacks it."""
        for recorder in self.recorders:
            if recorder.id == licence.recorder_id:
                return recorder
        raise KeyError(licence.recorder_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimableRange:
    """Rule LI2: metres count with the display in (start, end] and the instant in [from_ms, until_ms)."""

    start: int
    end: int
    from_ms: int
    until_ms: int | None
    """None: no event bounds it, only the reading does."""
    cause: EndCause
    """What ends it first."""
    caused_by: str
    """The event in words, e.g. "licence 0012346 starts at 4250"."""

    @property
    def empty(self) -> bool:
        return self.end <= self.start or (self.until_ms is not None and self.until_ms <= self.from_ms)


def claimable_range(licence: Licence, record: VehicleRecord, rate_rises: Sequence[date]) -> ClaimableRange:
    """The licence's range cut by whatever ends it first: an overlapping later ordinary licence (LI3), sale, cancelled
    registration, exemption, surrender, a changed recorder, and for a heavy vehicle one month after a rate rise (s 86).
    An additional licence claims nothing and ends nothing (LI1)."""
    raise NotImplementedError


def newer_licence(licence: Licence, record: VehicleRecord) -> Licence | None:
    """The first ordinary licence bought for the vehicle after this one (form note 7): further on the same recorder, or
    issued later on another.  None where there is none."""
    raise NotImplementedError


def range_conflicts(record: VehicleRecord, rate_rises: Sequence[date]) -> tuple[tuple[UUID, UUID], ...]:
    """Pairs of licences of one recorder whose claimable ranges overlap (rule LI4), each once, in a stable order."""
    raise NotImplementedError
