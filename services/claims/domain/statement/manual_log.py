"""Manual log entries for gaps (rule LI8): what a person logged of a day counts off road at most up to what of that day is
unknown; nothing that the devices or the recorder know is touched, and nothing is ever added.

What of a day is unknown: its unknown metres, and of the distance that the recorder counted without a fix (which has no day)
what can be laid on that day: all of it where the readings round it lie in that day, else what the day's own gaps measured.
Metres inside a drift band, or cut at a boundary, stay unknown: a log cannot say to which licence they belong (rule DI3); and
nothing from before the issue counts, which is `uncovered` or cannot be told from it (rule LI2; `settle.py`)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from services.claims.domain.findings import FORM_NOTE_6, POLICY, Finding, km
from services.claims.domain.statement.log_entry import LogEntry, Logged
from services.claims.domain.statement.statement_parts import Statement, Tally
from shared.nz_days import to_ordinal

MANUAL: Final = "manual_log"
FIRST: Final = ("gap", "recorder_lack")
NEVER: Final = frozenset({"drift_band", "boundary_cut"})


@dataclass(slots=True)
class Lack:
    """What the recorder counted and no fix explains between two readings, as far as it lies inside the range."""

    first_day: int
    last_day: int
    mm: int
    gaps: dict[int, int] = field(default_factory=dict)
    """Day → what its gaps measured (unclosed)."""

    def of(self, day: int) -> int:
        if not self.first_day <= day <= self.last_day:
            return 0
        return self.mm if self.first_day == self.last_day else min(self.mm, self.gaps.get(day, 0))

    def take(self, day: int, mm: int) -> None:
        self.mm -= mm
        if day in self.gaps:
            self.gaps[day] = max(0, self.gaps[day] - mm)


def words(one: Logged) -> str:
    """What the day's line says of an entry."""
    cut = (
        "" if one.counted_mm == one.entry.mm else f" of {km(one.entry.mm)} logged, since no more of the day is unknown,"
    )
    return f"{km(one.counted_mm)}{cut} by manual log: {one.entry.reason} ({one.entry.actor})"


def _unknown(tally: Tally) -> list[tuple[str, int]]:
    """The day's unknown by basis, in the order in which a log takes it: gaps first."""
    found = [(basis, mm) for (surface, basis), mm in tally.items() if surface == "unknown" and basis not in NEVER]
    return sorted(found, key=lambda one: (one[0] not in FIRST, one[0]))


def count_log(days: dict[int, Tally], lacks: list[Lack], entries: Iterable[LogEntry]) -> tuple[tuple[Logged, ...], int]:
    """Moves what the entries may take from unknown to off road, in `days` and `lacks`.  The entries with what of them counts,
    by day; and how much came out of lacks.  Sums never change, and the order of the entries does not matter."""
    logged: list[Logged] = []
    from_lacks = 0
    for entry in sorted(entries, key=lambda one: (one.on, one.at, one.id)):
        day = to_ordinal(entry.on)
        wanted = entry.mm
        for lack in lacks:
            mm = min(wanted, lack.of(day))
            lack.take(day, mm)
            wanted, from_lacks = wanted - mm, from_lacks + mm
        tally = days.get(day, {})
        for basis, free in _unknown(tally):
            mm = min(wanted, free)
            tally["unknown", basis] = free - mm
            if mm == free:
                del tally["unknown", basis]
            wanted -= mm
        counted = entry.mm - wanted
        if counted:
            days.setdefault(day, tally)["off_road", MANUAL] = tally.get(("off_road", MANUAL), 0) + counted
        logged.append(Logged(entry, counted))
    return tuple(logged), from_lacks


def stands_on_log(statement: Statement) -> list[Finding]:
    """Rule LI8, told apart wherever figures are shown: a line with logged metres claims by method Other."""
    if not statement.log:
        return []
    counted, written = statement.logged_mm, sum(one.entry.mm for one in statement.log)
    cut = (
        f"; {km(written - counted)} more were logged, but no more of those days is unknown" if written > counted else ""
    )
    reason = (
        f"{km(counted)} of the off-road distance stand on {len(statement.log)} manual log entries{cut}. The line's method is "
        "Other and its type says so: be ready to show the log"
    )
    inputs = (("logged_mm", str(written)), ("counted_mm", str(counted)), ("entries", str(len(statement.log))))
    return [Finding(rule="LI8", outcome="warn", reason=reason, source=f"{FORM_NOTE_6}; {POLICY}", inputs=inputs)]
