"""A licence with much left, and applications for what is unused of it."""

from typing import Any

from tests.integration.claims.world import FIRST_DAY, NOW_MS, TRAVEL_DAYS, Fleet, device_day, put_days, put_progress

DAY_MS = 86_400_000
ON = "2026-11-22"
READ_AT = "2026-11-22T08:00:00+13:00"
SURRENDER = {"kind": "surrender", "reading": 46_000, "read_at": READ_AT, "actor": "R Hill"}


async def long_licence(fleet: Fleet, number: str = "RUC 9", plate: str = "ABC123", device: str = "imei-1") -> str:
    """45000 to 55000 for 760 dollars, bought on 1 October; 980 km travelled on the first fourteen days, 560 of them off road."""
    if not fleet.claimant_id:
        await fleet.add_claimant()
    await fleet.add_ute(plate, device)
    ten = {"end_reading": 55_000, "units": 10, "gross_cents": 76_000}
    licence = await fleet.add_licence(plate, number, 45_000, "2026-10-01T08:00:00+13:00", **ten)
    await fleet.add_reading(plate, "2026-10-01T08:00:00+13:00", 45_000)
    await put_days(fleet.worker, [device_day(fleet.tenant, device, FIRST_DAY + i) for i in range(TRAVEL_DAYS)])
    await put_progress(fleet.worker, NOW_MS + 5 * DAY_MS)
    return licence


async def attach(fleet: Fleet) -> str:
    kept = await fleet.client.post("/v1/attachments", params={"name": "bank", "actor": "R"}, content=b"%PDF-1.7 bank")
    return str(kept.json()["id"])


async def surrendering(fleet: Fleet, licence: str, **more: Any) -> dict[str, Any]:
    """A draft with its bank evidence."""
    made = await fleet.post("/applications", SURRENDER | {"licence_id": licence} | more)
    body = {"code": "bank_evidence", "attachment_id": await attach(fleet), "shows": ["logo", "name", "number"]}
    return await act(fleet, made, "documents", body | {"actor": "R Hill"})


async def act(
    fleet: Fleet, application: dict[str, Any], step: str, body: dict[str, Any] | None = None, status: int = 200
) -> dict[str, Any]:
    return await fleet.post(f"/applications/{application['id']}/{step}", {"actor": "R Hill"} | (body or {}), status)


def failing(found: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in found["findings"] if one["outcome"] == "fail"]


async def parts(fleet: Fleet, licence: str) -> list[tuple[str, int, int]]:
    found = await fleet.get(f"/licences/{licence}/refunded")
    return [(one["kind"], one["from_reading"], one["to_reading"]) for one in found["parts"]]
