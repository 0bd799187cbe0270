"""What a preflight asks of the register besides what a claim stands on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.claims.repo.devices import AssignmentRow
from services.claims.repo.rows import all_of
from shared.db.pool import Connection

ASSIGNMENTS_OF_DEVICES: Final = """
select id, ref, device, vehicle_id, lower(period) as from_at, upper(period) as to_at, is_primary, gps_type, created_at
from claims.device_assignment where tenant_id = $1 and device = any($2::text[]) order by lower(period), id"""
# O is read as 0, I and L as 1: what a hurried eye does to a paper's number.
ALIKE: Final = """
select a.id as licence_id, l.id as other_id, l.number, exists (
    select from claims.lodged_licence m where m.tenant_id = l.tenant_id and m.licence_id = l.id and m.released_at is null
) as claimed
from claims.licence a
join claims.licence l on l.tenant_id = a.tenant_id and l.id <> a.id
    and translate(l.number_key, 'OIL', '011') = translate(a.number_key, 'OIL', '011')
where a.tenant_id = $1 and a.id = any($2::uuid[]) order by a.id, l.number"""


@dataclass(frozen=True)
class AlikeRow:
    licence_id: UUID
    other_id: UUID
    number: str
    claimed: bool


async def assignments_of(conn: Connection, tenant: UUID, devices: Sequence[str]) -> list[AssignmentRow]:
    """Wherever the devices ever were."""
    return all_of(AssignmentRow, await conn.fetch(ASSIGNMENTS_OF_DEVICES, tenant, list(devices)))


async def alike(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[AlikeRow]:
    """Other licences of the tenant whose numbers can be read as the same."""
    return all_of(AlikeRow, await conn.fetch(ALIKE, tenant, list(licence_ids)))
