"""A mark of faulty data with all that belongs to it."""

from dataclasses import dataclass
from uuid import UUID

from services.claims.application.ledger.mark_faulty import claims_touched
from services.claims.application.refusals import not_found
from services.claims.repo import faulty, faulty_jobs, ledger
from services.claims.repo.faulty import FaultyStep, MarkRow, ReviewRow, StretchRow
from shared.db.pool import Connection


@dataclass(frozen=True)
class WholeMark:
    row: MarkRow
    stretches: list[StretchRow]
    steps: list[FaultyStep]
    off_road_mm: int
    """Of the ledger's segments that touch it, now."""
    claims: list[UUID]
    """That stand on it."""
    reviews: list[ReviewRow]
    waits_for: str
    """In words; "" where nothing is waited for."""


async def read_mark(conn: Connection, tenant: UUID, mark_id: UUID) -> WholeMark:
    """Raises Problem 404."""
    row = await faulty.mark(conn, tenant, mark_id)
    if row is None:
        raise not_found("mark of faulty data", mark_id)
    stretches = await faulty.stretches(conn, tenant, mark_id)
    days = await ledger.days_in(conn, tenant, [one.window for one in stretches])
    off_road_mm = sum(
        segment.mm
        for day in days
        for segment in day.day.segments
        if segment.surface == "off_road"
        and any(
            one.device == day.day.device and one.from_ms <= segment.end_ms and segment.start_ms <= one.to_ms
            for one in stretches
        )
    )
    return WholeMark(
        row=row,
        stretches=stretches,
        steps=await faulty.steps(conn, tenant, mark_id),
        off_road_mm=off_road_mm,
        claims=await claims_touched(conn, tenant, mark_id),
        reviews=await faulty.reviews(conn, tenant, mark_id=mark_id),
        waits_for=await faulty_jobs.job_error(conn, tenant, mark_id),
    )
