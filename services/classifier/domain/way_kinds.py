"""What a way of the road data set is taken as (rules SU1-SU3, SU8): numbers shared by the builder and the scheme."""

from typing import Final

IGNORED: Final = 0
"""Not for vehicles (footways, steps): counts for coverage only."""
PUBLIC: Final = 1
PRIVATE: Final = 2
UNKNOWN: Final = 3
FERRY: Final = 4
AREA_PUBLIC: Final = 5
"""A ring of an area that is a public road wholly (a legal road parcel): outer rings run against the clock, holes with it."""
AREA_UNKNOWN: Final = 6
"""A ring of an area of unknown maintainer (car park, beach; rule SU2), likewise."""

CLASS_NAMES: Final = (
    "not for vehicles",
    "public road",
    "private way",
    "way of unknown maintainer",
    "ferry route",
    "area of public road",
    "area of unknown maintainer",
)
