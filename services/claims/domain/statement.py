"""The statement of one licence: device-days joined over recorder, window, assignments and couplings when it is read
(design section 2, "Late binding"; rules LI2, DI1-DI3, VE1, VE2, DI7).  The way in for everything outside this package."""

from services.claims.domain.late_binding import evidence_period, make_statement
from services.claims.domain.statement_parts import (
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
    "Line",
    "Revision",
    "Standing",
    "Statement",
    "Stretch",
    "evidence_period",
    "make_statement",
    "recorder_totals",
]
