"""Which rows of a tenant are about a person or a vehicle: asked of every row of every table, so that none is forgotten."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from deploy.privacy.reach import Reach
from shared.db.pool import tenant_tx

# What belongs to a vehicle.  Other ids are found from these by the rows themselves.
VEHICLE: Final = """
select v.id, array(select p.plate from claims.vehicle_plate p where p.tenant_id = $1 and p.vehicle_id = v.id) as plates,
    array(select r.id from claims.recorder r where r.tenant_id = $1 and r.vehicle_id = v.id) as recorders,
    array(select l.id from claims.licence l where l.tenant_id = $1 and l.vehicle_id = v.id) as licences
from claims.vehicle v where v.tenant_id = $1 and (v.id::text = $2 or exists (
    select from claims.vehicle_plate p where p.tenant_id = $1 and p.vehicle_id = v.id and p.plate = $3))"""
DEVICES: Final = """
select device, coalesce((lower(period) at time zone 'Pacific/Auckland')::date - date '1970-01-01', 0) as first_day,
    coalesce((upper(period) at time zone 'Pacific/Auckland')::date - date '1970-01-01', 50000) as last_day
from claims.device_assignment where tenant_id = $1 and vehicle_id = $2"""
CLAIMS: Final = "select distinct claim_id from claims.claim_line where tenant_id = $1 and licence_id = any($2::uuid[])"


class Subject(Protocol):
    @property
    def words(self) -> str: ...

    @property
    def things(self) -> Mapping[str, str]:
        """Its ids, for the audit log: never a name."""
        ...

    def is_about(self, service: str, table: str, row: dict[str, Any]) -> bool: ...

    def days_of(self, device: str, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Stretches of NZ days of a device's fixes between two days."""
        ...


@dataclass(frozen=True)
class Everything:
    words: str = "everything of the tenant"
    things: Mapping[str, str] = field(default_factory=dict)

    def is_about(self, service: str, table: str, row: dict[str, Any]) -> bool:  # noqa: ARG002 - as asked
        return True

    def days_of(self, device: str, first: int, last: int) -> Iterator[tuple[int, int]]:  # noqa: ARG002 - as asked
        yield first, last


@dataclass(frozen=True)
class Person:
    """By name or e-mail, however it is spelt: a row is about them where any of its texts has it."""

    name: str

    @property
    def words(self) -> str:
        return f"person {self.name}"

    @property
    def things(self) -> Mapping[str, str]:
        return {}

    def is_about(self, service: str, table: str, row: dict[str, Any]) -> bool:  # noqa: ARG002 - as asked
        return self.name.casefold() in json.dumps(row, ensure_ascii=False).casefold()

    def days_of(self, device: str, first: int, last: int) -> Iterator[tuple[int, int]]:  # noqa: ARG002 - fixes name nobody
        yield from ()


@dataclass(frozen=True)
class Vehicle:
    """`devices`: those that spoke for it, each with its first and last day."""

    id: UUID
    plate: str
    ids: frozenset[str]
    claims: frozenset[str]
    devices: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"vehicle {self.plate}"

    @property
    def things(self) -> Mapping[str, str]:
        return {"vehicle_id": str(self.id)}

    def is_about(self, service: str, table: str, row: dict[str, Any]) -> bool:  # noqa: ARG002 - as asked
        if "licence_id" in row and row["licence_id"] is not None:
            return row["licence_id"] in self.ids
        if any(isinstance(value, str) and value in self.ids for value in row.values()):
            return True
        if row.get("claim_id") in self.claims or (table == "claim" and row["id"] in self.claims):
            return True
        device = str(row.get("device") or row.get("device_id"))
        if device not in self.devices:
            return False
        day = row.get("day")
        return day is None or any(first <= day <= last for first, last in self.devices[device])

    def days_of(self, device: str, first: int, last: int) -> Iterator[tuple[int, int]]:
        for from_day, to_day in self.devices.get(device, ()):
            if max(first, from_day) <= min(last, to_day):
                yield max(first, from_day), min(last, to_day)


async def vehicle_of(reach: Reach, tenant: UUID, plate_or_id: str) -> Vehicle:
    """Raises LookupError."""
    plate = plate_or_id.replace(" ", "").upper()
    async with tenant_tx(reach.claims, tenant) as conn:
        found = await conn.fetch(VEHICLE, tenant, plate_or_id, plate)
        if len(found) != 1:
            known = ", ".join(str(row["id"]) for row in found) or "none"
            raise LookupError(f"one vehicle is needed, {plate_or_id!r} fits {known}: give its id")
        (row,) = found
        claims = await conn.fetch(CLAIMS, tenant, row["licences"])
        devices: dict[str, list[tuple[int, int]]] = {}
        for one in await conn.fetch(DEVICES, tenant, row["id"]):
            devices.setdefault(one["device"], []).append((one["first_day"], one["last_day"]))
    ids = {str(row["id"]), *row["plates"], *map(str, row["recorders"]), *map(str, row["licences"])}
    return Vehicle(row["id"], plate, frozenset(ids), frozenset(str(one["claim_id"]) for one in claims), devices)
