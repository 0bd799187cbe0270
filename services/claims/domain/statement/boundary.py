"""Where a licence's range begins and ends in time, and how sure that is (rules LI2, DI3)."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal, NamedTuple

from services.claims.domain.register.recorder import Point, Timeline
from services.claims.domain.statement.travel import Travel
from services.claims.domain.statement.window import ClaimableRange

Located = Literal["reading", "interpolated", "extrapolated", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where the range begins or ends in time."""

    ms: int | None
    """None: nothing shows that it was reached."""
    units: int
    located: Located
    band_ms: tuple[int, int] | None = None
    """Rule DI3: the drift band of an interpolated boundary."""
    position_mm: int | None = None
    """On the recorder, between actual readings only."""

    @property
    def between_readings(self) -> bool:
        """Actual readings lie at or beyond it on both sides (rule DI3)."""
        return self.located in {"reading", "interpolated"}


class _Gap(NamedTuple):
    """Two neighbouring actual readings."""

    before: Point
    after: Point


def locate_start(window: ClaimableRange, line: Timeline, travelled: Travel) -> Boundary:
    """The instant at which the display reached the start.  Where no actual readings lie round it: as far from the nearest one
    as the devices show; a start that lies ahead of all that is known was not reached yet; else from the issue on."""
    found = _locate_units(window.start, line, travelled)
    if found is not None:
        return found
    if line.points:
        near = line.points[0] if window.start < line.points[0].units else line.points[-1]
        ahead_mm = (window.start - near.units) * line.recorder.unit_mm
        at_mm = travelled.at(near.ms) + ahead_mm
        ms = travelled.instant_of(at_mm) if at_mm >= 0 else None
        if ms is not None:
            return Boundary(ms=ms, units=window.start, located="extrapolated")
        if ahead_mm > 0:
            known_ms = max([near.ms, *(leg.until_ms for leg in travelled.legs[-1:])])
            return Boundary(ms=max(window.from_ms, known_ms), units=window.start, located="open")
    return Boundary(ms=window.from_ms, units=window.start, located="open")


def locate_end(window: ClaimableRange, line: Timeline, travelled: Travel) -> Boundary:
    """The instant at which the range ended, by its reading or by the event that bounds it, whichever came first."""
    found = _locate_units(window.end, line, travelled)
    if found is None:
        anchor = line.points[-1] if line.points else Point(window.from_ms, window.start)
        ahead_mm = (window.end - anchor.units) * line.recorder.unit_mm
        ms = travelled.instant_of(travelled.at(anchor.ms) + ahead_mm)
        located: Located = "open" if ms is None else "extrapolated"
        found = Boundary(ms=ms, units=window.end, located=located)
    if window.until_ms is None or (found.ms is not None and found.ms <= window.until_ms):
        return found
    return locate_instant(window.until_ms, line, travelled) or Boundary(
        ms=window.until_ms, units=window.end, located="extrapolated"
    )


def _locate_units(units: int, line: Timeline, travelled: Travel) -> Boundary | None:
    index = bisect_left(line.points, units, key=lambda point: point.units)
    unit_mm = line.recorder.unit_mm
    if index < len(line.points) and line.points[index].units == units:
        point = line.points[index]
        return Boundary(ms=point.ms, units=units, located="reading", position_mm=units * unit_mm)
    if index in {0, len(line.points)}:
        return None
    gap = _Gap(line.points[index - 1], line.points[index])
    into_mm = (units - gap.before.units) * unit_mm
    moved_mm = travelled.between(gap.before.ms, gap.after.ms)
    share_mm = moved_mm * into_mm // ((gap.after.units - gap.before.units) * unit_mm)
    return Boundary(
        ms=_instant(gap, travelled, share_mm, into_mm, unit_mm),
        units=units,
        located="interpolated",
        band_ms=_band(gap, travelled, into_mm, unit_mm),
        position_mm=units * unit_mm,
    )


def locate_instant(ms: int, line: Timeline, travelled: Travel) -> Boundary | None:
    """Where the recorder stood at an instant; None before its first actual reading and after its last."""
    index = bisect_left(line.points, ms, key=lambda point: point.ms)
    unit_mm = line.recorder.unit_mm
    if index < len(line.points) and line.points[index].ms == ms:
        units = line.points[index].units
        return Boundary(ms=ms, units=units, located="reading", position_mm=units * unit_mm)
    if index in {0, len(line.points)}:
        return None
    gap = _Gap(line.points[index - 1], line.points[index])
    whole_mm = (gap.after.units - gap.before.units) * unit_mm
    moved_mm = travelled.between(gap.before.ms, gap.after.ms)
    into_mm = whole_mm * travelled.between(gap.before.ms, ms) // moved_mm if moved_mm else 0
    position_mm = gap.before.units * unit_mm + into_mm
    return Boundary(
        ms=ms,
        units=position_mm // unit_mm,
        located="interpolated",
        band_ms=_band(gap, travelled, into_mm, unit_mm),
        position_mm=position_mm,
    )


def _instant(gap: _Gap, travelled: Travel, share_mm: int, into_mm: int, unit_mm: int) -> int:
    """Where the devices had gone `share_mm` since the reading before; in proportion of time where they never moved."""
    ms = travelled.instant_of(travelled.at(gap.before.ms) + share_mm) if share_mm else None
    if ms is None:
        whole_mm = (gap.after.units - gap.before.units) * unit_mm
        ms = gap.before.ms + (gap.after.ms - gap.before.ms) * into_mm // whole_mm
    return min(max(ms, gap.before.ms), gap.after.ms)


def _band(gap: _Gap, travelled: Travel, into_mm: int, unit_mm: int) -> tuple[int, int]:
    """Rule DI3.  The recorder counted D between two readings known to one display unit, the devices d.  If the devices
    missed D - d, they may have missed all of it before or all of it behind the boundary; if they counted d - D too
    much, likewise.  So the boundary lies between those two instants, one display unit allowed on either side."""
    recorder_mm = (gap.after.units - gap.before.units) * unit_mm
    moved_mm = travelled.between(gap.before.ms, gap.after.ms)
    earliest_mm = into_mm - max(0, recorder_mm - moved_mm) - unit_mm
    latest_mm = into_mm + max(0, moved_mm - recorder_mm) + unit_mm
    base_mm = travelled.at(gap.before.ms)
    begin = gap.before.ms if earliest_mm <= 0 else travelled.instant_of(base_mm + earliest_mm)
    end = gap.after.ms if latest_mm >= moved_mm else travelled.instant_of(base_mm + latest_mm)
    return (
        max(gap.before.ms, gap.before.ms if begin is None else begin),
        min(gap.after.ms, gap.after.ms if end is None else end),
    )
