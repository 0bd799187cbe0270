"""The other refunds as whole applications over HTTP on a real database: rules OT2, OT3, OT4, and no kilometre refunded twice."""

from hashlib import sha256

import pytest

from tests.integration.claims.applying import (
    DAY_MS,
    ON,
    READ_AT,
    act,
    attach,
    failing,
    long_licence,
    parts,
    surrendering,
)
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, Fleet, device_day, put_days

pytestmark = pytest.mark.integration


async def test_OT2_a_surrender_from_draft_to_grant(claims: Claims, fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    draft = await fleet.post("/applications", {"kind": "surrender", "licence_id": licence, "actor": "R Hill"})
    assert draft["state"] == "draft"
    assert failing(draft) == ["the present reading, with its instant is needed"]
    assert (draft["documents_needed"][0]["code"], draft["documents_needed"][0]["missing"]) == ("bank_evidence", True)
    said = await act(fleet, draft, "details", {"reading": 46_000, "read_at": READ_AT})
    assert [one for one in failing(said) if "bank evidence" in one]
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 55_000, "a draft changes nothing"
    refused = await act(fleet, draft, "ready", None, 409)
    assert refused["code"] == "not_ready"
    assert [one["rule"] for one in refused["findings"]] == ["OT2"]
    evidence = {"code": "bank_evidence", "attachment_id": await attach(fleet), "shows": ["logo", "number"]}
    poor = await act(fleet, draft, "documents", evidence)
    assert poor["documents_needed"][0]["still_to_show"] == ["name"]
    await act(fleet, draft, "documents", evidence | {"shows": ["logo", "name", "number"]})

    ready = await act(fleet, draft, "ready")
    assert (ready["state"], ready["amount_cents"], ready["from_reading"]) == ("ready", 684_00, 46_000)
    unused = ready["unused"]
    assert (unused["distance"], unused["charge_cents"]) == (9_000, 760_00)
    assert unused["used_cents"] + unused["unused_cents"] + unused["remainder_cents"] == unused["charge_cents"]
    assert await parts(fleet, licence) == [("unused", 46_000, 55_000)]
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (46_000, "surrender")
    assert {"buy_before_travel"} <= {one["code"] for one in ready["duties"]}

    exact = await fleet.client.get(f"/v1/applications/{draft['id']}/inputs")
    assert sha256(exact.content).hexdigest() == ready["inputs_sha256"]
    assert exact.json()["amount_cents"] == 684_00
    papers = await fleet.get(f"/applications/{draft['id']}/papers")
    assert (papers["channels"], papers["missing"], papers["frozen"]) == (["online"], [], True)
    assert "$684.00" in papers["letter"]
    assert "0100194" not in str(papers), "the account is masked (rule RE3)"

    await act(fleet, draft, "sent", {"on": ON, "channel": "online", "reference": "S-1"})
    claims.clock.now_ms += 30 * DAY_MS
    received = await act(fleet, draft, "received", {"on": "2026-11-23"})
    assert received["answer_due_on"] == "2026-12-07"
    assert received["next_states"] == ["declined", "granted", "withdrawn"]
    granted = await act(fleet, draft, "granted", {"on": "2026-12-01", "cents": 684_00})
    assert [one["code"] for one in granted["duties"]] == ["destroy_label", "buy_before_travel"]
    done = await act(fleet, draft, "duties/destroy_label", {"on": "2026-12-01"})
    assert [one["code"] for one in done["duties"]] == ["buy_before_travel"]
    assert (await act(fleet, draft, "duties/destroy_label", {"on": "2026-12-01"}, 404))["code"] == "not_found"
    await act(fleet, draft, "payments", {"kind": "set_off", "on": "2026-12-02", "cents": 84_00})
    paid = await act(fleet, draft, "payments", {"kind": "paid", "on": "2026-12-02", "cents": 600_00})
    assert (paid["money"]["kept_cents"], paid["money"]["difference_cents"]) == (684_00, 0)
    too_much = {"kind": "recovered", "on": "2026-12-03", "cents": 684_01}
    assert (await act(fleet, draft, "payments", too_much, 422))["errors"][0]["pointer"] == "/cents"
    async with claims.worker.acquire() as conn:
        told = await conn.fetch(
            "select type from claims.webhook_event where type like 'application.%' order by created_at, id"
        )
    assert sorted(row["type"].partition(".")[2] for row in told) == [
        "granted", "paid", "ready", "received", "sent", "set_off"
    ]  # fmt: skip
    kinds = [one["kind"] for one in paid["steps"]]
    assert kinds == ["drafted", "amended", "document", "document", "ready", "sent", "received", "granted", "duty", "set_off", "paid"]  # fmt: skip
    assert (await fleet.get(f"/licences/{licence}"))["state"] != "running"


async def test_OT2_too_little_left_too_old_and_a_reading_that_went_on_are_refused(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    little = await surrendering(fleet, licence, reading=47_001)
    assert failing(little) == ["7999 km are unused, less than 8000 km"]
    assert (await act(fleet, little, "ready", None, 409))["code"] == "not_ready"
    exactly = await act(fleet, little, "details", {"reading": 47_000})
    assert [one["outcome"] for one in exactly["findings"] if "silent" in one["reason"]] == ["warn"]
    await fleet.add_reading("ABC123", "2026-11-22T09:00:00+13:00", 47_010)
    moved = await fleet.get(f"/applications/{little['id']}")
    assert failing(moved) == [
        "47000 is below 47010, which the recorder showed on 2026-11-22: what was travelled is not unused"
    ]
    stray = await act(fleet, little, "details", {"cause": "lost"}, 422)
    assert (stray["errors"][0]["pointer"], stray["errors"][0]["code"]) == ("/cause", "not_of_this_kind")


async def test_OT2_a_licence_that_grew_too_old_since_it_was_ready_is_not_sent(claims: Claims, fleet: Fleet) -> None:
    claims.clock.now_ms = 1_853_884_800_000  # 2028-09-30, NZ: a day short of two years after the issue
    made = await surrendering(fleet, await long_licence(fleet))
    assert (await act(fleet, made, "ready"))["state"] == "ready"
    claims.clock.now_ms += 2 * DAY_MS
    refused = await act(fleet, made, "sent", {"on": "2028-10-02", "channel": "online"}, 409)
    assert (refused["code"], refused["findings"][0]["rule"]) == ("not_ready", "OT2")
    assert "more than 2 years before 2028-10-02" in refused["findings"][0]["reason"]
    assert (await fleet.get(f"/applications/{made['id']}"))["state"] == "ready", "nothing of it is kept"
    sent = await act(fleet, made, "sent", {"on": "2028-10-01", "channel": "online"})
    assert sent["state"] == "sent", "it went on the last day"


async def test_OT2_CL6_what_the_agency_has_is_on_the_radar(claims: Claims, fleet: Fleet) -> None:
    made = await surrendering(fleet, await long_licence(fleet))
    await act(fleet, made, "ready")
    await act(fleet, made, "sent", {"on": ON, "channel": "online"})
    assert (await fleet.get("/alerts", kind="answer_due"))["items"] == [], "its ten days run from receipt"
    await act(fleet, made, "received", {"on": ON})
    (item,) = (await fleet.get("/alerts", kind="answer_due"))["items"]
    due_on = (await fleet.get(f"/applications/{made['id']}"))["answer_due_on"]
    assert (item["application_id"], item["due_on"], item["claim_id"]) == (made["id"], due_on, None)
    assert item["vehicle_id"] == fleet.vehicles["ABC123"]
    assert "is to be expected by" in item["words"]
    claims.clock.now_ms += 30 * DAY_MS
    (late,) = (await fleet.get("/alerts", kind="answer_due", vehicle_id=fleet.vehicles["ABC123"]))["items"]
    assert "was to be answered by" in late["words"]
    other = "00000000-0000-4000-8000-000000000000"
    assert (await fleet.get("/alerts", kind="answer_due", vehicle_id=other))["items"] == []
    await act(fleet, made, "declined", {"on": ON, "reason": "scheme ended"})
    assert (await fleet.get("/alerts", kind="answer_due"))["items"] == []


async def test_LI2_a_declined_or_withdrawn_surrender_lets_the_licence_run_on(claims: Claims, fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    first = await surrendering(fleet, licence)
    await act(fleet, first, "ready")
    back = await act(fleet, first, "details", {"reading": 46_001})
    assert (back["state"], back["amount_cents"], back["inputs_sha256"]) == ("draft", None, None)
    assert await parts(fleet, licence) == []
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 55_000
    await act(fleet, first, "ready")
    await act(fleet, first, "sent", {"on": ON, "channel": "online"})
    unheard = await act(fleet, first, "withdraw", {"on": ON, "reason": "kept"}, 422)
    assert unheard["errors"][0]["pointer"] == "/reference"
    await act(fleet, first, "received", {"on": ON})
    await act(fleet, first, "declined", {"on": ON, "reason": "scheme ended"})
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"], paper["state"]) == (55_000, None, "running")
    assert (await act(fleet, first, "ready", None, 409))["allowed"] == []
    second = await surrendering(fleet, licence, reading=46_001)
    assert (await act(fleet, second, "ready"))["state"] == "ready"
    await act(fleet, second, "withdraw", {"on": ON, "reason": "kept after all"})
    assert await parts(fleet, licence) == []


async def changed(fleet: Fleet, licence: str) -> dict[str, str]:
    """The old recorder replaced on 10 November, a replacement licence bought on the new one; what the application names."""
    new = {
        "vehicle_id": fleet.vehicles["ABC123"], "kind": "hubodometer", "serial": "HB-2",
        "from": "2026-11-10T12:00:00+13:00", "replaces": fleet.recorders["ABC123"],
    }  # fmt: skip
    fleet.recorders["new"] = (await fleet.post("/recorders", new))["id"]
    replacement = await fleet.add_licence("new", "RUC 11", 0, "2026-11-10T12:00:00+13:00")
    return {"new_recorder_id": fleet.recorders["new"], "replacement_licence_id": replacement}


async def test_LI2_OT2_another_paper_makes_a_ready_application_a_draft_that_holds_nothing(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    other = {"code": "other", "attachment_id": await attach(fleet)}
    for _ in range(2):
        await act(fleet, made, "ready")
        assert await parts(fleet, licence) == [("unused", 46_000, 55_000)]
        assert (await act(fleet, made, "documents", other))["state"] == "draft"
        assert await parts(fleet, licence) == []
        paper = await fleet.get(f"/licences/{licence}")
        assert (paper["claimable_end_reading"], paper["ended_by"]) == (55_000, None)


async def test_OT3_an_unserviceable_hubodometer(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    body = {"kind": "recorder_change", "licence_id": licence, "cause": "unserviceable", "actor": "R Hill"}
    made = await fleet.post("/applications", body)
    assert failing(made) == [
        "the reading when it was found unserviceable is needed",
        "the odometer reading (powered vehicles) is needed",
        "the new serial number is needed",
        "the new recorder's start reading is needed",
        "the replacement licence, bought first is needed",
        "the instant at which it failed or was lost is needed",
    ]
    assert [one["code"] for one in made["duties"]] == ["keep_old_recorder"]
    names = await changed(fleet, licence)
    read = {"reading": 46_000, "read_at": "2026-11-09T12:00:00+13:00", "odometer_reading": 91_000}
    said = await act(fleet, made, "details", names | read)
    assert failing(said) == []
    ready = await act(fleet, made, "ready")
    assert (ready["amount_cents"], ready["unused"]["distance"]) == (684_00, 9_000)
    papers = await fleet.get(f"/applications/{made['id']}/papers")
    values = {one["label"]: one["value"] for one in papers["fields"]}
    assert (values["New hubodometer"], values["Odometer reading (powered vehicles)"]) == ("HB-2", "91000")
    assert (papers["form"][:5], papers["missing"]) == ("RUCHO", [])
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (46_000, "recorder_change")
    await act(fleet, made, "sent", {"on": ON, "channel": "agent"})  # its reading is an actual one from here on
    between = device_day(fleet.tenant, "imei-1", FIRST_DAY + 40)  # 10 November from 9 to 12, as the recorder is changed
    await put_days(fleet.worker, [between])
    statement = await fleet.get(f"/licences/{licence}/statement")
    assert statement["totals"]["total_mm"] == statement["recorder_mm"] == 1_000 * KM
    following = await fleet.get(f"/licences/{fleet.licences['RUC 11']}/statement")
    assert following["totals"]["off_road_mm"] == 0, "the metres between the two recorders are neither's"
    judged = await fleet.get(f"/licences/{licence}/eligibility")
    assert [one["outcome"] for one in judged["findings"] if one["rule"] == "OT3"] == ["warn"]
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("unused", 46_000, 55_000)]


async def test_OT3_a_claim_before_the_application_takes_no_more_than_its_statement(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    await fleet.add_reading("ABC123", "2026-11-09T12:00:00+13:00", 46_000)
    names = await changed(fleet, licence)
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000)]
    body = {
        "kind": "recorder_change", "licence_id": licence, "cause": "unserviceable", "reading": 46_000,
        "read_at": "2026-11-09T12:00:00+13:00", "odometer_reading": 91_000, "actor": "R Hill", **names,
    }  # fmt: skip
    made = await fleet.post("/applications", body)
    assert failing(made) == []
    assert (await act(fleet, made, "ready"))["amount_cents"] == 684_00
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("unused", 46_000, 55_000)]
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (55_000, None), "what is claimed is never changed"


async def test_OT3_a_stolen_hubodometer_is_estimated_by_our_own_distance(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    names = await changed(fleet, licence)
    body = {
        "kind": "recorder_change", "licence_id": licence, "cause": "stolen", "read_at": "2026-10-15T08:00:00+13:00",
        "odometer_reading": 91_000, "actor": "R Hill", **names,
    }  # fmt: skip
    made = await fleet.post("/applications", body)
    assert (
        "last read 45000 km on 2026-10-01; 980.000 km travelled from then to 2026-10-15: 45980 km"
        in made["calculation"]
    )
    assert (made["unused"]["from_reading"], made["asked_cents"]) == (45_980, 9_020 * 76 // 10)
    own = {"estimated_reading": 46_100, "calculation": "odometer 90020 to 91120"}
    larger = await act(fleet, made, "details", own)
    assert (larger["unused"]["from_reading"], larger["calculation"]) == (46_100, "odometer 90020 to 91120")
    alone = await act(fleet, made, "details", {"estimated_reading": 46_100}, 422)
    assert "calculation" in alone["errors"][0]["detail"]
    smaller = await act(fleet, made, "details", {"estimated_reading": 45_100, "calculation": "a guess"})
    assert smaller["unused"]["from_reading"] == 45_980, "of two estimates the one that leaves less unused"
    await act(fleet, made, "details", {"reading": 46_100})  # nobody read it: it was stolen
    ready = await act(fleet, made, "ready")
    assert ready["state"] == "ready"
    await act(fleet, made, "sent", {"on": ON, "channel": "online", "reference": "S-1"})
    statement = await fleet.get(f"/licences/{licence}/statement")
    assert statement["totals"]["off_road_mm"] == 0, (
        "no actual reading closes the range: an estimate never does (rule DI3)"
    )


async def test_OT3_without_any_device_the_estimate_is_asked_for(fleet: Fleet) -> None:
    await fleet.add_claimant()
    vehicle = (await fleet.post("/vehicles", {"plate": "TR1", "powered": False}))["id"]
    fleet.vehicles["ABC123"] = vehicle
    recorder = {"vehicle_id": vehicle, "kind": "hubodometer", "serial": "HB-1", "from": "2026-01-01"}
    fleet.recorders["ABC123"] = (await fleet.post("/recorders", recorder))["id"]
    licence = await fleet.add_licence("ABC123", "T 1", 45_000, "2026-10-01T08:00:00+13:00")
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 45_000)
    names = await changed(fleet, licence)
    body = {"kind": "recorder_change", "licence_id": licence, "cause": "lost", "read_at": "2026-11-01", "actor": "R"}
    made = await fleet.post("/applications", body | names)
    assert failing(made) == ["a calculated estimate of what it would have shown is needed"]
    assert made["unused"] is None


async def test_OT4_a_cancelled_vehicle_only_after_its_cancellation(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await fleet.post("/applications", {"kind": "cancelled_vehicle", "licence_id": licence, "actor": "R"})
    assert [one for one in failing(made) if "not cancelled yet" in one]
    await act(fleet, made, "details", {"cause": "exported"})
    sale = {"at": "2026-11-20T12:00:00+13:00", "reading": 46_000, "kind": "deregistered", "actor": "R"}
    await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    found = await fleet.get(f"/applications/{made['id']}")
    assert failing(found) == []
    assert [one["outcome"] for one in found["findings"] if "MR15" in one["reason"]] == ["warn"], (
        "its copy is only policy"
    )
    ready = await act(fleet, made, "ready")
    assert (ready["amount_cents"], ready["from_reading"]) == (684_00, 46_000)
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (46_000, "deregistration")
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("unused", 46_000, 55_000)]
    papers = await fleet.get(f"/applications/{made['id']}/papers")
    assert "names no form" in papers["not_stated"]


async def test_LI5_without_a_rate_the_amount_is_unknown_and_the_application_can_still_be_made(fleet: Fleet) -> None:
    await long_licence(fleet)
    await fleet.add_ute("TRK1", "imei-2")
    heavy = {"end_reading": 20_000, "units": None, "gross_cents": None, "ruc_type": "6", "gross_kg": 20_000}
    licence = await fleet.add_licence("TRK1", "H 1", 1_000, "2026-10-01T08:00:00+13:00", **heavy)
    made = await surrendering(fleet, licence, reading=2_000)
    assert failing(made) == []
    assert [one["rule"] for one in made["findings"] if one["outcome"] == "unknown"] == ["LI5"]
    ready = await act(fleet, made, "ready")
    assert (ready["amount_cents"], ready["unused"]["distance"], ready["unused"]["unused_cents"]) == (None, 18_000, None)


async def test_OT2_a_licence_not_begun_is_given_back_whole(fleet: Fleet) -> None:
    await long_licence(fleet)
    ten = {"end_reading": 65_000, "units": 10, "gross_cents": 76_000}
    ahead = await fleet.add_licence("ABC123", "RUC 12", 55_000, "2026-11-01T08:00:00+13:00", **ten)
    made = await surrendering(fleet, ahead)
    ready = await act(fleet, made, "ready")
    assert (ready["from_reading"], ready["amount_cents"]) == (55_000, 760_00)
    assert (await fleet.get(f"/licences/{ahead}"))["claimable_end_reading"] == 55_000
    assert (await fleet.get(f"/licences/{ahead}/statement"))["totals"]["total_mm"] == 0


async def test_lists_filter_and_another_tenant_sees_nothing(claims: Claims, fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await fleet.post("/applications", {"kind": "surrender", "licence_id": licence, "ref": "S1", "actor": "R"})
    assert [one["id"] for one in (await fleet.get("/applications", kind="surrender", state="draft"))["items"]] == [
        made["id"]
    ]
    assert (await fleet.get("/applications", kind="recorder_change"))["items"] == []
    assert [one["ref"] for one in (await fleet.get("/applications", licence_id=licence))["items"]] == ["S1"]
    other = await claims.fleet("Others")
    assert (await other.get("/applications"))["items"] == []
    for path in ("", "/papers", "/inputs"):
        assert (await other.get(f"/applications/{made['id']}{path}", 404))["code"] == "not_found"
    assert (await act(other, made, "ready", None, 404))["code"] == "not_found"
    stranger = {"kind": "surrender", "licence_id": licence, "actor": "R"}
    assert (await other.post("/applications", stranger, 422))["errors"][0]["pointer"] == "/licence_id"
    assert (await fleet.get(f"/applications/{made['id']}/inputs", 409))["code"] == "not_ready"


async def test_PA2_steps_go_forward_in_time_and_name_who_took_them(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    nobody = {"kind": "surrender", "licence_id": licence}
    assert (await fleet.post("/applications", nobody, 422))["errors"][0]["pointer"] == "/actor"
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    early = await act(fleet, made, "sent", {"on": "2026-11-01", "channel": "online"}, 422)
    assert "before the step before it" in early["errors"][0]["detail"]
    late = await act(fleet, made, "sent", {"on": "2026-12-24", "channel": "online"}, 422)
    assert [(one["pointer"], one["code"]) for one in late["errors"]] == [("/on", "in_the_future")]
    assert (await act(fleet, made, "received", {"on": ON}, 409))["allowed"] == ["draft", "sent", "withdrawn"]
    assert (await act(fleet, made, "payments", {"kind": "paid", "on": ON, "cents": 1}, 409))[
        "code"
    ] == "step_not_allowed"
