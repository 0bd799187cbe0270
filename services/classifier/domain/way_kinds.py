"""What a way of the road data set is taken as (rules SU1-SU3, SU8): numbers shared by the builder and the scheme."""

from typing import Final

IGNORED: Final = 0
"""Not for vehicles (footways, steps): counts for coverage only."""
PUBLIC: Final = 1
PRIVATE: Final = 2
UNKNOWN: Final = 3
FERRY: Final = 4

CLASS_NAMES: Final = ("not for vehicles", "public road", "private way", "way of unknown maintainer", "ferry route")
