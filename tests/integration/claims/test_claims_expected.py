"""Larger than expected, over a vehicle's own licences and over the fleet (rule EL7)."""

from datetime import date, timedelta

import pytest

from shared.nz_days import to_ordinal
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import KM, Fleet, device_day, put_days, put_progress

pytestmark = pytest.mark.integration

START = date(2026, 3, 1)
DAYS_EACH = 14


async def licences_in_a_row(fleet: Fleet, count: int, off_road_km: list[int], plate: str = "ABC123") -> list[str]:
    """`count` used-up licences of one vehicle, a fortnight each, 70 km a day of which so many off road; one more runs."""
    if not fleet.claimant_id:
        await fleet.add_claimant()
    await fleet.add_ute(plate, f"imei-{plate}")
    made = []
    for number in range(count + 1):
        on = START + timedelta(days=DAYS_EACH * number)
        at = f"{on}T00:00:00+{'13' if on < date(2026, 4, 5) else '12'}:00"
        start = 10_000 + 1_000 * number
        made.append(await fleet.add_licence(plate, f"{plate}-{number}", start, at))
        await fleet.add_reading(plate, at, start)
    days = [
        device_day(
            fleet.tenant, f"imei-{plate}", to_ordinal(START) + DAYS_EACH * number + day,
            public_mm=(70 - off_road_km[number]) * KM, off_road_mm=off_road_km[number] * KM,
        )
        for number in range(count)
        for day in range(DAYS_EACH)
    ]  # fmt: skip
    await put_days(fleet.worker, days)
    await put_progress(fleet.worker)
    return made[:count]


async def expected(fleet: Fleet, licence: str) -> dict[str, object]:
    found = await fleet.get(f"/licences/{licence}/eligibility")
    (finding,) = [one for one in found["findings"] if one["rule"] == "EL7"]
    assert found["eligible"], "it warns and never fails"
    return dict(finding)


async def test_EL7_the_vehicles_own_licences_say_what_is_usual_lodged_or_not(claims: Claims, fleet: Fleet) -> None:
    usual = await licences_in_a_row(fleet, 5, [20, 21, 19, 20, 50])
    last = usual.pop()
    assert (await expected(fleet, usual[0]))["outcome"] == "unknown", "nothing before it, and no fleet"
    assert (await expected(fleet, usual[3]))["outcome"] == "pass"
    computed = await expected(fleet, last)
    assert computed["outcome"] == "warn"
    assert "must" not in str(computed["reason"])
    preview = await fleet.preview(usual[:2])
    assert preview["lodgeable"], preview
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert await expected(fleet, last) == computed, "a lodged line's share is the statement's"

    asked = await fleet.preview([last])
    assert not asked["lodgeable"]
    told = [(one["outcome"], one["waiting"]) for one in asked["lines"][0]["findings"] if one["rule"] == "EL7"]
    assert told == [("warn", False), ("fail", True)]
    body = {"statement_hash": "0" * 64, "reason": "harvest on the new block", "actor": "R Hill"}
    assert (await fleet.post(f"/licences/{last}/acknowledgements", body, 409))["code"] == "statement_changed"
    body["statement_hash"] = asked["lines"][0]["statement_hash"]
    await fleet.post(f"/licences/{last}/acknowledgements", body)
    assert len((await fleet.get(f"/licences/{last}/acknowledgements"))["items"]) == 1
    looked = await fleet.preview([last])
    assert looked["lodgeable"], looked
    told = [(one["outcome"], one["reason"]) for one in looked["lines"][0]["findings"] if one["rule"] == "EL7"]
    assert told[1] == ("pass", "R Hill looked at it on 2026-11-22: harvest on the new block")
    # the statement changes: whoever looked, looked at something else
    await put_days(
        fleet.worker, [device_day(fleet.tenant, "imei-ABC123", to_ordinal(START) + 60, rev=2, off_road_mm=60 * KM)]
    )
    assert not (await fleet.preview([last]))["lodgeable"]
    lodging = await fleet.post("/claims", {"preview_token": looked["preview_token"]}, 409)
    assert lodging["code"] == "preview_changed"


async def test_EL7_a_vehicle_without_history_is_compared_with_the_fleet_of_the_same_reason_code(
    claims: Claims, fleet: Fleet
) -> None:
    lines = await licences_in_a_row(fleet, 3, [20, 21, 19])
    preview = await fleet.preview(lines)
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    (new,) = await licences_in_a_row(fleet, 1, [50], "XYZ9")
    found = await expected(fleet, new)
    assert found["outcome"] == "warn"
    assert found["inputs"] == {
        "share": "70.0 %",
        "median": "28.0 %",
        "limit": "38.0 %",
        "compared_with": "3 licences: the fleet's, same reason code",
    }
    elsewhere = await fleet.preview([new], reason_code=5)
    told = [one["outcome"] for one in elsewhere["lines"][0]["findings"] if one["rule"] == "EL7"]
    assert told == ["unknown"], "no other line is claimed for mining"
    assert elsewhere["lodgeable"]
    other = await claims.fleet("Another fleet")
    (theirs,) = await licences_in_a_row(other, 1, [50])
    assert (await expected(other, theirs))["outcome"] == "unknown", "what one tenant claims tells another nothing"
