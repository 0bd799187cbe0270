"""Distance recorders and their readings (rules VE2, VE3, LI1, DI2, DI3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.claims.domain.instants import from_ms, nz_date, to_ms

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


class Point(NamedTuple):
    """An actual reading on the unwrapped series."""

    ms: int
    units: int
    """Units since the display was 0, rollovers added."""


class Conflict(NamedTuple):
    """Two readings that cannot both be right; neither is used."""

    ms: int
    """Of the later one."""
    other_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A recorder's actual readings in order of time, never falling."""

    recorder: Recorder
    points: tuple[Point, ...]
    conflicts: tuple[Conflict, ...] = ()
    labels: tuple[str, ...] = ()


def timeline(recorder: Recorder, readings: Sequence[RecorderReading]) -> Timeline:
    """Actual readings of this recorder, any order, other recorders' ignored → the unwrapped series.  A value below the
    one before it is a rollover where the recorder has one and less than half the display was travelled; else both
    readings contradict each other and neither is used (the smaller claim wins).  The same instant with two values: as
    well."""
    mine = [reading for reading in readings if reading.recorder_id == recorder.id and reading.actual]
    labels = tuple(sorted({reading.label for reading in mine if reading.label}))
    kept: list[tuple[Point, int]] = []
    conflicts: list[Conflict] = []
    wraps = 0
    ordered = sorted({(to_ms(reading.at), reading.value) for reading in mine})
    for ms, group in groupby(ordered, key=lambda pair: pair[0]):
        values = [value for _, value in group]
        if len(values) > 1:
            conflicts.append(Conflict(ms, ms, f"{_on(ms)} shows {' and '.join(map(str, values))} at the same instant"))
            continue
        units = values[0] + wraps * (recorder.rollover_at or 0)
        if kept and units < kept[-1][0].units and recorder.rollover_at:
            turned = units + recorder.rollover_at
            if turned - kept[-1][0].units < recorder.rollover_at // 2:
                units = turned
                wraps += 1
        if kept and units < kept[-1][0].units:
            before, _ = kept.pop()
            wraps = kept[-1][1] if kept else 0
            text = f"{units} on {_on(ms)} is below {before.units} on {_on(before.ms)}"
            conflicts.append(Conflict(ms, before.ms, text))
            continue
        kept.append((Point(ms, units), wraps))
    return Timeline(recorder, tuple(point for point, _ in kept), tuple(conflicts), labels)


def _on(ms: int) -> str:
    return nz_date(from_ms(ms)).isoformat()


def unwrapped(line: Timeline, value: int, at: datetime) -> int:
    """A displayed value at an instant on the unwrapped series: with the number of rollovers that brings it closest to the
    actual reading nearest in time.  Without a rollover or without readings: the value itself."""
    rollover_at = line.recorder.rollover_at
    if not rollover_at or not line.points:
        return value
    ms = to_ms(at)
    near = min(line.points, key=lambda point: (abs(point.ms - ms), point.ms))
    return value + max(0, (near.units - value + rollover_at // 2) // rollover_at) * rollover_at
