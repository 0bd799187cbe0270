"""A device-day with everything an auditor needs to follow it: the same computation as `device_day.classify_days`, kept whole.

    day = trace_day(pings, (tenant, device), day, road_set, V1, book)

`FixTrace` has one row a fix of the window (the day and the gap limit on both sides) in order of time, labelled ones included;
`PieceTrace` one row a part of a leg."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.classifier.domain.device_day import DayOutcome, RoadSetLike, compute_days, empty_day, outcomes_of
from services.classifier.domain.geometry import REACH_M, Roads
from services.classifier.domain.passes import Computed
from services.classifier.domain.rulings import NO_BOOK, Book, Exclusion, Land
from services.classifier.domain.scheme import V1, Scheme
from shared.contracts.pings import Key, Pings


class FixTrace(NamedTuple):
    """Distances are metres to the centre line of the likeliest way of the kind, REACH_M where there is none so near."""

    ts_ms: NDArray[np.int64]
    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    label: NDArray[np.int8]
    """Index into fixes.LABELS.  Everything below holds for good ones only."""
    surface: NDArray[np.int8]
    """Index into surfaces.NAMES."""
    margin: NDArray[np.float64]
    """Nats: how much dearer the best sequence is that has the fix on a public road (paragraph 21)."""
    weight: NDArray[np.float64]
    public_cost: NDArray[np.float64]
    other_cost: NDArray[np.float64]
    sigma_m: NDArray[np.float64]
    public_m: NDArray[np.float64]
    public_way: NDArray[np.int32]
    private_m: NDArray[np.float64]
    private_way: NDArray[np.int32]
    unknown_m: NDArray[np.float64]
    unknown_way: NDArray[np.int32]
    clear_m: NDArray[np.float64]
    """How far it certainly is to a public road's edge, the edge of coverage, or where a ruling ends what counts."""
    speed_mps: NDArray[np.float64]
    heading_deg: NDArray[np.float64]
    place: NDArray[np.int32]
    """Index into DayTrace.places of the land or exclusion that decided; -1: none did."""


class PieceTrace(NamedTuple):
    """Parts of legs; not yet cut at the day's bounds."""

    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    mm: NDArray[np.int64]
    surface: NDArray[np.int8]
    """Index into device_day.SURFACES; `basis` into BASES, `kind` into KINDS."""
    basis: NDArray[np.int8]
    kind: NDArray[np.int8]
    fix: NDArray[np.int64]
    """Row in FixTrace of the leg's first fix; its second is `until`."""
    until: NDArray[np.int64]
    way: NDArray[np.int32]
    """The way that decided; -1: none did."""
    place: NDArray[np.int32]


class DayTrace(NamedTuple):
    outcome: DayOutcome
    fixes: FixTrace
    pieces: PieceTrace
    places: tuple[Land | Exclusion, ...]


def trace_day(
    pings: Pings, key: Key, day: int, roads: RoadSetLike, scheme: Scheme = V1, book: Book = NO_BOOK
) -> DayTrace:
    """The trace of one device-day (NZ day ordinal); without a fix its columns are empty."""
    computed, rulings = compute_days(pings, [(key, day)], roads.roads, scheme, book)
    outcomes = outcomes_of(pings, computed, rulings, roads, scheme)
    outcome = outcomes[0] if outcomes else empty_day(key, day, scheme, book)
    return DayTrace(
        outcome, _fixes(computed, roads.roads, scheme), _pieces(computed, roads.roads), tuple(rulings.words)
    )


def _fixes(computed: Computed, roads: Roads, scheme: Scheme) -> FixTrace:
    fixes, evidence = computed.fixes, computed.evidence
    return FixTrace(
        fixes.ts_ms, fixes.lat_e6, fixes.lng_e6, fixes.label, computed.surface, computed.margin, evidence.weight,
        evidence.public_cost, evidence.other_cost, np.sqrt(fixes.accuracy_m**2 + scheme.map_error_m**2),
        np.minimum(evidence.public_m, REACH_M), _ways(roads, evidence.public_at),
        np.minimum(evidence.private_m, REACH_M), _ways(roads, evidence.private_at),
        np.minimum(evidence.unknown_m, REACH_M), _ways(roads, evidence.unknown_at), evidence.clear_m,
        fixes.speed_mps, fixes.heading_deg,
        computed.ruled.place,
    )  # fmt: skip


def _pieces(computed: Computed, roads: Roads) -> PieceTrace:
    made, count = computed.pieces, computed.piece_count
    at = made.at[:count]
    return PieceTrace(
        made.start_ms[:count], made.end_ms[:count], made.mm[:count], made.surface[:count], made.basis[:count],
        made.kind[:count], made.fix[:count], made.until[:count], _ways(roads, at),
        np.where(at < -1, -2 - at, -1).astype(np.int32),
    )  # fmt: skip


def _ways(roads: Roads, at: NDArray[np.int32]) -> NDArray[np.int32]:
    """The way of each vertex, -1 where there is none."""
    if len(roads.vertex_way) == 0:
        return np.full(len(at), -1, dtype=np.int32)
    return np.where(at >= 0, roads.vertex_way[np.maximum(at, 0)], -1).astype(np.int32)
