"""Makes a Statement: the join of device-days with everything the register knows (design section 2)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from hashlib import blake2b

import msgspec

from services.claims.domain.frame import Frame, make_frame
from services.claims.domain.instants import from_ms as instant
from services.claims.domain.licence import Licence, VehicleRecord
from services.claims.domain.log_entry import Logged
from services.claims.domain.manual_log import count_log, words
from services.claims.domain.pieces import active, cut
from services.claims.domain.recorder import Timeline
from services.claims.domain.settle import Book, settle
from services.claims.domain.statement_parts import (
    OVER_PUBLIC,
    ClosedOn,
    EvidencePeriod,
    Line,
    Revision,
    Standing,
    Statement,
    amounts_of,
)
from services.claims.domain.travel import travel
from services.claims.domain.vehicle import DeviceSpan, device_spans
from services.claims.domain.window import ClaimableRange, claimable_range
from shared.contracts.device_day import DeviceDay
from shared.errors import Fatal
from shared.nz_days import AUCKLAND, day_of, from_ordinal, to_ordinal

_BINDING_ORDER: tuple[ClosedOn, ...] = ("legal_recorder", "device_odometer", "gps")


def evidence_period(
    licence: Licence, record: VehicleRecord, rate_rises: Sequence[date], until_ms: int
) -> EvidencePeriod:
    """Which device-days a statement may need: from the last actual reading at or below the start to the first at or beyond
    the end, else from the issue and to `until_ms` (the present; it only limits what is loaded)."""
    line = record.timeline_of(licence)
    window = claimable_range(licence, record, rate_rises)
    from_ms, end_ms = _bracket(window, line)
    last_ms = max(from_ms + 1, end_ms if end_ms is not None else until_ms)
    spans = device_spans(licence.vehicle_id, from_ms, last_ms, record.assignments, record.couplings)
    wanted = {(span.device, day_of(span.from_ms), day_of(span.until_ms - 1)) for span in spans}
    return EvidencePeriod(from_ms, last_ms, spans, tuple(sorted(wanted)))


def _bracket(window: ClaimableRange, line: Timeline) -> tuple[int, int | None]:
    """Actual readings round the range; None: none at or beyond its end."""
    points = line.points
    equal = [point.ms for point in points if point.units == window.start]
    below = [point.ms for point in points if point.units < window.start]
    unread = min([window.from_ms, *(point.ms for point in points[:1])])
    ends = [point.ms for point in points if point.units >= window.end]
    if window.until_ms is not None:
        ends.extend(point.ms for point in points if point.ms >= window.until_ms)
        if not ends:
            ends.append(window.until_ms)
    return equal[0] if equal else below[-1] if below else unread, min(ends, default=None)


def make_statement(
    licence: Licence, record: VehicleRecord, revisions: Sequence[Revision], rate_rises: Sequence[date]
) -> Statement:
    """Join and close.  `revisions`: any order; of one (device, day) the highest rev counts; days of other devices are
    ignored.  Pure and deterministic: the order of no input matters.  Raises Fatal where the sums do not close."""
    line = record.timeline_of(licence)
    window = claimable_range(licence, record, rate_rises)
    from_ms, end_ms = _bracket(window, line)
    last_ms = max([from_ms + 1, end_ms]) if end_ms is not None else _horizon(from_ms, line, revisions)
    spans = device_spans(licence.vehicle_id, from_ms, last_ms, record.assignments, record.couplings)
    held = _held(revisions, spans)
    days = [revision.day for revision in held]
    travelled = travel(spans, days)
    frame = make_frame(window, line, travelled, from_ms, last_ms)
    book = settle(frame, list(cut(frame.zones, spans, days)), travelled)
    log, explained_mm = count_log(book.days, book.lacks, (one for one in record.log if one.licence_id == licence.id))
    book.lack_mm -= explained_mm
    statement = _assemble(licence, line, window, frame, spans, held, book, log)
    return _signed(statement)


def _horizon(from_ms: int, line: Timeline, revisions: Sequence[Revision]) -> int:
    """A licence that is still running ends, for now, with the last thing known."""
    ends = [active(revision.day)[1] + 1 for revision in revisions]
    return max([from_ms + 1, *(point.ms for point in line.points[-1:]), *ends])


def _held(revisions: Sequence[Revision], spans: Sequence[DeviceSpan]) -> list[Revision]:
    """The revision that counts of each device-day of the spans, in order."""
    of_device: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for span in spans:
        of_device[span.device].append((day_of(span.from_ms), day_of(span.until_ms - 1)))
    latest: dict[tuple[int, str], Revision] = {}
    for revision in revisions:
        day = revision.day
        if not any(first <= day.day <= last for first, last in of_device.get(day.device, ())):
            continue
        known = latest.get((day.day, day.device))
        if known is None or known.day.rev < day.rev:
            latest[day.day, day.device] = revision
    return [latest[key] for key in sorted(latest)]


def _assemble(
    licence: Licence,
    line: Timeline,
    window: ClaimableRange,
    frame: Frame,
    spans: tuple[DeviceSpan, ...],
    held: Sequence[Revision],
    book: Book,
    log: tuple[Logged, ...],
) -> Statement:
    used = [revision.day for revision in held if (revision.day.day, revision.day.device) in book.used]
    totals = book.totals()
    if frame.recorder_mm is not None and not window.empty and totals.counted_mm != frame.recorder_mm:
        raise Fatal(f"licence {licence.id} counts {totals.counted_mm} mm, its recorder {frame.recorder_mm}")
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
        gps_mm=book.gps_mm,
        drift_mm=sum((s.odometer_mm or 0) - (s.recorder_mm or 0) for s in driven) if driven else None,
        closed_on=tuple(basis for basis in _BINDING_ORDER if basis in book.closed_on),
        stretches=tuple(book.stretches),
        engine_on_ms=sum(day.engine_on_ms for day in used),
        covered_ms=sum(day.covered_ms for day in used),
        spans=spans,
        stands_on=tuple(Standing(one.day.device, one.day.day, one.day.rev, one.content_hash) for one in held),
        unsettled_days=sum(not day.settled for day in used),
        conflicts=tuple(conflict for conflict in line.conflicts if first_ms <= conflict.ms <= last_ms),
        missing=_missing(window, line, frame),
        log=log,
        over_public=_names(
            one.why.partition(": ")[2] or one.why for day in used for one in day.segments if one.basis == OVER_PUBLIC
        ),
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
    of_day: dict[int, list[DeviceDay]] = defaultdict(list)
    for day in used:
        of_day[day.day].append(day)
    noted: dict[int, list[str]] = {number: [] for number in book.days}
    for one in log:
        if (number := to_ordinal(one.entry.on)) in noted:
            noted[number].append(words(one))
    return tuple(
        Line(
            on=from_ordinal(number),
            amounts=amounts_of((book.days[number],)),
            fixes=sum(day.fixes for day in days),
            devices=tuple(sorted(day.device for day in days)),
            notes=(
                *(
                    note
                    for day in days
                    for note in (*day.incidents, *(() if day.settled else (f"{day.device} is not settled yet",)))
                ),
                *notes,
            ),
        )
        for number, notes in sorted(noted.items())
        for days in (of_day[number],)
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
    anonymous = replace(statement, stands_on=tuple(one._replace(rev=0) for one in statement.stands_on))
    return replace(statement, hash=blake2b(msgspec.msgpack.encode(anonymous), digest_size=32).hexdigest())
