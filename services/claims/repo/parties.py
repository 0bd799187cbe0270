"""Claimants (rule PA1) and waivers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_CLAIMANT: Final = """
insert into claims.claimant (tenant_id, id, ref, name, name_key, customer_number, first_claim, bank_sealed, bank_tail,
    bank_account_name, address, phone, email, contact_person, default_reason_code, default_travel_description, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"""
CLAIMANTS: Final = """
select id, ref, name, customer_number, first_claim, bank_sealed, bank_tail, bank_account_name, address, phone, email,
    contact_person, default_reason_code, default_travel_description, created_at
from claims.claimant
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or ref = $3) and (created_at, id) > ($4, $5)
order by created_at, id limit $6"""
CLAIMANT_BY_NAME: Final = """
select id from claims.claimant where tenant_id = $1 and name_key = $2
union all
select id from claims.claimant where tenant_id = $1 and ref = $3 limit 1"""

INSERT_WAIVER: Final = """
insert into claims.waiver (tenant_id, id, rule, licence_id, claimant_id, reason, actor, created_at, covers)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text[])"""
WAIVERS: Final = """
select id, rule, licence_id, claimant_id, reason, actor, created_at, covers from claims.waiver
where tenant_id = $1 and (created_at, id) > ($2, $3) and rule = coalesce($5, rule)
    and ($6::uuid is null or licence_id = $6) and ($7::uuid is null or claimant_id = $7)
order by created_at, id limit $4"""
WAIVERS_OF_CLAIMANT: Final = """
select id, rule, licence_id, claimant_id, reason, actor, created_at, covers from claims.waiver
where tenant_id = $1 and claimant_id = $2 order by created_at, id"""
WAIVER_FOR: Final = """
select id from claims.waiver
where tenant_id = $1 and rule = $2 and licence_id is not distinct from $3 and claimant_id is not distinct from $4
    and covers && $5::text[]
order by created_at desc, id desc limit 1"""


@dataclass(frozen=True)
class ClaimantRow:
    id: UUID
    ref: str | None
    name: str
    customer_number: str
    first_claim: bool
    bank_sealed: bytes | None
    bank_tail: str
    bank_account_name: str
    address: str
    phone: str
    email: str
    contact_person: str
    default_reason_code: int | None
    default_travel_description: str
    created_at: datetime


@dataclass(frozen=True)
class WaiverRow:
    id: UUID
    rule: str
    licence_id: UUID | None
    claimant_id: UUID | None
    reason: str
    actor: str
    created_at: datetime
    covers: list[str]
    """What stood against it then."""


async def insert_claimant(conn: Connection, tenant: UUID, row: ClaimantRow, name_key: str) -> None:
    """Raises a violation of `claimant_name_unique` or `claimant_ref_unique`."""
    await conn.execute(
        INSERT_CLAIMANT, tenant, row.id, row.ref, row.name, name_key, row.customer_number, row.first_claim, row.bank_sealed,
        row.bank_tail, row.bank_account_name, row.address, row.phone, row.email, row.contact_person,
        row.default_reason_code, row.default_travel_description, row.created_at,
    )  # fmt: skip


async def claimant(conn: Connection, tenant: UUID, claimant_id: UUID) -> ClaimantRow | None:
    return one_of(ClaimantRow, await conn.fetchrow(CLAIMANTS, tenant, claimant_id, None, START, FIRST_ID, 1))


async def claimants(conn: Connection, tenant: UUID, page: Page, ref: str | None) -> list[ClaimantRow]:
    return all_of(ClaimantRow, await conn.fetch(CLAIMANTS, tenant, None, ref, page.after_at, page.after_id, page.limit))


async def claimant_named(conn: Connection, tenant: UUID, name_key: str, ref: str | None) -> UUID | None:
    """The claimant of that legal name, or of that reference."""
    found: UUID | None = await conn.fetchval(CLAIMANT_BY_NAME, tenant, name_key, ref)
    return found


async def insert_waiver(conn: Connection, tenant: UUID, row: WaiverRow) -> None:
    await conn.execute(
        INSERT_WAIVER, tenant, row.id, row.rule, row.licence_id, row.claimant_id, row.reason, row.actor, row.created_at,
        row.covers,
    )  # fmt: skip


async def waivers(
    conn: Connection, tenant: UUID, page: Page, rule: str | None, licence_id: UUID | None, claimant_id: UUID | None
) -> list[WaiverRow]:
    records = await conn.fetch(WAIVERS, tenant, page.after_at, page.after_id, page.limit, rule, licence_id, claimant_id)
    return all_of(WaiverRow, records)


async def waivers_of_claimant(conn: Connection, tenant: UUID, claimant_id: UUID) -> list[WaiverRow]:
    return all_of(WaiverRow, await conn.fetch(WAIVERS_OF_CLAIMANT, tenant, claimant_id))


async def waiver_for(
    conn: Connection, tenant: UUID, rule: str, licence_id: UUID | None, claimant_id: UUID | None, covers: Sequence[str]
) -> UUID | None:
    """The newest that covers any of it."""
    found: UUID | None = await conn.fetchval(WAIVER_FOR, tenant, rule, licence_id, claimant_id, list(covers))
    return found
