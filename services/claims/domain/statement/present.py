"""Where a vehicle's recorder stands now, how the vehicle travelled lately, whichever licence it was driven on, and what of its
licences lies ahead (rules LI2, LI6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from services.claims.domain.instants import from_ms, nz_date, nz_midnight_ms
from services.claims.domain.register.licence import ORDINARY, Licence, VehicleRecord
from services.claims.domain.register.recorder import Timeline
from services.claims.domain.register.vehicle import DeviceSpan, device_spans
from services.claims.domain.statement.boundary import locate_instant
from services.claims.domain.statement.travel import Travel, travel
from services.claims.domain.statement.window import full_range
from shared.contracts.device_day import DeviceDay

USAGE_DAYS: Final = 30
LOOK_BACK_MS: Final = 400 * 86_400_000
"""What the devices measured since the last reading is asked for that far: a vehicle that is used is read more often than once a
year, with every licence that is bought."""


class Usage(NamedTuple):
    """Recorder distance over whole NZ days that end the day before the question."""

    mm: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    position_mm: int
    """On the recorder's series: its last reading and what the devices measured since."""
    usage: Usage


def present_spans(licence: Licence, record: VehicleRecord, now_ms: int) -> tuple[DeviceSpan, ...] | None:
    """The devices whose days `present` needs; None where nothing is ahead: an additional licence, a recorder that was never
    read, a licence that was passed and is followed by another."""
    line = record.timeline_of(licence)
    if licence.kind not in ORDINARY or not line.points:
        return None
    last = line.points[-1]
    if last.units >= full_range(licence, line)[1] and follower(licence, record) is not None:
        return None
    month_ms = _month_before(now_ms)
    before = max((point.ms for point in line.points if point.ms <= month_ms), default=line.points[0].ms)
    since = max(
        before, now_ms - LOOK_BACK_MS
    )  # from reading to reading, so that the month's part of one stretch is known
    return device_spans(licence.vehicle_id, since, now_ms, record.assignments, record.couplings)


def present(
    licence: Licence, record: VehicleRecord, spans: Sequence[DeviceSpan], days: Sequence[DeviceDay], now_ms: int
) -> Present:
    """`days`: of the spans and others, one revision a (device, day), with or without segments."""
    line = record.timeline_of(licence)
    travelled = travel(spans, days)
    today = nz_date(from_ms(now_ms))
    begin_ms, until_ms = max(_month_before(now_ms), line.points[0].ms), nz_midnight_ms(today)
    driven_mm = _position_mm(line, travelled, until_ms) - _position_mm(line, travelled, begin_ms)
    usage = Usage(max(0, driven_mm), max(1, (today - nz_date(from_ms(begin_ms))).days))
    return Present(position_mm=_position_mm(line, travelled, now_ms), usage=usage)


def follower(licence: Licence, record: VehicleRecord) -> Licence | None:
    """An ordinary licence of the recorder that reaches further and begins no later than this one ends."""
    line = record.timeline_of(licence)
    _, end = full_range(licence, line)
    return next((one for one, (start, until) in _others(licence, record, line) if start <= end < until), None)


def licensed_until(record: VehicleRecord, line: Timeline, units: int) -> int:
    """How far ordinary licences of the recorder reach without a hole from a reading on; that reading where none covers it."""
    ranges = sorted(full_range(one, line) for one in record.licences if _of(one, line))
    at = units
    for start, end in ranges:
        if start <= at < end:
            at = end
    return at


def licensed_before(licence: Licence, record: VehicleRecord) -> int | None:
    """Where the furthest ordinary licence ends that begins before this one; None: the register knows none."""
    line = record.timeline_of(licence)
    start, _ = full_range(licence, line)
    return max((end for _, (begin, end) in _others(licence, record, line) if begin < start), default=None)


def _others(licence: Licence, record: VehicleRecord, line: Timeline) -> list[tuple[Licence, tuple[int, int]]]:
    """The recorder's other ordinary licences, each with its range as it was bought."""
    return [(one, full_range(one, line)) for one in record.licences if _of(one, line) and one.id != licence.id]


def _of(one: Licence, line: Timeline) -> bool:
    return one.kind in ORDINARY and one.recorder_id == line.recorder.id


def _month_before(now_ms: int) -> int:
    return nz_midnight_ms(nz_date(from_ms(now_ms)) - timedelta(days=USAGE_DAYS))


def _position_mm(line: Timeline, travelled: Travel, ms: int) -> int:
    found = locate_instant(ms, line, travelled)
    if found is not None and found.position_mm is not None:
        return found.position_mm
    near = line.points[0] if ms < line.points[0].ms else line.points[-1]
    return near.units * line.recorder.unit_mm + travelled.between(near.ms, max(near.ms, ms))
