"""The recorder timeline: readings, series, changes, gaps, drift, and the licences along it (rules VE2, VE3, LI2, DI2)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from services.claims.api.context import Context, Ctx, Reader
from services.claims.api.fields import Answer, Km
from services.claims.application.refusals import not_found
from services.claims.application.statement.recorder_timeline import VehicleTimelines, vehicle_timelines
from services.claims.domain.statement.recorder_timeline import Between, RecorderTimeline, Shown
from services.claims.repo import recorders
from services.claims.repo.recorders import ReadingRow
from shared.db.pool import tenant_tx

router = APIRouter(tags=["recorders"])


class ShownAnswer(Answer):
    id: UUID | None
    """null: taken with a sale or a cancelled registration."""
    at: datetime
    value: int
    """As displayed."""
    units: int | None
    """On the series, rollovers added; null: not used, see `conflicts`."""
    source: str
    label: str
    attachment_id: UUID | None


class BetweenAnswer(Answer):
    """From one reading of the series to the next."""

    from_at: datetime
    until_at: datetime
    recorder_mm: int
    recorder_km: Km
    device_mm: int | None
    """What the devices measured; null where none speaks for a part of the time, or it is more than four years ago."""
    device_km: Km | None
    measured_by: Literal["odometer", "gps"] | None
    drift_mm: int | None
    """Devices less recorder."""
    unheard_ms: int
    """Time for which no device speaks."""


class AlongAnswer(Answer):
    """A licence along the series, (start, end] in the recorder's unit."""

    licence_id: UUID
    number: str
    kind: str
    start: int
    end: int
    """Where it ends to be claimable."""
    bought_until: int
    cause: str
    caused_by: str


class UnlicensedAnswer(Answer):
    start: int
    end: int


class TimelineAnswer(Answer):
    recorder_id: UUID
    vehicle_id: UUID
    kind: str
    serial: str
    unit: str
    from_at: datetime
    to_at: datetime | None
    """When it was taken off; null: still fitted."""
    rollover_at: int | None
    readings: list[ShownAnswer]
    between: list[BetweenAnswer]
    licences: list[AlongAnswer]
    unlicensed: list[UnlicensedAnswer]
    """Parts of the series between its first and last reading that no licence covers (rule LI2)."""
    conflicts: list[str]
    """Readings that contradict each other, in words; neither is used."""


class VehicleTimelineAnswer(Answer):
    """Oldest recorder first; a changed recorder starts a new series."""

    vehicle_id: UUID
    recorders: list[TimelineAnswer]


async def _timelines(context: Context, tenant: UUID, vehicle_id: UUID) -> VehicleTimelines:
    return await vehicle_timelines(context.pool, tenant, vehicle_id, context.policy)


@router.get("/recorders/{recorder_id}/timeline")
async def get_recorder_timeline(who: Reader, context: Ctx, recorder_id: UUID) -> TimelineAnswer:
    """One series: every reading with what lies between it and the next, and the licences along it."""
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        row = await recorders.recorder(conn, who.tenant_id, recorder_id)
    if row is None:
        raise not_found("recorder", recorder_id)
    found = await _timelines(context, who.tenant_id, row.vehicle_id)
    return next(_answer(one, found) for one in found.recorders if one.recorder.id == recorder_id)


@router.get("/vehicles/{vehicle_id}/timeline")
async def get_vehicle_timeline(who: Reader, context: Ctx, vehicle_id: UUID) -> VehicleTimelineAnswer:
    """All of the vehicle's recorders, one after the other."""
    found = await _timelines(context, who.tenant_id, vehicle_id)
    return VehicleTimelineAnswer(vehicle_id=vehicle_id, recorders=[_answer(one, found) for one in found.recorders])


def _answer(one: RecorderTimeline, found: VehicleTimelines) -> TimelineAnswer:
    recorder = one.recorder
    return TimelineAnswer(
        recorder_id=recorder.id,
        vehicle_id=found.vehicle_id,
        kind=recorder.kind,
        serial=recorder.serial,
        unit=recorder.unit,
        from_at=recorder.fitted_at,
        to_at=recorder.removed_at,
        rollover_at=recorder.rollover_at,
        readings=[
            _shown(shown, None if shown.reading_id is None else found.readings.get(shown.reading_id))
            for shown in one.readings
        ],
        between=[_between(pair) for pair in one.between],
        licences=[AlongAnswer.model_validate(along) for along in one.licences],
        unlicensed=[UnlicensedAnswer.model_validate(gap) for gap in one.unlicensed],
        conflicts=list(one.conflicts),
    )


def _shown(shown: Shown, row: ReadingRow | None) -> ShownAnswer:
    return ShownAnswer(
        id=shown.reading_id, at=shown.at, value=shown.value, units=shown.units, source=shown.source, label=shown.label,
        attachment_id=None if row is None else row.attachment_id,
    )  # fmt: skip


def _between(pair: Between) -> BetweenAnswer:
    return BetweenAnswer(
        from_at=pair.from_at, until_at=pair.until_at, recorder_mm=pair.recorder_mm, recorder_km=pair.recorder_mm,
        device_mm=pair.device_mm, device_km=pair.device_mm, measured_by=pair.measured_by, drift_mm=pair.drift_mm,
        unheard_ms=pair.unheard_ms,
    )  # fmt: skip
