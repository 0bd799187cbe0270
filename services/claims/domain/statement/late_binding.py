"""Makes a Statement: the join of device-days with everything the register knows (design section 2)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from hashlib import blake2b

import msgspec

from services.claims.domain.instants import from_ms as instant
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import Timeline
from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.frame import Frame
from services.claims.domain.statement.grounds import Grounds, grounds_of
from services.claims.domain.statement.log_entry import Logged
from services.claims.domain.statement.manual_log import count_log, words
from services.claims.domain.statement.pieces import cut
from services.claims.domain.statement.settle import Book, settle
from services.claims.domain.statement.statement_parts import (
    ClosedOn,
    Line,
    Revision,
    Standing,
    Statement,
    amounts_of,
)
from services.claims.domain.statement.window import ClaimableRange
from shared.contracts.device_day import DeviceDay
from shared.errors import Poison
from shared.nz_days import AUCKLAND, from_ordinal, to_ordinal

_BINDING_ORDER: tuple[ClosedOn, ...] = ("legal_recorder", "device_odometer", "gps")


def make_statement(
    licence: Licence, record: VehicleRecord, revisions: Sequence[Revision], rate_rises: Sequence[date]
) -> Statement:
    """Join and close.  `revisions`: any order; of one (device, day) the highest rev counts; days of other devices are
    ignored; those in which nothing changes may come without segments (`grounds.py`).  Pure and deterministic: the order of
    no input matters.  Raises Poison where the sums do not close, or where a day lacks segments that count."""
    return statement_on(licence, record, grounds_of(licence, record, revisions, rate_rises))


def statement_on(licence: Licence, record: VehicleRecord, stood: Grounds) -> Statement:
    """Likewise, on the grounds of the same licence and record, but for manual log entries, which move no boundary."""
    days = [revision.day for revision in stood.held]
    book = settle(stood.frame, cut(stood.frame.zones, stood.spans, days), stood.travelled)
    log, explained_mm = count_log(book.days, book.lacks, (one for one in record.log if one.licence_id == licence.id))
    book.lack_mm -= explained_mm
    return _signed(_assemble(licence, stood, book, log))


def _assemble(licence: Licence, stood: Grounds, book: Book, log: tuple[Logged, ...]) -> Statement:
    line, window, frame, spans = stood.line, stood.window, stood.frame, stood.spans
    counted = [revision for revision in stood.held if (revision.day.day, revision.day.device) in book.used]
    used = [revision.day for revision in counted]
    totals = book.totals()
    if frame.recorder_mm is not None and not window.empty and totals.counted_mm != frame.recorder_mm:
        raise Poison("ledger_broken", f"its days count {totals.counted_mm} mm, its recorder {frame.recorder_mm} mm")
    driven = [one for one in book.stretches if one.recorder_mm is not None and one.odometer_mm is not None]
    first_ms, last_ms = frame.zones[0].from_ms, frame.zones[-1].until_ms
    return Statement(
        licence_id=licence.id,
        window=window,
        unit=line.recorder.unit,
        unit_mm=line.recorder.unit_mm,
        start=frame.start,
        end=frame.end,
        recorder_mm=0 if window.empty else frame.recorder_mm,
        lines=_lines(used, book, log),
        totals=totals,
        lack_mm=book.lack_mm,
        rest_mm=book.rest_mm,
        uncovered_lack_mm=book.uncovered_lack_mm,
        gps_mm=book.gps_mm,
        drift_mm=sum((s.odometer_mm or 0) - (s.recorder_mm or 0) for s in driven) if driven else None,
        closed_on=tuple(basis for basis in _BINDING_ORDER if basis in book.closed_on),
        stretches=tuple(book.stretches),
        engine_on_ms=sum(day.engine_on_ms for day in used),
        covered_ms=sum(day.covered_ms for day in used),
        spans=spans,
        stands_on=tuple([Standing(one.day.device, one.day.day, one.day.rev, one.content_hash) for one in stood.held]),
        unsettled_days=sum(not day.settled for day in used),
        conflicts=tuple(conflict for conflict in line.conflicts if first_ms <= conflict.ms <= last_ms),
        missing=_missing(window, line, frame),
        log=log,
        over_public=_names(name for one in counted for name in one.over_public_names),
        incidents=_incidents(used, spans, frame),
        labels=line.labels,
        road_sets=_names(day.road_set for day in used),
        lands=_names(day.land for day in used),
        schemes=tuple(sorted({day.scheme for day in used})),
        hash="",
    )


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _lines(used: Sequence[DeviceDay], book: Book, log: Sequence[Logged]) -> tuple[Line, ...]:
    numbers = sorted(book.days)
    fixes = dict.fromkeys(numbers, 0)
    devices: dict[int, tuple[str, ...]] = dict.fromkeys(numbers, ())
    notes: dict[int, list[str]] = defaultdict(list)
    for day in used:
        fixes[day.day] += day.fixes
        devices[day.day] += (day.device,)
        notes[day.day] += day.incidents
        if not day.settled:
            notes[day.day].append(f"{day.device} is not settled yet")
    for one in log:
        notes[to_ordinal(one.entry.on)].append(words(one))
    return tuple(
        [
            Line(
                on=from_ordinal(number),
                amounts=amounts_of(book.days[number]),
                fixes=fixes[number],
                devices=devices[number],
                notes=tuple(notes[number]),
            )
            for number in numbers
        ]
    )


def _missing(window: ClaimableRange, line: Timeline, frame: Frame) -> tuple[str, ...]:
    serial = f"recorder {line.recorder.serial}"
    missing = []
    if not frame.start.between_readings:
        missing.append(f"an actual reading of {serial} at or below {window.start}")
    if not frame.end.between_readings:
        by_event = window.until_ms is not None and frame.end.ms == window.until_ms
        missing.append(
            f"an actual reading of {serial} at or after {window.caused_by}"
            if by_event
            else f"an actual reading of {serial} at or beyond {window.end}"
        )
    return tuple(missing)


def _incidents(used: Sequence[DeviceDay], spans: Sequence[DeviceSpan], frame: Frame) -> tuple[str, ...]:
    """Events of the days, and the times for which no device speaks (what was driven then is unknown)."""
    found = [f"{from_ordinal(day.day)} {day.device}: {text}" for day in used for text in day.incidents]
    at_ms = frame.from_ms
    for span in (*spans, DeviceSpan(frame.until_ms, frame.until_ms, "")):
        until_ms = min(span.from_ms, frame.until_ms)
        if until_ms > at_ms:
            found.append(f"no device spoke for the vehicle from {_minute(at_ms)} to {_minute(until_ms)}")
        at_ms = max(at_ms, span.until_ms)
    return tuple(found)


def _minute(ms: int) -> str:
    return instant(ms).astimezone(AUCKLAND).strftime("%Y-%m-%d %H:%M")


def _signed(statement: Statement) -> Statement:
    """Names the statement by its content; a revision counts by its content too, not by its rev."""
    contents = tuple([Standing(one.device, one.day, 0, one.content_hash) for one in statement.stands_on])
    anonymous = replace(statement, stands_on=contents)
    return replace(statement, hash=blake2b(msgspec.msgpack.encode(anonymous), digest_size=32).hexdigest())
