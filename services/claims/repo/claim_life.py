"""Steps of claims and of their lines, disclosures, attachments: rows that are added, hardly ever changed (rules CL5 to CL7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of, one_of
from shared.db.pool import Connection

# Rows that only point to the claim are not kept waiting: a review holds its licences and names it in a disclosure.
LOCK_CLAIM: Final = "select state from claims.claim where tenant_id = $1 and id = $2 for no key update"
SET_STATE: Final = "update claims.claim set state = $3 where tenant_id = $1 and id = $2"
INSERT_STEP: Final = """
insert into claims.claim_step (tenant_id, id, claim_id, seq, kind, on_day, channel, reference, reason, attachment_id, actor)
select $1, $2, $3, coalesce(max(s.seq), 0) + 1, $4, $5, $6, $7, $8, $9, $10
from claims.claim_step s where s.tenant_id = $1 and s.claim_id = $3"""
STEPS: Final = """
select id, seq, kind, on_day, channel, reference, reason, attachment_id, actor, created_at
from claims.claim_step where tenant_id = $1 and claim_id = $2 order by seq"""
INSERT_LINE_STEP: Final = """
insert into claims.line_step
    (tenant_id, id, claim_id, licence_id, seq, kind, on_day, distance_km, cents, reference, reason, actor)
select $1, $2, $3, $4, coalesce(max(s.seq), 0) + 1, $5, $6, $7, $8, $9, $10, $11
from claims.line_step s where s.tenant_id = $1 and s.claim_id = $3 and s.licence_id = $4"""
LINE_STEPS: Final = """
select id, licence_id, seq, kind, on_day, distance_km, cents, reference, reason, actor, created_at
from claims.line_step where tenant_id = $1 and claim_id = $2 order by licence_id, seq"""
INSERT_DISCLOSURE: Final = """
insert into claims.disclosure
    (tenant_id, id, claim_id, licence_id, claimed_km, now_km, settled_km, claimed_cents, now_cents, settled_cents, cents, rules,
    grounds, statement_hash, letter, found_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (tenant_id, claim_id, licence_id) where closed_on is null do nothing returning id"""
DISCLOSURE: Final = """
select id, claim_id, licence_id, claimed_km, now_km, settled_km, claimed_cents, now_cents, settled_cents, cents, rules, grounds,
    letter, found_at, closed_on, closed_as, closed_cents, closed_reference, closed_by
from claims.disclosure where tenant_id = $1"""
TOLD: Final = DISCLOSURE + " and claim_id = any($2::uuid[]) order by found_at, id"
LOCK_TOLD: Final = TOLD + " for update"
DISCLOSURES: Final = DISCLOSURE + """
    and claim_id = coalesce($2, claim_id) and (not $3 or closed_on is null) and (found_at, id) > ($4, $5)
    and licence_id = coalesce($7, licence_id)
order by found_at, id limit $6"""  # fmt: skip
OWED: Final = """
select cents from claims.disclosure where tenant_id = $1 and id = $2 and closed_on is null for update"""
CLOSE_DISCLOSURE: Final = """
update claims.disclosure set closed_on = $3, closed_as = $4, closed_cents = $5, closed_reference = $6, closed_by = $7
where tenant_id = $1 and id = $2 and closed_on is null returning claim_id, licence_id"""
INSERT_ATTACHMENT: Final = """
insert into claims.attachment (tenant_id, id, name, media_type, size, sha256, sealed, actor)
values ($1, $2, $3, $4, $5, $6, $7, $8)"""
ATTACHMENT: Final = """
select id, name, media_type, size, sha256, sealed, actor, created_at, purged_at
from claims.attachment where tenant_id = $1 and id = $2"""
HAS_ATTACHMENT: Final = "select 1 from claims.attachment where tenant_id = $1 and id = $2"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happened to a claim on an NZ day."""

    id: UUID
    seq: int = 0
    kind: str
    on_day: date
    channel: str | None = None
    reference: str = ""
    reason: str = ""
    attachment_id: UUID | None = None
    actor: str
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LineStep:
    """What the Agency said of a line, or what was paid or taken back."""

    id: UUID
    licence_id: UUID
    seq: int = 0
    kind: str
    on_day: date
    distance_km: int | None = None
    cents: int | None = None
    reference: str = ""
    reason: str = ""
    actor: str
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DisclosureRow:
    id: UUID
    claim_id: UUID
    licence_id: UUID
    claimed_km: int
    now_km: int
    settled_km: int
    claimed_cents: int | None = None
    now_cents: int | None = None
    settled_cents: int = 0
    cents: int | None
    """claimed_cents - now_cents - settled_cents; None: not known."""
    rules: Sequence[str] = ()
    """Which would refuse the line today, and in `grounds` why, one for one."""
    grounds: Sequence[str] = ()
    letter: str
    found_at: datetime
    closed_on: date | None = None
    closed_as: str | None = None
    closed_cents: int | None = None
    closed_reference: str = ""
    closed_by: str = ""


@dataclass(frozen=True, kw_only=True)
class AttachmentRow:
    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    sealed: bytes
    actor: str
    created_at: datetime | None = None
    purged_at: datetime | None = None
    """When its bytes went (rule RE1)."""


async def lock_claim(conn: Connection, tenant: UUID, claim_id: UUID) -> str | None:
    """The claim's state, with its row locked until the transaction ends; None where there is no such claim."""
    state: str | None = await conn.fetchval(LOCK_CLAIM, tenant, claim_id)
    return state


async def add_step(conn: Connection, tenant: UUID, claim_id: UUID, step: Step, state: str) -> None:
    """Add a step and set the claim's state.  The claim's row is locked, so `seq` has no rival."""
    await conn.execute(
        INSERT_STEP, tenant, step.id, claim_id, step.kind, step.on_day, step.channel, step.reference, step.reason,
        step.attachment_id, step.actor,
    )  # fmt: skip
    await conn.execute(SET_STATE, tenant, claim_id, state)


async def steps(conn: Connection, tenant: UUID, claim_id: UUID) -> list[Step]:
    return all_of(Step, await conn.fetch(STEPS, tenant, claim_id))


async def add_line_step(conn: Connection, tenant: UUID, claim_id: UUID, step: LineStep) -> None:
    await conn.execute(
        INSERT_LINE_STEP, tenant, step.id, claim_id, step.licence_id, step.kind, step.on_day, step.distance_km, step.cents,
        step.reference, step.reason, step.actor,
    )  # fmt: skip


async def line_steps(conn: Connection, tenant: UUID, claim_id: UUID) -> list[LineStep]:
    return all_of(LineStep, await conn.fetch(LINE_STEPS, tenant, claim_id))


async def insert_disclosure(conn: Connection, tenant: UUID, row: DisclosureRow, statement_hash: bytes) -> bool:
    """False, and nothing happens, where the line has an open one."""
    found = await conn.fetchval(
        INSERT_DISCLOSURE, tenant, row.id, row.claim_id, row.licence_id, row.claimed_km, row.now_km, row.settled_km,
        row.claimed_cents, row.now_cents, row.settled_cents, row.cents, list(row.rules), list(row.grounds), statement_hash,
        row.letter, row.found_at,
    )  # fmt: skip
    return found is not None


async def told(conn: Connection, tenant: UUID, claim_ids: Sequence[UUID]) -> list[DisclosureRow]:
    """Every disclosure of the claims, open or closed, as they were found."""
    return all_of(DisclosureRow, await conn.fetch(TOLD, tenant, list(claim_ids)))


async def lock_told(conn: Connection, tenant: UUID, claim_ids: Sequence[UUID]) -> list[DisclosureRow]:
    """As `told`; they stay as they are until the transaction ends."""
    return all_of(DisclosureRow, await conn.fetch(LOCK_TOLD, tenant, list(claim_ids)))


async def disclosures(
    conn: Connection, tenant: UUID, page: Page, claim_id: UUID | None = None, licence_id: UUID | None = None, *,
    only_open: bool = False,
) -> list[DisclosureRow]:  # fmt: skip
    rows = await conn.fetch(
        DISCLOSURES, tenant, claim_id, only_open, page.after_at, page.after_id, page.limit, licence_id
    )
    return all_of(DisclosureRow, rows)


async def owed_cents(conn: Connection, tenant: UUID, disclosure_id: UUID) -> int | None:
    """Of an open one, which stays as it is until the transaction ends; None where it is not known, or there is none."""
    found: int | None = await conn.fetchval(OWED, tenant, disclosure_id)
    return found


async def close_disclosure(
    conn: Connection, tenant: UUID, disclosure_id: UUID, on: date, how: str, cents: int, reference: str, actor: str
) -> tuple[UUID, UUID] | None:
    """(claim, licence) of the disclosure; None where there is no open one with this id."""
    found = await conn.fetchrow(CLOSE_DISCLOSURE, tenant, disclosure_id, on, how, cents, reference, actor)
    return None if found is None else (found["claim_id"], found["licence_id"])


async def insert_attachment(conn: Connection, tenant: UUID, row: AttachmentRow) -> None:
    await conn.execute(
        INSERT_ATTACHMENT, tenant, row.id, row.name, row.media_type, row.size, row.sha256, row.sealed, row.actor
    )


async def has_attachment(conn: Connection, tenant: UUID, attachment_id: UUID) -> bool:
    """Without the bytes."""
    return await conn.fetchval(HAS_ATTACHMENT, tenant, attachment_id) is not None


async def attachment(conn: Connection, tenant: UUID, attachment_id: UUID) -> AttachmentRow | None:
    return one_of(AttachmentRow, await conn.fetchrow(ATTACHMENT, tenant, attachment_id))
