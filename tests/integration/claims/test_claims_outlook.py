"""A statement says what is still to do and how long there is; a recorder's timeline shows its readings, the drift between them,
the licences along it and what nothing covers (rules EL2, LI6, CL2, VE2, VE3, LI2, DI2)."""

from typing import Any

import pytest

from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration


async def test_a_statement_tells_everything_that_is_still_to_do(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    path = f"/licences/{licence}/statement"
    told = await fleet.get(path)
    assert [(one["rule"], one["field"]) for one in told["to_do"]] == [("CL2", "statement_hash")]
    assert told["to_do"][0]["route"] == f"POST /v1/licences/{licence}/verification"
    assert told["forecast"] is None
    assert told["countdown"] == {
        "latest_receipt_on": "2028-09-30", "days_left": 678, "email_by": "2028-09-27", "post_by": "2028-09-20",
    }  # fmt: skip
    await fleet.verify(licence)
    assert (await fleet.get(path))["to_do"] == []
    running = fleet.licences["RUC 0001 next"]
    told = await fleet.get(f"/licences/{running}/statement")
    assert [(one["rule"], one["route"]) for one in told["to_do"]] == [
        ("EL1", "POST /v1/readings"), ("EL1", "POST /v1/licences"), ("CL1", "POST /v1/pings"),
    ]  # fmt: skip
    assert told["forecast"]["left_mm"] == 1000 * KM
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert (await fleet.get(path))["to_do"] == []


async def test_EL8_CL1_a_claimant_without_an_account_is_told_with_every_licence(fleet: Fleet) -> None:
    await fleet.add_claimant(bank_account="", bank_account_name="", phone="")
    licence = await fleet.claimable()
    told = await fleet.get(f"/licences/{licence}/statement")
    assert [(one["rule"], one["field"]) for one in told["to_do"]][:2] == [("EL8", "bank_account"), ("CL1", "phone")]


def pairs(timeline: dict[str, Any]) -> list[tuple[int, int | None, int | None]]:
    """Kilometres by recorder and devices, and their drift."""

    def km(mm: int | None) -> int | None:
        return None if mm is None else mm // KM

    return [(one["recorder_mm"] // KM, km(one["device_mm"]), km(one["drift_mm"])) for one in timeline["between"]]


async def test_VE2_VE3_a_timeline_shows_readings_drift_licences_and_what_nothing_covers(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    scan = await fleet.client.post("/v1/attachments", params={"name": "odo", "actor": "a"}, content=b"%PDF-1.7 x")
    photo = {
        "recorder_id": fleet.recorders["ABC123"],
        "at": "2026-10-20T08:00:00+13:00",
        "value": 47_300,
        "source": "photo",
    }
    await fleet.post("/readings", photo | {"attachment_id": scan.json()["id"]})
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + 16)])
    told = await fleet.get(f"/recorders/{fleet.recorders['ABC123']}/timeline")
    assert [(one["value"], one["units"], one["source"]) for one in told["readings"]] == [
        (45_000, 45_000, "person"), (46_000, 46_000, "person"), (47_300, 47_300, "photo"),
    ]  # fmt: skip
    assert told["readings"][2]["attachment_id"] == scan.json()["id"]
    driven = 70 * TRAVEL_DAYS
    assert pairs(told) == [(1000, driven, driven - 1000), (1300, 70, 70 - 1300)]
    assert {one["measured_by"] for one in told["between"]} == {"gps"}
    along = [(one["number"], one["start"], one["end"], one["cause"]) for one in told["licences"]]
    assert along == [("RUC 0001", 45_000, 46_000, "used_up"), ("RUC 0001 next", 46_000, 47_000, "used_up")]
    assert told["licences"][0]["licence_id"] == licence
    assert told["unlicensed"] == [{"start": 47_000, "end": 47_300}]
    assert told["conflicts"] == []


async def test_VE2_a_changed_recorder_is_another_series_and_time_without_a_device_measures_nothing(
    claims: Claims, fleet: Fleet
) -> None:
    await fleet.claimable()
    body = {
        "vehicle_id": fleet.vehicles["ABC123"], "kind": "odometer", "serial": "OD-NEW", "from": "2026-11-01",
        "replaces": fleet.recorders["ABC123"],
    }  # fmt: skip
    new = (await fleet.post("/recorders", body))["id"]
    for at, value in (("2026-11-01", 10), ("2026-11-05", 210), ("2026-11-06", 190)):
        await fleet.client.post("/v1/readings", json={"recorder_id": new, "at": at, "value": value, "source": "person"})
    devices = (await fleet.get("/devices", vehicle_id=fleet.vehicles["ABC123"]))["items"]
    await fleet.post(f"/devices/{devices[0]['id']}/end", {"to": "2026-11-03"}, 200)
    told = await fleet.get(f"/vehicles/{fleet.vehicles['ABC123']}/timeline")
    old, second = told["recorders"]
    assert (old["serial"], old["to_at"], second["serial"]) == ("OD-ABC123", "2026-10-31T11:00:00Z", "OD-NEW")
    assert second["between"][0]["device_mm"] is None
    assert second["between"][0]["unheard_ms"] == 2 * 86_400_000
    assert second["unlicensed"] == [{"start": 10, "end": 210}]
    other = await claims.fleet("Other")
    assert (await other.get(f"/recorders/{new}/timeline", 404))["code"] == "not_found"
    assert (await other.get(f"/vehicles/{fleet.vehicles['ABC123']}/timeline", 404))["code"] == "not_found"
