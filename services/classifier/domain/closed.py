"""A device-day closed on the device's own odometer (rules DI1 and DI2): what `rucor classify` writes, and nothing else does.

Claims closes device-days itself, on the legal recorder; the two are never applied to the same metres."""

from typing import NamedTuple

from services.classifier.domain.device_day import DayOutcome
from shared.closing import Closure, Piece, close
from shared.contracts.device_day import Basis, Surface


class ClosedSegment(NamedTuple):
    start_ms: int
    end_ms: int
    surface: Surface
    basis: Basis
    mm: int
    why: str


class ClosedDay(NamedTuple):
    segments: tuple[ClosedSegment, ...]
    closure: Closure
    """Of the stretch between the first and last usable reading; without readings, of the whole day."""


def close_day(day: DayOutcome) -> ClosedDay:
    """Segments with closed millimetres, in order of time; a lack and the rest of a scaling are segments of their own."""
    inside = [part for part in day.segments if part.in_stretch]
    first, last = day.first_reading, day.last_reading
    recorder_mm = None
    if first is not None and last is not None and last.ts_ms > first.ts_ms:
        recorder_mm = last.odometer_mm - first.odometer_mm
    closure = close([Piece(part.surface, part.kind, part.mm) for part in inside], recorder_mm, day.display_unit_mm)
    closed = {id(part): mm for part, mm in zip(inside, closure.mm, strict=True)}
    out = [
        ClosedSegment(part.start_ms, part.end_ms, part.surface, part.basis, closed.get(id(part), part.mm), part.why)
        for part in day.segments
    ]
    if first is not None and last is not None:
        if closure.lack_mm:
            words = "DI1 the odometer counted this and no fix explains it"
            out.append(ClosedSegment(first.ts_ms, last.ts_ms, "unknown", "recorder_lack", closure.lack_mm, words))
        if closure.rest_mm:
            words = "DI1 remainders of scaling GPS down to the odometer"
            out.append(ClosedSegment(first.ts_ms, last.ts_ms, "unknown", "scaling_rest", closure.rest_mm, words))
    return ClosedDay(tuple(out), closure)
