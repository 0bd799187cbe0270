"""People of a tenant, their roles, leaves and corrections (rule PA2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.domain.register.roles import Role
from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection
from shared.mailbox import mailbox

INSERT_PERSON: Final = """
insert into claims.person (tenant_id, id, ref, name, email, email_key, created_by, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)"""
PEOPLE: Final = """
select p.id, p.ref, p.name, p.email, p.created_by, p.created_at,
    array(select r.role from claims.person_role r
        where r.tenant_id = p.tenant_id and r.person_id = p.id and r.ended_at is null order by r.role) as roles,
    exists (select from claims.person_identity i
        where i.tenant_id = p.tenant_id and i.person_id = p.id and i.ended_at is null) as linked,
    not exists (select from claims.person_leave l
        where l.tenant_id = p.tenant_id and l.person_id = p.id and l.ended_at is null) as active
from claims.person p
where p.tenant_id = $1 and p.id = coalesce($2, p.id) and ($3::text is null or p.email_key = $3)
    and (p.created_at, p.id) > ($4, $5)
order by p.created_at, p.id limit $6"""
SAME_PERSON: Final = """
select id from claims.person where tenant_id = $1 and email_key = $2
union all
select id from claims.person where tenant_id = $1 and ref = $3 limit 1"""

INSERT_ROLES: Final = """
insert into claims.person_role (tenant_id, id, person_id, role, since, by)
select $1, one.id, $2, one.role, $5, $6 from unnest($3::uuid[], $4::text[]) as one (id, role)
on conflict (tenant_id, person_id, role) where ended_at is null do nothing"""
END_ROLES: Final = """
update claims.person_role set ended_at = $4, ended_by = $5
where tenant_id = $1 and person_id = $2 and role = any($3::text[]) and ended_at is null returning role"""
# Who asked to be forgotten will be gone one day, without anybody's doing.
STAYING_ADMINS: Final = """
select r.person_id from claims.person_role r
where r.tenant_id = $1 and r.role = 'admin' and r.ended_at is null and not exists (
    select from claims.erasure_request e
    where e.tenant_id = r.tenant_id and e.kind = 'person' and e.subject_id = r.person_id and e.done_at is null)
order by r.person_id"""
ROLE_HISTORY: Final = """
select role, since, by, ended_at, ended_by from claims.person_role
where tenant_id = $1 and person_id = $2 order by since, role, id"""

INSERT_LEAVE: Final = """
insert into claims.person_leave (tenant_id, id, person_id, reason, since, by) values ($1, $2, $3, $4, $5, $6)"""
END_LEAVE: Final = """
update claims.person_leave set ended_at = $3, ended_by = $4
where tenant_id = $1 and person_id = $2 and ended_at is null returning id"""
LEAVES: Final = """
select reason, since, by, ended_at, ended_by from claims.person_leave
where tenant_id = $1 and person_id = $2 order by since, id"""

INSERT_CORRECTION: Final = """
insert into claims.person_correction (tenant_id, id, person_id, name_before, email_before, reason, since, by)
values ($1, $2, $3, $4, $5, $6, $7, $8)"""
CORRECT: Final = "update claims.person set name = $3, email = $4, email_key = $5 where tenant_id = $1 and id = $2"
CORRECTIONS: Final = """
select name_before, email_before, reason, since, by from claims.person_correction
where tenant_id = $1 and person_id = $2 order by since, id"""


@dataclass(frozen=True)
class PersonRow:
    """`roles`: those of now, sorted; `linked`: known to an identity provider; `active`: not on leave."""

    id: UUID
    ref: str | None
    name: str
    email: str
    created_by: str
    created_at: datetime
    roles: list[Role]
    linked: bool
    active: bool


@dataclass(frozen=True)
class RoleRow:
    role: str
    since: datetime
    by: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True)
class LeaveRow:
    reason: str
    since: datetime
    by: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True)
class CorrectionRow:
    """How the person's name and e-mail read until then."""

    name_before: str
    email_before: str
    reason: str
    since: datetime
    by: str


async def insert_person(conn: Connection, tenant: UUID, row: PersonRow) -> None:
    """Without its roles.  Raises a violation of `person_email_unique` or `person_ref_unique`."""
    await conn.execute(
        INSERT_PERSON,
        tenant,
        row.id,
        row.ref,
        row.name,
        row.email,
        mailbox(row.email),
        row.created_by,
        row.created_at,
    )


async def person(conn: Connection, tenant: UUID, person_id: UUID) -> PersonRow | None:
    return one_of(PersonRow, await conn.fetchrow(PEOPLE, tenant, person_id, None, START, FIRST_ID, 1))


async def people(conn: Connection, tenant: UUID, page: Page, email: str | None) -> list[PersonRow]:
    key = None if email is None else mailbox(email)
    return all_of(PersonRow, await conn.fetch(PEOPLE, tenant, None, key, page.after_at, page.after_id, page.limit))


async def same_person(conn: Connection, tenant: UUID, email: str, ref: str | None) -> UUID | None:
    """The person of that e-mail, or of that reference."""
    found: UUID | None = await conn.fetchval(SAME_PERSON, tenant, mailbox(email), ref)
    return found


async def insert_roles(
    conn: Connection, tenant: UUID, person_id: UUID, ids: Sequence[UUID], roles: Sequence[str], since: datetime, by: str
) -> None:
    """Roles that the person has already stay as they are."""
    await conn.execute(INSERT_ROLES, tenant, person_id, list(ids), list(roles), since, by)


async def end_roles(
    conn: Connection, tenant: UUID, person_id: UUID, roles: Sequence[str], at: datetime, by: str
) -> list[str]:
    """Those that were ended now."""
    return [row["role"] for row in await conn.fetch(END_ROLES, tenant, person_id, list(roles), at, by)]


async def staying_admins(conn: Connection, tenant: UUID) -> list[UUID]:
    """People with the role admin who have not asked to be forgotten."""
    return [row["person_id"] for row in await conn.fetch(STAYING_ADMINS, tenant)]


async def role_history(conn: Connection, tenant: UUID, person_id: UUID) -> list[RoleRow]:
    return all_of(RoleRow, await conn.fetch(ROLE_HISTORY, tenant, person_id))


async def insert_leave(
    conn: Connection, tenant: UUID, leave_id: UUID, person_id: UUID, reason: str, since: datetime, by: str
) -> None:
    await conn.execute(INSERT_LEAVE, tenant, leave_id, person_id, reason, since, by)


async def end_leave(conn: Connection, tenant: UUID, person_id: UUID, at: datetime, by: str) -> bool:
    return await conn.fetchval(END_LEAVE, tenant, person_id, at, by) is not None


async def leaves(conn: Connection, tenant: UUID, person_id: UUID) -> list[LeaveRow]:
    return all_of(LeaveRow, await conn.fetch(LEAVES, tenant, person_id))


async def insert_correction(
    conn: Connection, tenant: UUID, correction_id: UUID, before: PersonRow, reason: str, at: datetime, by: str
) -> None:
    await conn.execute(INSERT_CORRECTION, tenant, correction_id, before.id, before.name, before.email, reason, at, by)


async def correct(conn: Connection, tenant: UUID, person_id: UUID, name: str, email: str) -> None:
    """Raises a violation of `person_email_unique`."""
    await conn.execute(CORRECT, tenant, person_id, name, email, mailbox(email))


async def corrections(conn: Connection, tenant: UUID, person_id: UUID) -> list[CorrectionRow]:
    return all_of(CorrectionRow, await conn.fetch(CORRECTIONS, tenant, person_id))
