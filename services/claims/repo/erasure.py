"""What is held of a tenant, row by row, and its erasure (rule RE2).  The database judges what rule RE1 holds."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import one_of
from shared.db.pool import Connection
from shared.http.auth import OPERATOR

TABLES: Final = "select claims.tenant_tables()"
GIVE: Final = "select place, body from claims.give_rows($1, $2, $3, $4)"
ERASE: Final = "select claims.erase($1, $2, $3)"
LEFT_UNTIL: Final = "select claims.left_until($1)"
ANY_LEFT: Final = "select exists (select from claims.tenant where tenant_id = $1)"
DAYS_HELD: Final = "select device, from_day, to_day from claims.days_held($1)"
REVOKE_ALL: Final = (
    "update claims.api_key set revoked_at = now() where tenant_id = $1 and revoked_at is null returning key_id"
)
END_ROLES: Final = """
update claims.person_role set ended_at = now(), ended_by = 'off-boarding' where tenant_id = $1 and ended_at is null"""
BEGIN: Final = """
insert into claims.offboarding (tenant_id, leaver, reason, actor) values ($1, $2, $3, $4)
on conflict on constraint offboarding_pk do nothing"""
EXPORTED: Final = "update claims.offboarding set export_sha256 = $3 where tenant_id = $1 and leaver = $2"
ROUND: Final = """
update claims.offboarding set rounds = rounds + 1, rows_gone = rows_gone + $3, held_until = $4,
    done_at = case when $5 then coalesce(done_at, now()) end
where tenant_id = $1 and leaver = $2"""
OFFBOARDING: Final = """
select leaver, reason, actor, begun_at, export_sha256, rounds, rows_gone, held_until, done_at
from claims.offboarding where tenant_id = $1 and leaver = $2"""
ATTACHMENTS: Final = """
select id, name, sealed from claims.attachment
where tenant_id = $1 and purged_at is null and id > $2 order by id limit $3"""
DOCUMENTS: Final = """
select d.claim_id, c.number, d.edition, d.sealed from claims.document d
join claims.claim c on c.tenant_id = d.tenant_id and c.id = d.claim_id where d.tenant_id = $1 order by c.number, d.edition"""


@dataclass(frozen=True)
class Offboarding:
    """The operator's record of a tenant's leaving."""

    leaver: UUID
    reason: str
    actor: str
    begun_at: datetime
    export_sha256: bytes | None
    rounds: int
    rows_gone: int
    held_until: date | None
    done_at: datetime | None


async def tables(conn: Connection) -> list[str]:
    return [row[0] for row in await conn.fetch(TABLES)]


async def give_rows(
    conn: Connection, tenant: UUID, table: str, after: tuple[int, int], limit: int
) -> list[tuple[tuple[int, int], str]]:
    """Rows as JSON behind a place, each with its own place.  The transaction must be the tenant's."""
    return [(row["place"], row["body"]) for row in await conn.fetch(GIVE, tenant, table, after, limit)]


async def erase(conn: Connection, tenant: UUID, table: str, limit: int) -> int:
    """Rows of the table that went: nothing holds them, nothing that stays refers to them.  In the tenant's transaction."""
    count: int = await conn.fetchval(ERASE, tenant, table, limit)
    return count


async def left_until(conn: Connection, tenant: UUID) -> tuple[bool, date | None]:
    """Whether anything is left, and the last day that rule RE1 holds it; None while something open does."""
    return await conn.fetchval(ANY_LEFT, tenant), await conn.fetchval(LEFT_UNTIL, tenant)


async def days_held(conn: Connection, tenant: UUID) -> list[tuple[str, int, int]]:
    """(device, first day, last day) of the fixes that held licences need."""
    return [tuple(row) for row in await conn.fetch(DAYS_HELD, tenant)]


async def revoke_all(conn: Connection, tenant: UUID) -> int:
    """Every key is revoked, how many is told; and nobody of the tenant has a role, so that none signs in and makes others."""
    await conn.execute(END_ROLES, tenant)
    return len(await conn.fetch(REVOKE_ALL, tenant))


async def begin(conn: Connection, leaver: UUID, reason: str, actor: str) -> None:
    """Nothing happens where it has begun before."""
    await conn.execute(BEGIN, OPERATOR, leaver, reason, actor)


async def exported(conn: Connection, leaver: UUID, sha256: bytes) -> None:
    await conn.execute(EXPORTED, OPERATOR, leaver, sha256)


async def round_done(conn: Connection, leaver: UUID, rows: int, held_until: date | None, *, done: bool) -> None:
    await conn.execute(ROUND, OPERATOR, leaver, rows, held_until, done)


async def offboarding(conn: Connection, leaver: UUID) -> Offboarding | None:
    return one_of(Offboarding, await conn.fetchrow(OFFBOARDING, OPERATOR, leaver))


async def attachments(conn: Connection, tenant: UUID, after: UUID, limit: int) -> list[tuple[UUID, str, bytes]]:
    return [tuple(row) for row in await conn.fetch(ATTACHMENTS, tenant, after, limit)]


async def documents(conn: Connection, tenant: UUID) -> list[tuple[UUID, str, int, bytes]]:
    """(claim, its number, edition, sealed PDF)."""
    return [tuple(row) for row in await conn.fetch(DOCUMENTS, tenant)]
