"""Leave for operators to look into a tenant (rule PA4): rows that are added, and ended at most once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of, one_of
from shared.db.pool import Connection

INSERT: Final = """
insert into claims.ops_grant (tenant_id, id, case_ref, holder, from_at, until_at, reason, granted_by, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
GRANTS: Final = """
select id, case_ref, holder, from_at, until_at, reason, granted_by, created_at, ended_at, ended_by from claims.ops_grant
where tenant_id = $1 and (created_at, id) > ($2, $3) order by created_at, id limit $4"""
GRANT: Final = """
select id, case_ref, holder, from_at, until_at, reason, granted_by, created_at, ended_at, ended_by from claims.ops_grant
where tenant_id = $1 and id = $2"""
END: Final = """
update claims.ops_grant set ended_at = $3, ended_by = $4 where tenant_id = $1 and id = $2 and ended_at is null"""
IS_LIVE: Final = """
select exists (select from claims.ops_grant where tenant_id = $1 and holder = $2 and ended_at is null
    and ($3::timestamptz is null or created_at >= $3) and from_at <= $4 and until_at > $4)"""


@dataclass(frozen=True)
class GrantRow:
    """`holder`: the id of an operator's key, or of an operator's person; of leave that has ended it may be a name."""

    id: UUID
    case_ref: str
    holder: str
    from_at: datetime
    until_at: datetime
    reason: str
    granted_by: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""


async def insert(conn: Connection, tenant: UUID, row: GrantRow) -> None:
    """Raises a violation of `ops_grant_two_weeks`."""
    await conn.execute(
        INSERT, tenant, row.id, row.case_ref, row.holder, row.from_at, row.until_at, row.reason, row.granted_by,
        row.created_at,
    )  # fmt: skip


async def grants(conn: Connection, tenant: UUID, page: Page) -> list[GrantRow]:
    """Those that are over too."""
    return all_of(GrantRow, await conn.fetch(GRANTS, tenant, page.after_at, page.after_id, page.limit))


async def grant(conn: Connection, tenant: UUID, grant_id: UUID) -> GrantRow | None:
    return one_of(GrantRow, await conn.fetchrow(GRANT, tenant, grant_id))


async def end(conn: Connection, tenant: UUID, grant_id: UUID, at: datetime, by: str) -> None:
    """One that was ended before stays as it is."""
    await conn.execute(END, tenant, grant_id, at, by)


async def is_live(conn: Connection, tenant: UUID, holder: str, given_since: datetime | None, at: datetime) -> bool:
    """`given_since`: leave that was given before does not count."""
    return bool(await conn.fetchval(IS_LIVE, tenant, holder, given_since, at))
