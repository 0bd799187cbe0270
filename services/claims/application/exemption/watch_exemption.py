"""Watch over an exempt vehicle: travel on the road beyond its reach (rule EX3), and whether the exemption pays (rule EX5).

The ledger's own stretches say where each began and ended; only those that can have been too far are looked at fix by fix, with
the classifier's tracks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, NamedTuple, cast
from uuid import UUID

import msgspec

from services.claims.application.exemption.exempt import YEAR, travelled_on
from services.claims.application.peers import Tracks
from services.claims.application.refusals import invalid, not_found
from services.claims.application.statement.vehicle_spans import spans_of, windows_of
from services.claims.domain.exemption.exemption import Advice, advise
from services.claims.domain.exemption.exemption_watch import Exception_, ExceptionKind, Far, Stretch, Watched, watch
from services.claims.domain.exemption.reach import Boundary, Position, boundary_of, length_beyond_m
from services.claims.domain.instants import nz_date, nz_midnight_ms, to_ms
from services.claims.domain.policy import Policy
from services.claims.domain.rates import table_row
from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.statement_parts import Amounts, Revision
from services.claims.repo import exemptions, ledger, vehicles
from services.claims.repo.exemptions import ExceptionRow, ExemptionRow, ExemptionStep
from shared.contracts.device_day import Segment
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.problems import Problem
from shared.nz_days import from_ordinal

DAYS_MAX: Final = 92
LOOKS_MAX: Final = 500
"""So many stretches are looked at fix by fix for one answer."""
FOREVER_MS: Final = 1 << 62
WATCHED: Final = frozenset({"public_road", "unknown"})
M_PER_KM: Final = 1_000


class Stood(NamedTuple):
    """A boundary, and the time for which it stood: [from_ms, until_ms)."""

    from_ms: int
    until_ms: int
    boundary: Boundary


@dataclass(frozen=True)
class Seen:
    """What the ledger knows of the vehicle in some days, and by what it is judged."""

    vehicle_id: UUID
    boundaries: tuple[Stood, ...]
    exceptions: tuple[Exception_, ...]
    spans: tuple[DeviceSpan, ...]
    days: list[Revision]


@dataclass(frozen=True)
class Watch:
    """`looked_at`: of the stretches, those that could have been too far."""

    found: tuple[Watched, ...]
    stretches: int
    looked_at: int
    unsettled: tuple[date, ...]
    """Days that are still coming in: ask again."""


async def watch_exemption(
    pool: Pool,
    tenant: UUID,
    exemption_id: UUID,
    from_on: date,
    to_on: date,
    tracks: Tracks,
    policy: Policy,
    now_ms: int,
) -> Watch:
    """Every stretch on the road (or perhaps on it) beyond the reach, on NZ days from `from_on` to `to_on` while exempt.

    Raises Problem 404, 422 for more than 92 days, 409 for an exemption that was never granted; PeerUnavailable."""
    if not from_on <= to_on <= from_on + timedelta(days=DAYS_MAX - 1):
        raise invalid("/to_on", f"ask for 1 to {DAYS_MAX} days")
    async with tenant_tx(pool, tenant) as conn:
        seen = await _see(conn, tenant, exemption_id, from_on, to_on, now_ms)
    limit_m = float(policy.exemption_reach_km * M_PER_KM)
    stretches = await asyncio.to_thread(_stretches, seen)
    candidates = [(one, boundary) for one, boundary in stretches if one.may_pass(limit_m)]
    if len(candidates) > LOOKS_MAX:
        raise invalid(
            "/to_on", f"{len(candidates)} stretches would have to be looked at: ask for fewer days", "too_many"
        )
    far = [
        found
        for one, boundary in candidates
        if (found := await _look(tracks, tenant, one, boundary, limit_m)) is not None
    ]
    return Watch(
        found=tuple(watch(one, seen.exceptions, limit_m) for one in far),
        stretches=len(stretches),
        looked_at=len(candidates),
        unsettled=tuple(sorted({from_ordinal(d.day.day) for d in seen.days if not d.day.settled})),
    )


async def _see(conn: Connection, tenant: UUID, exemption_id: UUID, from_on: date, to_on: date, now_ms: int) -> Seen:
    row = await exemptions.exemption(conn, tenant, exemption_id)
    if row is None:
        raise not_found("exemption", exemption_id)
    if row.from_at is None:
        raise Problem(409, "not_granted", "The exemption is not granted", "There is nothing to watch before it is.")
    first = max(nz_midnight_ms(from_on), to_ms(row.from_at))
    last = min(nz_midnight_ms(to_on + timedelta(days=1)), now_ms, to_ms(row.until_at) if row.until_at else now_ms)
    spans = await spans_of(conn, tenant, row.vehicle_id, first, last) if first < last else ()
    return Seen(
        vehicle_id=row.vehicle_id,
        boundaries=boundaries_of(row, await exemptions.steps(conn, tenant, exemption_id)),
        exceptions=tuple(_exception(one) for one in await exemptions.exceptions(conn, tenant, exemption_id)),
        spans=spans,
        days=await ledger.days_in(conn, tenant, windows_of(spans)),
    )


def boundaries_of(row: ExemptionRow, steps: Sequence[ExemptionStep]) -> tuple[Stood, ...]:
    """Each from the NZ day on which it was changed, the one before until then."""
    changed = [(nz_midnight_ms(one.on_day), one.boundary_before) for one in steps if one.boundary_before is not None]
    texts = [*(before for _, before in changed), row.boundary]
    edges = [0, *(ms for ms, _ in changed), FOREVER_MS]
    return tuple(
        Stood(since, until, boundary_of(msgspec.json.decode(text)))
        for text, (since, until) in zip(texts, pairwise(edges), strict=True)
        if since < until
    )


def _stretches(seen: Seen) -> list[tuple[Stretch, Boundary]]:
    found = []
    for stood in seen.boundaries:
        cut = [
            replace(one, from_ms=max(one.from_ms, stood.from_ms), until_ms=min(one.until_ms, stood.until_ms))
            for one in seen.spans
            if one.from_ms < stood.until_ms and stood.from_ms < one.until_ms
        ]
        found += [(one, stood.boundary) for one in stretches_of(seen.days, cut, stood.boundary)]
    return found


def stretches_of(days: Sequence[Revision], spans: Sequence[DeviceSpan], boundary: Boundary) -> list[Stretch]:
    """What the vehicle travelled on the road, or perhaps on it, in order of time; settled days only, which have segments.  Of
    a segment that lies in part in a span the part inside."""
    pairs = [
        (span, segment)
        for found in days
        for segment in found.day.segments
        if segment.surface in WATCHED and segment.mm
        for span in spans
        if span.device == found.day.device and span.from_ms < segment.end_ms and segment.start_ms < span.until_ms
    ]
    ends = boundary.from_edge_m([at for _, segment in pairs for at in _ends(segment)]) if pairs else []
    found = [
        Stretch(
            device=span.device,
            surface=cast("Literal['public_road', 'unknown']", segment.surface),
            start_ms=max(span.from_ms, segment.start_ms),
            end_ms=min(span.until_ms, segment.end_ms),
            mm=segment.mm,
            start_from_edge_m=ends[2 * number],
            end_from_edge_m=ends[2 * number + 1],
            whole=span.from_ms <= segment.start_ms and segment.end_ms <= span.until_ms,
        )
        for number, (span, segment) in enumerate(pairs)
    ]
    return sorted(found, key=lambda one: (one.start_ms, one.device))


def _ends(segment: Segment) -> tuple[Position, Position]:
    start = (segment.start_lng_e6 / 1e6, segment.start_lat_e6 / 1e6)
    return start, (segment.end_lng_e6 / 1e6, segment.end_lat_e6 / 1e6)


async def _look(tracks: Tracks, tenant: UUID, one: Stretch, boundary: Boundary, limit_m: float) -> Far | None:
    lines, _ = await tracks.tracks(tenant, one.device, one.start_ms, one.end_ms, 0)
    return await asyncio.to_thread(
        far_of, one, [line.points for line in lines if line.surface == one.surface], boundary, limit_m
    )


def far_of(one: Stretch, lines: Sequence[Sequence[Position]], boundary: Boundary, limit_m: float) -> Far | None:
    """The stretch with how far out it was, None where it never was beyond the limit."""
    farthest, beyond = max(one.start_from_edge_m, one.end_from_edge_m) if one.whole else 0.0, 0.0
    for line in lines:
        distances = boundary.from_edge_m(line)
        farthest = max(farthest, *distances)
        beyond += length_beyond_m(line, distances, limit_m)
    return Far(stretch=one, farthest_m=farthest, beyond_m=min(beyond, one.mm / 1000)) if farthest > limit_m else None


async def advise_vehicle(
    pool: Pool, tenant: UUID, vehicle_id: UUID, geojson: str, tracks: Tracks, policy: Policy, now: datetime
) -> tuple[Advice, Amounts]:
    """Rule EX5: a year with the exemption against a year with refunds, from what the vehicle did in the last one.  Of more than
    500 stretches that can have been too far, the longest are looked at, and the words say so.

    Raises Problem 404, 422 `rate_unknown` where the table does not know the vehicle's rate (rule LI5); PeerUnavailable."""
    boundary = boundary_of(msgspec.json.decode(geojson))
    async with tenant_tx(pool, tenant) as conn:
        rows = await vehicles.vehicles_by_id(conn, tenant, [vehicle_id])
        if not rows:
            raise not_found("vehicle", vehicle_id)
        spans = await spans_of(conn, tenant, vehicle_id, to_ms(now - YEAR), to_ms(now))
        days = await ledger.days_in(conn, tenant, windows_of(spans))
    yearly = travelled_on(days)
    rate = table_row(rows[0].ruc_type, rows[0].gross_kg, nz_date(now), policy.rates)
    if rate is None:
        raise invalid(
            "", "the rate of this vehicle is not known: give its RUC type and weight, or enter the rate", "rate_unknown"
        )
    limit_m = float(policy.exemption_reach_km * M_PER_KM)
    stretches = await asyncio.to_thread(stretches_of, days, spans, boundary)
    public = [one for one in stretches if one.surface == "public_road" and one.may_pass(limit_m)]
    longest = sorted(public, key=lambda one: (-one.mm, one.start_ms, one.device))[:LOOKS_MAX]
    far = [found for one in longest if (found := await _look(tracks, tenant, one, boundary, limit_m)) is not None]
    beyond_mm = sum(int(one.beyond_m * 1000) for one in far)
    advice = advise(yearly, rate.cents_per_unit, beyond_mm, nz_date(now), policy)
    if len(public) > len(longest):
        left = f" At least: the longest {len(longest)} of {len(public)} trips that can have been beyond were looked at."
        advice = replace(advice, words=advice.words + left)
    return advice, yearly


def _exception(row: ExceptionRow) -> Exception_:
    return Exception_(
        name=str(row.id), kind=cast("ExceptionKind", row.kind), from_at=row.from_at, until_at=row.until_at, back=row.back,
        looked_by=row.looked_by,
    )  # fmt: skip
