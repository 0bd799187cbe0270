"""What a spreadsheet means by a plate, a serial, a name or a reference: candidates, each with the time it held."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

CLAIMANT_BY_ID: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.claimant where tenant_id = $1 and id = $2::uuid"""
CLAIMANT_BY_REF: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.claimant where tenant_id = $1 and ref = $2"""
CLAIMANT_BY_NAME: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.claimant where tenant_id = $1 and name_key = $2"""
VEHICLE_BY_ID: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.vehicle where tenant_id = $1 and id = $2::uuid"""
VEHICLE_BY_REF: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.vehicle where tenant_id = $1 and ref = $2"""
VEHICLE_BY_PLATE: Final = """
select vehicle_id as id, lower(period) as from_at, upper(period) as to_at
from claims.vehicle_plate where tenant_id = $1 and plate = $2"""
RECORDER_BY_ID: Final = """
select id, lower(period) as from_at, upper(period) as to_at from claims.recorder where tenant_id = $1 and id = $2::uuid"""
RECORDER_BY_REF: Final = """
select id, lower(period) as from_at, upper(period) as to_at from claims.recorder where tenant_id = $1 and ref = $2"""
RECORDER_BY_SERIAL: Final = """
select id, lower(period) as from_at, upper(period) as to_at from claims.recorder where tenant_id = $1 and serial_key = $2"""
RECORDER_BY_VEHICLE_REF: Final = """
select r.id, lower(r.period) as from_at, upper(r.period) as to_at
from claims.recorder r join claims.vehicle v on v.tenant_id = r.tenant_id and v.id = r.vehicle_id
where r.tenant_id = $1 and v.ref = $2"""
RECORDER_BY_PLATE: Final = """
select r.id, lower(r.period * p.period) as from_at, upper(r.period * p.period) as to_at
from claims.recorder r join claims.vehicle_plate p on p.tenant_id = r.tenant_id and p.vehicle_id = r.vehicle_id
where r.tenant_id = $1 and p.plate = $2 and r.period && p.period"""
LICENCE_BY_ID: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.licence where tenant_id = $1 and id = $2::uuid"""
LICENCE_BY_REF: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.licence where tenant_id = $1 and ref = $2"""
LICENCE_BY_NUMBER: Final = """
select id, null::timestamptz as from_at, null::timestamptz as to_at
from claims.licence where tenant_id = $1 and number_key = $2"""


@dataclass(frozen=True)
class Candidate:
    """`from_at`, `to_at`: when the word meant this thing; None: always."""

    id: UUID
    from_at: datetime | None
    to_at: datetime | None

    def held(self, at: datetime) -> bool:
        return (self.from_at is None or self.from_at <= at) and (self.to_at is None or at < self.to_at)


async def candidates(conn: Connection, tenant: UUID, statement: str, word: str | UUID) -> list[Candidate]:
    """`statement`: one of the constants above."""
    return all_of(Candidate, await conn.fetch(statement, tenant, word))
