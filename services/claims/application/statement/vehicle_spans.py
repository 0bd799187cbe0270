"""Which devices spoke for a vehicle, and when (rules VE1, VE4)."""

from collections.abc import Iterable
from uuid import UUID

from services.claims.domain.register.vehicle import Assignment, Coupling, DeviceSpan, device_spans
from services.claims.repo import records
from services.claims.repo.ledger import Window
from shared.db.pool import Connection
from shared.nz_days import day_of


async def spans_of(
    conn: Connection, tenant: UUID, vehicle_id: UUID, from_ms: int, until_ms: int
) -> tuple[DeviceSpan, ...]:
    """In [from_ms, until_ms), sorted, never overlapping; as a trailer, of what towed it."""
    around = await records.movers_of(conn, tenant, vehicle_id)
    assignments = [
        Assignment(device=a.device, vehicle_id=a.vehicle_id, from_at=a.from_at, until_at=a.to_at, primary=a.is_primary)
        for a in around.assignments
    ]
    couplings = [
        Coupling(trailer_id=c.trailer_id, towing_id=c.vehicle_id, from_at=c.from_at, until_at=c.to_at)
        for c in around.couplings
    ]
    return device_spans(vehicle_id, from_ms, until_ms, assignments, couplings)


def windows_of(spans: Iterable[DeviceSpan]) -> list[Window]:
    """The NZ days that the spans touch."""
    return [Window(span.device, day_of(span.from_ms), day_of(span.until_ms - 1)) for span in spans]
