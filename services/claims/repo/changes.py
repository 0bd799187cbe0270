"""Corrections of the register, and what was taken out of it (rule RE2): kept beside it for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.licences import LicenceRow
from services.claims.repo.parties import ClaimantRow
from services.claims.repo.rows import Page, all_of, one_of
from shared.db.pool import Connection

INSERT: Final = """
insert into claims.register_change (tenant_id, id, kind, subject_id, act, fields, before, reason, actor, created_at)
values ($1, $2, $3, $4, 'corrected', $5, $6::jsonb, $7, $8, $9)"""
CHANGES: Final = """
select id, kind, subject_id, act, fields, before::text as before, reason, actor, created_at
from claims.register_change
where tenant_id = $1 and subject_id = coalesce($2, subject_id) and ($3::text is null or kind = $3)
    and (created_at, id) > ($4, $5)
order by created_at, id limit $6"""
CHANGE: Final = """
select id, kind, subject_id, act, fields, before::text as before, reason, actor, created_at
from claims.register_change where tenant_id = $1 and id = $2"""
LOCK_CLAIMANT: Final = "select id from claims.claimant where tenant_id = $1 and id = $2 for no key update"
SET_CLAIMANT: Final = """
update claims.claimant set name = $3, name_key = $4, customer_number = $5, first_claim = $6, bank_sealed = $7, bank_tail = $8,
    bank_account_name = $9, address = $10, phone = $11, email = $12, contact_person = $13, default_reason_code = $14,
    default_travel_description = $15
where tenant_id = $1 and id = $2"""
SET_LICENCE: Final = """
update claims.licence set claimant_id = $3, number = $4, number_key = $5, purchased_at = $6, units = $7, gross_cents = $8,
    credit_cents = $9, fee_cents = $10, ruc_type = $11, gross_kg = $12
where tenant_id = $1 and id = $2"""
STRIKE: Final = "select claims.strike($1, $2, $3, $4, $5, $6, $7)"
STRIKE_READING: Final = "select claims.strike_reading($1, $2, $3, $4, $5, $6)"
STRIKE_LICENCE: Final = "select claims.strike_licence($1, $2, $3, $4, $5, $6)"
CUT_BY: Final = """
select o.id from claims.licence l
join claims.licence o on o.tenant_id = $1 and o.recorder_id = l.recorder_id and o.id <> l.id
    and o.ended_by = 'overlap' and o.claimable_end_reading + o.turned = l.start_reading + l.turned
where l.tenant_id = $1 and l.id = $2 order by o.id"""
READ_AT_AN_END: Final = """
select 1 from claims.reading r
join claims.vehicle_ending e on e.tenant_id = $1 and e.recorder_id = r.recorder_id and e.at = r.at
where r.tenant_id = $1 and r.id = $2"""


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """Who corrected or struck what, when and why; `before`: JSON, None for claimants."""

    id: UUID
    kind: str
    subject_id: UUID
    act: str
    fields: Sequence[str]
    before: str | None
    reason: str
    actor: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Why:
    """Every change has its reason and its person."""

    id: UUID
    reason: str
    actor: str
    at: datetime


async def note(
    conn: Connection, tenant: UUID, kind: str, subject_id: UUID, fields: Sequence[str], before: str | None, why: Why
) -> None:
    await conn.execute(INSERT, tenant, why.id, kind, subject_id, list(fields), before, why.reason, why.actor, why.at)


async def changes(
    conn: Connection, tenant: UUID, page: Page, subject_id: UUID | None, kind: str | None
) -> list[ChangeRow]:
    records = await conn.fetch(CHANGES, tenant, subject_id, kind, page.after_at, page.after_id, page.limit)
    return all_of(ChangeRow, records)


async def change(conn: Connection, tenant: UUID, change_id: UUID) -> ChangeRow | None:
    return one_of(ChangeRow, await conn.fetchrow(CHANGE, tenant, change_id))


async def lock_claimant(conn: Connection, tenant: UUID, claimant_id: UUID) -> bool:
    return await conn.fetchrow(LOCK_CLAIMANT, tenant, claimant_id) is not None


async def set_claimant(conn: Connection, tenant: UUID, row: ClaimantRow, name_key: str) -> None:
    """Raises a violation of `claimant_name_unique`."""
    await conn.execute(
        SET_CLAIMANT, tenant, row.id, row.name, name_key, row.customer_number, row.first_claim, row.bank_sealed, row.bank_tail,
        row.bank_account_name, row.address, row.phone, row.email, row.contact_person, row.default_reason_code,
        row.default_travel_description,
    )  # fmt: skip


async def set_licence(conn: Connection, tenant: UUID, row: LicenceRow) -> None:
    """Raises a violation of `licence_number_unique`."""
    await conn.execute(
        SET_LICENCE, tenant, row.id, row.claimant_id, row.number, row.number_key, row.purchased_at, row.units, row.gross_cents,
        row.credit_cents, row.fee_cents, row.ruc_type, row.gross_kg,
    )  # fmt: skip


async def strike(conn: Connection, tenant: UUID, kind: str, subject_id: UUID, why: Why) -> bool:
    """`kind`: device_assignment, coupling, vehicle_ending or claimed_outside.  False where there is none."""
    struck: bool = await conn.fetchval(STRIKE, tenant, why.id, kind, subject_id, why.reason, why.actor, why.at)
    return struck


async def strike_reading(conn: Connection, tenant: UUID, reading_id: UUID, why: Why) -> bool:
    struck: bool = await conn.fetchval(STRIKE_READING, tenant, why.id, reading_id, why.reason, why.actor, why.at)
    return struck


async def strike_licence(conn: Connection, tenant: UUID, licence_id: UUID, why: Why) -> bool:
    """Raises a violation of the foreign key of whatever stands on it."""
    struck: bool = await conn.fetchval(STRIKE_LICENCE, tenant, why.id, licence_id, why.reason, why.actor, why.at)
    return struck


async def cut_by(conn: Connection, tenant: UUID, licence_id: UUID) -> list[UUID]:
    """Older licences of the recorder whose range this one ended."""
    return [record["id"] for record in await conn.fetch(CUT_BY, tenant, licence_id)]


async def is_read_at_an_end(conn: Connection, tenant: UUID, reading_id: UUID) -> bool:
    """Whether the reading is the one that a sale or a cancelled registration was recorded with."""
    return await conn.fetchval(READ_AT_AN_END, tenant, reading_id) is not None
