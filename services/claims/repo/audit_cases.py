"""Audit cases, their scope and history (rule PA4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_CASE: Final = """
insert into claims.audit_case
    (tenant_id, id, reference, organisation, officer, contact, subject, opened_on, due_on, legal_hold, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
CASES: Final = """
select id, reference, organisation, officer, contact, subject, opened_on, due_on, legal_hold, closed_on, outcome, created_at
from claims.audit_case
where tenant_id = $1 and id = coalesce($2, id) and (created_at, id) > ($3, $4)
    and ($6::boolean is null or (closed_on is null) = $6)
order by created_at, id limit $5"""
CASE_OF_REFERENCE: Final = "select id from claims.audit_case where tenant_id = $1 and reference = $2"
LOCK_CASE: Final = "select closed_on is null from claims.audit_case where tenant_id = $1 and id = $2 for update"
SET_HOLD: Final = "update claims.audit_case set legal_hold = $3 where tenant_id = $1 and id = $2"
CLOSE_CASE: Final = "update claims.audit_case set closed_on = $3, outcome = $4 where tenant_id = $1 and id = $2"
INSERT_LINES: Final = """
insert into claims.audit_case_line (tenant_id, case_id, claim_id, licence_id, from_day, to_day)
select $1, $2, l.claim_id, l.licence_id, coalesce(min(d.day), min(c.lodged_on - date '1970-01-01')),
    coalesce(max(d.day), min(c.lodged_on - date '1970-01-01'))
from unnest($3::uuid[], $4::uuid[]) as l (claim_id, licence_id)
join claims.claim c on c.tenant_id = $1 and c.id = l.claim_id
left join claims.claim_line_day d on d.tenant_id = $1 and d.claim_id = l.claim_id and d.licence_id = l.licence_id
group by l.claim_id, l.licence_id
on conflict on constraint audit_case_line_pk do nothing
returning claim_id, licence_id"""
CASE_LINES: Final = """
select s.claim_id, s.licence_id, c.number as claim_number, l.number, l.plate, l.distance_km, s.from_day, s.to_day, s.added_at
from claims.audit_case_line s
join claims.claim c on c.tenant_id = s.tenant_id and c.id = s.claim_id
join claims.claim_line l on l.tenant_id = s.tenant_id and l.claim_id = s.claim_id and l.licence_id = s.licence_id
where s.tenant_id = $1 and s.case_id = $2 order by c.number, l.line_no"""
LINES_OF: Final = """
select l.claim_id, l.licence_id
from claims.claim_line l join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.claim_id
where l.tenant_id = $1 and c.state <> 'withdrawn' and (l.claim_id = any($2::uuid[]) or l.licence_id = any($3::uuid[]))
order by l.claim_id, l.line_no"""
ADD_EVENT: Final = """
insert into claims.audit_event (tenant_id, id, case_id, seq, kind, on_day, words, attachment_id, actor, created_at)
select $1, $2, $3, coalesce(max(e.seq), 0) + 1, $4, $5, $6, $7, $8, $9
from claims.audit_event e where e.tenant_id = $1 and e.case_id = $3"""
EVENTS: Final = """
select id, seq, kind, on_day, words, attachment_id, actor, created_at
from claims.audit_event where tenant_id = $1 and case_id = $2 order by seq"""


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    id: UUID
    reference: str
    organisation: str
    officer: str
    contact: str
    subject: str
    opened_on: date
    due_on: date | None
    legal_hold: bool
    closed_on: date | None = None
    outcome: str = ""
    created_at: datetime


@dataclass(frozen=True)
class CaseLine:
    """A claimed licence in the case's scope, with the days of its evidence."""

    claim_id: UUID
    licence_id: UUID
    claim_number: str
    number: str
    plate: str
    distance_km: int
    from_day: int
    to_day: int
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    id: UUID
    seq: int = 0
    kind: str
    on_day: date
    words: str = ""
    attachment_id: UUID | None = None
    actor: str
    created_at: datetime


async def insert_case(conn: Connection, tenant: UUID, row: CaseRow) -> None:
    """Raises a violation of `audit_case_reference_unique`."""
    await conn.execute(
        INSERT_CASE, tenant, row.id, row.reference, row.organisation, row.officer, row.contact, row.subject, row.opened_on,
        row.due_on, row.legal_hold, row.created_at,
    )  # fmt: skip


async def case(conn: Connection, tenant: UUID, case_id: UUID) -> CaseRow | None:
    return one_of(CaseRow, await conn.fetchrow(CASES, tenant, case_id, START, FIRST_ID, 1, None))


async def cases(conn: Connection, tenant: UUID, page: Page, *, is_open: bool | None) -> list[CaseRow]:
    return all_of(CaseRow, await conn.fetch(CASES, tenant, None, page.after_at, page.after_id, page.limit, is_open))


async def case_of_reference(conn: Connection, tenant: UUID, reference: str) -> UUID | None:
    found: UUID | None = await conn.fetchval(CASE_OF_REFERENCE, tenant, reference)
    return found


async def lock_case(conn: Connection, tenant: UUID, case_id: UUID) -> bool | None:
    """Whether it is open, with its row locked until the transaction ends; None where there is no such case."""
    found: bool | None = await conn.fetchval(LOCK_CASE, tenant, case_id)
    return found


async def set_legal_hold(conn: Connection, tenant: UUID, case_id: UUID, *, held: bool) -> None:
    await conn.execute(SET_HOLD, tenant, case_id, held)


async def close_case(conn: Connection, tenant: UUID, case_id: UUID, on: date, outcome: str) -> None:
    await conn.execute(CLOSE_CASE, tenant, case_id, on, outcome)


async def lines_of(
    conn: Connection, tenant: UUID, claim_ids: Sequence[UUID], licence_ids: Sequence[UUID]
) -> list[tuple[UUID, UUID]]:
    """(claim, licence) of every line of the claims, and of every application for each licence (rule CL5); withdrawn ones left
    out."""
    found = await conn.fetch(LINES_OF, tenant, list(claim_ids), list(licence_ids))
    return [(r["claim_id"], r["licence_id"]) for r in found]


async def add_lines(
    conn: Connection, tenant: UUID, case_id: UUID, lines: Sequence[tuple[UUID, UUID]]
) -> list[tuple[UUID, UUID]]:
    """Those of the (claim, licence)s that were not in the scope yet."""
    found = await conn.fetch(INSERT_LINES, tenant, case_id, [c for c, _ in lines], [i for _, i in lines])
    return [(r["claim_id"], r["licence_id"]) for r in found]


async def case_lines(conn: Connection, tenant: UUID, case_id: UUID) -> list[CaseLine]:
    return all_of(CaseLine, await conn.fetch(CASE_LINES, tenant, case_id))


async def add_event(conn: Connection, tenant: UUID, case_id: UUID, event: Event) -> None:
    """The case's row is locked, so `seq` has no rival."""
    await conn.execute(
        ADD_EVENT, tenant, event.id, case_id, event.kind, event.on_day, event.words, event.attachment_id, event.actor,
        event.created_at,
    )  # fmt: skip


async def events(conn: Connection, tenant: UUID, case_id: UUID) -> list[Event]:
    return all_of(Event, await conn.fetch(EVENTS, tenant, case_id))
