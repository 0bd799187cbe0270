"""The passes of a scheme over the columns of many device-days, one after another (scheme 1)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain import evidence as evidence_module
from services.classifier.domain import legs, lengths, places, segments, surfaces
from services.classifier.domain import pieces as pieces_module
from services.classifier.domain.evidence import Evidence
from services.classifier.domain.fixes import Fixes
from services.classifier.domain.geometry import Roads
from services.classifier.domain.ground import Ground
from services.classifier.domain.lengths import Lengths
from services.classifier.domain.look_up import empty_cells, find_cells
from services.classifier.domain.near import empty_listed
from services.classifier.domain.pieces import Pieces
from services.classifier.domain.places import Places, Ruled
from services.classifier.domain.readings import Odometers, empty_odometers, find_stretches
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.segments import Runs
from services.classifier.domain.summary import Summary, empty_summary, sum_up
from services.classifier.domain.work import Work

COVERED_EVERY_MS: Final = 600_000
"""Rule EL6: a fix at least every 10 minutes."""


class Computed(NamedTuple):
    """What the passes leave: per fix, per piece, per segment, per window."""

    fixes: Fixes
    evidence: Evidence
    surface: NDArray[np.int8]
    margin: NDArray[np.float64]
    ruled: Ruled
    lengths: Lengths
    pieces: Pieces
    piece_count: int
    runs: Runs
    odometers: Odometers
    summary: Summary
    engine_ms: NDArray[np.int64]
    covered_ms: NDArray[np.int64]


def compute(fixes: Fixes, ground: Ground, roads: Roads, scheme: Scheme, in_force: Places) -> Computed:
    """All loops over fixes; each releases the GIL."""
    rows, windows = len(fixes.ts_ms), len(fixes.key)
    evidence = evidence_module.empty_evidence(rows)
    at = empty_cells(rows)
    listed = empty_listed(find_cells(fixes, ground, roads, at))
    evidence_module.gather(fixes, ground, at, listed, roads, scheme, evidence)
    evidence_module.weigh(fixes, scheme, evidence.weight)
    surface, margin = np.zeros(rows, dtype=np.int8), np.zeros(rows)
    surfaces.decide(fixes, evidence, scheme, surface, margin)
    surfaces.mark_road_like(fixes, evidence, scheme, surface)
    ruled = places.empty_ruled(rows)
    places.rule(fixes, in_force, evidence, surface, ruled)
    odometers = empty_odometers(windows, rows)
    find_stretches(fixes, scheme, np.empty(rows, dtype=np.int64), odometers)
    measured = lengths.empty_lengths(rows)
    lengths.measure(fixes, ground, scheme, measured)
    pieces = pieces_module.empty_pieces(3 * rows)
    work = Work(fixes, odometers, measured, evidence, surface, ground, roads, scheme, in_force, ruled)
    count = legs.cut_legs(work, pieces)
    segments.mark_still(fixes, odometers, measured, pieces, count, scheme)
    runs = segments.empty_runs(count)
    kept = segments.join_pieces(fixes, pieces, count, odometers, roads, scheme, runs)
    summary = empty_summary(windows, rows)
    sum_up(fixes, odometers, summary)
    engine_ms, covered_ms = np.zeros(windows, dtype=np.int64), np.zeros(windows, dtype=np.int64)
    segments.engine_time(fixes, measured, COVERED_EVERY_MS, engine_ms, covered_ms)
    return Computed(
        fixes, evidence, surface, margin, ruled, measured, pieces, count, segments.cut(runs, kept), odometers, summary,
        engine_ms, covered_ms,
    )  # fmt: skip
