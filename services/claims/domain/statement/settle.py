"""Closes what lies inside a licence's range and books it by day (rules DI1-DI3)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.claims.domain.statement.closure import Closed, Part, close_parts, driven
from services.claims.domain.statement.frame import Frame
from services.claims.domain.statement.manual_log import NEVER, Lack
from services.claims.domain.statement.pieces import Atom
from services.claims.domain.statement.statement_parts import Amounts, ClosedOn, Stretch, Tally, amounts_of
from services.claims.domain.statement.travel import Travel
from shared.closing import close
from shared.contracts.device_day import Surface
from shared.nz_days import day_of


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

    def count(self, atom: Atom, mm: int) -> None:
        """Rule DI3: off_road inside a drift band is unknown, and what is unknown there stays so."""
        surface, basis = atom.piece.surface, atom.basis
        if atom.zone.banded and surface in {"off_road", "unknown"}:
            surface, basis = "unknown", "drift_band"
        self.on_day(atom.day.day, atom.day.device, surface, basis, mm)

    def on_day(self, day: int, device: str, surface: Surface, basis: str, mm: int) -> None:
        if not mm:
            return
        tally = self.days.get(day)
        if tally is None:
            tally = self.days[day] = {}
        key = (surface, basis)
        tally[key] = tally.get(key, 0) + mm
        self.used.add((day, device))

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
        return amounts_of((*self.days.values(), rest))


def settle(frame: Frame, atoms: Sequence[Atom], travelled: Travel) -> Book:
    """Everything inside the range: between actual readings on the legal recorder, elsewhere on the devices."""
    book = Book()
    of_stretch: dict[int, list[Atom]] = defaultdict(list)
    for atom in atoms:
        of_stretch[atom.zone.stretch].append(atom)
    _on_recorder(frame, of_stretch, travelled, book)
    for stretch, from_ms, until_ms in frame.open_times():
        inside = [atom for atom in of_stretch[stretch] if atom.zone.inside]
        _on_devices(from_ms, until_ms, inside, travelled, book)
    book.stretches.sort(key=lambda one: (one.from_ms, one.until_ms))
    return book


def _on_recorder(frame: Frame, of_stretch: dict[int, list[Atom]], travelled: Travel, book: Book) -> None:
    numbers = frame.stretches()
    inside = [[atom for atom in of_stretch[number] if atom.zone.inside] for number in numbers]
    parts = [_part(frame, number, of_stretch[number], mine) for number, mine in zip(numbers, inside, strict=True)]
    for number, mine, part, closed in zip(numbers, inside, parts, close_parts(parts, frame.unit_mm), strict=True):
        for atom, mm in zip(mine, closed.mm, strict=True):
            book.count(atom, mm)
        book.without_day(closed, licensed=frame.points[number].ms > frame.issued_ms)
        book.lacks.append(_lack(frame, number, mine, closed))
        book.gps_mm += driven(part.pieces)
        book.closed_on.add("legal_recorder")
        book.stretches.append(_stretch(frame, number, part, closed, travelled))


def _lack(frame: Frame, number: int, inside: Sequence[Atom], closed: Closed) -> Lack:
    """What a log may explain of it.  Of a stretch that began before the issue only what the gaps behind the issue measured: the
    rest of its lack may have been driven without a licence (rule LI2)."""
    gaps: dict[int, int] = {}
    unlicensed_mm = 0
    for atom in inside:
        if atom.piece.kind != "gap":
            continue
        if atom.zone.covered and atom.basis not in NEVER:
            gaps[atom.day.day] = gaps.get(atom.day.day, 0) + atom.piece.mm
        else:
            unlicensed_mm += atom.piece.mm
    from_ms, until_ms = frame.points[number - 1].ms, frame.points[number].ms
    mm = (
        closed.lack_mm if frame.whole(number) else 0
    )  # of a cut stretch nobody can say to which licence it belongs (rule DI3)
    if from_ms < frame.issued_ms:
        mm = max(0, min(mm - unlicensed_mm, sum(gaps.values())))
    return Lack(day_of(from_ms), day_of(max(from_ms, until_ms - 1)), mm, gaps)


def _part(frame: Frame, number: int, atoms: Sequence[Atom], inside: Sequence[Atom]) -> Part:
    low, high = frame.positions(number)
    return Part(
        tuple(atom.piece for atom in inside),
        high - low,
        driven([atom.piece for atom in atoms]),
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
        gps_mm=driven(part.pieces),
        odometer_mm=travelled.between(from_ms, until_ms) if travelled.by_odometer else None,
        lack_mm=closed.lack_mm,
        rest_mm=closed.rest_mm,
        rule=closed.rule,
    )


def _on_devices(from_ms: int, until_ms: int, atoms: Sequence[Atom], travelled: Travel, book: Book) -> None:
    """Rule DI2: a running licence, and whatever lies beyond the readings, closes day by day on the device's own odometer,
    or stands on GPS alone where there is none.  What lacks has a day here."""
    of_day: dict[tuple[int, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        of_day[atom.day.day, atom.day.device].append(atom)
    gps_mm = lack_mm = rest_mm = 0
    odometer_mm: int | None = 0
    for (number, device), mine in sorted(of_day.items()):
        day = mine[0].day
        counted: int | None = None
        if day.first_reading is not None and day.last_reading is not None:
            first_ms, last_ms = max(from_ms, day.first_reading.ts_ms), min(until_ms, day.last_reading.ts_ms)
            counted = travelled.between(first_ms, last_ms) if first_ms < last_ms else 0
        within = [atom for atom in mine if atom.in_stretch]
        outside = [atom for atom in mine if not atom.in_stretch]
        for group, recorder_mm in ((within, counted), (outside, None)):
            closure = close([atom.piece for atom in group], recorder_mm, day.display_unit_mm)
            for atom, mm in zip(group, closure.mm, strict=True):
                book.count(atom, mm)
            surface, basis = _lacking(group)
            book.on_day(number, device, surface, basis, closure.lack_mm)
            book.on_day(number, device, surface, "scaling_rest", closure.rest_mm)
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


def _lacking(atoms: Sequence[Atom]) -> tuple[Surface, str]:
    """What the device's odometer counted of a day and no fix explains: without a licence where the day's travel was (rule LI2);
    where the issue lies within it, nobody can say on which side of it."""
    licensed = {atom.zone.covered for atom in atoms}
    if licensed == {False}:
        return "uncovered", "recorder_lack"
    return "unknown", "boundary_cut" if False in licensed else "recorder_lack"
