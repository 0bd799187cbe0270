"""Which surface each fix is on: the most likely sequence (scheme 1, paragraphs 21 to 23; rules SU1-SU6)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, kernel
from services.classifier.domain.evidence import Evidence
from services.classifier.domain.fixes import GOOD, Fixes
from services.classifier.domain.geometry import REACH_M
from services.classifier.domain.scheme import Scheme

NONE: Final = 0
ON_PUBLIC: Final = 1
ON_PRIVATE: Final = 2
ON_UNKNOWN_WAY: Final = 3
ON_FIELD: Final = 4
OUTSIDE: Final = 5
AMBIGUOUS: Final = 6
LIKE_A_ROAD: Final = 7
ON_DECLARED: Final = 8
"""On a way of unknown maintainer, or as on a missing road, but on declared land (rule SU7)."""
OVER_PUBLIC: Final = 9
"""On or beside a public road of land declared over it."""
EXCLUDED_PLACE: Final = 10
NAMES: Final = (
    "none", "public road", "private way", "way of unknown maintainer", "clear of every way", "outside coverage", "ambiguous",
    "like a road", "declared land", "declared over a public road", "excluded place",
)  # fmt: skip


@inlined
def is_off(surface: int) -> bool:
    """Whether a fix's surface is off road."""
    return (
        surface == ON_PRIVATE or surface == ON_FIELD or surface == ON_DECLARED or surface == OVER_PUBLIC  # noqa: PLR1714 - numba has no tuple membership this cheap
    )


@kernel
def decide(
    fixes: Fixes, evidence: Evidence, scheme: Scheme, surface: NDArray[np.int8], margins: NDArray[np.float64]
) -> None:
    """Surface and margin of every good fix (paragraphs 21 and 22): least-cost sequences through "public" and "other".

    A margin is how much dearer the best sequence with this fix on a public road is than the best one with it off."""
    for w in range(len(fixes.key)):
        a, b = fixes.first[w], fixes.first[w + 1]
        forward_public, forward_other = np.zeros(b - a), np.zeros(b - a)
        public, other = 0.0, 0.0
        for i in range(a, b):
            if fixes.label[i] != GOOD:
                continue
            stay_public = min(public, other + scheme.switch_price)
            stay_other = min(other, public + scheme.switch_price)
            public = stay_public + evidence.weight[i] * evidence.public_cost[i]
            other = stay_other + evidence.weight[i] * evidence.other_cost[i]
            forward_public[i - a], forward_other[i - a] = public, other
        public, other = 0.0, 0.0
        for i in range(b - 1, a - 1, -1):
            if fixes.label[i] != GOOD:
                continue
            margin = forward_public[i - a] + public - forward_other[i - a] - other
            margins[i] = margin
            surface[i] = _surface(evidence, i, margin, scheme)
            here_public = public + evidence.weight[i] * evidence.public_cost[i]
            here_other = other + evidence.weight[i] * evidence.other_cost[i]
            public = min(here_public, here_other + scheme.switch_price)
            other = min(here_other, here_public + scheme.switch_price)


@inlined
def _surface(evidence: Evidence, i: int, margin: float, scheme: Scheme) -> int:
    if evidence.edge_m[i] < REACH_M:
        return OUTSIDE
    if margin <= 0.0:
        return ON_PUBLIC
    if margin < scheme.claim_margin:
        return AMBIGUOUS
    if evidence.unknown_cost[i] < evidence.off_cost[i]:
        return ON_UNKNOWN_WAY
    if evidence.private_at[i] >= 0 and evidence.private_m[i] < scheme.clear_m:
        return ON_PRIVATE
    return ON_FIELD


@kernel
def mark_road_like(fixes: Fixes, evidence: Evidence, scheme: Scheme, surface: NDArray[np.int8]) -> None:
    """Rule SU4: off every way, but fast without a break for as long as only a road allows: probably a missing road.

    The run itself asks for speed and for no private way, never for the surface: so what lies outside coverage cannot break it,
    and cutting a data set cannot make a run too short to notice (rule SU5)."""
    for w in range(len(fixes.key)):
        start, end = -1, -1
        for i in range(fixes.first[w], fixes.first[w + 1]):
            if fixes.label[i] != GOOD:
                continue
            if fixes.speed_mps[i] >= scheme.road_like_mps and evidence.private_m[i] > scheme.clear_m:
                start, end = (i if start < 0 else start), i
            else:
                _relabel(fixes, scheme, surface, start, end)
                start = -1
        _relabel(fixes, scheme, surface, start, end)


@inlined
def _relabel(fixes: Fixes, scheme: Scheme, surface: NDArray[np.int8], start: int, end: int) -> None:
    if start >= 0 and fixes.ts_ms[end] - fixes.ts_ms[start] >= scheme.road_like_ms:
        for k in range(start, end + 1):
            if surface[k] == ON_FIELD:
                surface[k] = LIKE_A_ROAD
