"""What can be imported: each kind's body and use case are those of its single POST; a spreadsheet may name other things by
plate, serial, name or reference in the place of their ids."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.claims.api.context import Context
from services.claims.api.fields import Body
from services.claims.api.people.people_routes import create_person
from services.claims.api.people.people_schemas import PersonBody
from services.claims.api.register.creations import (
    create_assignment,
    create_claimant,
    create_coupling,
    create_licence,
    create_outside,
    create_reading,
    create_recorder,
    create_vehicle,
)
from services.claims.api.register.register_schemas import (
    AssignmentBody,
    ClaimantBody,
    CouplingBody,
    PlateBody,
    ReadingBody,
    RecorderBody,
    VehicleBody,
)
from services.claims.api.statement.licence_schemas import LicenceBody, OutsideBody
from services.claims.application.refusals import invalid
from services.claims.application.register.add_claimant import name_key
from services.claims.application.register.add_recorder import serial_key
from services.claims.application.register.add_vehicle import change_plate
from services.claims.domain.register.licence import normalise_number
from services.claims.domain.register.vehicle import normalise_plate
from services.claims.repo import devices, licences, parties, people, recorders, vehicles
from services.claims.repo import references as known
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.http.problems import Problem

Create = Callable[[Connection, Principal, Context, Any], Awaitable[UUID]]
Stored = Callable[[Connection, UUID, UUID], Awaitable[object | None]]


class PlateLine(PlateBody):
    vehicle_id: UUID


class OutsideLine(OutsideBody):
    licence_id: UUID


@dataclass(frozen=True)
class Word:
    """A column that names a thing: how its text is normalised (ValueError), and where it is looked up."""

    normal: Callable[[str], str | UUID]
    statement: str


@dataclass(frozen=True)
class Reference:
    """A body's `…_id` and the columns that may stand for it.  Where they leave several things, the one at the instant in
    column `at` counts; `before`: just before it."""

    field: str
    words: Mapping[str, Word]
    at: str = ""
    before: bool = False


@dataclass(frozen=True)
class ImportKind:
    body: type[Body]
    create: Create
    references: tuple[Reference, ...] = ()
    stored: Stored | None = None
    """Reads the row again, to tell what differs of a line that exists."""


_same = str
_CLAIMANT: Final = {
    "claimant_id": Word(UUID, known.CLAIMANT_BY_ID),
    "claimant_ref": Word(_same, known.CLAIMANT_BY_REF),
    "claimant": Word(name_key, known.CLAIMANT_BY_NAME),
}
_VEHICLE: Final = {
    "vehicle_id": Word(UUID, known.VEHICLE_BY_ID),
    "vehicle_ref": Word(_same, known.VEHICLE_BY_REF),
    "plate": Word(normalise_plate, known.VEHICLE_BY_PLATE),
}
_TRAILER: Final = {
    "trailer_id": Word(UUID, known.VEHICLE_BY_ID),
    "trailer_ref": Word(_same, known.VEHICLE_BY_REF),
    "trailer_plate": Word(normalise_plate, known.VEHICLE_BY_PLATE),
}
_OLD_PLATE: Final = {
    "vehicle_id": Word(UUID, known.VEHICLE_BY_ID),
    "vehicle_ref": Word(_same, known.VEHICLE_BY_REF),
    "old_plate": Word(normalise_plate, known.VEHICLE_BY_PLATE),
}
_RECORDER: Final = {
    "recorder_id": Word(UUID, known.RECORDER_BY_ID),
    "recorder_ref": Word(_same, known.RECORDER_BY_REF),
    "serial": Word(serial_key, known.RECORDER_BY_SERIAL),
    "vehicle_ref": Word(_same, known.RECORDER_BY_VEHICLE_REF),
    "plate": Word(normalise_plate, known.RECORDER_BY_PLATE),
}
_REPLACED: Final = {
    "replaces": Word(UUID, known.RECORDER_BY_ID),
    "replaces_serial": Word(serial_key, known.RECORDER_BY_SERIAL),
}
_LICENCE: Final = {
    "licence_id": Word(UUID, known.LICENCE_BY_ID),
    "licence_ref": Word(_same, known.LICENCE_BY_REF),
    "number": Word(normalise_number, known.LICENCE_BY_NUMBER),
}


async def _claimant(conn: Connection, who: Principal, context: Context, body: ClaimantBody) -> UUID:
    return (await create_claimant(conn, who.tenant_id, context, body)).id


async def _vehicle(conn: Connection, who: Principal, context: Context, body: VehicleBody) -> UUID:
    return (await create_vehicle(conn, who.tenant_id, context, body)).id


async def _plate(conn: Connection, who: Principal, context: Context, body: PlateLine) -> UUID:
    """The vehicle's id: a plate has none of its own."""
    try:
        await change_plate(conn, who.tenant_id, body.vehicle_id, body.plate, body.from_at, context.hasher)
    except Problem as problem:
        if problem.code == "already_exists" and problem.extra.get("existing_id") != str(body.vehicle_id):
            raise invalid("/plate", "another vehicle bears it at that time or later", "plate_taken") from problem
        raise
    return body.vehicle_id


async def _assignment(conn: Connection, who: Principal, context: Context, body: AssignmentBody) -> UUID:
    return (await create_assignment(conn, who.tenant_id, context, body)).id


async def _coupling(conn: Connection, who: Principal, context: Context, body: CouplingBody) -> UUID:
    return (await create_coupling(conn, who.tenant_id, context, body)).id


async def _recorder(conn: Connection, who: Principal, context: Context, body: RecorderBody) -> UUID:
    return (await create_recorder(conn, who.tenant_id, context, body)).id


async def _reading(conn: Connection, who: Principal, context: Context, body: ReadingBody) -> UUID:
    return (await create_reading(conn, who.tenant_id, context, body)).id


async def _licence(conn: Connection, who: Principal, context: Context, body: LicenceBody) -> UUID:
    return (await create_licence(conn, who.tenant_id, context, body)).id


async def _outside(conn: Connection, who: Principal, context: Context, body: OutsideLine) -> UUID:
    return await create_outside(conn, who, context, body.licence_id, body)


def just_before(at: datetime) -> datetime:
    return at - datetime.resolution


async def _person(conn: Connection, who: Principal, context: Context, body: PersonBody) -> UUID:
    return (await create_person(conn, who, context, body)).id


KINDS: Final[dict[str, ImportKind]] = {
    "people": ImportKind(PersonBody, _person, (), people.person),
    "claimants": ImportKind(ClaimantBody, _claimant, (), parties.claimant),
    "vehicles": ImportKind(VehicleBody, _vehicle, (), vehicles.vehicle),
    "plates": ImportKind(PlateLine, _plate, (Reference("vehicle_id", _OLD_PLATE, at="from", before=True),)),
    "devices": ImportKind(
        AssignmentBody, _assignment, (Reference("vehicle_id", _VEHICLE, at="from"),), devices.assignment
    ),
    "couplings": ImportKind(
        CouplingBody,
        _coupling,
        (Reference("trailer_id", _TRAILER, at="from"), Reference("vehicle_id", _VEHICLE, at="from")),
        devices.coupling,
    ),
    "recorders": ImportKind(
        RecorderBody,
        _recorder,
        (
            Reference("vehicle_id", _VEHICLE, at="from"),
            Reference("replaces", _REPLACED, at="from", before=True),
        ),
        recorders.recorder,
    ),
    "readings": ImportKind(ReadingBody, _reading, (Reference("recorder_id", _RECORDER, at="at"),), recorders.reading),
    "licences": ImportKind(
        LicenceBody,
        _licence,
        (Reference("claimant_id", _CLAIMANT), Reference("recorder_id", _RECORDER, at="issued_at")),
        licences.licence,
    ),
    "claimed-outside": ImportKind(OutsideLine, _outside, (Reference("licence_id", _LICENCE),)),
}
"""In the order in which an office imports them: each stands on those before it."""
