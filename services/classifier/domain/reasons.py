"""Every segment explains itself: the paragraph of docs/scheme/1.md that decided, and the way, in words."""

from typing import Final

from services.classifier.domain.rulings import Exclusion, Land
from shared.contracts.device_day import Basis

PARAGRAPHS: Final[dict[Basis, str]] = {
    "mapped_public": "§21 on a public road",
    "private_road": "§22 on a mapped private way",
    "no_road": "§22 inside coverage and clear of every way",
    "odometer_bound": "§29 the odometer shows that no public road can have been reached",
    "unknown_way": "§22 on a way of unknown maintainer",
    "like_a_road": "§23 off every way, but moving as on a road: probably a missing road",
    "ambiguous": "§§ 21, 27 not certain on which side of a public road's edge",
    "outside_coverage": "§9 outside the coverage of the road data set",
    "gap": "§2 no fix for longer than the gap limit",
    "declared_land": "§37 on declared land",
    "declared_over_public": "§37 over a public road, on land declared with a written reason",
    "excluded": "§38 in an excluded place",
    "carried": "§31 carried: moving with the ignition off, on a ferry route, or with a still odometer",
}


def why(basis: Basis, way: str) -> str:
    """E.g. "§22 on a mapped private way: Ridge Track (highway=track without open access; way 123 of nz.osm.pbf)"."""
    text = PARAGRAPHS[basis]
    if not way:
        return text
    return f"{text}: nearest is {way}" if basis == "ambiguous" else f"{text}: {way}"


def describe_place(place: Land | Exclusion) -> str:
    """E.g. "Home Block (owned; land 12)"."""
    if isinstance(place, Exclusion):
        return f"exclusion {place.id}"
    return f"{place.name} ({place.kind.replace('_', ' ')}; land {place.id})"
