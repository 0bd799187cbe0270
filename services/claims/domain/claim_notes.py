"""What a claim must say beside the form's fields."""

from collections.abc import Sequence
from typing import Final

from services.claims.domain.findings import km
from services.claims.domain.statement_parts import Statement

LICENCES_NAMED_MAX: Final = 4
"""On the form; the report of each licence has its own figure."""


def over_public_note(claimed: Sequence[tuple[str, Statement]]) -> tuple[str, ...]:
    """Rule SU7: one note where any licence claims metres on mapped public roads.  `claimed`: licence number, statement."""
    over = [(number, one.totals.over_public_mm) for number, one in claimed if one.totals.over_public_mm]
    if not over:
        return ()
    named = ", ".join(f"{number}: {km(mm)}" for number, mm in over[:LICENCES_NAMED_MAX])
    more = f" and {len(over) - LICENCES_NAMED_MAX} more" if len(over) > LICENCES_NAMED_MAX else ""
    whole = km(sum(mm for _, mm in over))
    note = (
        f"Of the distance claimed, {whole} lie on ways that maps show as public roads ({named}{more}). They are claimed "
        "because the applicant has declared the land as a closed works site or a map error, with a written reason that is "
        "kept with this claim."
    )
    return (note,)
