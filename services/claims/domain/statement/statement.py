"""The statement of one licence: device-days joined over recorder, window, assignments and couplings when it is read
(design section 2, "Late binding"; rules LI2, DI1-DI3, VE1, VE2, DI7).  The way in for everything outside this package."""

from services.claims.domain.statement.grounds import Grounds, evidence_period, grounds_of, wanted_whole
from services.claims.domain.statement.late_binding import make_statement, statement_on
from services.claims.domain.statement.statement_parts import (
    Amounts,
    EvidencePeriod,
    Line,
    Revision,
    Standing,
    Statement,
    Stretch,
    recorder_totals,
)

__all__ = [
    "Amounts",
    "EvidencePeriod",
    "Grounds",
    "Line",
    "Revision",
    "Standing",
    "Statement",
    "Stretch",
    "evidence_period",
    "grounds_of",
    "make_statement",
    "recorder_totals",
    "statement_on",
    "wanted_whole",
]
