"""The numbers behind a segment: its fixes, how far each kind of way was, margins, its pieces, ways and cells."""

from typing import Any, Final, NamedTuple

import h3
import numpy as np
from numpy.typing import NDArray

from services.classifier.application.drawing.track import places
from services.classifier.application.nearby import FAR_M, DescribedRoads, Nearest, WayFacts, facts_of
from services.classifier.application.parts import Part
from services.classifier.domain import cells
from services.classifier.domain.device_day import BASES, SURFACES
from services.classifier.domain.fixes import GOOD, LABELS
from services.classifier.domain.geometry import REACH_M
from services.classifier.domain.scheme import Scheme
from services.classifier.domain.surfaces import NAMES
from services.classifier.domain.trace import DayTrace

CELL_STEP_M: Final = 40.0
"""Between places that are turned into cells: shorter than a cell's half width."""
CELLS_MAX: Final = 2_000
PIECES_MAX: Final = 200
WAYS_MAX: Final = 50


class Spread(NamedTuple):
    least: float
    median: float
    greatest: float


def spread(values: NDArray[np.float64]) -> Spread | None:
    """None of nothing; rounded to centimetres (or hundredths of a nat)."""
    if not len(values):
        return None
    return Spread(*(round(float(one), 2) for one in (values.min(), np.median(values), values.max())))


class Facts(NamedTuple):
    """Distances in metres, margins in nats.  `fixes` are those inside the segment's time; where there are none, or where
    what lies on both sides decides (ambiguous), the ends of its legs too."""

    fixes: int
    inside: bool
    """False: no fix lies inside, the numbers are those of the fixes before and after."""
    left_out: dict[str, int]
    accuracy_m: Spread | None
    public_edge_m: Spread | None
    """To the edge of the nearest public road; of fixes that have one within 3 km."""
    no_public: int
    """Fixes without any public road within 3 km."""
    nearest_public: WayFacts | None
    private_m: Spread | None
    unknown_m: Spread | None
    """To the centre line of the likeliest way of the kind, of fixes that have one within 100 m."""
    margin: Spread | None
    margin_needed: float
    surfaces: dict[str, int]
    """How many fixes are by themselves on which surface."""
    legs: int
    cut_legs: int
    """Legs of which only a part is in this segment."""
    cut_mm: int
    ways: list[tuple[WayFacts, int]]
    """See `ways_along`."""
    rows: NDArray[np.int64]


def facts(trace: DayTrace, part: Part, edges: Nearest, road_set: DescribedRoads, scheme: Scheme) -> Facts:
    """`edges` is per fix of the trace (see picture.public_edges)."""
    fixes, pieces = trace.fixes, trace.pieces
    rows = part.rows
    if not len(rows) or part.segment.basis == "ambiguous":  # decided by what lies on both sides
        rows = np.union1d(rows, part.leg_ends(trace))
    between = (fixes.ts_ms >= part.from_ms) & (fixes.ts_ms <= part.until_ms) & (fixes.label != GOOD)
    labels, counts = np.unique(fixes.label[between], return_counts=True)
    metres, near = edges.metres[rows], rows[edges.way[rows] >= 0]
    closest = int(near[np.argmin(edges.metres[near])]) if len(near) else -1
    names, numbers = np.unique(fixes.surface[rows], return_counts=True)
    leg, where = np.unique(pieces.until[part.pieces], return_inverse=True)
    whole = np.bincount(pieces.until, pieces.mm.astype(np.float64), minlength=len(fixes.ts_ms))[leg]
    mine = np.bincount(where, pieces.mm[part.pieces].astype(np.float64), minlength=len(leg))
    cut = mine < whole - 0.5
    return Facts(
        fixes=len(rows),
        inside=bool(len(part.rows)),
        left_out={LABELS[int(label)]: int(n) for label, n in zip(labels, counts, strict=True)},
        accuracy_m=spread(np.sqrt(np.maximum(0.0, fixes.sigma_m[rows] ** 2 - scheme.map_error_m**2))),
        public_edge_m=spread(metres[metres < FAR_M]),
        no_public=int((metres >= FAR_M).sum()),
        nearest_public=facts_of(road_set, [int(edges.way[closest])])[0] if closest >= 0 else None,
        private_m=spread(fixes.private_m[rows][fixes.private_m[rows] < REACH_M]),
        unknown_m=spread(fixes.unknown_m[rows][fixes.unknown_m[rows] < REACH_M]),
        margin=spread(fixes.margin[rows]),
        margin_needed=scheme.claim_margin,
        surfaces={NAMES[int(name)]: int(n) for name, n in zip(names, numbers, strict=True)},
        legs=len(leg),
        cut_legs=int(cut.sum()),
        cut_mm=int(mine[cut].sum()),
        ways=ways_along(trace, part, road_set),
        rows=rows,
    )


def ways_along(trace: DayTrace, part: Part, road_set: DescribedRoads) -> list[tuple[WayFacts, int]]:
    """The ways that decided, with the millimetres along each, most first."""
    ways, mm = trace.pieces.way[part.pieces], trace.pieces.mm[part.pieces]
    named = np.unique(ways[ways >= 0])
    sums = [int(mm[ways == way].sum()) for way in named.tolist()]
    order = sorted(range(len(named)), key=lambda n: -sums[n])[:WAYS_MAX]
    return list(zip(facts_of(road_set, [int(named[n]) for n in order]), [sums[n] for n in order], strict=True))


def cells_of(trace: DayTrace, part: Part) -> tuple[list[str], bool]:
    """(H3 cells of resolution 10 along the segment, in order, each once; whether these are all)."""
    good = np.flatnonzero(trace.fixes.label == GOOD)
    at = np.unique(np.concatenate([[part.segment.start_ms], trace.fixes.ts_ms[part.rows], [part.segment.end_ms]]))
    lng, lat = places(trace.fixes, good, at)
    kx, ky = cells.metres_per_e6(int(lat.mean()))
    along = np.append(0.0, np.cumsum(np.hypot(np.diff(lng) * kx, np.diff(lat) * ky)))
    steps = np.linspace(0.0, along[-1], min(4 * CELLS_MAX, int(along[-1] / CELL_STEP_M) + 2))
    lats, lngs = np.interp(steps, along, lat) / 1e6, np.interp(steps, along, lng) / 1e6
    found = dict.fromkeys(
        h3.latlng_to_cell(y, x, cells.FINE_RES) for y, x in zip(lats.tolist(), lngs.tolist(), strict=True)
    )
    return list(found)[:CELLS_MAX], len(found) <= CELLS_MAX


def pieces_out(trace: DayTrace, part: Part, road_set: DescribedRoads) -> list[dict[str, Any]]:
    """The segment's pieces as plain values, at most PIECES_MAX."""
    pieces = trace.pieces
    return [
        {
            "start_ms": int(pieces.start_ms[row]),
            "end_ms": int(pieces.end_ms[row]),
            "distance_m": int(pieces.mm[row]) / 1_000,
            "surface": SURFACES[int(pieces.surface[row])],
            "basis": BASES[int(pieces.basis[row])],
            "leg": [int(trace.fixes.ts_ms[pieces.fix[row]]), int(trace.fixes.ts_ms[pieces.until[row]])],
            "way": road_set.describe(int(pieces.way[row])) if pieces.way[row] >= 0 else None,
        }
        for row in part.pieces[:PIECES_MAX].tolist()
    ]
