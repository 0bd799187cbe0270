"""A display that turns over shows the same readings again: other kilometres, neither lost nor claimed twice (rules VE2, LI3, LI4, EL5)."""

from typing import Any

import pytest

from tests.integration.claims.world import FIRST_DAY, TRAVEL_DAYS, Fleet, device_day, put_days, put_progress

pytestmark = pytest.mark.integration

TURN = 100_000
"""A five-digit odometer: 99999, then 0."""
SINCE = "2024-01-01"


async def turning(fleet: Fleet, rollover_at: int = TURN, plate: str = "ABC123") -> None:
    await fleet.add_claimant()
    vehicle = (await fleet.post("/vehicles", {"plate": plate, "ruc_type": "1", "gross_kg": 3050}))["id"]
    fleet.vehicles[plate] = vehicle
    await fleet.post("/devices", {"device": "imei-1", "vehicle_id": vehicle, "from": SINCE, "gps_type": "FMC130"})
    recorder = {"vehicle_id": vehicle, "kind": "odometer", "serial": "5", "from": SINCE, "rollover_at": rollover_at}
    fleet.recorders[plate] = (await fleet.post("/recorders", recorder))["id"]


async def travelled(fleet: Fleet) -> None:
    """From 1 to 15 October: 420 km public, 560 km off road."""
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + i) for i in range(TRAVEL_DAYS)])
    await put_progress(fleet.worker)


async def a_turn_later(fleet: Fleet) -> tuple[str, str]:
    """The same readings in January 2025 and, a turn of the display later, in October 2026."""
    await turning(fleet)
    await fleet.add_reading("ABC123", "2025-01-05", 500)
    first = await fleet.add_licence("ABC123", "RUC 1", 500, "2025-01-05")
    for at, value in (("2025-06-01", 40_000), ("2026-01-01", 80_000), ("2026-09-01", 100)):
        await fleet.add_reading("ABC123", at, value)
    second = await fleet.add_licence("ABC123", "RUC 2", 500, "2026-10-01T08:00:00+13:00")
    await fleet.add_licence("ABC123", "RUC 3", 1_500, "2026-10-15T08:00:00+13:00")
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 500)
    await fleet.add_reading("ABC123", "2026-10-15T08:00:00+13:00", 1_500)
    await travelled(fleet)
    return first, second


async def lodge(fleet: Fleet, licence: str, status: int = 201) -> dict[str, Any]:
    preview = await fleet.preview([licence])
    return await fleet.post("/claims", {"preview_token": preview["preview_token"]}, status)


async def test_VE2_the_same_readings_a_turn_later_are_other_kilometres(fleet: Fleet) -> None:
    first, second = await a_turn_later(fleet)
    outside = {"claimed_on": "2025-12-01", "reference": "p", "actor": "R", "reason": "by hand"}
    await fleet.post(f"/licences/{first}/claimed-outside", outside)
    judged = await fleet.get(f"/licences/{second}/eligibility")
    assert (judged["claimable_km"], judged["eligible"]) == (560, True), judged
    assert (await lodge(fleet, second))["state"] == "lodged"


async def test_LI4_within_one_turn_the_same_kilometres_are_still_refused(fleet: Fleet) -> None:
    _, second = await a_turn_later(fleet)
    twin = fleet.licence_body("ABC123", "RUC 20", 1_400, "2026-10-16")
    refused = await fleet.post("/licences", twin, 409)
    assert (refused["code"], refused["existing_id"]) == ("licence_range_overlap", second)


async def test_EL5_a_sale_after_the_turn_ends_only_the_licence_that_runs_then(fleet: Fleet) -> None:
    await turning(fleet, 1_000_000)
    licence = await fleet.add_licence("ABC123", "RUC 1", 998_500, "2026-10-01T08:00:00+13:00")
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 998_500)
    await fleet.add_reading("ABC123", "2026-10-15T08:00:00+13:00", 999_500)
    running = await fleet.add_licence("ABC123", "RUC 2", 999_500, "2026-10-15T08:00:00+13:00")
    await travelled(fleet)
    sale = {"at": "2026-11-01T08:00:00+13:00", "reading": 300, "actor": "R Hill", "reason": "sold"}
    sold = await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    assert sold["licences_ended"] == [running]
    assert (await fleet.get(f"/licences/{running}"))["claimable_end_reading"] == 1_000_300
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 999_500
    assert (await lodge(fleet, licence))["state"] == "lodged"


async def test_VE2_a_reading_that_comes_late_puts_a_licence_on_the_turn_that_it_shows(fleet: Fleet) -> None:
    """Entered before any reading, the second licence looks like a twin: with the reading between them it is not."""
    await turning(fleet)
    await fleet.add_reading("ABC123", "2025-01-05", 500)
    await fleet.add_licence("ABC123", "RUC 1", 500, "2025-01-05")
    twin = fleet.licence_body("ABC123", "RUC 2", 500, "2026-10-01")
    assert (await fleet.post("/licences", twin, 409))["code"] == "licence_range_overlap"
    for at, value in (("2025-06-01", 40_000), ("2026-01-01", 80_000), ("2026-09-20", 300)):
        await fleet.add_reading("ABC123", at, value)
    await fleet.post("/licences", twin)


async def test_VE2_no_reading_moves_what_is_claimed_to_another_turn(fleet: Fleet) -> None:
    """Else the same kilometres could be licensed and claimed again on the turn that became free (design G4)."""
    await turning(fleet)
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 500)
    licence = await fleet.add_licence("ABC123", "RUC 1", 500, "2026-10-01T08:00:00+13:00")
    await fleet.add_reading("ABC123", "2026-10-15T08:00:00+13:00", 1_500)
    await fleet.add_licence("ABC123", "RUC 2", 1_500, "2026-10-15T08:00:00+13:00")
    await travelled(fleet)
    await lodge(fleet, licence)
    before = {"recorder_id": fleet.recorders["ABC123"], "at": "2026-08-01", "value": 99_000}
    refused = await fleet.post("/readings", before, 409)
    assert refused["code"] == "reading_moves_claimed" and licence in refused["detail"]
    assert (await fleet.get("/readings", recorder_id=fleet.recorders["ABC123"]))["items"][0]["value"] != 99_000


async def test_VE2_an_earlier_reading_moves_what_is_not_claimed_and_nothing_meets(fleet: Fleet) -> None:
    await turning(fleet)
    await fleet.add_reading("ABC123", "2026-10-01", 500)
    for number, start in (("RUC 1", 500), ("RUC 2", 1_500), ("RUC 3", 2_500)):
        await fleet.add_licence("ABC123", number, start, "2026-10-01")
    await fleet.add_reading("ABC123", "2026-08-01", 99_000)
    twin = fleet.licence_body("ABC123", "RUC 20", 1_600, "2026-10-16")
    assert (await fleet.post("/licences", twin, 409))["code"] == "licence_range_overlap"


async def test_LI3_an_overlap_ends_what_was_bought_ahead_too_each_with_its_credit(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    running = await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01")
    ahead = await fleet.add_licence("ABC123", "RUC 2", 5_000, "2026-03-02")
    await fleet.add_licence(
        "ABC123", "RUC 3", 4_250, "2026-05-01", end_reading=8_250, units=4, gross_cents=30_400, overlap=True
    )
    ended = [await fleet.get(f"/licences/{one}") for one in (running, ahead)]
    assert [(one["claimable_end_reading"], one["ended_by"]) for one in ended] == [
        (4_250, "overlap"),
        (5_000, "overlap"),
    ]
    judged = await fleet.get(f"/licences/{ahead}/eligibility")
    assert judged["claimable_km"] == 0 and judged["eligible"] is False


async def test_LI3_an_overlap_from_the_start_of_an_unused_licence_ends_it_whole(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    unused = await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01")
    bought = {"end_reading": 6_000, "units": 2, "gross_cents": 15_200, "overlap": True}
    await fleet.add_licence("ABC123", "RUC 2", 4_000, "2026-03-09", **bought)
    ended = await fleet.get(f"/licences/{unused}")
    assert (ended["claimable_end_reading"], ended["ended_by"]) == (4_000, "overlap")


async def test_LI3_the_same_whichever_is_entered_first(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    bought = {"end_reading": 8_250, "units": 4, "gross_cents": 30_400, "overlap": True}
    await fleet.add_licence("ABC123", "RUC 3", 4_250, "2026-05-01", **bought)
    ahead = await fleet.add_licence("ABC123", "RUC 2", 5_000, "2026-03-02")
    running = await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01")
    ended = [await fleet.get(f"/licences/{one}") for one in (running, ahead)]
    assert [(one["claimable_end_reading"], one["ended_by"]) for one in ended] == [
        (4_250, "overlap"),
        (5_000, "overlap"),
    ]
