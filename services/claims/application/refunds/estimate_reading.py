"""What a lost or stolen recorder would have shown, by our own distance (rule OT3)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.claims.domain.instants import from_ms, nz_date, to_ms
from services.claims.domain.refunds.recorder_change import Estimate
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.vehicle import device_spans
from services.claims.domain.statement.travel import travel
from services.claims.repo import ledger
from services.claims.repo.ledger import Window
from shared.db.pool import Connection
from shared.nz_days import day_of


@dataclass(frozen=True)
class Estimated:
    estimate: Estimate
    silent_days: int
    """NZ days of it without any fix."""


async def estimate_reading(
    conn: Connection, tenant: UUID, licence: Licence, record: VehicleRecord, lost_at: datetime
) -> Estimated | None:
    """Its last actual reading and what the vehicle's devices travelled from then to the loss.  None without such a reading, or
    where no device was on the vehicle: unknown is not a guess."""
    line = record.timeline_of(licence)
    lost_ms = to_ms(lost_at)
    last = next((point for point in reversed(line.points) if point.ms <= lost_ms), None)
    if last is None:
        return None
    spans = device_spans(licence.vehicle_id, last.ms, lost_ms, record.assignments, record.couplings)
    if not spans and last.ms < lost_ms:
        return None
    wanted = sorted({(one.device, day_of(one.from_ms), day_of(one.until_ms - 1)) for one in spans})
    days = [found.day for found in await ledger.days_in(conn, tenant, [Window(*one) for one in wanted])]
    travelled = travel(spans, days)
    heard = {day.day for day in days if day.fixes}
    asked = range(day_of(last.ms), day_of(lost_ms) + 1)
    estimate = Estimate(
        last_reading=last.units,
        last_read_on=nz_date(from_ms(last.ms)),
        since_mm=travelled.between(last.ms, lost_ms),
        until_on=nz_date(lost_at),
        unit=record.recorder_of(licence).unit,
    )
    return Estimated(estimate, sum(day not in heard for day in asked))
