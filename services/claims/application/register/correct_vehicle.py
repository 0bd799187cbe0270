"""Put a vehicle or its distance recorder right, in the open (rules VE1, VE2, VE5): what was there stays on record, and what is
lodged for the vehicle is held against it at once (rule CL7)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refusals import already_claimed, already_exists, invalid, not_found, raising
from services.claims.application.register.add_recorder import serial_key
from services.claims.application.register.turns import follow_readings
from services.claims.application.statement.binding import licence_from_row, recorder_from_row
from services.claims.domain.register.licence import InvalidLicence, check_licence
from services.claims.repo import changes, devices, licences, lodged, recorders, vehicles
from services.claims.repo.changes import Why
from services.claims.repo.recorders import RecorderRow
from services.claims.repo.reviews import lock_vehicles
from shared.db.errors import constraints
from shared.db.pool import Connection


async def correct_vehicle(
    conn: Connection, tenant: UUID, vehicle_id: UUID, given: Mapping[str, Any], why: Why, reviews: Reviews
) -> None:
    """Raises Problem 404, 422 where nothing changes, for an exempt vehicle without a reason, and for a trailer that tows or a
    powered vehicle that is towed."""
    if not await vehicles.lock_vehicle(conn, tenant, vehicle_id):
        raise not_found("vehicle", vehicle_id)
    row = (await vehicles.vehicles_by_id(conn, tenant, [vehicle_id]))[0]
    after = replace(row, **given)
    if after.exempt and not after.exempt_reason:
        raise invalid("/exempt_reason", "an exempt vehicle needs a reason (rule VE5)", "missing")
    if after.powered != row.powered and await devices.is_coupled(conn, tenant, vehicle_id):
        raise invalid("/powered", "it stands in a coupling: strike that first (rule VE1)")
    await _note(conn, tenant, "vehicle", vehicle_id, row, given, why)
    await vehicles.set_vehicle(conn, tenant, after)
    trailers = await devices.trailers_behind(conn, tenant, vehicle_id)
    await reviews.of(conn, tenant, [vehicle_id, *trailers])


async def correct_recorder(
    conn: Connection, tenant: UUID, recorder_id: UUID, given: Mapping[str, Any], why: Why, reviews: Reviews
) -> None:
    """Serial, kind, unit and where its display turns over, while nothing of it is claimed: a claim counted in that unit.

    Raises Problem 404, 409 `already_claimed`, 409 for a serial that the vehicle has, 422 where nothing changes, where a licence
    does not fit the unit, and where the display showed more than it can."""
    recorder = await recorders.lock_recorder(conn, tenant, recorder_id)
    if recorder is None:
        raise not_found("recorder", recorder_id)
    await lock_vehicles(conn, tenant, [recorder.vehicle_id])
    rows = await licences.licences_of_recorder(conn, tenant, recorder_id)
    after = replace(recorder, **given)
    counts = (after.unit, after.rollover_at) != (recorder.unit, recorder.rollover_at)
    if counts and (taken := await lodged.claimed(conn, tenant, [row.id for row in rows])):
        raise already_claimed(sorted(mark.licence_id for mark in taken))
    highest = await recorders.highest(conn, tenant, recorder_id)
    if after.rollover_at is not None and highest is not None and highest >= after.rollover_at:
        raise invalid("/rollover_at", f"the display showed {highest}: it starts again later than that")
    vehicle = (await vehicles.vehicles_by_id(conn, tenant, [recorder.vehicle_id]))[0]
    for row in rows:
        try:
            check_licence(licence_from_row(row, vehicle, ""), recorder_from_row(after))
        except InvalidLicence as error:
            raise invalid("/unit", f"licence {row.number}: {error}", "licence_invalid") from error
    await _note(conn, tenant, "recorder", recorder_id, recorder, given, why)
    taken_serial = raising(already_exists("The vehicle has a recorder of this serial.", None))
    with constraints({"recorder_serial_unique": taken_serial}):
        await recorders.set_recorder(conn, tenant, after, serial_key(after.serial))
    await _lie_anew(conn, tenant, after)
    await reviews.of(conn, tenant, [recorder.vehicle_id])


async def _lie_anew(conn: Connection, tenant: UUID, recorder: RecorderRow) -> None:
    """A display that never turns over after all has its licences where they read."""
    if recorder.rollover_at is not None:
        await follow_readings(conn, tenant, recorder)
        return
    for row in await licences.licences_of_recorder(conn, tenant, recorder.id):
        if row.turned:
            await licences.set_turned(conn, tenant, row.id, 0)


async def _note(
    conn: Connection, tenant: UUID, kind: str, subject: UUID, row: object, given: Mapping[str, Any], why: Why
) -> None:
    before = {name: getattr(row, name) for name, value in sorted(given.items()) if getattr(row, name) != value}
    if not before:
        raise invalid("", "nothing differs from what is stored", "no_change")
    await changes.note(conn, tenant, kind, subject, list(before), msgspec.json.encode(before).decode(), why)
