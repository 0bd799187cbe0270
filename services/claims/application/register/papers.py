"""Note which paper a licence was registered from (rule LI4): in the transaction that adds it, or gives its vehicle a plate."""

from collections.abc import Sequence
from uuid import UUID

from services.claims.application.sealing import Hasher, licence_hashes
from services.claims.repo import licences, papers, vehicles
from services.claims.repo.licences import LicenceRow
from services.claims.repo.vehicles import PlateRow, plate_at
from shared.db.pool import Connection, Pool, tenant_tx, tx

BATCH = 500


async def note_licences(conn: Connection, tenant: UUID, rows: Sequence[LicenceRow], hasher: Hasher) -> None:
    """The plate is the one that the vehicle bore at the licence's issue.  Nothing of another tenant is read."""
    plates = await vehicles.plates(conn, tenant, sorted({row.vehicle_id for row in rows}))
    await papers.note_papers(conn, tenant, [(row.id, _paper_hash(row, plates, hasher)) for row in rows])


async def note_vehicle(conn: Connection, tenant: UUID, vehicle_id: UUID, hasher: Hasher) -> None:
    """All licences of a vehicle whose plates have changed."""
    await note_licences(conn, tenant, await licences.licences_of_vehicle(conn, tenant, vehicle_id), hasher)


def _paper_hash(row: LicenceRow, plates: Sequence[PlateRow], hasher: Hasher) -> bytes:
    return licence_hashes(hasher, row.number_key, plate_at(plates, row.vehicle_id, row.issued_at))[1]


async def note_missing(across: Pool, hasher: Hasher) -> int:
    """Licences from before there were such notes, some of them; how many.  `across` spans tenants."""
    async with tx(across) as conn:
        found = await papers.missing(conn, BATCH)
    for tenant in sorted({one.tenant_id for one in found}):
        async with tenant_tx(across, tenant) as conn:
            ids = [one.id for one in found if one.tenant_id == tenant]
            await note_licences(conn, tenant, await licences.licences_by_id(conn, tenant, ids), hasher)
    return len(found)
