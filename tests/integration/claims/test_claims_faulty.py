"""Faulty data over HTTP: the mark, the operator's queue, and that no race lets a claim through (rule EL4)."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.claims.application.ledger.exclude_faulty import exclude_next
from services.claims.application.ledger.mark_faulty import mark_faulty
from services.claims.domain.instants import from_ms
from services.claims.repo.faulty import MarkRow
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import KM, NOW_MS, Fleet

pytestmark = pytest.mark.integration

TOLD = {"reason": "seen on the map", "actor": "A Reid"}


def stretch(**changed: Any) -> dict[str, Any]:
    return {
        "device": "imei-1",
        "from_at": "2026-10-05T00:00:00+13:00",
        "to_at": "2026-10-05T23:59:59+13:00",
        "reason": "the receiver jumped about",
        "actor": "R Hill",
    } | changed


async def act(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/ops/faulty-data/{path}", json=TOLD | body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_EL4_a_marked_licence_is_not_lodged_until_the_mark_is_withdrawn(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    mark = await fleet.post("/faulty-data", stretch(device=None, licence_id=licence))
    assert (mark["state"], mark["off_road_mm"], mark["claims"]) == ("marked", 40 * KM, [])
    assert [(one["device"], one["from_at"]) for one in mark["stretches"]] == [("imei-1", "2026-10-04T11:00:00Z")]
    preview = await fleet.preview([licence])
    assert not preview["lodgeable"]
    (finding,) = [f for f in preview["lines"][0]["findings"] if f["outcome"] == "fail"]
    assert (finding["rule"], finding["waiting"]) == ("EL4", True)
    refused = await fleet.post("/claims", {"preview_token": preview["preview_token"]}, 409)
    assert refused["code"] == "not_lodgeable"
    back = await fleet.post(f"/faulty-data/{mark['id']}/withdraw", TOLD, 200)
    assert [(one["kind"], one["actor"]) for one in back["history"]] == [("marked", "R Hill"), ("withdrawn", "A Reid")]
    again = await fleet.post(f"/faulty-data/{mark['id']}/withdraw", TOLD, 409)
    assert (again["code"], again["allowed"]) == ("step_not_allowed", [])
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})


async def test_EL4_a_mark_of_the_first_or_the_last_day_of_a_licence_blocks_it(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    statement = await fleet.get(f"/licences/{licence}/statement")
    days = sorted(day["day"] for day in statement["days"])
    for day in (days[0], days[-1]):
        at = {"from_at": f"{day}T09:00:00+13:00", "to_at": f"{day}T10:00:00+13:00"}
        mark = await fleet.post("/faulty-data", stretch(**at))
        failing = [
            f["rule"]
            for f in (await fleet.get(f"/licences/{licence}/eligibility"))["findings"]
            if f["outcome"] == "fail"
        ]
        assert failing == ["EL4"], day
        await fleet.post(f"/faulty-data/{mark['id']}/withdraw", TOLD, 200)


async def test_a_mark_names_one_thing_a_past_time_and_is_made_once(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    made = await fleet.post("/faulty-data", stretch(ref="f1"))
    assert (await fleet.post("/faulty-data", stretch(), 409))["existing_id"] == made["id"]
    assert (await fleet.post("/faulty-data", stretch(ref="f1", device="imei-9"), 409))["existing_id"] == made["id"]
    vehicle = fleet.vehicles["ABC123"]
    by_vehicle = await fleet.post("/faulty-data", stretch(device=None, vehicle_id=vehicle))
    assert [one["device"] for one in by_vehicle["stretches"]] == ["imei-1"]
    assert len({one["stretches"][0]["exclusion_id"] for one in (made, by_vehicle)}) == 2
    for changed in (
        {"licence_id": licence},
        {"device": None},
        {"to_at": "2026-10-01"},
        {"to_at": "2027-01-01"},
        {"device": "imei-77"},
        {"from_at": "2024-07-26T00:00:00Z", "to_at": "2026-10-05T01:00:00Z"},
        {"device": None, "vehicle_id": str(uuid4())},
        {"device": None, "licence_id": str(uuid4())},
        {"device": None, "licence_id": licence, "from_at": "2026-01-02", "to_at": "2026-01-03"},
        {"attachment_id": str(uuid4()), "from_at": "2026-10-04"},
        {"actor": None, "from_at": "2026-10-04"},
    ):
        refused = await fleet.post("/faulty-data", stretch(**changed), 422)
        assert refused["code"] == "invalid", changed
    listed = await fleet.get("/faulty-data", state="marked")
    assert {one["id"] for one in listed["items"]} == {made["id"], by_vehicle["id"]}
    assert [one["id"] for one in (await fleet.get("/faulty-data", ref="f1"))["items"]] == [made["id"]]


async def test_the_operator_sees_the_queue_of_every_tenant_and_a_tenant_only_its_own(claims: Claims) -> None:
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    operator = await claims.operator()
    ids = []
    for fleet in (one, two):
        await fleet.claimable()
        scan = await fleet.client.post("/v1/attachments", params={"name": "m", "actor": "a"}, content=b"%PDF-1.7 map")
        ids.append((await fleet.post("/faulty-data", stretch(attachment_id=scan.json()["id"])))["id"])
        claims.clock.now_ms += 1_000
    queue = (await operator.get("/v1/ops/faulty-data", params={"state": "marked"})).json()["items"]
    assert [(item["id"], item["tenant_name"]) for item in queue] == [(ids[0], "One"), (ids[1], "Two")]
    only = (await operator.get("/v1/ops/faulty-data", params={"tenant_id": str(two.tenant)})).json()["items"]
    assert [item["id"] for item in only] == [ids[1]]
    shown = (await operator.get(f"/v1/ops/faulty-data/{ids[0]}")).json()
    assert (shown["tenant_id"], shown["off_road_mm"]) == (str(one.tenant), 40 * KM)
    scan = await operator.get(f"/v1/ops/faulty-data/{ids[0]}/attachment")
    assert scan.content == b"%PDF-1.7 map"
    for path in ("", f"/{ids[0]}", f"/{ids[0]}/attachment"):
        assert (await one.client.get(f"/v1/ops/faulty-data{path}")).status_code == 403
    assert (await one.client.post(f"/v1/ops/faulty-data/{ids[0]}/accept", json=TOLD)).status_code == 403
    await two.get(f"/faulty-data/{ids[0]}", 404)
    await two.post(f"/faulty-data/{ids[0]}/withdraw", TOLD, 404)
    refused = await act(operator, f"{ids[0]}/refuse", reason="the map is wrong, not the data")
    assert refused["state"] == "refused"
    assert (await one.get(f"/faulty-data/{ids[0]}"))["history"][-1]["reason"] == "the map is wrong, not the data"
    assert (await act(operator, f"{ids[0]}/accept", 409))["code"] == "step_not_allowed"
    assert (await act(operator, f"{ids[1]}/accept"))["state"] == "accepted"
    await two.post(f"/faulty-data/{ids[1]}/withdraw", TOLD, 409)
    async with tx(claims.worker) as conn:
        jobs = await conn.fetch("select mark_id from claims.faulty_job")
    assert [str(job["mark_id"]) for job in jobs] == [ids[1]], "what tells the classifier is written with the acceptance"


async def waits_for_a_lock(claims: Claims) -> None:
    while True:
        async with tx(claims.worker) as conn:
            waiting = await conn.fetchval("select count(*) from pg_locks where locktype = 'advisory' and not granted")
        if waiting:
            return
        await asyncio.sleep(0.02)


async def test_EL4_lodging_waits_for_a_mark_that_is_being_made_and_then_sees_it(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    row = MarkRow(
        tenant_id=fleet.tenant, id=uuid4(), ref=None, licence_id=UUID(licence), vehicle_id=None, device=None,
        from_at=from_ms(NOW_MS - 48 * 86_400_000), to_at=from_ms(NOW_MS - 45 * 86_400_000), reason="jumped",
        attachment_id=None, actor="R", state="marked", created_at=from_ms(NOW_MS),
    )  # fmt: skip
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await mark_faulty(conn, row, claims.context.policy, NOW_MS)
        lodging = asyncio.create_task(fleet.post("/claims", {"preview_token": preview["preview_token"]}, 409))
        await asyncio.wait_for(waits_for_a_lock(claims), 3)
    refused = await lodging
    assert refused["code"] == "preview_changed"
    assert [one["what"] for one in refused["differences"]] == ["eligible"]


async def test_EL4_of_a_claim_and_marks_made_at_once_either_waits_or_is_told(fleet: Fleet) -> None:
    """Whichever is first: a claim that was lodged is named by every mark, and one that came too late is refused."""
    outcomes = set()
    for turn in range(6):
        licence = await fleet.claimable(f"UTE{turn}", f"imei-{turn}", f"RUC {turn}")
        token = (await fleet.preview([licence]))["preview_token"]

        async def lodge(token: str = token) -> httpx.Response:
            return await fleet.client.post("/v1/claims", json={"preview_token": token})

        async def mark(hour: int, turn: int = turn) -> dict[str, Any]:
            await asyncio.sleep(0.01 * turn)
            times = {"from_at": f"2026-10-05T{hour:02}:00:00Z", "to_at": f"2026-10-05T{hour:02}:30:00Z"}
            return await fleet.post("/faulty-data", stretch(device=f"imei-{turn}", **times))

        lodged, *marks = await asyncio.gather(lodge(), *(mark(hour) for hour in range(3)))
        outcomes.add(lodged.status_code)
        if lodged.status_code == 201:
            assert all(made["claims"] == [lodged.json()["id"]] for made in marks)
        else:
            assert lodged.json()["code"] in {"preview_changed", "not_lodgeable"}
            with contextlib.suppress(KeyError):
                assert lodged.json()["differences"][0]["what"] == "eligible"
    assert outcomes <= {201, 409}


async def test_a_classifier_that_is_away_is_told_later_and_an_accepted_mark_goes_on_blocking(
    claims: Claims, fleet: Fleet
) -> None:
    """The fixture's classifier listens nowhere."""
    licence = await fleet.claimable()
    mark = await fleet.post("/faulty-data", stretch())
    operator = await claims.operator()
    await act(operator, f"{mark['id']}/accept")
    context = claims.context
    assert await exclude_next(claims.worker, context.pool, context.classifier, context.policy, claims.clock)
    assert not await exclude_next(claims.worker, context.pool, context.classifier, context.policy, claims.clock)
    shown = (await operator.get(f"/v1/ops/faulty-data/{mark['id']}")).json()
    assert (shown["state"], shown["waits_for"]) == ("accepted", "classifier cannot be reached: ConnectError")
    assert not (await fleet.preview([licence]))["lodgeable"]
