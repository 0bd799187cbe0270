"""A fleet of years ago."""

from datetime import date, timedelta

from shared.db.pool import tx
from shared.nz_days import from_ordinal, to_ordinal
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet, device_day, put_days

TODAY = date(2026, 11, 22)
YEAR = 365


def day(iso: str) -> int:
    return to_ordinal(date.fromisoformat(iso))


async def old_fleet(claims: Claims, name: str = "Old", plate: str = "OLD1", device: str = "imei-9") -> Fleet:
    """A ute with a device since 2018."""
    fleet = await claims.fleet(name)
    await fleet.add_claimant()
    vehicle = (
        await fleet.post("/vehicles", {"plate": plate, "ruc_type": "1", "gross_kg": 3050, "plate_from": "2018-01-01"})
    )["id"]
    fleet.vehicles[plate] = vehicle
    await fleet.post("/devices", {"device": device, "vehicle_id": vehicle, "from": "2018-01-01", "gps_type": "X"})
    recorder = {"vehicle_id": vehicle, "kind": "odometer", "serial": "OD", "from": "2018-01-01"}
    fleet.recorders[plate] = (await fleet.post("/recorders", recorder))["id"]
    return fleet


async def licence(fleet: Fleet, number: str, start: int, issued: str, plate: str = "OLD1") -> str:
    """With readings at its start (its issue) and at its end 20 days later."""
    made = await fleet.add_licence(plate, number, start, f"{issued}T09:00:00+12:00")
    end = date.fromisoformat(issued) + timedelta(days=20)
    await fleet.add_reading(plate, f"{issued}T09:00:00+12:00", start)
    await fleet.add_reading(plate, f"{end}T09:00:00+12:00", start + 1_000)
    return made


async def retention(fleet: Fleet, licence_id: str) -> tuple[str | None, str, bool]:
    found = await fleet.get(f"/licences/{licence_id}/retention")
    return found["held_until"], found["held_by"], found["held"]


async def days_there(claims: Claims, fleet: Fleet, table: str = "device_day") -> list[str]:
    async with tx(claims.worker) as conn:
        query = await conn.fetchval(
            "select format('select day from claims.%I where tenant_id = $1 order by day', $1::text)", table
        )
        return [str(from_ordinal(row["day"])) for row in await conn.fetch(query, fleet.tenant)]


async def put(fleet: Fleet, *iso: str, device: str = "imei-9", rev: int = 1) -> None:
    await put_days(fleet.worker, [device_day(fleet.tenant, device, day(one), rev=rev) for one in iso])
