"""From where on an attack counts.  All policy: our own choice of what an officer would ask about; no source gives figures."""

from typing import Final

DRIFT_PERCENT: Final = 5
"""Odometer of the device against the legal recorder, over a stretch between two readings."""
BAND_DAYS: Final = 7
"""Width of an interpolated boundary's drift band."""
BAND_PERCENT: Final = 2
"""Of the distance, unknown inside drift bands."""
LOG_WEAK_PERCENT: Final = 5
LOG_FAILS_PERCENT: Final = 25
"""Of the off-road distance, by manual log."""
FIXES_A_DAY_MIN: Final = 10
"""Fewer fixes on a day than this prove little of a kilometre or more."""
THIN_DAY_MM: Final = 1_000_000
ROAD_LIKE_PERCENT: Final = 1
"""Of the distance, off every way but moving as on a road."""
PLACE_E6: Final = 10_000
"""Edge of the squares in which places are the same, in micro-degrees: about a kilometre."""
FAR_M: Final = 5_000
FAR_SHARE_PERCENT: Final = 10
FAR_DAYS: Final = 3
"""A place is asked about when so much of the off-road distance lies in it, on so many days, so far from declared land."""
REASON_WORDS_MIN: Final = 3
REASON_LETTERS_MIN: Final = 15
AUDIT_YEARS: Final = 2
"""Records are held two years from the application (nzta-refunds.txt line 43)."""
EVIDENCE_YEARS: Final = 4
"""Fixes are kept so long after their month's last day (rule RE1)."""
