"""Packing a claim's lines into form sheets (rules EL3, FO1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    licence_id: UUID
    claimant_id: UUID
    plate: str
    """The plate the licence was issued to (rule VE1)."""
    licence_number: str
    distance_km: int
    estimate_cents: int | None
    reason_code: int | None
    method: str = "GPS"
    specify_type: str = ""
    logged_mm: int = 0
    """Of the distance, what stands on manual log entries (rule LI8)."""
    latest_receipt_on: date | None = None
    """Rule EL2, where the caller asks for the claim's own deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One form sheet: at most `Policy.form_rows` lines, plates together."""

    lines: tuple[ClaimLine, ...]

    @property
    def known_cents(self) -> int:
        return sum(line.estimate_cents or 0 for line in self.lines)

    @property
    def estimate_cents(self) -> int | None:
        """None where a rate is unknown."""
        return None if any(line.estimate_cents is None for line in self.lines) else self.known_cents


def pack(lines: Sequence[ClaimLine], rows: int, minimum_cents: int) -> tuple[Sheet, ...]:
    """Sheets in printing order: as few as possible, plates together, and none under the minimum where one of three ways of
    packing has it (rule EL3; the form asks for plates together only "if possible").  The order of `lines` does not
    matter."""
    if not lines:
        return ()
    ordered = sorted(lines, key=_printing_order)
    count = -(-len(ordered) // rows)
    ways = (_in_sequence(ordered, rows), _whole_plates(ordered, rows, count), _evened(ordered, rows, count))
    best = min((way for way in ways if way), key=lambda way: (_poor(way, minimum_cents), _torn(way)))
    return tuple(Sheet(lines=tuple(sorted(sheet, key=_printing_order))) for sheet in best)


def _printing_order(line: ClaimLine) -> tuple[str, str, str]:
    return (line.plate, line.licence_number, str(line.licence_id))


def _in_sequence(ordered: Sequence[ClaimLine], rows: int) -> list[list[ClaimLine]]:
    """As they come: at most one plate is torn at each turn of the sheet."""
    return [list(ordered[first : first + rows]) for first in range(0, len(ordered), rows)]


def _whole_plates(ordered: Sequence[ClaimLine], rows: int, count: int) -> list[list[ClaimLine]]:
    """Plates of most lines first, each on the poorest sheet that has room for all of it; [] where one does not fit."""
    groups = [list(group) for _, group in groupby(ordered, key=lambda line: line.plate)]
    sheets: list[list[ClaimLine]] = [[] for _ in range(count)]
    for group in sorted(groups, key=lambda one: (-len(one), -_cents(one), one[0].plate)):
        room = [sheet for sheet in sheets if len(sheet) + len(group) <= rows]
        if not room:
            return []
        min(room, key=_cents).extend(group)
    return sorted((sheet for sheet in sheets if sheet), key=lambda sheet: min(line.plate for line in sheet))


def _evened(ordered: Sequence[ClaimLine], rows: int, count: int) -> list[list[ClaimLine]]:
    """The most valuable line first, each on the poorest sheet with room: worth spread evenly, plates torn where it must."""
    sheets: list[list[ClaimLine]] = [[] for _ in range(count)]
    for line in sorted(ordered, key=lambda one: (-(one.estimate_cents or 0), _printing_order(one))):
        min((sheet for sheet in sheets if len(sheet) < rows), key=_cents).append(line)
    return sorted(sheets, key=lambda sheet: _printing_order(min(sheet, key=_printing_order)))


def _cents(lines: Iterable[ClaimLine]) -> int:
    return sum(line.estimate_cents or 0 for line in lines)


def _poor(sheets: Sequence[Sequence[ClaimLine]], minimum_cents: int) -> int:
    return sum(_cents(sheet) < minimum_cents for sheet in sheets)


def _torn(sheets: Sequence[Sequence[ClaimLine]]) -> int:
    """Plates that stand on more than one sheet."""
    plates = [plate for sheet in sheets for plate in {line.plate for line in sheet}]
    return len(plates) - len(set(plates))
