"""Features of a vector source → ways, as its mapping file says (rules SU1-SU3; scheme 1, paragraphs 7 and 8)."""

import re
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.domain.way_kinds import AREA_PUBLIC, AREA_UNKNOWN, PRIVATE, PUBLIC, UNKNOWN
from services.classifier.roads.mapping import Mapping, is_listed, maintainer_of
from services.classifier.roads.rings import rings
from services.classifier.roads.tagging import LANE_M, SHOULDER_M
from services.classifier.roads.vector import Features
from services.classifier.roads.ways import HALF_MAX_DM, SourceError, SourceMeta, Ways, pick

_LINES: Final = {"public": PUBLIC, "private": PRIVATE, "unknown": UNKNOWN}
_AREAS: Final = {"public": AREA_PUBLIC, "private": 0, "unknown": AREA_UNKNOWN}
_HALF_DM: Final = {"public": 50.0, "private": 30.0, "unknown": 30.0}
_HALF_TURN_E6: Final = 180_000_000
_SHOWN: Final = 5


class Parcels(NamedTuple):
    """Private parcels within which ways of unknown maintainer are taken as private; degrees, longitude first."""

    source: str
    mapping: str
    shapes: NDArray[Any]
    number: NDArray[np.int64]


class Said(NamedTuple):
    """What the mapping says of each feature: the row of its value, the distinct values, what each is taken as."""

    row: NDArray[np.int64]
    values: list[str]
    taken: NDArray[Any]


def said_of(features: Features, mapping: Mapping) -> Said:
    if mapping.maintainer.all is not None:
        return Said(
            np.zeros(len(features.shapes), dtype=np.int64), [""], np.array([mapping.maintainer.all], dtype=object)
        )
    distinct: dict[str, int] = {}
    rows = [distinct.setdefault(text, len(distinct)) for text in features.texts(mapping.maintainer.column)]
    taken = [maintainer_of(mapping.maintainer, value) for value in distinct]
    return Said(np.array(rows, dtype=np.int64), list(distinct), np.array(taken, dtype=object))


def warnings_of(features: Features, mapping: Mapping, said: Said) -> tuple[str, ...]:
    """Values that the mapping says nothing about."""
    of, counts = mapping.maintainer, np.bincount(said.row, minlength=len(said.values))
    lost = sorted((-int(counts[n]), value) for n, value in enumerate(said.values) if not is_listed(of, value))
    if not lost:
        return ()
    shown = ", ".join(repr(value) for _, value in lost[:_SHOWN]) + (", …" if len(lost) > _SHOWN else "")
    words = (
        f"{features.where()}: column {of.column!r} holds {len(lost)} values that mapping {mapping.name} does not list "
        f"({shown}; {-sum(count for count, _ in lost):,} features), taken as {of.other}; write them into public, private or "
        "unknown under [maintainer]"
    )
    return (words,)


def date_of(features: Features, mapping: Mapping) -> str:
    """The mapping's date, else the newest in the column of dates, else ""."""
    if mapping.date or not mapping.columns.date:
        return mapping.date
    found = (re.match(r"(\d{4})[-/](\d\d)[-/](\d\d)", text) for text in features.texts(mapping.columns.date))
    return max(("-".join(date.groups()) for date in found if date), default="")


def lines(features: Features, mapping: Mapping, said: Said, meta: SourceMeta) -> Ways:
    """Centrelines: one way a line, rounded to micro-degrees, without repeated points, parted at the 180th meridian."""
    parts, owner = shapely.get_parts(features.shapes, return_index=True)
    if np.any(shapely.get_dimensions(parts) != 1):
        raise SourceError(f'{features.where()} holds other shapes than lines; is geometry = "parcels" meant?')
    xy, of_part = shapely.get_coordinates(parts, return_index=True)
    whole = np.rint(xy * 1e6).astype(np.int32)
    starts, again = np.ones(len(of_part), dtype=np.bool_), np.zeros(len(of_part), dtype=np.bool_)
    starts[1:] = (of_part[1:] != of_part[:-1]) | (np.abs(np.diff(whole[:, 0].astype(np.int64))) > _HALF_TURN_E6)
    again[1:] = ~starts[1:] & np.all(whole[1:] == whole[:-1], axis=1)
    whole, starts, of_part = whole[~again], starts[~again], of_part[~again]
    line = np.cumsum(starts) - 1
    counts = np.bincount(line)
    at = owner[of_part[starts]][counts > 1]
    first = np.concatenate(([0], np.cumsum(counts[counts > 1])))
    points = whole[counts[line] > 1][:, ::-1]
    kinds = np.array([_LINES[one] for one in said.taken], dtype=np.uint8)[said.row]
    return _ways(features, mapping, said, meta, at, kinds, _half_dm(features, mapping, said), first, points)


def _half_dm(features: Features, mapping: Mapping, said: Said) -> NDArray[np.uint16]:
    """Half of width or lanes with a shoulder; never below 5 m (public) or 3 m, at most 20 m."""
    least = np.array([_HALF_DM[one] for one in said.taken])[said.row]
    tagged = np.zeros(len(least))
    for wanted, metres in ((mapping.columns.lanes, LANE_M), (mapping.columns.width_m, 1.0)):
        if wanted:
            texts = features.texts(wanted)
            numbers = np.array([float(text) if re.fullmatch(r"\d{1,4}(\.\d+)?", text) else 0.0 for text in texts])
            tagged = np.where(numbers > 0.0, numbers * metres * 5.0 + SHOULDER_M * 10.0, tagged)
    return np.asarray(np.rint(np.minimum(HALF_MAX_DM, np.maximum(least, tagged))), dtype=np.uint16)


def parcels(features: Features, mapping: Mapping, said: Said, meta: SourceMeta) -> tuple[Ways, Parcels | None]:
    """Rings of public and unknown parcels; private ones apart, where the mapping wants them used."""
    if np.any(shapely.get_dimensions(features.shapes) != 2):
        raise SourceError(f'{features.where()} holds other shapes than areas; is geometry = "centrelines" meant?')
    private = said.taken[said.row] == "private"
    kept, rows = features.only(~private), said.row[~private]
    made = rings(kept.shapes)
    kinds = np.array([_AREAS[one] for one in said.taken], dtype=np.uint8)[rows]
    half = np.zeros(len(rows), dtype=np.uint16)
    ways = _ways(kept, mapping, said._replace(row=rows), meta, made.owner, kinds, half, made.first, made.points)
    if mapping.unknown_ways_inside != "private":
        return ways, None
    inside = features.only(private)
    return ways, Parcels(features.source, mapping.name, inside.shapes, inside.number)


def _ways(
    features: Features, mapping: Mapping, said: Said, meta: SourceMeta, at: NDArray[np.int64],
    kinds: NDArray[np.uint8], half_dm: NDArray[np.uint16], first: NDArray[np.int64], points: NDArray[np.int32],
) -> Ways:  # fmt: skip
    """The lines or rings that belong to the features `at`, in the order of the features' numbers."""
    index: dict[str, int] = {"": 0}
    rules = np.array([index.setdefault(_rule(mapping, value), len(index)) for value in said.values], dtype=np.int32)
    named = features.texts(mapping.columns.name) if mapping.columns.name else [""] * len(features.shapes)
    names = np.array([index.setdefault(text, len(index)) for text in named], dtype=np.int32)
    ways = Ways(
        lat_e6=np.ascontiguousarray(points[:, 0]),
        lng_e6=np.ascontiguousarray(points[:, 1]),
        first=first.astype(np.int32),
        way_id=features.number[at],
        kind=kinds[at],
        half_dm=half_dm[at],
        flags=np.zeros(len(at), dtype=np.uint8),
        rule=rules[said.row[at]],
        name=names[at],
        source=np.zeros(len(at), dtype=np.uint8),
        texts=tuple(index),
        sources=(meta,),
    )
    return pick(ways, np.argsort(ways.way_id, kind="stable"))


def _rule(mapping: Mapping, value: str) -> str:
    of = mapping.maintainer
    said = [] if of.all is not None else [f"{of.column}={value}" if value else f"{of.column} is empty"]
    return ", ".join([*said, *([of.because] if of.because else [])]) or f"mapping {mapping.name}"
