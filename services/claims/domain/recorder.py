"""Distance recorders and their readings (rules VE2, VE3, LI1, DI2, DI3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

RecorderKind = Literal["odometer", "hubodometer"]
Unit = Literal["km", "mi"]
ReadingSource = Literal["person", "inspection", "photo", "provider", "licence_purchase"]

UNIT_MM: Final[dict[Unit, int]] = {"km": 1_000_000, "mi": 1_609_344}
LICENCE_UNIT: Final[dict[Unit, int]] = {"km": 1_000, "mi": 621}
"""What one licence unit covers, in the recorder's own unit (rules LI1, VE2)."""
MM_PER_KM: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """One series of readings.  A changed recorder is another Recorder (rule VE2)."""

    id: UUID
    vehicle_id: UUID
    kind: RecorderKind
    serial: str
    unit: Unit = "km"
    rollover_at: int | None = None
    """The value at which the display starts again from 0 (1000000 on six digits)."""
    fitted_at: datetime
    removed_at: datetime | None = None

    @property
    def unit_mm(self) -> int:
        """One displayed unit in mm: a reading R means [R, R + 1)."""
        return UNIT_MM[self.unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderReading:
    """A displayed whole number of units.  `actual` is False for estimates: they close nothing (rule DI3)."""

    id: UUID | None = None
    recorder_id: UUID
    at: datetime
    value: int
    source: ReadingSource = "person"
    actual: bool = True
    label: str = ""
    """Printed on reports, e.g. "demo"."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """An actual reading on the unwrapped series."""

    ms: int
    units: int
    """Units since the display was 0, rollovers added."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A recorder's actual readings in order of time, never falling."""

    recorder: Recorder
    points: tuple[Point, ...]
    conflicts: tuple[str, ...] = ()
    """Readings that contradict each other, in words; neither of such a pair is used."""
    labels: tuple[str, ...] = ()


def timeline(recorder: Recorder, readings: Sequence[RecorderReading]) -> Timeline:
    """Actual readings of this recorder, any order, other recorders' ignored → the unwrapped series.  A value below the
    one before it is a rollover where the recorder has one and less than half the display was travelled; else both
    readings contradict each other and neither is used (the smaller claim wins).  The same instant with two values: as well."""
    raise NotImplementedError
