"""Everything about the vehicles of some licences in a fixed number of queries, however many licences are asked for."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, TypeVar
from uuid import UUID

from services.claims.repo import applications, earlier, exemptions, expected, log_entries
from services.claims.repo.applications import StandingRow
from services.claims.repo.devices import AssignmentRow, CouplingRow
from services.claims.repo.earlier import EarlierRow
from services.claims.repo.exemptions import BegunRow
from services.claims.repo.expected import AcknowledgementRow
from services.claims.repo.licences import LICENCE, LicenceRow, VerificationRow, licences_of_vehicle
from services.claims.repo.log_entries import LogRow
from services.claims.repo.parties import WaiverRow
from services.claims.repo.recorders import ReadingRow, RecorderRow
from services.claims.repo.rows import Asked, all_of, all_together
from services.claims.repo.taken import TAKEN, TakenRow
from services.claims.repo.vehicles import (
    ENDINGS,
    PLATES,
    VEHICLES_BY_ID,
    EndingRow,
    PlateRow,
    VehicleRow,
    plate_at,
)
from shared.db.pool import Connection

R = TypeVar("R")
K = TypeVar("K", bound=Hashable)

LICENCES_AROUND: Final = LICENCE + """
    and vehicle_id in (select vehicle_id from claims.licence where tenant_id = $1 and id = any($2::uuid[]))"""  # fmt: skip # noqa: S608
COUPLINGS_BEHIND: Final = """
select id, ref, trailer_id, vehicle_id, lower(period) as from_at, upper(period) as to_at, created_at
from claims.coupling where tenant_id = $1 and trailer_id = any($2::uuid[])"""
# Of the vehicles, and of whatever towed them.
ASSIGNMENTS_OF: Final = """
select id, ref, device, vehicle_id, lower(period) as from_at, upper(period) as to_at, is_primary, gps_type, created_at
from claims.device_assignment where tenant_id = $1 and vehicle_id in (
    select unnest($2::uuid[])
    union select c.vehicle_id from claims.coupling c where c.tenant_id = $1 and c.trailer_id = any($2::uuid[]))"""
RECORDERS_OF: Final = """
select id, ref, vehicle_id, kind, serial, unit, lower(period) as from_at, upper(period) as to_at, rollover_at, created_at
from claims.recorder where tenant_id = $1 and vehicle_id = any($2::uuid[])"""
READINGS_OF: Final = """
select r.id, r.ref, r.recorder_id, r.at, r.value, r.source, r.note, r.label, r.created_at, r.attachment_id
from claims.recorder o join claims.reading r on r.tenant_id = o.tenant_id and r.recorder_id = o.id
where o.tenant_id = $1 and o.vehicle_id = any($2::uuid[])"""
MARKS: Final = """
select l.licence_id, l.kind, l.source_id, coalesce(c.number, o.reference) as reference,
    coalesce(c.lodged_on, o.claimed_on) as marked_on, coalesce(c.state, '') as state, (select max(on_day)
    from claims.claim_step s where s.tenant_id = c.tenant_id and s.claim_id = c.id and s.kind = c.state) as state_on
from claims.lodged_licence l
left join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.source_id and l.kind = 'claim'
left join claims.claimed_outside o on o.tenant_id = l.tenant_id and o.id = l.source_id and l.kind = 'outside'
where l.tenant_id = $1 and l.licence_id = any($2::uuid[]) and l.released_at is null"""
WAIVERS_OF: Final = """
select id, rule, licence_id, claimant_id, reason, actor, created_at, covers
from claims.waiver where tenant_id = $1 and (licence_id = any($2::uuid[]) or claimant_id = any($3::uuid[]))"""
VERIFICATIONS_OF: Final = """
select id, licence_id, statement_hash, wording, actor, created_at, person_id
from claims.verification where tenant_id = $1 and licence_id = any($2::uuid[])"""

# A trailer travels with what tows it (rule VE1).
LICENCES_OF_DEVICES: Final = """
with carrier as (
    select distinct vehicle_id from claims.device_assignment where tenant_id = $1 and device = any($2::text[])
)
select id from claims.licence
where tenant_id = $1 and (
    vehicle_id in (select vehicle_id from carrier)
    or vehicle_id in (select c.trailer_id from claims.coupling c join carrier using (vehicle_id) where c.tenant_id = $1)
)
order by id"""


@dataclass(frozen=True)
class Mark:
    """What already claimed a licence, and where."""

    licence_id: UUID
    kind: str
    source_id: UUID
    reference: str
    marked_on: date
    state: str
    """Of the claim; "" where it was claimed outside."""
    state_on: date | None
    """Of the step that led to that state; None where it was only lodged."""


OF_VEHICLES: Final[tuple[Asked, ...]] = (
    (CouplingRow, COUPLINGS_BEHIND),
    (AssignmentRow, ASSIGNMENTS_OF),
    (RecorderRow, RECORDERS_OF),
    (ReadingRow, READINGS_OF),
    (VehicleRow, VEHICLES_BY_ID),
    (PlateRow, PLATES),
    (EndingRow, ENDINGS),
    (BegunRow, exemptions.BEGUN),
    (StandingRow, applications.STANDING),
)
OF_LICENCES: Final[tuple[Asked, ...]] = (
    (Mark, MARKS),
    (EarlierRow, earlier.EARLIER_LINES),
    (WaiverRow, WAIVERS_OF),
    (VerificationRow, VERIFICATIONS_OF),
    (LogRow, log_entries.STANDING),
    (AcknowledgementRow, expected.ACKNOWLEDGED),
    (TakenRow, TAKEN),
)


@dataclass(frozen=True)
class Register:
    """The register around some vehicles; every list in any order."""

    asked: tuple[UUID, ...]
    licences: list[LicenceRow]
    vehicles: list[VehicleRow]
    plates: list[PlateRow]
    endings: list[EndingRow]
    exempt: list[BegunRow]
    couplings: list[CouplingRow]
    assignments: list[AssignmentRow]
    recorders: list[RecorderRow]
    readings: list[ReadingRow]
    marks: dict[UUID, Mark]
    earlier: list[EarlierRow]
    """Lodged lines of the licences asked for, claims in the order in which they were lodged (rule CL5)."""
    waivers: list[WaiverRow]
    verifications: list[VerificationRow]
    log: list[LogRow]
    """Manual log entries of the licences asked for (rule LI8)."""
    acknowledgements: list[AcknowledgementRow]
    taken: list[TakenRow]
    """What of the licences asked for is claimed on another one, or refunded otherwise (rule LI4)."""
    applications: list[StandingRow]
    """Of every licence of the vehicles: those that stand and are ready or beyond (rules OT2 to OT4)."""

    def plate_at(self, vehicle_id: UUID, at: datetime) -> str:
        """The plate a vehicle bore at an instant, else the first it had afterwards, else ""."""
        return plate_at(self.plates, vehicle_id, at)

    def apart(self) -> dict[UUID, "Register"]:
        """Each vehicle's own part, in one pass: a fleet's register is not walked once for every vehicle."""
        vehicle_of = {row.id: row.vehicle_id for row in self.licences} | {r.id: r.vehicle_id for r in self.recorders}
        couplings = grouped(self.couplings, lambda row: row.trailer_id)
        assigned = grouped(self.assignments, lambda row: row.vehicle_id)
        licences = grouped(self.licences, lambda row: row.vehicle_id)
        recorders = grouped(self.recorders, lambda row: row.vehicle_id)
        readings = grouped(self.readings, lambda row: vehicle_of[row.recorder_id])
        plates = grouped(self.plates, lambda row: row.vehicle_id)
        endings = grouped(self.endings, lambda row: row.vehicle_id)
        exempt = grouped(self.exempt, lambda row: row.vehicle_id)
        log = grouped(self.log, lambda row: vehicle_of[row.licence_id])
        applications = grouped(self.applications, lambda row: vehicle_of[row.licence_id])

        def own(vehicle: VehicleRow) -> "Register":
            behind = couplings.get(vehicle.id, [])
            movers = sorted({vehicle.id, *(row.vehicle_id for row in behind)})
            return replace(
                self,
                licences=licences.get(vehicle.id, []),
                vehicles=[vehicle],
                plates=plates.get(vehicle.id, []),
                endings=endings.get(vehicle.id, []),
                exempt=exempt.get(vehicle.id, []),
                couplings=behind,
                assignments=[row for mover in movers for row in assigned.get(mover, [])],
                recorders=recorders.get(vehicle.id, []),
                readings=readings.get(vehicle.id, []),
                log=log.get(vehicle.id, []),
                applications=applications.get(vehicle.id, []),
            )

        return {vehicle.id: own(vehicle) for vehicle in self.vehicles}


def grouped(rows: Iterable[R], key: Callable[[R], K]) -> dict[K, list[R]]:
    found: dict[K, list[R]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


async def register_around(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> Register:
    """Three round trips.  Licences that do not exist are left out of `asked`."""
    wanted = list(licence_ids)
    licences = all_of(LicenceRow, await conn.fetch(LICENCES_AROUND, tenant, wanted))
    return await _register(conn, tenant, wanted, licences, sorted({row.vehicle_id for row in licences}))


async def register_of_vehicle(conn: Connection, tenant: UUID, vehicle_id: UUID) -> Register:
    """Likewise around one vehicle, with or without licences; `asked` is empty."""
    licences = await licences_of_vehicle(conn, tenant, vehicle_id)
    return await _register(conn, tenant, [], licences, [vehicle_id])


async def _register(
    conn: Connection, tenant: UUID, wanted: list[UUID], licences: list[LicenceRow], vehicle_ids: list[UUID]
) -> Register:
    known = {row.id for row in licences}
    claimants = sorted({row.claimant_id for row in licences})
    of_vehicles = await all_together(conn, OF_VEHICLES, tenant, vehicle_ids)
    couplings, assignments, recorders, readings, vehicles, plates, endings, exempt, standing = of_vehicles
    of_licences = await all_together(conn, OF_LICENCES, tenant, wanted, claimants)
    marks, earlier_lines, waivers, verifications, log, acknowledgements, taken = of_licences
    return Register(
        asked=tuple(licence_id for licence_id in wanted if licence_id in known),
        licences=licences,
        vehicles=vehicles,
        plates=plates,
        endings=endings,
        exempt=exempt,
        couplings=couplings,
        assignments=assignments,
        recorders=recorders,
        readings=readings,
        marks={mark.licence_id: mark for mark in marks},
        earlier=earlier_lines,
        waivers=waivers,
        verifications=verifications,
        log=log,
        acknowledgements=acknowledgements,
        taken=taken,
        applications=standing,
    )


@dataclass(frozen=True)
class Movers:
    """What may have told where a vehicle was: its couplings as a trailer, the devices on it and on what towed it."""

    couplings: list[CouplingRow]
    assignments: list[AssignmentRow]


async def movers_of(conn: Connection, tenant: UUID, vehicle_id: UUID) -> Movers:
    asked = ((CouplingRow, COUPLINGS_BEHIND), (AssignmentRow, ASSIGNMENTS_OF))
    return Movers(*await all_together(conn, asked, tenant, [vehicle_id]))


async def licences_of_devices(conn: Connection, tenant: UUID, devices: Sequence[str]) -> list[UUID]:
    """Licences of every vehicle that any of the devices ever spoke for, and of trailers behind it."""
    return [row["id"] for row in await conn.fetch(LICENCES_OF_DEVICES, tenant, list(devices))]
