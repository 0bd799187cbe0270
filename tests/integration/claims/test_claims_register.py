"""The register: natural keys, one thing at a time, ranges (rules PA1, VE1, VE2, VE4, LI3, LI4, EL5)."""

from typing import Any

import pytest

from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


async def test_posting_everything_again_names_what_exists(fleet: Fleet) -> None:
    await fleet.add_claimant()
    ute = await fleet.add_ute()
    trailer = (await fleet.post("/vehicles", {"plate": "T1", "powered": False}))["id"]
    recorder = fleet.recorders["ABC123"]
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/claimants", {"name": "hill farms  LIMITED"}),
        ("/vehicles", {"plate": "abc-123"}),
        ("/devices", {"device": "imei-1", "vehicle_id": ute, "from": "2026-01-01"}),
        ("/couplings", {"trailer_id": trailer, "vehicle_id": ute, "from": "2026-10-01"}),
        ("/recorders", {"vehicle_id": ute, "kind": "odometer", "serial": "od abc123", "from": "2026-01-01"}),
        ("/readings", {"recorder_id": recorder, "at": "2026-10-01", "value": 45_000}),
        ("/licences", fleet.licence_body("ABC123", "RUC 1", 45_000, "2026-10-01")),
    ]
    first = {path: (await fleet.client.post(f"/v1{path}", json=body)).json() for path, body in bodies}
    for path, body in bodies:
        again = await fleet.post(path, body, 409)
        assert again["code"] == "already_exists", path
        expected = first[path].get("existing_id") or first[path]["id"]
        assert again["existing_id"] == expected, path
        assert (await fleet.get(f"{path}/{expected}"))["id"] == expected


async def test_a_caller_finds_things_by_its_own_reference(fleet: Fleet) -> None:
    made = await fleet.post("/vehicles", {"plate": "REF1", "ref": "ute-7"})
    assert [v["id"] for v in (await fleet.get("/vehicles", ref="ute-7"))["items"]] == [made["id"]]
    assert [v["id"] for v in (await fleet.get("/vehicles", plate="ref 1"))["items"]] == [made["id"]]
    again = await fleet.post("/vehicles", {"plate": "OTHER", "ref": "ute-7"}, 409)
    assert again["existing_id"] == made["id"]


async def test_VE1_a_plate_changes_and_the_licence_keeps_the_one_it_was_issued_to(fleet: Fleet) -> None:
    await fleet.add_claimant()
    ute = await fleet.add_ute()
    old = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-05-01")
    changed = await fleet.post(f"/vehicles/{ute}/plates", {"plate": "NEW1", "from": "2026-06-01"})
    assert (changed["plate"], [p["plate"] for p in changed["plates"]]) == ("NEW1", ["ABC123", "NEW1"])
    new = await fleet.add_licence("ABC123", "RUC 2", 46_000, "2026-07-01")
    assert (await fleet.get(f"/licences/{old}"))["plate"] == "ABC123"
    assert (await fleet.get(f"/licences/{new}"))["plate"] == "NEW1"
    free_again = await fleet.post("/vehicles", {"plate": "ABC123", "plate_from": "2026-06-01"})
    assert free_again["id"] != ute


async def test_VE4_one_primary_device_a_vehicle_and_one_vehicle_a_device(fleet: Fleet) -> None:
    ute = await fleet.add_ute("ABC123", "imei-1")
    other = (await fleet.post("/vehicles", {"plate": "XYZ9"}))["id"]
    assignment = (await fleet.get("/devices", vehicle_id=ute))["items"][0]["id"]
    elsewhere = {"device": "imei-1", "vehicle_id": other, "from": "2026-06-01"}
    refused = await fleet.post("/devices", elsewhere, 409)
    assert (refused["code"], refused["existing_id"]) == ("assignment_overlap", assignment)
    second = {"device": "imei-2", "vehicle_id": ute, "from": "2026-06-01"}
    assert (await fleet.post("/devices", second, 409))["existing_id"] == assignment
    await fleet.post("/devices", second | {"primary": False})
    ended = await fleet.post(f"/devices/{assignment}/end", {"to": "2026-06-01"}, 200)
    assert ended["to"] == "2026-05-31T12:00:00Z"
    await fleet.post("/devices", elsewhere)


async def test_VE1_a_trailer_is_behind_one_vehicle_at_a_time(fleet: Fleet) -> None:
    ute, other = await fleet.add_ute("ABC123", "imei-1"), await fleet.add_ute("XYZ9", "imei-2")
    trailer = (await fleet.post("/vehicles", {"plate": "T1", "powered": False}))["id"]
    first = await fleet.post("/couplings", {"trailer_id": trailer, "vehicle_id": ute, "from": "2026-10-01"})
    behind = {"trailer_id": trailer, "vehicle_id": other, "from": "2026-10-03"}
    refused = await fleet.post("/couplings", behind, 409)
    assert (refused["code"], refused["existing_id"]) == ("coupling_overlap", first["id"])
    await fleet.post(f"/couplings/{first['id']}/end", {"to": "2026-10-03"}, 200)
    await fleet.post("/couplings", behind)
    turned = {"trailer_id": ute, "vehicle_id": trailer, "from": "2026-10-05"}
    assert (await fleet.post("/couplings", turned, 422))["errors"][0]["pointer"] == "/trailer_id"


async def test_VE2_a_changed_recorder_starts_a_new_series(fleet: Fleet) -> None:
    ute = await fleet.add_ute()
    old = fleet.recorders["ABC123"]
    await fleet.add_reading("ABC123", "2026-06-01", 45_000)
    changed = {"vehicle_id": ute, "kind": "odometer", "serial": "OD-2", "from": "2026-07-01"}
    refused = await fleet.post("/recorders", changed, 409)
    assert (refused["code"], refused["existing_id"]) == ("recorder_overlap", old)
    new = (await fleet.post("/recorders", changed | {"replaces": old}))["id"]
    assert (await fleet.get(f"/recorders/{old}"))["to"] == "2026-06-30T12:00:00Z"
    await fleet.post("/readings", {"recorder_id": new, "at": "2026-07-01", "value": 3})
    late = {"recorder_id": old, "at": "2026-08-01", "value": 46_000}
    assert (await fleet.post("/readings", late, 422))["errors"][0]["pointer"] == "/at"


async def test_VE2_a_recorder_that_was_taken_off_already_is_not_replaced_again(fleet: Fleet) -> None:
    ute = await fleet.add_ute()
    first = fleet.recorders["ABC123"]
    changed = {"vehicle_id": ute, "kind": "odometer", "replaces": first}
    await fleet.post("/recorders", changed | {"serial": "OD-2", "from": "2026-07-01"})
    refused = await fleet.post("/recorders", changed | {"serial": "OD-3", "from": "2026-08-01"}, 422)
    assert refused["errors"][0]["pointer"] == "/replaces"
    assert (await fleet.get(f"/recorders/{first}"))["to"] == "2026-06-30T12:00:00Z"


async def test_VE2_a_recorder_is_not_replaced_before_it_was_read_last_or_two_licences_would_count_the_same_travel(
    fleet: Fleet,
) -> None:
    await fleet.claimable()
    changed = {"vehicle_id": fleet.vehicles["ABC123"], "kind": "odometer", "serial": "OD-2"}
    back = changed | {"replaces": fleet.recorders["ABC123"], "from": "2026-10-08"}
    refused = await fleet.post("/recorders", back, 422)
    assert refused["errors"][0]["pointer"] == "/from"
    assert (await fleet.get(f"/recorders/{fleet.recorders['ABC123']}"))["to"] is None
    await fleet.post("/recorders", back | {"from": "2026-10-15T08:00:00+13:00"})


async def test_VE3_a_reading_that_runs_backwards_is_refused(fleet: Fleet) -> None:
    await fleet.add_ute()
    await fleet.add_reading("ABC123", "2026-06-01", 45_000)
    await fleet.add_reading("ABC123", "2026-08-01", 47_000)
    for value, says in ((44_999, "below 45000"), (47_001, "above 47000")):
        body = {"recorder_id": fleet.recorders["ABC123"], "at": "2026-07-01", "value": value}
        problem = await fleet.post("/readings", body, 422)
        assert says in problem["errors"][0]["detail"]


async def test_LI3_a_licence_bought_to_overlap_ends_the_older_range_at_its_start(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    old = await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01")
    body = fleet.licence_body("ABC123", "RUC 2", 4_250, "2026-05-01", end_reading=6_250, units=2, gross_cents=9800)
    refused = await fleet.post("/licences", body, 409)
    assert (refused["code"], refused["existing_id"]) == ("licence_range_overlap", old)
    await fleet.post("/licences", body | {"overlap": True, "credit_cents": 5700})
    ended = await fleet.get(f"/licences/{old}")
    assert (ended["claimable_end_reading"], ended["ended_by"]) == (4_250, "overlap")


async def test_LI3_the_order_of_entry_does_not_matter(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    await fleet.add_licence("ABC123", "RUC 2", 4_250, "2026-05-01", end_reading=5_250, overlap=True)
    old = await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01")
    ended = await fleet.get(f"/licences/{old}")
    assert (ended["claimable_end_reading"], ended["ended_by"]) == (4_250, "overlap")


async def test_LI1_an_additional_licence_neither_claims_nor_ends_another(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    old = await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01")
    journey = await fleet.add_licence(
        "ABC123", "ADD 1", 4_100, "2026-03-05", kind="additional", units=None, gross_cents=None
    )
    assert (await fleet.get(f"/licences/{old}"))["claimable_end_reading"] == 5_000
    assert (await fleet.get(f"/licences/{journey}/eligibility"))["eligible"] is False
    entry = {"claimed_on": "2026-11-01", "reference": "x", "actor": "a", "reason": "r"}
    await fleet.post(f"/licences/{journey}/claimed-outside", entry, 422)


async def test_EL5_a_sale_ends_the_range_at_its_reading_and_warns(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    ute, running = fleet.vehicles["ABC123"], fleet.licences["RUC 0001 next"]
    sale = {"at": "2026-11-01T08:00:00+13:00", "reading": 46_300, "actor": "R Hill", "reason": "sold to a dealer"}
    backwards = await fleet.post(f"/vehicles/{ute}/sale", sale | {"reading": 45_500}, 422)
    assert backwards["errors"][0]["pointer"] == "/reading"
    sold = await fleet.post(f"/vehicles/{ute}/sale", sale, 200)
    assert sold["licences_ended"] == [running]
    assert "EL5" in sold["warnings"][0]
    ended = await fleet.get(f"/licences/{running}")
    assert (ended["claimable_end_reading"], ended["ended_by"], ended["state"] != "running") == (46_300, "sale", True)
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 46_000
    assert (await fleet.get(f"/vehicles/{ute}"))["sold_at"] == "2026-10-31T19:00:00Z"
    assert (await fleet.get("/devices", vehicle_id=ute))["items"][0]["to"] == "2026-10-31T19:00:00Z"
    assert (await fleet.post(f"/vehicles/{ute}/sale", sale, 409))["code"] == "already_exists"


async def test_VE5_an_exempt_vehicle_buys_no_licence(fleet: Fleet) -> None:
    await fleet.add_claimant()
    tractor = await fleet.post("/vehicles", {"plate": "TRAC1", "exempt": True, "exempt_reason": "agricultural tractor"})
    recorder = {"vehicle_id": tractor["id"], "kind": "odometer", "serial": "1", "from": "2026-01-01"}
    fleet.recorders["TRAC1"] = (await fleet.post("/recorders", recorder))["id"]
    problem = await fleet.post("/licences", fleet.licence_body("TRAC1", "RUC 9", 0, "2026-03-01"), 422)
    assert "VE5" in problem["errors"][0]["detail"]


async def test_licences_are_listed_by_their_state_over_all_pages(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    for i in range(3):
        await fleet.add_licence("ABC123", f"RUC later {i}", 47_000 + 1_000 * i, "2026-11-01")
    found = await fleet.get("/licences", state="claimable", limit="2")
    assert [item["id"] for item in found["items"]] == [licence]
    pages, cursor = [], {}
    while True:
        page = await fleet.get("/licences", limit="2", **cursor)
        pages += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(pages) == sorted(fleet.licences.values())


async def test_progress_is_the_least_over_the_tenants_devices(fleet: Fleet) -> None:
    await fleet.claimable()
    progress = await fleet.get("/progress")
    assert progress["complete_through"] == "2026-11-21T23:00:00Z"
    assert [device["device"] for device in progress["devices"]] == ["imei-1"]
