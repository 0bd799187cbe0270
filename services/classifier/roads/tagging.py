"""OpenStreetMap tags → what a way is taken as (rules SU1-SU3, SU8; scheme 1, paragraphs 7 to 11).

The question is who maintains a way, not who may use it.  OSM seldom says so outright; where it does (ownership, operator) that
decides, else the class of the way and its access do.  Where the tags leave it open the way is of unknown maintainer.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN, FERRY, IGNORED, PRIVATE, PUBLIC, UNKNOWN


class Taken(NamedTuple):
    """`rule` says in words why; `half_m` is the half-width of formation and shoulder: the corridor of rule SU1."""

    kind: int
    rule: str
    half_m: float


_PUBLIC_HALF_M: Final[dict[str, float]] = {
    "motorway": 12.0, "motorway_link": 7.0, "trunk": 8.0, "trunk_link": 6.0, "primary": 7.0, "primary_link": 6.0,
    "secondary": 6.5, "secondary_link": 5.5, "tertiary": 6.0, "tertiary_link": 5.0, "unclassified": 5.0, "residential": 5.0,
    "living_street": 4.5, "road": 5.0, "pedestrian": 4.5, "busway": 5.0, "bus_guideway": 5.0, "rest_area": 10.0,
    "services": 10.0, "escape": 5.0,
}  # fmt: skip
LANE_M: Final = 3.5
SHOULDER_M: Final = 1.5
_TRACK_HALF_M: Final = 3.0
_FERRY_HALF_M: Final = 150.0
"""A ferry's course is drawn roughly and sailed loosely."""
_NOT_FOR_VEHICLES: Final = frozenset(
    {
        "footway",
        "path",
        "steps",
        "cycleway",
        "bridleway",
        "corridor",
        "elevator",
        "platform",
        "bus_stop",
        "via_ferrata",
        "ladder",
    }
)
_NOT_A_ROAD: Final = frozenset(
    {"proposed", "planned", "abandoned", "disused", "razed", "demolished", "no", "dismantled"}
)
_CLOSED: Final = frozenset(
    {"private", "no", "agricultural", "forestry", "agricultural;forestry", "forestry;agricultural", "military"}
)
_OPEN: Final = frozenset(
    {"yes", "permissive", "public", "designated", "destination", "official", "customers", "delivery", "permit"}
)
_PUBLIC_OWNER: Final = re.compile(
    r"\b(council|waka kotahi|nzta|transport agency|department of conservation|doc|transit|ministry|highways?)\b",
    re.IGNORECASE,
)
_PUBLIC_OWNERSHIP: Final = frozenset(
    {"public", "municipal", "national", "state", "county", "government", "public_nonprofit"}
)
_PRIVATE_OWNERSHIP: Final = frozenset({"private", "residential", "corporate"})


def take(tags: Mapping[str, str]) -> Taken | None:
    """None for what is no way at all."""
    highway = tags.get("highway")
    if highway is None:
        return Taken(FERRY, "route=ferry", _FERRY_HALF_M) if tags.get("route") == "ferry" else None
    if highway in _NOT_A_ROAD or tags.get("area") == "yes":
        return None
    if highway in _NOT_FOR_VEHICLES:
        return Taken(IGNORED, f"highway={highway}", 0.0)
    if highway == "construction":
        return Taken(UNKNOWN, "highway=construction (may be open by now)", _TRACK_HALF_M)
    owner = _owner(tags)
    if owner is not None:
        return owner._replace(half_m=_half_m(highway, tags))
    return _by_class(highway, tags)


def take_area(tags: Mapping[str, str]) -> Taken | None:
    """What the inside of a closed way or multipolygon is taken as; None: no area that matters (rule SU2).

    Roads drawn as surfaces are what their class says; car parks and beaches are of unknown maintainer.  Parks, reserves and
    protected areas are none: they say who owns land, not who maintains a road, and would hold whole mountain ranges."""
    highway = tags.get("area:highway") or (tags.get("highway", "") if _is_surface(tags) else "")
    if highway and highway not in _NOT_FOR_VEHICLES and highway not in _NOT_A_ROAD:
        taken = take({**tags, "highway": highway, "area": "no"})
        kind = {PUBLIC: AREA_PUBLIC, UNKNOWN: AREA_UNKNOWN}.get(taken.kind, IGNORED) if taken else IGNORED
        return Taken(kind, f"area of {taken.rule}", 0.0) if taken and kind != IGNORED else None
    for key, value in (("amenity", "parking"), ("natural", "beach")):
        if tags.get(key) == value and tags.get("access", "") not in _CLOSED:
            return Taken(AREA_UNKNOWN, f"{key}={value}", 0.0)
    return None


def _is_surface(tags: Mapping[str, str]) -> bool:
    return (
        tags.get("area") == "yes"
        or tags.get("type") == "multipolygon"
        or tags.get("highway") in {"rest_area", "services"}
    )


def _by_class(highway: str, tags: Mapping[str, str]) -> Taken:
    """No maintainer is named: the class of the way and its access decide."""
    if highway in _PUBLIC_HALF_M:
        return _named_class(highway, tags)
    if highway == "track":
        return _track(tags)
    if highway == "service":
        return _service(tags)
    return Taken(UNKNOWN, f"highway={highway}", _TRACK_HALF_M)


def _owner(tags: Mapping[str, str]) -> Taken | None:
    """A maintainer named outright."""
    ownership = tags.get("ownership", "")
    for key in ("maintained_by", "maintenance:operator", "operator", "owner"):
        name = tags.get(key, "")
        if name and _PUBLIC_OWNER.search(name):
            return Taken(PUBLIC, f"{key}={name}", 0.0)
    if ownership in _PUBLIC_OWNERSHIP:
        return Taken(PUBLIC, f"ownership={ownership}", 0.0)
    if ownership in _PRIVATE_OWNERSHIP:
        return Taken(PRIVATE, f"ownership={ownership}", 0.0)
    return None


def _named_class(highway: str, tags: Mapping[str, str]) -> Taken:
    access = tags.get("access", "")
    half_m = _half_m(highway, tags)
    if access in _CLOSED:
        return Taken(PRIVATE, f"highway={highway}, access={access}", half_m)
    if tags.get("motor_vehicle") == "private" or tags.get("vehicle") == "private":
        return Taken(UNKNOWN, f"highway={highway}, motor vehicles private", half_m)
    return Taken(PUBLIC, f"highway={highway}", half_m)


def _track(tags: Mapping[str, str]) -> Taken:
    access = tags.get("access", "")
    half_m = _half_m("track", tags)
    if access in _CLOSED:
        return Taken(PRIVATE, f"highway=track, access={access}", half_m)
    vehicles = tags.get("motor_vehicle") or tags.get("vehicle") or ""
    if access in _OPEN or vehicles in _OPEN:
        return Taken(UNKNOWN, f"highway=track with open access ({access or vehicles})", half_m)
    if vehicles == "no" or tags.get("designation"):
        return Taken(UNKNOWN, "highway=track with a public designation or closed to motors only", half_m)
    return Taken(PRIVATE, "highway=track without open access", half_m)


def _service(tags: Mapping[str, str]) -> Taken:
    access = tags.get("access", "")
    service = tags.get("service", "")
    half_m = _half_m("service", tags)
    if access in _CLOSED or tags.get("motor_vehicle") in {"private", "agricultural", "forestry"}:
        return Taken(PRIVATE, f"highway=service, access={access or tags['motor_vehicle']}", half_m)
    if service == "driveway" and access not in _OPEN:
        return Taken(PRIVATE, "service=driveway", half_m)
    return Taken(UNKNOWN, f"highway=service, service={service}" if service else "highway=service without owner", half_m)


def _half_m(highway: str, tags: Mapping[str, str]) -> float:
    """Half of width or lanes where tagged, plus a shoulder; never below the default of the class, at most 20 m."""
    default = _PUBLIC_HALF_M.get(highway, _TRACK_HALF_M)
    tagged = _number(tags.get("width", "")) / 2.0 or _number(tags.get("lanes", "")) * LANE_M / 2.0
    return min(20.0, max(default, tagged + SHOULDER_M if tagged else 0.0))


def _number(text: str) -> float:
    if not text:
        return 0.0
    match = re.match(r"\s*(\d{1,3}(?:\.\d+)?)\s*(?:m\s*)?$", text)
    return float(match.group(1)) if match else 0.0
