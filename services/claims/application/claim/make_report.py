"""The report of one licence in any state (rule CL8): lodged numbers from the frozen snapshot, else today's statement; with the
tracks of the period, fetched when it is asked for."""

import asyncio
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from services.claims.application.claim.frozen import report_of
from services.claims.application.claim.snapshots import licence_report
from services.claims.application.peers import Pdf, Tracks
from services.claims.application.refusals import not_found, purged
from services.claims.application.sealing import Sealer
from services.claims.application.statement.assess import Assessed, assess
from services.claims.application.statement.expected import Earlier, load_earlier, with_expected
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.domain.policy import Policy
from services.claims.domain.statement.places import Named, places_of
from services.claims.domain.statement.statement_parts import Statement
from services.claims.repo import documents, parties, places
from shared.contracts.claim import LicenceReport, PlaceLine, Track
from shared.db.pool import Pool, tenant_tx
from shared.nz_days import bounds_ms, to_ordinal

SPANS_MAX: Final = 20
"""Devices in turn on one licence; more would make the map unreadable."""
PLACES_MAX: Final = 40
"""Rows of the printed table; what is beyond is one row."""


async def make_report(
    pool: Pool, tenant: UUID, licence_id: UUID, policy: Policy, sealer: Sealer, tracks: Tracks, pdf: Pdf, now_ms: int
) -> bytes:
    """The PDF's bytes.  Raises Problem 404, PeerUnavailable."""
    report, assessed = await read_report(pool, tenant, licence_id, policy, sealer, now_ms)
    drawn, ways = await draw(tenant, assessed.statement, tracks)
    return await pdf.report(msgspec.json.encode(msgspec.structs.replace(report, tracks=drawn, roads=ways)))


async def read_report(
    pool: Pool, tenant: UUID, licence_id: UUID, policy: Policy, sealer: Sealer, now_ms: int
) -> tuple[LicenceReport, Assessed]:
    """As lodged where it is lodged, else as it is now; without tracks, and with names of places as far as they are those of the
    statement that it reports.  Raises Problem 404."""
    async with tenant_tx(pool, tenant) as conn:
        facts = await load_facts(conn, tenant, [licence_id], policy, now_ms)
        if not facts.bound:
            raise not_found("licence", licence_id)
        earlier = await load_earlier(conn, tenant, facts, policy, now_ms)
        claimant = await parties.claimant(conn, tenant, facts.bound[0].row.claimant_id)
        mark = facts.register.marks.get(licence_id)
        lodged = mark is not None and mark.kind == "claim"
        frozen = (
            await documents.snapshot(conn, tenant, mark.source_id, "report", licence_id) if mark and lodged else None
        )
        if lodged and frozen is None:
            raise purged("report")
        named = await places.of_days(conn, tenant, facts.bound[0].period.device_days)
    assessed = await asyncio.to_thread(_judged, facts, earlier, policy)
    if frozen is not None:
        report = report_of(sealer, tenant, licence_id, frozen)
    else:
        name = claimant.name if claimant is not None else ""
        report = licence_report(assessed, name, _vehicle(facts, assessed), "", policy, facts.today)
    return _with_places(report, assessed.statement, named), assessed


def _with_places(report: LicenceReport, statement: Statement, named: Named) -> LicenceReport:
    """A lodged report's metres never change: names of a later statement are none of it."""
    if report.evidence.get("statement") != statement.hash:
        return report
    found = places_of(statement, named)
    lines = [PlaceLine(place=one.place, basis=one.basis, off_road_mm=one.off_road_mm, days=one.days) for one in found]
    if len(lines) > PLACES_MAX:
        rest_mm = sum(one.off_road_mm for one in lines[PLACES_MAX - 1 :])
        lines[PLACES_MAX - 1 :] = [PlaceLine(place="other places", basis="", off_road_mm=rest_mm, days=0)]
    return msgspec.structs.replace(report, places=tuple(lines))


def _judged(facts: Facts, earlier: Earlier, policy: Policy) -> Assessed:
    (item,) = with_expected(facts, assess(facts, policy), earlier, policy)
    return item


def _vehicle(facts: Facts, assessed: Assessed) -> str:
    return next(row.description for row in facts.register.vehicles if row.id == assessed.row.vehicle_id)


async def draw(
    tenant: UUID, statement: Statement, tracks: Tracks, only: Mapping[str, tuple[int, int]] | None = None
) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
    """The tracks of the licence's devices in its time, on the days that the statement shows; and the ways near them, each
    once.  `only`: these devices and days.  Raises PeerUnavailable."""
    if statement.first_day is None or statement.last_day is None:
        return (), ()
    first_ms, _ = bounds_ms(to_ordinal(statement.first_day))
    _, last_ms = bounds_ms(to_ordinal(statement.last_day))
    first_ms, last_ms = max(first_ms, statement.start.ms or first_ms), min(last_ms, statement.end.ms or last_ms)
    drawn: list[Track] = []
    ways: dict[Track, None] = {}
    for span in statement.spans[:SPANS_MAX]:
        from_ms, until_ms = max(span.from_ms, first_ms), min(span.until_ms, last_ms)
        if only is not None:
            if span.device not in only:
                continue
            first, last = only[span.device]
            from_ms, until_ms = max(from_ms, bounds_ms(first)[0]), min(until_ms, bounds_ms(last)[1])
        if from_ms < until_ms:
            own, near = await tracks.tracks(tenant, span.device, from_ms, until_ms)
            drawn += own
            ways.update(dict.fromkeys(near))
    return tuple(drawn), tuple(ways)
