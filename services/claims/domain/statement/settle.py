"""Closes what lies inside a licence's range and books it by day (rules DI1-DI3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.claims.domain.statement.closure import Closed, Part, close_parts
from services.claims.domain.statement.frame import Frame
from services.claims.domain.statement.manual_log import NEVER, Lack
from services.claims.domain.statement.pieces import Portion
from services.claims.domain.statement.statement_parts import Amounts, ClosedOn, Stretch, Tally, added, amounts_of
from services.claims.domain.statement.travel import Travel
from shared.closing import close, driven
from shared.contracts.device_day import DeviceDay, Surface, Total
from shared.nz_days import day_of

_UNSURE: Final = frozenset({"off_road", "unknown"})
_BANDED: Final[tuple[Surface, str]] = ("unknown", "drift_band")


@dataclass(slots=True)
class Book:
    """What has been counted so far."""

    days: dict[int, Tally] = field(default_factory=dict)
    """By NZ day."""
    used: set[tuple[int, str]] = field(default_factory=set)
    """The device-days that gave millimetres."""
    stretches: list[Stretch] = field(default_factory=list)
    closed_on: set[ClosedOn] = field(default_factory=set)
    gps_mm: int = 0
    lack_mm: int = 0
    """Like `rest_mm` of no day: what the recorder counted and no fix explains."""
    rest_mm: int = 0
    uncovered_lack_mm: int = 0
    """Likewise of both, from before the issue (rule LI2)."""
    lacks: list[Lack] = field(default_factory=list)
    """What of `lack_mm` a manual log entry may explain (rule LI8)."""

    def count(self, portions: Sequence[Portion], closed_mm: Iterable[int]) -> None:
        """`closed_mm`: of each total of each portion, in order.  Rule DI3: off_road inside a drift band is unknown, and what is
        unknown there stays so."""
        closed = iter(closed_mm)
        for portion in portions:
            tally: Tally | None = None
            for total in portion.totals:
                if mm := next(closed):
                    if tally is None:
                        tally = self._tally(portion.day)
                    banded = portion.zone.banded and total.surface in _UNSURE
                    what = _BANDED if banded else (total.surface, total.basis)
                    tally[what] = tally.get(what, 0) + mm

    def on_day(self, day: DeviceDay, what: tuple[Surface, str], mm: int) -> None:
        if mm:
            tally = self._tally(day)
            tally[what] = tally.get(what, 0) + mm

    def _tally(self, day: DeviceDay) -> Tally:
        """Of the day, which gives millimetres."""
        self.used.add((day.day, day.device))
        return self.days.setdefault(day.day, {})

    def without_day(self, closed: Closed, *, licensed: bool) -> None:
        """`licensed`: some of the stretch was driven at or after the issue."""
        if licensed:
            self.lack_mm += closed.lack_mm
            self.rest_mm += closed.rest_mm
        else:
            self.uncovered_lack_mm += closed.lack_mm + closed.rest_mm

    def totals(self) -> Amounts:
        rest: Tally = {}
        if self.lack_mm:
            rest["unknown", "recorder_lack"] = self.lack_mm
        if self.rest_mm:
            rest["unknown", "scaling_rest"] = self.rest_mm
        if self.uncovered_lack_mm:
            rest["uncovered", "recorder_lack"] = self.uncovered_lack_mm
        return amounts_of(added((*self.days.values(), rest)))


def settle(frame: Frame, portions: Iterable[Portion], travelled: Travel) -> Book:
    """Everything inside the range: between actual readings on the legal recorder, elsewhere on the devices."""
    book = Book()
    of_stretch: dict[int, list[Portion]] = defaultdict(list)
    for portion in portions:
        of_stretch[portion.zone.stretch].append(portion)
    _on_recorder(frame, of_stretch, travelled, book)
    for stretch, from_ms, until_ms in frame.open_times():
        _on_devices(from_ms, until_ms, _inside(of_stretch[stretch]), travelled, book)
    book.stretches.sort(key=lambda one: (one.from_ms, one.until_ms))
    return book


def _inside(portions: Sequence[Portion]) -> list[Portion]:
    return [portion for portion in portions if portion.zone.inside]


def _totals(portions: Sequence[Portion]) -> list[Total]:
    return [total for portion in portions for total in portion.totals]


def _on_recorder(frame: Frame, of_stretch: dict[int, list[Portion]], travelled: Travel, book: Book) -> None:
    numbers = frame.stretches()
    inside = [_inside(of_stretch[number]) for number in numbers]
    parts = [_part(frame, number, of_stretch[number], mine) for number, mine in zip(numbers, inside, strict=True)]
    for number, mine, part, closed in zip(numbers, inside, parts, close_parts(parts, frame.unit_mm), strict=True):
        book.count(mine, closed.mm)
        book.without_day(closed, licensed=frame.points[number].ms > frame.issued_ms)
        book.lacks.append(_lack(frame, number, mine, closed))
        book.gps_mm += closed.gps_mm
        book.closed_on.add("legal_recorder")
        book.stretches.append(_stretch(frame, number, part, closed, travelled))


def _lack(frame: Frame, number: int, inside: Sequence[Portion], closed: Closed) -> Lack:
    """What a log may explain of it.  Of a stretch that began before the issue only what the gaps behind the issue measured: the
    rest of its lack may have been driven without a licence (rule LI2)."""
    gaps: dict[int, int] = {}
    unlicensed_mm = 0
    for portion, total in [(one, total) for one in inside for total in one.totals if total.kind == "gap"]:
        if portion.zone.covered and total.basis not in NEVER:
            gaps[portion.day.day] = gaps.get(portion.day.day, 0) + total.mm
        else:
            unlicensed_mm += total.mm
    from_ms, until_ms = frame.points[number - 1].ms, frame.points[number].ms
    mm = (
        closed.lack_mm if frame.whole(number) else 0
    )  # of a cut stretch nobody can say to which licence it belongs (rule DI3)
    if from_ms < frame.issued_ms:
        mm = max(0, min(mm - unlicensed_mm, sum(gaps.values())))
    return Lack(day_of(from_ms), day_of(max(from_ms, until_ms - 1)), mm, gaps)


def _part(frame: Frame, number: int, portions: Sequence[Portion], inside: Sequence[Portion]) -> Part:
    low, high = frame.positions(number)
    pieces = _totals(inside)
    return Part(
        pieces,
        high - low,
        driven(pieces if len(inside) == len(portions) else _totals(portions)),
        (frame.points[number].units - frame.points[number - 1].units) * frame.unit_mm,
        frame.whole(number),
    )


def _stretch(frame: Frame, number: int, part: Part, closed: Closed, travelled: Travel) -> Stretch:
    from_ms = max(frame.from_ms, frame.points[number - 1].ms)
    until_ms = max(from_ms, min(frame.until_ms, frame.points[number].ms))
    return Stretch(
        from_ms=from_ms,
        until_ms=until_ms,
        recorder_mm=part.recorder_mm,
        gps_mm=closed.gps_mm,
        odometer_mm=travelled.between(from_ms, until_ms) if travelled.by_odometer else None,
        lack_mm=closed.lack_mm,
        rest_mm=closed.rest_mm,
        rule=closed.rule,
    )


def _on_devices(from_ms: int, until_ms: int, portions: Sequence[Portion], travelled: Travel, book: Book) -> None:
    """Rule DI2: a running licence, and whatever lies beyond the readings, closes day by day on the device's own odometer,
    or stands on GPS alone where there is none.  What lacks has a day here."""
    of_day: dict[tuple[int, str], list[Portion]] = defaultdict(list)
    for portion in portions:
        of_day[portion.day.day, portion.day.device].append(portion)
    gps_mm = lack_mm = rest_mm = 0
    odometer_mm: int | None = 0
    for _, mine in sorted(of_day.items()):
        day = mine[0].day
        counted: int | None = None
        if day.first_reading is not None and day.last_reading is not None:
            first_ms, last_ms = max(from_ms, day.first_reading.ts_ms), min(until_ms, day.last_reading.ts_ms)
            counted = travelled.between(first_ms, last_ms) if first_ms < last_ms else 0
        for in_stretch, recorder_mm in ((True, counted), (False, None)):
            group = [
                Portion(one.zone, day, [total for total in one.totals if total.in_stretch is in_stretch])
                for one in mine
            ]
            closure = close(_totals(group), recorder_mm, day.display_unit_mm)
            book.count(group, closure.mm)
            surface, basis = _lacking(group)
            book.on_day(day, (surface, basis), closure.lack_mm)
            book.on_day(day, (surface, "scaling_rest"), closure.rest_mm)
            gps_mm, lack_mm, rest_mm = gps_mm + closure.gps_mm, lack_mm + closure.lack_mm, rest_mm + closure.rest_mm
        book.closed_on.add("gps" if counted is None else "device_odometer")
        odometer_mm = None if counted is None or odometer_mm is None else odometer_mm + counted
    book.gps_mm += gps_mm
    book.stretches.append(
        Stretch(
            from_ms=from_ms,
            until_ms=until_ms,
            recorder_mm=None,
            gps_mm=gps_mm,
            odometer_mm=odometer_mm,
            lack_mm=lack_mm,
            rest_mm=rest_mm,
            rule="device_days",
        )
    )


def _lacking(portions: Sequence[Portion]) -> tuple[Surface, str]:
    """What the device's odometer counted of a day and no fix explains: without a licence where the day's travel was (rule LI2);
    where the issue lies within it, nobody can say on which side of it."""
    licensed = {portion.zone.covered for portion in portions if portion.totals}
    if licensed == {False}:
        return "uncovered", "recorder_lack"
    return "unknown", "boundary_cut" if False in licensed else "recorder_lack"
