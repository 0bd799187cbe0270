"""What a claim must say beside the form's fields."""

from collections.abc import Sequence
from typing import Final

from services.claims.domain.findings import km
from services.claims.domain.statement.statement_parts import Statement

LICENCES_NAMED_MAX: Final = 4
"""On the form; the report of each licence has its own figure."""


Claimed = Sequence[tuple[str, Statement]]
"""Licence number, statement."""


def notes_of(claimed: Claimed) -> tuple[str, ...]:
    """Every note that the claim must print."""
    return (*over_public_note(claimed), *manual_log_note(claimed))


def log_words(gps_type: str) -> str:
    """Rule LI8 and form note 6: the method in words, of a line that mixes GPS with manual log entries."""
    return f"GPS{' ' + gps_type if gps_type else ''}, manual log for gaps"


def manual_log_note(claimed: Claimed) -> tuple[str, ...]:
    """Rule LI8: one note where any licence claims metres by manual log."""
    logged = [(number, one.logged_mm) for number, one in claimed if one.logged_mm]
    if not logged:
        return ()
    note = (
        f"Of the distance claimed, {km(sum(mm for _, mm in logged))} stand on manual log entries for days on which the GPS "
        f"record has gaps ({_named(logged)}). The log is kept with this claim."
    )
    return (note,)


def _named(parts: Sequence[tuple[str, int]]) -> str:
    named = ", ".join(f"{number}: {km(mm)}" for number, mm in parts[:LICENCES_NAMED_MAX])
    more = len(parts) - LICENCES_NAMED_MAX
    return f"{named} and {more} more" if more > 0 else named


def over_public_note(claimed: Claimed) -> tuple[str, ...]:
    """Rule SU7: one note where any licence claims metres on mapped public roads."""
    over = [(number, one.totals.over_public_mm) for number, one in claimed if one.totals.over_public_mm]
    if not over:
        return ()
    whole = km(sum(mm for _, mm in over))
    note = (
        f"Of the distance claimed, {whole} lie on ways that maps show as public roads ({_named(over)}). They are claimed "
        "because the applicant has declared the land as a closed works site or a map error, with a written reason that is "
        "kept with this claim."
    )
    return (note,)
