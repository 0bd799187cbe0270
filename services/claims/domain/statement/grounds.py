"""What a statement stands on before anything is counted: the licence's window, the devices that speak for the vehicle with
their days, and where the range begins and ends in time (design section 2, "Late binding").

A day in which nothing changes joins by its totals and ends, so most days are looked at without their segments and hourly
readings.  `wanted_whole` tells which days are needed whole: load those, and ask again, until it names none.  Then every day
that a boundary touches is whole, and no boundary moves any more, whatever the inside of the others is (a property test)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import Timeline
from services.claims.domain.register.vehicle import DeviceSpan, device_spans
from services.claims.domain.statement.frame import Frame, make_frame
from services.claims.domain.statement.pieces import active
from services.claims.domain.statement.statement_parts import OVER_PUBLIC, EvidencePeriod, Revision
from services.claims.domain.statement.travel import Travel, travel
from services.claims.domain.statement.window import ClaimableRange, claimable_range
from shared.nz_days import day_of


@dataclass(frozen=True, slots=True)
class Grounds:
    line: Timeline
    window: ClaimableRange
    spans: tuple[DeviceSpan, ...]
    held: tuple[Revision, ...]
    """The revision that counts of each device-day of the spans, in order."""
    travelled: Travel
    frame: Frame


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
    known = {from_ms, last_ms, window.from_ms, *(point.ms for point in line.points)}
    touched = days_at({edge for edge in known if from_ms <= edge <= last_ms} | edges_of(spans))
    whole = {(device, day) for device, first, last in wanted for day in touched if first <= day <= last}
    return EvidencePeriod(from_ms, last_ms, spans, tuple(sorted(wanted)), tuple(sorted(whole)))


def grounds_of(
    licence: Licence, record: VehicleRecord, revisions: Sequence[Revision], rate_rises: Sequence[date]
) -> Grounds:
    """`revisions`: any order; of one (device, day) the highest rev counts; days of other devices are ignored."""
    line = record.timeline_of(licence)
    window = claimable_range(licence, record, rate_rises)
    from_ms, end_ms = _bracket(window, line)
    last_ms = max([from_ms + 1, end_ms]) if end_ms is not None else _horizon(from_ms, line, revisions)
    spans = device_spans(licence.vehicle_id, from_ms, last_ms, record.assignments, record.couplings)
    held = _held(revisions, spans)
    travelled = travel(spans, [revision.day for revision in held])
    return Grounds(line, window, spans, held, travelled, make_frame(window, line, travelled, from_ms, last_ms))


def wanted_whole(found: Grounds, revisions: Sequence[Revision]) -> list[tuple[str, int]]:
    """(device, day) of those among `revisions`, from which `found` was made, that came without segments and readings and are
    needed with them: a boundary, an actual reading, the end of a device's time or the last thing known lies in them, or they
    hold names that only segments know (rule SU7)."""
    frame = found.frame
    placed = [at for end in (frame.start, frame.end) for at in (end.ms, *(end.band_ms or ())) if at is not None]
    edges = {zone.from_ms for zone in frame.zones} | {frame.zones[-1].until_ms, frame.from_ms, frame.until_ms, *placed}
    touched = days_at(edges | edges_of(found.spans))
    return [
        (one.day.device, one.day.day)
        for one in revisions
        if (one.day.day in touched or _nameless(one)) and one.left_out
    ]


def edges_of(spans: Sequence[DeviceSpan]) -> set[int]:
    return {edge for span in spans for edge in (span.from_ms, span.until_ms)}


def days_at(edges: Iterable[int]) -> set[int]:
    """The days in which an instant lies; a midnight touches both of its days."""
    return {day_of(edge - before) for edge in edges for before in (0, 1)}


def _nameless(one: Revision) -> bool:
    return one.over_public is None and any(total.basis == OVER_PUBLIC for total in one.day.totals)


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


def _horizon(from_ms: int, line: Timeline, revisions: Sequence[Revision]) -> int:
    """A licence that is still running ends, for now, with the last thing known."""
    ends = [active(revision.day)[1] + 1 for revision in revisions]
    return max([from_ms + 1, *(point.ms for point in line.points[-1:]), *ends])


def _held(revisions: Sequence[Revision], spans: Sequence[DeviceSpan]) -> tuple[Revision, ...]:
    asked: dict[str, set[int]] = defaultdict(set)
    for span in spans:
        asked[span.device].update(range(day_of(span.from_ms), day_of(span.until_ms - 1) + 1))
    latest: dict[tuple[int, str], Revision] = {}
    for revision in revisions:
        day = revision.day
        if day.day in asked.get(day.device, ()):
            known = latest.get((day.day, day.device))
            if known is None or known.day.rev < day.rev:
                latest[day.day, day.device] = revision
    return tuple([latest[key] for key in sorted(latest)])
