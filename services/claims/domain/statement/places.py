"""Off-road metres by place and basis (rule DI6): declared land, else the nearest named road, else coordinates.

Places are named by whole segments, before anything is closed.  What of a day and basis counts after closing (a boundary inside
the day, the recorder, a manual log entry) is shared out over its places in proportion, floored to the millimetre; the
remainder is told apart, and so is what has no name yet.  The sums equal the statement's to the millimetre."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from services.claims.domain.statement.manual_log import MANUAL
from services.claims.domain.statement.statement_parts import Line, Statement
from shared.contracts.device_day import Basis, Segment
from shared.contracts.places import Place, PlaceKind
from shared.nz_days import to_ordinal

TotalKind = Literal["land", "road", "coordinates", "manual_log", "remainder", "not_named_yet"]
_WORDS: Final[dict[TotalKind, str]] = {
    "manual_log": "by manual log",
    "remainder": "remainders of rounding",
    "not_named_yet": "not named yet",
}


class NamedMm(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Unclosed off-road millimetres of a device-day at one place on one basis."""

    kind: PlaceKind
    place: str
    basis: Basis
    mm: int


_Key = tuple[TotalKind, str, str]
"""Kind, place and basis."""
Named = Mapping[tuple[str, int], tuple[bytes, tuple[NamedMm, ...]]]
"""(device, NZ day) → the hash of the content that it speaks for, and its places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTotal:
    """Closed millimetres of a licence."""

    kind: TotalKind
    place: str
    basis: str
    off_road_mm: int
    days: int
    """NZ days of which it holds some."""


def off_road_of(segments: Iterable[Segment]) -> list[Segment]:
    """The segments that places are asked for."""
    return [one for one in segments if one.surface == "off_road" and one.mm]


def sum_up(segments: Sequence[Segment], places: Sequence[Place]) -> tuple[NamedMm, ...]:
    """What a device-day has at each place, sorted; `places`: of `off_road_of(segments)`, in their order."""
    sums: dict[tuple[PlaceKind, str, Basis], int] = {}
    for segment, place in zip(off_road_of(segments), places, strict=True):
        key = (place.kind, place.name, segment.basis)
        sums[key] = sums.get(key, 0) + segment.mm
    return tuple(NamedMm(*key, mm) for key, mm in sorted(sums.items()))


def places_of(statement: Statement, named: Named) -> tuple[PlaceTotal, ...]:
    """The greatest first.  Sums to `statement.totals.off_road_mm`."""
    stood = {(one.device, one.day): one.content_hash for one in statement.stands_on}
    known = {key: places for key, (content_hash, places) in named.items() if stood.get(key) == content_hash}
    found: dict[_Key, list[int]] = {}
    for line in statement.lines:
        if line.amounts.off_road_mm:
            for key, mm in _of_line(line, known).items():
                one = found.setdefault(key, [0, 0])
                one[0] += mm
                one[1] += 1
    totals = [
        PlaceTotal(kind=kind, place=place, basis=basis, off_road_mm=mm, days=days)
        for (kind, place, basis), (mm, days) in found.items()
    ]
    return tuple(sorted(totals, key=lambda one: (-one.off_road_mm, one.kind, one.place, one.basis)))


def _of_line(line: Line, known: Mapping[tuple[str, int], tuple[NamedMm, ...]]) -> dict[_Key, int]:
    parts = _by_basis([known.get((device, to_ordinal(line.on))) for device in line.devices])
    found: dict[_Key, int] = {}
    for basis, mm in line.amounts.off_road_by_basis:
        if basis == MANUAL:
            found["manual_log", _WORDS["manual_log"], basis] = mm
            continue
        here = parts.get(basis, ())
        whole = sum([one.mm for one in here])
        if not whole:
            found["not_named_yet", _WORDS["not_named_yet"], basis] = mm
            continue
        left = mm
        for one in here:
            if share := mm * one.mm // whole:
                key: _Key = (one.kind, one.place, basis)
                found[key] = found.get(key, 0) + share
                left -= share
        if left:
            found["remainder", _WORDS["remainder"], basis] = left
    return found


def _by_basis(told: Sequence[tuple[NamedMm, ...] | None]) -> dict[str, list[NamedMm]]:
    """Of all the devices of a day; nothing while one of them is not named."""
    found: dict[str, list[NamedMm]] = {}
    for places in told:
        if places is None:
            return {}
        for one in places:
            found.setdefault(one.basis, []).append(one)
    return found
