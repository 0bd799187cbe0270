"""A recorder's life on one line: its readings, how far the devices say the vehicle went between them, the licences along it,
and what no licence and no device covers (rules VE2, VE3, LI2, DI2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Literal
from uuid import UUID

from services.claims.domain.instants import from_ms, to_ms
from services.claims.domain.register.licence import ORDINARY, VehicleRecord
from services.claims.domain.register.recorder import Recorder, RecorderReading
from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.travel import Travel
from services.claims.domain.statement.window import claimable_range


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A reading and where it stands."""

    reading_id: UUID | None
    """None: taken with a sale or a cancelled registration."""
    at: datetime
    value: int
    units: int | None
    """On the series, rollovers added; None: not used, since it contradicts another or closes nothing."""
    source: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Two neighbouring readings of the series."""

    from_at: datetime
    until_at: datetime
    recorder_mm: int
    device_mm: int | None
    """What the devices measured; None where they do not speak for all of the time."""
    measured_by: Literal["odometer", "gps"] | None
    unheard_ms: int
    """Time for which no device speaks."""

    @property
    def drift_mm(self) -> int | None:
        """Devices less recorder (rule DI2)."""
        return None if self.device_mm is None else self.device_mm - self.recorder_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """A licence on the series, (start, end]."""

    licence_id: UUID
    number: str
    kind: str
    start: int
    end: int
    """Where it ends to be claimable."""
    bought_until: int
    cause: str
    caused_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlicensed:
    """(start, end] of the series, driven or to be driven without a licence (rule LI2)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderTimeline:
    recorder: Recorder
    readings: tuple[Shown, ...]
    between: tuple[Between, ...]
    licences: tuple[Along, ...]
    unlicensed: tuple[Unlicensed, ...]
    conflicts: tuple[str, ...]


def recorder_timeline(
    recorder: Recorder,
    record: VehicleRecord,
    spans: Sequence[DeviceSpan],
    travelled: Travel,
    rate_rises: Sequence[date],
) -> RecorderTimeline:
    """`spans` and `travelled`: of the vehicle over the times between its readings, as far as they are asked for."""
    line = record.line_of(recorder)
    licences = tuple(sorted(_along(recorder, record, rate_rises), key=lambda one: (one.start, one.number)))
    return RecorderTimeline(
        recorder=recorder,
        readings=tuple(_shown(recorder, record)),
        between=tuple(
            _between(recorder, one.ms, two.ms, two.units - one.units, spans, travelled)
            for one, two in pairwise(line.points)
        ),
        licences=licences,
        unlicensed=tuple(_unlicensed(licences, [point.units for point in line.points])),
        conflicts=tuple(conflict.text for conflict in line.conflicts),
    )


def _shown(recorder: Recorder, record: VehicleRecord) -> Iterator[Shown]:
    used = {point.ms: point.units for point in record.line_of(recorder).points}
    taken = [reading for reading in record.readings if reading.recorder_id == recorder.id]
    ended = [
        RecorderReading(recorder_id=recorder.id, at=one.at, value=one.reading)
        for one in record.vehicle.endings
        if one.recorder_id == recorder.id and one.reading is not None
    ]
    known = {(to_ms(one.at), one.value) for one in taken}
    extra = [one for one in ended if (to_ms(one.at), one.value) not in known]
    for one in sorted((*taken, *extra), key=lambda one: (one.at, one.value)):
        units = used.get(to_ms(one.at)) if one.actual else None
        yield Shown(
            reading_id=one.id, at=one.at, value=one.value, units=units, source=one.source, label=one.label
        )  # fmt: skip


def _between(
    recorder: Recorder, from_ms_: int, until_ms: int, units: int, spans: Sequence[DeviceSpan], travelled: Travel
) -> Between:
    heard = sum(max(0, min(until_ms, span.until_ms) - max(from_ms_, span.from_ms)) for span in spans)
    unheard = until_ms - from_ms_ - heard
    return Between(
        from_at=from_ms(from_ms_),
        until_at=from_ms(until_ms),
        recorder_mm=units * recorder.unit_mm,
        device_mm=None if unheard else travelled.between(from_ms_, until_ms),
        measured_by=None if unheard else "odometer" if travelled.by_odometer else "gps",
        unheard_ms=unheard,
    )


def _along(recorder: Recorder, record: VehicleRecord, rate_rises: Sequence[date]) -> Iterator[Along]:
    for licence in record.licences:
        if licence.recorder_id == recorder.id:
            window = claimable_range(licence, record, rate_rises)
            yield Along(
                licence_id=licence.id,
                number=licence.number,
                kind=licence.kind,
                start=window.start,
                end=window.end,
                bought_until=window.start + licence.end_reading - licence.start_reading,
                cause=window.cause,
                caused_by=window.caused_by,
            )


def _unlicensed(licences: Sequence[Along], units: Sequence[int]) -> Iterator[Unlicensed]:
    """Between the first reading and the last."""
    if not units:
        return
    at, last = units[0], units[-1]
    for one in licences:
        if one.kind in ORDINARY:
            if at < min(one.start, last):
                yield Unlicensed(start=at, end=min(one.start, last))
            at = max(at, one.bought_until)
    if at < last:
        yield Unlicensed(start=at, end=last)
