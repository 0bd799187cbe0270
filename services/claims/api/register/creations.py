"""From a valid body to the stored thing: what a single POST and a line of an import both do, in the caller's transaction."""

from uuid import UUID

from services.claims.api.actors import actor_of
from services.claims.api.context import Context
from services.claims.api.register.register_schemas import (
    AssignmentBody,
    ClaimantBody,
    CouplingBody,
    ReadingBody,
    RecorderBody,
    VehicleBody,
)
from services.claims.api.statement.licence_schemas import LicenceBody, OutsideBody
from services.claims.application.register.add_claimant import add_claimant
from services.claims.application.register.add_licence import add_licence
from services.claims.application.register.add_reading import add_reading
from services.claims.application.register.add_recorder import add_recorder
from services.claims.application.register.add_vehicle import add_vehicle
from services.claims.application.register.assign_device import assign_device
from services.claims.application.register.claim_outside import claim_outside
from services.claims.application.register.couple_trailer import couple_trailer
from services.claims.domain.instants import from_ms
from services.claims.repo.devices import AssignmentRow, CouplingRow
from services.claims.repo.licences import LicenceRow
from services.claims.repo.parties import ClaimantRow
from services.claims.repo.recorders import ReadingRow, RecorderRow
from services.claims.repo.vehicles import VehicleRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal


async def create_claimant(conn: Connection, tenant: UUID, context: Context, body: ClaimantBody) -> ClaimantRow:
    row = ClaimantRow(
        id=new_id(),
        bank_sealed=None,
        bank_tail="",
        created_at=from_ms(context.clock()),
        **body.model_dump(exclude={"bank_account"}),
    )
    return await add_claimant(conn, tenant, row, body.bank_account, context.sealer)


async def create_vehicle(conn: Connection, tenant: UUID, context: Context, body: VehicleBody) -> VehicleRow:
    fields = body.model_dump(exclude={"plate", "plate_from"})
    row = VehicleRow(id=new_id(), created_at=from_ms(context.clock()), **fields)
    return await add_vehicle(conn, tenant, row, body.plate, body.plate_from)


async def create_assignment(conn: Connection, tenant: UUID, context: Context, body: AssignmentBody) -> AssignmentRow:
    fields = body.model_dump(exclude={"primary"})
    row = AssignmentRow(id=new_id(), is_primary=body.primary, created_at=from_ms(context.clock()), **fields)
    return await assign_device(conn, tenant, row, context.reviews)


async def create_coupling(conn: Connection, tenant: UUID, context: Context, body: CouplingBody) -> CouplingRow:
    row = CouplingRow(id=new_id(), created_at=from_ms(context.clock()), **body.model_dump())
    return await couple_trailer(conn, tenant, row, context.reviews)


async def create_recorder(conn: Connection, tenant: UUID, context: Context, body: RecorderBody) -> RecorderRow:
    row = RecorderRow(id=new_id(), created_at=from_ms(context.clock()), **body.model_dump(exclude={"replaces"}))
    return await add_recorder(conn, tenant, row, body.replaces, context.reviews)


async def create_reading(conn: Connection, tenant: UUID, context: Context, body: ReadingBody) -> ReadingRow:
    row = ReadingRow(id=new_id(), created_at=from_ms(context.clock()), **body.model_dump())
    return await add_reading(conn, tenant, row, context.reviews)


async def create_licence(conn: Connection, tenant: UUID, context: Context, body: LicenceBody) -> LicenceRow:
    licence_id = new_id()
    row = LicenceRow(
        id=licence_id,
        vehicle_id=licence_id,  # found from the recorder
        number_key="",
        claimable_end_reading=body.end_reading,
        ended_by=None,
        created_at=from_ms(context.clock()),
        **body.model_dump() | {"purchased_at": body.purchased_at or body.issued_at},
    )
    return await add_licence(conn, tenant, row, context.hasher, context.reviews)


async def create_outside(
    conn: Connection, who: Principal, context: Context, licence_id: UUID, body: OutsideBody
) -> UUID:
    """The entry's id."""
    outside_id = new_id()
    actor = actor_of(who, body.actor)
    await claim_outside(
        conn,
        who.tenant_id,
        outside_id,
        licence_id,
        body.claimed_on,
        body.reference,
        actor,
        body.reason,
        context.hasher,
        from_ms(context.clock()),
    )
    return outside_id
