"""The timelines of a vehicle's recorders, from the register and the ledger."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.claims.application.refusals import not_found
from services.claims.application.statement.binding import record_of
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import VehicleRecord
from services.claims.domain.register.vehicle import DeviceSpan, device_spans
from services.claims.domain.statement.grounds import days_at, edges_of
from services.claims.domain.statement.recorder_timeline import RecorderTimeline, recorder_timeline
from services.claims.domain.statement.statement_parts import Revision
from services.claims.domain.statement.travel import travel
from services.claims.repo import ledger
from services.claims.repo.ledger import Window
from services.claims.repo.recorders import ReadingRow
from services.claims.repo.records import register_of_vehicle
from shared.db.pool import Connection, Pool, tenant_tx
from shared.nz_days import day_of

LOOK_BACK_MS: Final = 1_500 * 86_400_000
"""Before the last reading: what the devices measured is asked for that far, four years (rule RE1)."""


@dataclass(frozen=True)
class VehicleTimelines:
    """Oldest recorder first; a changed recorder starts a new series (rule VE2)."""

    vehicle_id: UUID
    recorders: tuple[RecorderTimeline, ...]
    readings: Mapping[UUID, ReadingRow]


async def vehicle_timelines(pool: Pool, tenant: UUID, vehicle_id: UUID, policy: Policy) -> VehicleTimelines:
    """Raises Problem 404."""
    async with tenant_tx(pool, tenant) as conn:
        register = await register_of_vehicle(conn, tenant, vehicle_id)
        if not register.vehicles:
            raise not_found("vehicle", vehicle_id)
        record = record_of(vehicle_id, register)
        spans = _spans(record)
        days = await _days(conn, tenant, record, spans)
    made = await asyncio.to_thread(_timelines, record, spans, days, policy)
    return VehicleTimelines(vehicle_id, made, {row.id: row for row in register.readings})


def _spans(record: VehicleRecord) -> tuple[DeviceSpan, ...]:
    """From the first reading of any of its recorders to the last."""
    instants = [point.ms for recorder in record.recorders for point in record.line_of(recorder).points]
    if not instants:
        return ()
    first, last = max(min(instants), max(instants) - LOOK_BACK_MS), max(instants)
    return device_spans(record.vehicle.id, first, last, record.assignments, record.couplings)


async def _days(conn: Connection, tenant: UUID, record: VehicleRecord, spans: tuple[DeviceSpan, ...]) -> list[Revision]:
    """The days of the readings whole, the others without their segments."""
    windows = [Window(span.device, day_of(span.from_ms), day_of(span.until_ms - 1)) for span in spans]
    points = {point.ms for recorder in record.recorders for point in record.line_of(recorder).points}
    low = min((span.from_ms for span in spans), default=0)
    touched = days_at({ms for ms in points if ms >= low} | edges_of(spans)) if spans else set()
    whole = {(one.device, day) for one in windows for day in touched if one.first_day <= day <= one.last_day}
    return await ledger.summaries_in(conn, tenant, windows, sorted(whole))


def _timelines(
    record: VehicleRecord, spans: tuple[DeviceSpan, ...], days: list[Revision], policy: Policy
) -> tuple[RecorderTimeline, ...]:
    travelled = travel(spans, [one.day for one in days])
    return tuple(
        recorder_timeline(one, record, spans, travelled, policy.rate_rises)
        for one in sorted(record.recorders, key=lambda one: (one.fitted_at, one.serial))
    )
