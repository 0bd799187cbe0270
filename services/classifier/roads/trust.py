"""Several sources in order of trust: what is the same road takes the word of the first source that knows (rules SU1-SU3).

A stretch that runs along a way of another source is the same road.  If its own source knows who maintains it, only sources
before it can say otherwise; if not, the first that knows does.  Everything else, areas too, stands by itself."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from services.classifier.domain.compiled import kernel
from services.classifier.domain.way_kinds import PRIVATE, UNKNOWN
from services.classifier.roads.along import Pieces, grid_of, pieces_of
from services.classifier.roads.mapped import Parcels
from services.classifier.roads.ways import Ways, pick

STRETCH_M: Final = 30.0
"""Shorter stretches keep what their own source says: two roads are near one another where they cross."""
_MOST: Final = 0.8
"""But for those that are nearly all of a short way."""


class Settled(NamedTuple):
    """Ways, cut where a stretch of them is another kind; `decided_by`: the way that decided, -1 its own source."""

    ways: Ways
    decided_by: NDArray[np.int32]


def settle(ways: Ways, parcels: Sequence[Parcels | None]) -> Settled:
    settled = Settled(ways, np.full(len(ways.way_id), -1, dtype=np.int32))
    if len(ways.sources) > 1:
        vertex_way = ways.vertex_way
        pieces = pieces_of(ways, vertex_way, grid_of(ways, vertex_way))
        decided = stretches(pieces, ways.kind)
        if np.any(decided >= 0):
            settled = _cut(ways, pieces, decided)
    return settled._replace(ways=_inside(settled.ways, [one for one in parcels if one is not None]))


@kernel
def stretches(pieces: Pieces, kind: NDArray[np.uint8]) -> NDArray[np.int32]:
    """For each piece the way that decides its kind, -1: its own.  Gaps and stretches shorter than STRETCH_M are evened out."""
    count = len(pieces.way)
    out = np.full(count, -1, dtype=np.int32)
    a = 0
    while a < count:
        b = a
        total = 0.0
        while b < count and pieces.way[b] == pieces.way[a]:
            by = pieces.decider[b]
            if by >= 0 and kind[by] != kind[pieces.way[a]]:
                out[b] = by
            total += pieces.metres[b]
            b += 1
        _even(pieces, kind, out, a, b, 0.0, True)
        _even(pieces, kind, out, a, b, total, False)
        a = b
    return out


@kernel
def _even(
    pieces: Pieces, kind: NDArray[np.uint8], out: NDArray[np.int32], a: int, b: int, total: float, gaps: bool
) -> None:
    """Fill short gaps between stretches of one kind (`gaps`), or undo short stretches."""
    i = a
    while i < b:
        j, metres = i, 0.0
        here = kind[out[i]] if out[i] >= 0 else 0
        while j < b and (kind[out[j]] if out[j] >= 0 else 0) == here:
            metres += pieces.metres[j]
            j += 1
        if gaps and here == 0 and i > a and j < b and metres < STRETCH_M and kind[out[i - 1]] == kind[out[j]]:
            out[i:j] = out[i - 1]
        if not gaps and here != 0 and metres < min(STRETCH_M, _MOST * total):
            out[i:j] = -1
        i = j


def _cut(ways: Ways, pieces: Pieces, decided: NDArray[np.int32]) -> Settled:
    """Cut ways where their kind changes, and give each stretch its kind; vertices are put in where a cut needs one."""
    room = int(np.sum(decided[1:] != decided[:-1])) * 2 + 2
    lat, lng = np.empty(len(ways.lat_e6) + room, np.int32), np.empty(len(ways.lat_e6) + room, np.int32)
    first = np.zeros(len(ways.way_id) + room, np.int32)
    row, by = np.empty(len(first), np.int32), np.empty(len(first), np.int32)
    starts = np.searchsorted(pieces.way, np.arange(len(ways.way_id) + 1))
    made, points = _write(
        ways.lat_e6, ways.lng_e6, ways.first, ways.kind, pieces, decided, starts, lat, lng, first, row, by
    )
    row, by = row[:made], by[:made]
    out = replace(
        pick(ways, row), lat_e6=lat[:points].copy(), lng_e6=lng[:points].copy(), first=first[: made + 1].copy()
    )
    changed = np.flatnonzero(by >= 0)
    kinds, halves = out.kind.copy(), out.half_dm.copy()
    kinds[changed] = ways.kind[by[changed]]
    halves[changed] = np.maximum(halves[changed], ways.half_dm[by[changed]])
    first_of = np.zeros(len(ways.way_id), dtype=np.int32)
    first_of[row[::-1]] = np.arange(made - 1, -1, -1, dtype=np.int32)
    decided_by = np.where(by >= 0, first_of[by], -1).astype(np.int32)
    return Settled(replace(out, kind=kinds, half_dm=halves), decided_by)


@kernel
def _write(
    lat: NDArray[np.int32], lng: NDArray[np.int32], first: NDArray[np.int32], kind: NDArray[np.uint8], pieces: Pieces,
    decided: NDArray[np.int32], starts: NDArray[np.int64], out_lat: NDArray[np.int32], out_lng: NDArray[np.int32],
    out_first: NDArray[np.int32], out_row: NDArray[np.int32], out_by: NDArray[np.int32],
) -> tuple[int, int]:  # fmt: skip
    """(ways, vertices) written."""
    made, points = 0, 0
    for way in range(len(first) - 1):
        p, end = starts[way], starts[way + 1]
        out_row[made], out_by[made] = way, decided[p] if p < end else -1
        for v in range(first[way], first[way + 1]):
            out_lat[points], out_lng[points] = lat[v], lng[v]
            points += 1
            while p < end and pieces.vertex[p] == v:
                p += 1
                if p == end:
                    break
                was = kind[decided[p - 1]] if decided[p - 1] >= 0 else 0
                now = kind[decided[p]] if decided[p] >= 0 else 0
                if was == now:
                    continue
                u, share = pieces.vertex[p], pieces.start[p]
                y = math.floor(lat[u] + (lat[u + 1] - lat[u]) * share + 0.5)
                x = math.floor(lng[u] + (lng[u + 1] - lng[u]) * share + 0.5)
                if y != out_lat[points - 1] or x != out_lng[points - 1]:
                    out_lat[points], out_lng[points] = y, x
                    points += 1
                made += 1
                out_first[made], out_row[made], out_by[made] = points, way, decided[p]
                if pieces.vertex[p] == v:
                    out_lat[points], out_lng[points] = y, x
                    points += 1
        made += 1
        out_first[made] = points
    return made, points


def _inside(ways: Ways, parcels: Sequence[Parcels]) -> Ways:
    """Ways of unknown maintainer that lie wholly inside one private parcel are private, and their rule says so."""
    kinds, rules, texts = ways.kind.copy(), ways.rule.copy(), list(ways.texts)
    for one in parcels:
        rows = np.flatnonzero(kinds == UNKNOWN)
        if not len(rows) or not len(one.shapes):
            continue
        part = pick(ways, rows)
        line_of = np.repeat(np.arange(len(rows)), np.diff(part.first))
        lines = shapely.linestrings(np.column_stack((part.lng_e6, part.lat_e6)) / 1e6, indices=line_of)
        line, parcel = shapely.STRtree(one.shapes).query(lines, predicate="within")
        _, chosen = np.unique(line, return_index=True)
        for at, within in zip(rows[line[chosen]].tolist(), parcel[chosen].tolist(), strict=True):
            words = f"{ways.texts[rules[at]]}; wholly inside private parcel {one.number[within]} of {one.source}"
            kinds[at], rules[at] = PRIVATE, len(texts)
            texts.append(words)
    return replace(ways, kind=kinds, rule=rules, texts=tuple(texts))
