"""Distance licences: what one covers, and where and when its metres may be claimed (rules LI1-LI4)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.instants import nz_date
from services.claims.domain.register.recorder import LICENCE_UNIT, Recorder, RecorderReading, Timeline, Unit, timeline
from services.claims.domain.register.vehicle import Assignment, Coupling, Ending, Vehicle
from services.claims.domain.statement.log_entry import LogEntry

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
class UnusedAsked:
    """What lies beyond a reading was asked for as unused (rules OT2, OT3, OT4), or refunded."""

    application_id: UUID
    kind: Literal["surrender", "recorder_change", "cancelled_vehicle"]
    from_reading: int
    on: date
    decided: bool


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
    unused_asked: UnusedAsked | None = None

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
    """Raises InvalidLicence with the field to correct: end not after start, a range of an ordinary licence that is not
    units x 1000 km (621 miles), money below zero, another recorder's or vehicle's (rules LI1, VE2)."""
    normalise_number(licence.number)
    if licence.start_reading < 0:
        raise InvalidLicence("start_reading", "a recorder shows no reading below 0")
    if licence.end_reading <= licence.start_reading:
        raise InvalidLicence("end_reading", f"{licence.end_reading} is not after the start {licence.start_reading}")
    if recorder.id != licence.recorder_id or recorder.vehicle_id != licence.vehicle_id:
        raise InvalidLicence("recorder_id", "the recorder belongs to another vehicle or licence")
    for field in ("gross_cents", "credit_cents", "fee_cents"):
        if (getattr(licence, field) or 0) < 0:
            raise InvalidLicence(field, "an amount cannot be below 0")
    if licence.units is not None and licence.units < 1:
        raise InvalidLicence("units", "a licence has at least one unit")
    if licence.kind not in ORDINARY:
        return
    one = LICENCE_UNIT[recorder.unit]
    length = licence.end_reading - licence.start_reading
    if length % one or (licence.units is not None and licence.units * one != length):
        count = licence.units or 1
        units = f"{count} units are {count * one}" if count > 1 else f"a unit is {one}"
        raise InvalidLicence("end_reading", f"the range covers {length} {recorder.unit}, but {units} {recorder.unit}")


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
    log: tuple[LogEntry, ...] = ()
    """Manual log entries of its licences (rule LI8)."""

    def recorder_of(self, licence: Licence) -> Recorder:
        """Raises KeyError when the record lacks it."""
        for recorder in self.recorders:
            if recorder.id == licence.recorder_id:
                return recorder
        raise KeyError(licence.recorder_id)

    def timeline_of(self, licence: Licence) -> Timeline:
        """The licence's recorder with every actual reading, those taken at a sale or surrender among them."""
        return self.line_of(self.recorder_of(licence))

    def line_of(self, recorder: Recorder) -> Timeline:
        """Likewise, of any of its recorders.  A surrender's reading is on its licence's scale, with the turns added."""
        endings = (*self.vehicle.endings, *(one.surrendered for one in self.licences if one.surrendered))
        shown = tuple(
            RecorderReading(recorder_id=ending.recorder_id, at=ending.at, value=_shown(recorder, ending.reading))
            for ending in endings
            if ending.recorder_id is not None and ending.reading is not None
        )
        return timeline(recorder, (*self.readings, *shown))


def _shown(recorder: Recorder, reading: int) -> int:
    return reading % recorder.rollover_at if recorder.rollover_at else reading
