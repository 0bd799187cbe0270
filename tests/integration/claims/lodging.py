"""A lodged claim, its steps, and what its days look like later."""

from typing import Any

from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

ON = "2026-11-22"
DAY_MS = 86_400_000
SENT = {"on": ON, "channel": "email", "actor": "R Hill"}
WITHDRAW = {"on": ON, "actor": "R Hill", "reason": "wrong bank account"}


async def lodged(fleet: Fleet) -> tuple[str, str]:
    """(licence, claim)."""
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    return licence, str(claim["id"])


async def step(fleet: Fleet, claim: str, name: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    return await fleet.post(f"/claims/{claim}/{name}", body, status)


def agreed(licence: str) -> dict[str, Any]:
    return {"on": ON, "actor": "R Hill", "reference": "letter 17", "reason": "km omitted", "licence_ids": [licence]}


def paid_in_full(licence: str) -> list[dict[str, Any]]:
    accepted = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 560, "cents": 4256}
    return [accepted, {"licence_id": licence, "kind": "paid", "on": ON, "cents": 4256}]


async def rewritten(fleet: Fleet, rev: int, off_road_km: int, public_km: int = 30) -> None:
    """The days as a later revision has them; 14 of 40 km are the 560 that were claimed, and 1000 km on the recorder."""
    await put_days(
        fleet.worker,
        [
            device_day(
                fleet.tenant, "imei-1", FIRST_DAY + i, rev=rev, off_road_mm=off_road_km * KM, public_mm=public_km * KM
            )
            for i in range(TRAVEL_DAYS)
        ],
    )
