"""Ways as columns: what every source is read into, and what a road data set is built from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.way_kinds import AREA_PUBLIC

BRIDGE: Final = 1
"""Flag: a bridge, tunnel or way on another layer meets others only where they share a point."""
SOURCES_MAX: Final = 255
HALF_MAX_DM: Final = 200.0
"""No corridor is wider to either side than this (domain.geometry.HALF_MAX_M)."""
PER_WAY: Final = ("way_id", "kind", "half_dm", "flags", "rule", "name", "source")
"""Columns of Ways with a row for each way."""


class SourceError(Exception):
    """A source cannot be read; the message says what to do."""


class Box(NamedTuple):
    """Micro-degrees."""

    west: int
    south: int
    east: int
    north: int


class SourceMeta(msgspec.Struct, frozen=True):
    """One source of a road data set."""

    name: str
    """Its file's name."""
    sha256: str
    date: str
    """ISO date up to which it is current; "" where it does not say."""
    mapping: str
    """Name of the mapping that says who maintains what; "" for OpenStreetMap's own tags."""
    ways: int
    box: tuple[int, int, int, int] | None = None
    """Its header's box (west, south, east, north in micro-degrees), where there is one."""


@dataclass(frozen=True, slots=True)
class Ways:
    """One row a way, and one row a vertex: way w has the vertices first[w] to first[w + 1] - 1.  Positions in micro-degrees.

    Rings of areas are ways too: closed, outer rings against the clock, holes with it, an area's rings one after another under
    its number.  Sources stand one after another in order of trust, and in each the ways by number."""

    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    first: NDArray[np.int32]
    way_id: NDArray[np.int64]
    """Its number at the source; below 0: of an OpenStreetMap relation."""
    kind: NDArray[np.uint8]
    half_dm: NDArray[np.uint16]
    flags: NDArray[np.uint8]
    rule: NDArray[np.int32]
    name: NDArray[np.int32]
    source: NDArray[np.uint8]
    """Row in `sources`."""
    texts: tuple[str, ...]
    """What `rule` and `name` point into; 0 is ""."""
    sources: tuple[SourceMeta, ...]

    @property
    def vertex_way(self) -> NDArray[np.int32]:
        """The way of each vertex."""
        return np.repeat(np.arange(len(self.way_id), dtype=np.int32), np.diff(self.first))

    @property
    def box(self) -> Box | None:
        """What the headers' boxes span, where every source has one."""
        boxes = [one.box for one in self.sources]
        if any(one is None for one in boxes):
            return None
        west, south, east, north = zip(*[one for one in boxes if one is not None], strict=True)
        return Box(min(west), min(south), max(east), max(north))

    @property
    def areas(self) -> NDArray[np.int32]:
        """The area that each way is a ring of, by the way of its first ring; -1: none."""
        at = np.arange(len(self.way_id), dtype=np.int32)
        again = np.zeros(len(at), dtype=np.bool_)
        again[1:] = (
            (self.way_id[1:] == self.way_id[:-1])
            & (self.kind[1:] == self.kind[:-1])
            & (self.source[1:] == self.source[:-1])
        )
        heads = np.maximum.accumulate(np.where(again, 0, at))
        return np.where(self.kind >= AREA_PUBLIC, heads, -1).astype(np.int32)


Row = tuple[int, int, int, int, str, str, NDArray[np.int32]]
"""Number, kind, half-width in dm, flags, rule, name, points: (n, 2) latitude and longitude in micro-degrees."""


def columns_of_rows(rows: Sequence[Row], source: SourceMeta) -> Ways:
    """Columns in the order of the ways' numbers (then kinds), whatever order the source has them in."""
    rows = sorted(rows, key=lambda row: row[:2])
    texts: dict[str, int] = {"": 0}
    ids, kinds, halves, flags, rules, names, points = zip(*rows, strict=True)
    rule = [texts.setdefault(text, len(texts)) for text in rules]
    name = [texts.setdefault(text, len(texts)) for text in names]
    vertices = np.concatenate(points)
    first = np.zeros(len(rows) + 1, dtype=np.int32)
    first[1:] = np.cumsum([len(part) for part in points])
    return Ways(
        lat_e6=np.ascontiguousarray(vertices[:, 0]),
        lng_e6=np.ascontiguousarray(vertices[:, 1]),
        first=first,
        way_id=np.array(ids, dtype=np.int64),
        kind=np.array(kinds, dtype=np.uint8),
        half_dm=np.array(halves, dtype=np.uint16),
        flags=np.array(flags, dtype=np.uint8),
        rule=np.array(rule, dtype=np.int32),
        name=np.array(name, dtype=np.int32),
        source=np.zeros(len(rows), dtype=np.uint8),
        texts=tuple(texts),
        sources=(msgspec.structs.replace(source, ways=len(rows)),),
    )


def pick(ways: Ways, rows: NDArray[Any]) -> Ways:
    """The ways in `rows` (row numbers in the order wanted, or a mask)."""
    rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    counts = np.diff(ways.first)[rows]
    first = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    vertices = np.repeat(ways.first[rows] - first[:-1], counts) + np.arange(first[-1])
    return replace(
        ways,
        lat_e6=ways.lat_e6[vertices],
        lng_e6=ways.lng_e6[vertices],
        first=first,
        **{name: getattr(ways, name)[rows] for name in PER_WAY},
    )


def join(parts: Sequence[Ways]) -> Ways:
    """Several sources, one after another in order of trust.  Raises SourceError.

    OpenStreetMap extracts overlap: a way that a former extract holds is left out of the later ones."""
    if len(parts) == 1:
        return parts[0]
    parts = list(parts)
    known = np.empty(0, dtype=np.int64)
    for n, part in enumerate(parts):
        if part.sources[0].mapping == "":
            parts[n] = pick(part, ~np.isin(part.way_id, known))
            known = np.concatenate((known, parts[n].way_id))
    sources = tuple(one for part in parts for one in part.sources)
    if len(sources) > SOURCES_MAX:
        raise SourceError(f"{len(sources)} sources are too many: at most {SOURCES_MAX} make one data set")
    texts: dict[str, int] = {"": 0}
    maps = [np.array([texts.setdefault(t, len(texts)) for t in part.texts], dtype=np.int32) for part in parts]
    starts = np.cumsum([0, *[len(part.lat_e6) for part in parts]])
    firsts = [part.first[:-1] + start for part, start in zip(parts, starts[:-1], strict=True)]
    before = np.cumsum([0, *[len(part.sources) for part in parts]])
    return Ways(
        lat_e6=np.concatenate([part.lat_e6 for part in parts]),
        lng_e6=np.concatenate([part.lng_e6 for part in parts]),
        first=np.append(np.concatenate(firsts), starts[-1]).astype(np.int32),
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("way_id", "kind", "half_dm", "flags")
        },
        rule=np.concatenate([to[part.rule] for part, to in zip(parts, maps, strict=True)]),
        name=np.concatenate([to[part.name] for part, to in zip(parts, maps, strict=True)]),
        source=np.concatenate([part.source + at for part, at in zip(parts, before[:-1], strict=True)]).astype(np.uint8),
        texts=tuple(texts),
        sources=sources,
    )
