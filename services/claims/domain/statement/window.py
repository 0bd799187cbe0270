"""Where and when a licence's metres may be claimed (rules LI1-LI4, EL5; Act s 31, s 86)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

from services.claims.domain.instants import add_months, nz_date, nz_midnight_ms, to_ms
from services.claims.domain.register.licence import ORDINARY, Licence, VehicleRecord
from services.claims.domain.register.recorder import Timeline, unwrapped
from services.claims.domain.register.vehicle import Ending, EndingKind

EndCause = Literal[
    "used_up", "overlap", "sale", "deregistration", "exemption", "surrender", "recorder_change", "rate_rise"
]
_ENDING_CAUSE: Final[dict[EndingKind, EndCause]] = {
    "sold": "sale",
    "deregistered": "deregistration",
    "exempt": "exemption",
    "surrendered": "surrender",
}
_RANK: Final[tuple[EndCause, ...]] = (
    "used_up",
    "sale",
    "deregistration",
    "exemption",
    "surrender",
    "overlap",
    "recorder_change",
    "rate_rise",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimableRange:
    """Rule LI2: metres count with the display in (start, end] and the instant in [from_ms, until_ms)."""

    start: int
    end: int
    """Recorder units, rollovers added (services.claims.domain.register.recorder.unwrapped)."""
    from_ms: int
    until_ms: int | None
    """None: no event bounds it, only the reading does."""
    cause: EndCause
    """What ends it first."""
    caused_by: str
    """The event in words that follow "ended by", e.g. "licence 0012346, which starts at 4250"."""

    @property
    def empty(self) -> bool:
        return self.end <= self.start or (self.until_ms is not None and self.until_ms <= self.from_ms)


class _Event(NamedTuple):
    """Ends a licence at a reading, an instant, or both."""

    cause: EndCause
    units: int | None
    at_ms: int | None
    text: str


def full_range(licence: Licence, line: Timeline) -> tuple[int, int]:
    """(start, end] as bought, on the unwrapped series."""
    start = unwrapped(line, licence.start_reading, licence.issued_at)
    return start, start + licence.end_reading - licence.start_reading


def claimable_range(licence: Licence, record: VehicleRecord, rate_rises: Sequence[date]) -> ClaimableRange:
    """The licence's range cut by whatever ends it first: an overlapping later ordinary licence (LI3), sale, cancelled
    registration, exemption, surrender, a changed recorder, and for a heavy vehicle one month after a rate rise (s 86).
    An additional licence claims nothing and ends nothing (LI1)."""
    line = record.timeline_of(licence)
    start, end = full_range(licence, line)
    from_ms = to_ms(licence.issued_at)
    whole = ClaimableRange(
        start=start, end=end, from_ms=from_ms, until_ms=None, cause="used_up", caused_by=f"its end reading {end}"
    )
    if licence.kind not in ORDINARY:
        return replace(whole, end=start, caused_by="an additional licence claims nothing")
    events = sorted(_events(licence, record, line, rate_rises), key=_precedence)
    for event in events:
        if event.units is not None and event.units < whole.end:
            whole = replace(whole, end=event.units, until_ms=event.at_ms, cause=event.cause, caused_by=event.text)
    used_up_ms = next((point.ms for point in line.points if point.units >= whole.end), None)
    for event in events:
        if event.units is not None or event.at_ms is None or (used_up_ms is not None and used_up_ms <= event.at_ms):
            continue
        if whole.until_ms is None or event.at_ms < whole.until_ms:
            whole = replace(whole, until_ms=event.at_ms, cause=event.cause, caused_by=event.text)
    return whole


def _precedence(event: _Event) -> tuple[int, int, bool, int, str]:
    """Fixed, so that the order of the register's rows never matters; of equals the more telling cause comes first."""
    units = -1 if event.units is None else event.units
    return (units, _RANK.index(event.cause), event.at_ms is None, event.at_ms or 0, event.text)


def _events(licence: Licence, record: VehicleRecord, line: Timeline, rate_rises: Sequence[date]) -> Iterator[_Event]:
    start, end = full_range(licence, line)
    for other in record.licences:
        if _bought_later(other, licence) and other.recorder_id == licence.recorder_id:
            other_start, other_end = full_range(other, line)
            if other_start < end and other_end > start:
                text = f"licence {other.number}, which starts at {other_start}"
                yield _Event("overlap", other_start, None, text)
    for ending in (*record.vehicle.endings, *((licence.surrendered,) if licence.surrendered else ())):
        at = _ends_at(ending, licence)
        if at is None:
            continue
        cause: EndCause = "surrender" if ending is licence.surrendered else _ENDING_CAUSE[ending.kind]
        shown = ending.recorder_id == licence.recorder_id and ending.reading is not None
        units = unwrapped(line, ending.reading, ending.at) if shown and ending.reading is not None else None
        read = f" at {units}" if units is not None else ""
        yield _Event(cause, units, to_ms(at), f"{cause} on {nz_date(ending.at)}{read}")
    yield from _recorder_change(licence, line)
    yield from _unused(licence, start)
    if record.vehicle.heavy(licence.gross_kg):
        known = record.vehicle.gross_kg is not None or licence.gross_kg is not None
        unless = "" if known else ": its weight is not known and counts as heavy until it is entered"
        for rise in rate_rises:
            if licence.purchased_on < rise:
                dies_on = add_months(rise, 1)
                text = f"the rate rise of {rise}, one month later (Act s 86){unless}"
                yield _Event("rate_rise", None, nz_midnight_ms(dies_on), text)


def _ends_at(ending: Ending, licence: Licence) -> datetime | None:
    """None: it was over before the licence was issued.  One that was issued while the vehicle was exempt never begins (LI2,
    VE5), also where the exemption was recorded after it."""
    if ending.at >= licence.issued_at:
        return ending.at
    exempt = ending.kind == "exempt" and (ending.until is None or licence.issued_at < ending.until)
    return licence.issued_at if exempt else None


def _recorder_change(licence: Licence, line: Timeline) -> Iterator[_Event]:
    """A removed recorder ends the range at its last actual reading: what it counted afterwards nobody has read."""
    recorder = line.recorder
    if recorder.removed_at is None or recorder.removed_at < licence.issued_at:
        return
    removed_ms = to_ms(recorder.removed_at)
    text = f"the removal of recorder {recorder.serial} on {nz_date(recorder.removed_at)}"
    last = next((point for point in reversed(line.points) if point.ms <= removed_ms), None)
    if last is None:
        yield _Event("recorder_change", None, removed_ms, text)
    else:
        yield _Event("recorder_change", last.units, removed_ms, f"{text} at {last.units}")


def _unused(licence: Licence, start: int) -> Iterator[_Event]:
    """What is asked for as unused, or was refunded, was not travelled by the holder's own word: no later reading of the
    recorder lets a claim reach into it (rules OT3, OT4; Act s 35).  A surrender ends the range by itself."""
    asked = licence.unused_asked
    if asked is None or asked.kind == "surrender":
        return
    cause: EndCause = "recorder_change" if asked.kind == "recorder_change" else "deregistration"
    text = f"the application for what is unused of it from {asked.from_reading} on"
    yield _Event(cause, start + asked.from_reading - licence.start_reading, None, text)


def _bought_later(other: Licence, licence: Licence) -> bool:
    return other.id != licence.id and other.kind in ORDINARY and _purchase_order(other) > _purchase_order(licence)


def _purchase_order(licence: Licence) -> tuple[datetime, int, str, str]:
    return (licence.issued_at, licence.start_reading, licence.number, str(licence.id))


def newer_licence(licence: Licence, record: VehicleRecord) -> Licence | None:
    """The first ordinary licence bought for the vehicle after this one (form note 7): further on the same recorder, or
    issued later on another.  None where there is none."""
    line = record.timeline_of(licence)
    _, end = full_range(licence, line)

    def newer(other: Licence) -> bool:
        if other.id == licence.id or other.kind not in ORDINARY or other.vehicle_id != licence.vehicle_id:
            return False
        if other.recorder_id == licence.recorder_id:
            return full_range(other, line)[1] > end
        return other.issued_at > licence.issued_at

    return min(filter(newer, record.licences), key=_purchase_order, default=None)
