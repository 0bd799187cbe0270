"""Log by hand what a gap hides, and take it back (rule LI8)."""

import asyncio
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refusals import already_claimed, already_exists, invalid, not_found
from services.claims.application.register.attach import check_attachment
from services.claims.application.statement.assess import assess
from services.claims.application.statement.binding import log_from_row
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.domain.findings import km
from services.claims.domain.instants import nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.statement.log_entry import Logged
from services.claims.repo import licences, lodged, log_entries
from services.claims.repo.licences import LicenceRow
from services.claims.repo.log_entries import LogRow
from services.claims.repo.reviews import lock_vehicles
from shared.db.pool import Connection


async def add_log_entry(conn: Connection, tenant: UUID, row: LogRow, reviews: Reviews) -> Logged:
    """The entry, and what counts of it: all.  Raises Problem 409 `already_exists` for a second entry of the same day,
    `already_claimed`; 422 for a day before the issue, more than what of that day is unknown, or an unknown
    attachment."""
    licence = await _open_licence(conn, tenant, row.licence_id)
    _licensed(licence, row.on_day)
    await check_attachment(conn, tenant, row.attachment_id)
    standing = await log_entries.standing(conn, tenant, [row.licence_id])
    same = next((one for one in standing if one.on_day == row.on_day), None)
    if same is not None:
        raise already_exists("That day of the licence has an entry: take it back first, or leave it.", same.id)
    facts = await load_facts(conn, tenant, [row.licence_id], reviews.policy, reviews.now_ms)
    logged = await asyncio.to_thread(_counted, facts, row, reviews.policy)
    if logged.counted_mm < row.logged_mm:
        raise invalid(
            "/km",
            f"{km(logged.counted_mm)} of {row.on_day} are unknown and can be logged (rule LI8); where readings at the start "
            "and the end of the day are entered, all that the recorder counted between them and no fix explains is the day's",
            "more_than_unknown",
        )
    await log_entries.insert_entry(conn, tenant, row)
    await reviews.of(conn, tenant, [licence.vehicle_id])
    return logged


def _counted(facts: Facts, row: LogRow, policy: Policy) -> Logged:
    """What would count of it."""
    (bound,) = facts.bound
    record = replace(bound.record, log=(*bound.record.log, log_from_row(row)))
    (assessed,) = assess(replace(facts, bound=(replace(bound, record=record),)), policy)
    return next(one for one in assessed.statement.log if one.entry.id == row.id)


def _licensed(licence: LicenceRow, on_day: date) -> None:
    """Rule LI2: travel before the issue is never claimable.  Raises Problem 422."""
    issued_on = nz_date(licence.issued_at)
    if on_day < issued_on:
        raise invalid(
            "/on", f"the licence was issued on {issued_on}: what was driven before is not claimable (rule LI2)"
        )


async def withdraw_log_entry(
    conn: Connection, tenant: UUID, licence_id: UUID, entry_id: UUID, at: datetime, actor: str, reason: str, reviews: Reviews
) -> LogRow:  # fmt: skip
    """It counts no more; it stays to be seen.  Raises Problem 404, 409 `already_claimed`, `already_exists`."""
    licence = await _open_licence(conn, tenant, licence_id)
    row = await log_entries.entry(conn, tenant, licence_id, entry_id)
    if row is None:
        raise not_found("log entry", entry_id)
    if row.withdrawn_at is not None:
        raise already_exists("This entry was taken back already.", row.id)
    await log_entries.withdraw(conn, tenant, entry_id, at, actor, reason)
    await reviews.of(conn, tenant, [licence.vehicle_id])
    return replace(row, withdrawn_at=at, withdrawn_by=actor, withdrawn_reason=reason)


async def _open_licence(conn: Connection, tenant: UUID, licence_id: UUID) -> LicenceRow:
    """The licence.  Locks it, so that it cannot be lodged meanwhile.  Raises Problem 404 or 409: what is claimed stays as it
    was, unless the Agency agreed to another application, which may hold what the log adds (rule CL5)."""
    row = await licences.licence(conn, tenant, licence_id)
    if row is None:
        raise not_found("licence", licence_id)
    await lock_vehicles(conn, tenant, [row.vehicle_id])
    if any(not mark.consented for mark in await lodged.claimed(conn, tenant, [licence_id])):
        raise already_claimed([licence_id])
    return row
