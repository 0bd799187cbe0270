"""The ways of a road data set beside a track, as lines."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.application.lines import Line
from services.classifier.domain import cells, tables
from services.classifier.domain.compiled import kernel
from services.classifier.domain.geometry import Roads
from services.classifier.domain.way_kinds import FERRY, PRIVATE, PUBLIC, UNKNOWN

SURFACES: Final = {PUBLIC: "public_road", PRIVATE: "off_road", UNKNOWN: "unknown", FERRY: "carried"}
"""What a way of each kind is taken as (rules SU1 to SU3, SU8)."""


def ways_near(roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32]) -> list[Line]:
    """The stretches of ways in the fine cells of the positions (and so at least all within REACH_M of them)."""
    heads = np.flatnonzero(segments_near(roads, lat_e6, lng_e6))
    if not len(heads):
        return []
    breaks = np.flatnonzero((np.diff(heads) != 1) | (np.diff(roads.vertex_way[heads]) != 0)) + 1
    lines: list[Line] = []
    for run in np.split(heads, breaks):
        surface = SURFACES.get(int(roads.way_kind[roads.vertex_way[run[0]]]))
        if surface is not None:
            at = np.append(run, run[-1] + 1)
            lines.append(Line(surface, np.column_stack([roads.lng_e6[at], roads.lat_e6[at]]).astype(np.int64)))
    return lines


def segments_near(roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Per vertex: whether a segment that begins there is listed in the fine cell of one of the positions."""
    listed = np.zeros(len(roads.lat_e6), np.bool_)
    _mark(roads, lat_e6, lng_e6, listed)
    return listed


@kernel
def _mark(roads: Roads, lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32], listed: NDArray[np.bool_]) -> None:
    """Set `listed` for the first vertex of every segment in the positions' fine cells."""
    last = tables.NO_KEY
    for p in range(len(lat_e6)):
        fine, _ = cells.keys_at(roads.faces, lat_e6[p], lng_e6[p])
        if fine == last:
            continue
        last = fine
        row = tables.find(roads.fine_table, roads.fine_rows, fine)
        if row >= 0:
            for k in range(roads.fine_first[row], roads.fine_first[row + 1]):
                listed[roads.fine_vertex[k]] = True
