"""Editions of the policy data and the line of changes between them.  Written by operators alone, read by everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.claims.repo.rows import all_of, one_of
from shared.db.pool import Connection

COLUMNS: Final = {
    "rates.csv": "rates",
    "fees.csv": "fees",
    "reason_codes.csv": "reason_codes",
    "rate_rises.csv": "rate_rises",
    "constants.toml": "constants",
}
"""file → column."""
INSERT_EDITION: Final = """
insert into claims.policy_edition (name, rates, fees, reason_codes, rate_rises, constants)
values ($1, $2, $3, $4, $5, $6) on conflict on constraint policy_edition_pk do nothing"""
EDITION: Final = """
select rates, fees, reason_codes, rate_rises, constants from claims.policy_edition where name = $1"""
INSERT_CHANGE: Final = """
insert into claims.policy_change (seq, follows, edition, shipped, actor, reason)
values ($1 + 1, $1, $2, $3, $4, $5) on conflict do nothing returning seq, edition, shipped, actor, reason, created_at"""
LAST_CHANGE: Final = """
select seq, edition, shipped, actor, reason, created_at from claims.policy_change order by seq desc limit 1"""
CHANGES: Final = """
select seq, edition, shipped, actor, reason, created_at from claims.policy_change
where seq < $1 order by seq desc limit $2"""
# No tenant and no licence leaves this query: only what the table of rates would have to answer.
UNPRICED: Final = """
select coalesce(nullif(l.ruc_type, ''), v.ruc_type, '') as ruc_type, coalesce(l.gross_kg, v.gross_kg) as gross_kg,
    (l.purchased_at at time zone 'Pacific/Auckland')::date as bought_on, count(*)::int as licences
from claims.licence l join claims.vehicle v on v.tenant_id = l.tenant_id and v.id = l.vehicle_id
where l.gross_cents is null and l.kind <> 'additional'
    and not exists (select from claims.lodged_licence x
        where x.tenant_id = l.tenant_id and x.licence_id = l.id and x.released_at is null)
group by 1, 2, 3 order by 1, 2, 3 limit $1"""


@dataclass(frozen=True)
class ChangeRow:
    """One change of the policy: since then `edition` holds."""

    seq: int
    edition: str
    shipped: str
    actor: str
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class UnpricedRow:
    """So many licences that state no price, by what a table of rates is asked by."""

    ruc_type: str
    gross_kg: int | None
    bought_on: date
    licences: int


async def insert_edition(conn: Connection, name: str, texts: Mapping[str, str]) -> None:
    """Once: the same name is the same text."""
    await conn.execute(INSERT_EDITION, name, *(texts[file] for file in COLUMNS))


async def edition(conn: Connection, name: str) -> dict[str, str] | None:
    """file → its exact text."""
    record = await conn.fetchrow(EDITION, name)
    return None if record is None else {file: record[column] for file, column in COLUMNS.items()}


async def insert_change(
    conn: Connection, follows: int, name: str, shipped: str, actor: str, reason: str
) -> ChangeRow | None:
    """The change behind number `follows` (0: the first); None where another one came first."""
    return one_of(ChangeRow, await conn.fetchrow(INSERT_CHANGE, follows, name, shipped, actor, reason))


async def last_change(conn: Connection) -> ChangeRow | None:
    return one_of(ChangeRow, await conn.fetchrow(LAST_CHANGE))


async def changes(conn: Connection, before: int, limit: int) -> list[ChangeRow]:
    """The latest first."""
    return all_of(ChangeRow, await conn.fetch(CHANGES, before, limit))


async def unpriced(conn: Connection, limit: int) -> list[UnpricedRow]:
    """Over all tenants: needs the worker's role."""
    return all_of(UnpricedRow, await conn.fetch(UNPRICED, limit))
