"""Which surface each fix is on: the most likely sequence (scheme 1, paragraphs 21 to 23; rules SU1-SU6)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.compiled import inlined, lean
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


@lean
def decide(
    fixes: Fixes, evidence: Evidence, scheme: Scheme, surface: NDArray[np.int8], margins: NDArray[np.float64]
) -> None:
    """Surface and margin of every good fix (paragraphs 21 and 22): least-cost sequences through "public" and "other".

    A margin is how much dearer the best sequence with this fix on a public road is than the best one with it off."""
    label, first, weight, edge_m = fixes.label, fixes.first, evidence.weight, evidence.edge_m
    public_cost, other_cost, unknown_cost, off_cost = evidence[:4]
    private_at, private_m, price = evidence.private_at, evidence.private_m, scheme.switch_price
    ahead = margins  # until a fix's turn: how much dearer "public" is than "other", of everything up to it
    for w in range(len(first) - 1):
        behind = 0.0
        for i in range(first[w], first[w + 1]):
            if label[i] == GOOD:
                behind = min(price, max(-price, behind)) + weight[i] * (public_cost[i] - other_cost[i])
                ahead[i] = behind
        after = 0.0
        for i in range(first[w + 1] - 1, first[w] - 1, -1):
            if label[i] == GOOD:
                margin = ahead[i] + after
                margins[i] = margin
                surface[i] = _surface(
                    margin, edge_m[i], unknown_cost[i] < off_cost[i], private_at[i] >= 0 and private_m[i] < scheme.clear_m,
                    scheme,
                )  # fmt: skip
                here = after + weight[i] * (public_cost[i] - other_cost[i])
                after = min(price, max(-price, here))


@inlined
def _surface(margin: float, edge_m: float, unknown_way: bool, private_way: bool, scheme: Scheme) -> int:
    surface = ON_PRIVATE if private_way else ON_FIELD
    if edge_m < REACH_M:
        surface = OUTSIDE
    elif margin <= 0.0:
        surface = ON_PUBLIC
    elif margin < scheme.claim_margin:
        surface = AMBIGUOUS
    elif unknown_way:
        surface = ON_UNKNOWN_WAY
    return surface


@lean
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
