"""Manual log entries (rule LI8), attachments of readings (VE3) and the history of plates (VE1), over HTTP."""

from uuid import uuid4

import pytest

from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, Fleet, device_day, put_days

pytestmark = pytest.mark.integration


async def attached(fleet: Fleet) -> str:
    answer = await fleet.client.post("/v1/attachments", params={"name": "log", "actor": "a"}, content=b"%PDF-1.7 log")
    return str(answer.json()["id"])


async def test_LI8_a_logged_day_counts_up_to_its_unknown_and_is_claimed_by_method_other(
    claims: Claims, fleet: Fleet
) -> None:
    licence, scan = await fleet.claimable(), await attached(fleet)
    nowhere = await fleet.log_a_day(licence, str(uuid4()), "12.5", 422)
    assert nowhere["errors"][0]["pointer"] == "/attachment_id"
    before = await fleet.get(f"/licences/{licence}/statement")
    assert (before["claimable_km"], before["manual_log"], before["closure"]["lack_mm"]) == (560, [], 20 * KM)
    too_much = await fleet.log_a_day(licence, scan, "15.001", 422)
    assert (too_much["errors"][0]["code"], "15.000 km" in too_much["errors"][0]["detail"]) == (
        "more_than_unknown",
        True,
    )

    entry = await fleet.log_a_day(licence, scan, "12.5")
    assert (entry["logged_mm"], entry["logged_km"]) == (12_500_000, "12.500")
    assert (await fleet.log_a_day(licence, scan, "1", 409))["existing_id"] == entry["id"]
    after = await fleet.get(f"/licences/{licence}/statement")
    assert (after["claimable_km"], after["closure"]["lack_mm"]) == (572, 7_500_000)
    assert after["statement_hash"] != before["statement_hash"]
    assert after["recorder_mm"] == after["totals"]["total_mm"] == before["totals"]["total_mm"]
    assert after["totals"]["off_road_by_basis"] == {"manual_log": 12_500_000, "private_road": 560 * KM}
    day = next(one for one in after["days"] if one["day"] == "2026-10-05")
    assert day["off_road_by_basis"]["manual_log"] == 12_500_000
    assert "by manual log: no power (R Hill)" in day["note"]
    assert [(one["id"], one["counted_mm"], one["attachment_id"]) for one in after["manual_log"]] == [
        (entry["id"], 12_500_000, scan)
    ]
    assert [finding["rule"] for finding in after["warnings"]] == ["LI8"]

    by_gps = await fleet.preview([licence], lines={licence: {"method": "GPS"}})
    assert by_gps["lodgeable"] is False
    assert any("the method is Other (rule LI8)" in str(finding) for finding in by_gps["findings"])
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    (line,) = claim["lines"]
    assert (line["distance_km"], line["method"]) == (572, "Other")
    assert line["specify_type"] == "GPS Teltonika FMC130, manual log for gaps"
    withdrawal = {"actor": "R Hill", "reason": "wrong page"}
    kept = await fleet.post(f"/licences/{licence}/log-entries/{entry['id']}/withdraw", withdrawal, 409)
    assert kept["code"] == "already_claimed"
    assert (await fleet.log_a_day(licence, scan, "1", 409))["code"] == "already_claimed"
    stranger = await claims.fleet("Other")
    assert (await stranger.get(f"/licences/{licence}/log-entries", 404))["code"] == "not_found"


async def test_LI8_LI2_what_was_driven_before_the_issue_is_not_logged(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    issued = "2026-10-05T12:00:00+13:00"
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, issued)
    readings = {"01T08": 45_000, "03T06": 45_140, "03T20": 45_240, "05T08": 45_300, "05T17": 45_370, "15T08": 46_000}
    for at, value in readings.items():
        await fleet.add_reading("ABC123", f"2026-10-{at}:00:00+13:00", value)
    travelled = [FIRST_DAY + i for i in range(14) if i not in {2, 4}]
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", day) for day in travelled])
    scan, path = await attached(fleet), f"/licences/{licence}/statement"
    before = await fleet.get(path)
    lack = before["closure"]["uncovered_lack_mm"]
    assert lack // 1000 == 100 * KM // 1000, "and a remainder of scaling"
    entry = {"km": "100", "reason": "no power", "attachment_id": scan, "actor": "R Hill"}
    entries = f"/licences/{licence}/log-entries"
    early = await fleet.post(entries, entry | {"on": "2026-10-03"}, 422)
    assert (early["errors"][0]["pointer"], "issued on 2026-10-05" in early["errors"][0]["detail"]) == ("/on", True)
    of_the_issue = await fleet.post(entries, entry | {"on": "2026-10-05", "km": "1"}, 422)
    assert of_the_issue["errors"][0]["code"] == "more_than_unknown", "the issue lies between that day's readings"
    after = await fleet.get(path)
    assert after["totals"] == before["totals"]
    assert sum(day["uncovered_mm"] for day in after["days"]) + lack == after["totals"]["uncovered_mm"]


async def test_LI8_an_entry_that_is_taken_back_counts_no_more_and_stays_to_be_seen(fleet: Fleet) -> None:
    licence, scan = await fleet.claimable(), await attached(fleet)
    entry = await fleet.log_a_day(licence, scan, "3")
    verified = await fleet.verify(licence)
    path = f"/licences/{licence}/log-entries/{entry['id']}/withdraw"
    taken = await fleet.post(path, {"actor": "R Hill", "reason": "it was the other truck"}, 200)
    assert (taken["withdrawn_by"], taken["withdrawn_reason"]) == ("R Hill", "it was the other truck")
    assert (await fleet.post(path, {"actor": "R Hill", "reason": "again"}, 409))["code"] == "already_exists"
    statement = await fleet.get(f"/licences/{licence}/statement")
    assert (statement["manual_log"], statement["claimable_km"]) == ([], 560)
    assert (await fleet.get(f"/licences/{licence}/verification"))["verified_by"] is None, "CL2: the statement changed"
    assert verified["verified_by"] == "R Hill"
    again = await fleet.log_a_day(licence, scan, "2")
    listed = (await fleet.get(f"/licences/{licence}/log-entries"))["items"]
    assert {one["id"]: one["withdrawn_at"] is None for one in listed} == {entry["id"]: False, again["id"]: True}


async def test_VE3_a_reading_may_name_the_file_that_proves_it(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_ute()
    scan = await attached(fleet)
    body = {"recorder_id": fleet.recorders["ABC123"], "at": "2026-05-01", "value": 45_000, "source": "photo"}
    foreign = await attached(await claims.fleet("Other"))
    for unknown in (str(uuid4()), foreign):
        refused = await fleet.post("/readings", body | {"attachment_id": unknown}, 422)
        assert refused["errors"][0]["pointer"] == "/attachment_id"
    made = await fleet.post("/readings", body | {"attachment_id": scan})
    assert made["attachment_id"] == scan
    assert (await fleet.get(f"/readings/{made['id']}"))["attachment_id"] == scan
    plain = await fleet.post("/readings", body | {"at": "2026-06-01"})
    assert plain["attachment_id"] is None


async def test_VE1_a_vehicle_tells_every_plate_with_its_time(fleet: Fleet) -> None:
    ute = await fleet.add_ute()
    await fleet.post(f"/vehicles/{ute}/plates", {"plate": "NEW1", "from": "2026-06-01"})
    early = await fleet.post(f"/vehicles/{ute}/plates", {"plate": "NEW2", "from": "2026-05-01"}, 422)
    assert early["errors"][0]["pointer"] == "/from"
    found = await fleet.get(f"/vehicles/{ute}/plates")
    changed = "2026-05-31T12:00:00Z"
    assert found == {
        "items": [
            {"plate": "ABC123", "from": "1999-12-31T11:00:00Z", "to": changed},
            {"plate": "NEW1", "from": changed, "to": None},
        ],
        "next_cursor": None,
    }
    assert (await fleet.get(f"/vehicles/{uuid4()}/plates", 404))["code"] == "not_found"
