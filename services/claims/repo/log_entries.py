"""Manual log entries for gaps (rule LI8): rows that are added, and taken back at most once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of, one_of
from shared.db.pool import Connection

INSERT_ENTRY: Final = """
insert into claims.log_entry (tenant_id, id, licence_id, on_day, logged_mm, reason, attachment_id, actor, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ENTRIES: Final = """
select id, licence_id, on_day, logged_mm, reason, attachment_id, actor, created_at, withdrawn_at, withdrawn_by,
    withdrawn_reason
from claims.log_entry
where tenant_id = $1 and licence_id = $2 and (created_at, id) > ($3, $4) order by created_at, id limit $5"""
ENTRY: Final = """
select id, licence_id, on_day, logged_mm, reason, attachment_id, actor, created_at, withdrawn_at, withdrawn_by,
    withdrawn_reason
from claims.log_entry where tenant_id = $1 and licence_id = $2 and id = $3"""
STANDING: Final = """
select id, licence_id, on_day, logged_mm, reason, attachment_id, actor, created_at, withdrawn_at, withdrawn_by,
    withdrawn_reason
from claims.log_entry where tenant_id = $1 and licence_id = any($2::uuid[]) and withdrawn_at is null"""
WITHDRAW: Final = """
update claims.log_entry set withdrawn_at = $3, withdrawn_by = $4, withdrawn_reason = $5
where tenant_id = $1 and id = $2 and withdrawn_at is null"""


@dataclass(frozen=True)
class LogRow:
    id: UUID
    licence_id: UUID
    on_day: date
    logged_mm: int
    reason: str
    attachment_id: UUID
    actor: str
    created_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_reason: str = ""


async def insert_entry(conn: Connection, tenant: UUID, row: LogRow) -> None:
    """Raises a violation of `log_entry_once`."""
    await conn.execute(
        INSERT_ENTRY, tenant, row.id, row.licence_id, row.on_day, row.logged_mm, row.reason, row.attachment_id, row.actor,
        row.created_at,
    )  # fmt: skip


async def entries(conn: Connection, tenant: UUID, licence_id: UUID, page: Page) -> list[LogRow]:
    """Those taken back too."""
    return all_of(LogRow, await conn.fetch(ENTRIES, tenant, licence_id, page.after_at, page.after_id, page.limit))


async def entry(conn: Connection, tenant: UUID, licence_id: UUID, entry_id: UUID) -> LogRow | None:
    return one_of(LogRow, await conn.fetchrow(ENTRY, tenant, licence_id, entry_id))


async def standing(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[LogRow]:
    """Those of some licences that count."""
    return all_of(LogRow, await conn.fetch(STANDING, tenant, list(licence_ids)))


async def withdraw(conn: Connection, tenant: UUID, entry_id: UUID, at: datetime, actor: str, reason: str) -> None:
    await conn.execute(WITHDRAW, tenant, entry_id, at, actor, reason)
