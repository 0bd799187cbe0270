"""Where a vehicle went is forgotten on request, in every service, but for what a licence, an audit or a hold still needs (rules RE1, RE2)."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from services.claims.application.privacy.keep_house import House
from shared.db.pool import open_pool, tenant_tx, tx
from shared.nz_days import from_ordinal, to_ordinal
from tests.integration.claims.old import licence, old_fleet
from tests.integration.claims.world import Fleet, device_day, put_days
from tests.integration.privacy.desk import Desk, everybody_does_their_part, fixes
from tests.integration.privacy.test_privacy_forgetting import lodge, run_check, years_pass

pytestmark = pytest.mark.integration
REFUSED = (
    "insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body, "
    "received_at, code_version) values ($1, $3::text, 0, 0, $2, $3, 'c', '', '{}', $4::date::timestamptz + interval '5 hours', '1')"
)

REFUSED_DAYS = """
select (received_at at time zone 'Pacific/Auckland')::date - date '1970-01-01' as day from ingest.quarantine
where tenant_id = $1 and device_id = $2 order by 1"""


def days(*iso: str) -> list[int]:
    return [to_ordinal(date.fromisoformat(one)) for one in iso]


async def travel(desk: Desk, fleet: Fleet, device: str, *iso: str) -> None:
    """Device-days in claims, their fixes in the classifier, and a refused row of each day in ingest."""
    await put_days(fleet.worker, [device_day(fleet.tenant, device, day) for day in days(*iso)])
    await fixes(desk, fleet.tenant, device, days(*iso))
    for row, one in enumerate(iso):
        await desk.sql(REFUSED, fleet.tenant, row, device, date.fromisoformat(one))


async def left(desk: Desk, fleet: Fleet, device: str) -> dict[str, Sequence[str]]:
    """service → NZ days of the device of which it has something."""
    conn = await asyncpg.connect(desk.claims.database.superuser)
    try:
        found = {}
        for service, query in (
            ("claims", "select day from claims.device_day where tenant_id = $1 and device = $2 order by 1"),
            (
                "classifier",
                "select distinct day from classifier.evidence_day where tenant_id = $1 and device_id = $2 order by 1",
            ),
            ("ingest", REFUSED_DAYS),
        ):
            found[service] = [str(from_ordinal(row["day"])) for row in await conn.fetch(query, fleet.tenant, device)]
        return found
    finally:
        await conn.close()


async def today_of(desk: Desk) -> date:
    """The database's, by which days are judged: claims keeps every device-day for two years anyway."""
    async with tx(desk.claims.worker) as conn:
        found: date = await conn.fetchval("select claims.nz_today()")
    return found


async def ask(fleet: Fleet, vehicle: str, status: int = 201) -> dict[str, Any]:
    body = {"kind": "vehicle", "subject_id": vehicle, "reason": "the driver asked", "actor": "A Reid"}
    return await fleet.post("/erasure-requests", body, status)


async def take_off(fleet: Fleet, device: str, at: str) -> None:
    (on,) = (await fleet.get("/devices", device=device))["items"]
    await fleet.post(f"/devices/{on['id']}/end", {"to": at}, 200)


async def look(fleet: Fleet, request: dict[str, Any]) -> dict[str, Any]:
    return await fleet.get(f"/erasure-requests/{request['id']}")


async def test_RE2_where_a_vehicle_went_is_forgotten_in_every_service_once_no_device_is_on_it(
    desk: Desk, classifier: ClassifierClient
) -> None:
    fleet = await old_fleet(desk.claims)
    old, new = fleet.vehicles["OLD1"], (await fleet.post("/vehicles", {"plate": "NEW1"}))["id"]
    today = await today_of(desk)
    first, second, shared, later = (str(today - timedelta(days=days)) for days in (420, 300, 260, 257))
    whole = (first, second)
    await travel(desk, fleet, "imei-9", *whole, shared, later)
    beside = tuple(str(today - timedelta(days=days)) for days in (421, 299))
    await travel(desk, fleet, "imei-8", *beside)
    await fleet.post("/devices", {"device": "imei-8", "vehicle_id": new, "from": "2020-01-01", "gps_type": "X"})
    request = await ask(fleet, old)
    assert (request["state"], request["held_until"]) == ("waiting", None), "a device is on it: more would come"
    assert (await ask(fleet, old, 409))["code"] == "already_exists"
    moved = f"{shared}T12:00:00+12:00"
    await take_off(fleet, "imei-9", moved)
    await fleet.post(
        "/devices",
        {"device": "imei-9", "vehicle_id": new, "primary": False, "from": moved, "gps_type": "X"},
    )
    (hold,) = (await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"}))["items"]
    await everybody_does_their_part(desk, classifier)
    assert (await look(fleet, request))["state"] == "waiting", "a hold over everything"
    assert (await left(desk, fleet, "imei-9"))["claims"] == [*whole, shared, later]
    await fleet.post(f"/holds/{hold['id']}/release", {"reason": "done", "actor": "a"}, 200)

    await House(desk.claims.worker, desk.claims.context.hasher, desk.claims.clock).round()
    assert (await look(fleet, request))["state"] == "erasing"
    assert await left(desk, fleet, "imei-9") == {
        "claims": [shared, later], "classifier": [*whole, shared, later], "ingest": [*whole, shared, later]
    }  # fmt: skip
    await everybody_does_their_part(desk, classifier)
    done = await look(fleet, request)
    assert (done["state"], done["done_at"] is None) == ("done", False)
    kept = [shared, later]
    assert await left(desk, fleet, "imei-9") == {"claims": kept, "classifier": kept, "ingest": kept}, (
        "the other vehicle's"
    )
    assert set(map(tuple, (await left(desk, fleet, "imei-8")).values())) == {beside}, "another vehicle"
    again = await ask(fleet, old)
    await everybody_does_their_part(desk, classifier)
    assert (await look(fleet, again))["state"] == "done"


async def test_RE2_a_vehicles_days_that_a_held_licence_needs_wait_and_the_others_do_not(
    desk: Desk, classifier: ClassifierClient
) -> None:
    fleet = await old_fleet(desk.claims)
    held = await licence(fleet, "R1", 1_000, "2022-03-01")
    (hold,) = (await fleet.post("/holds", {"licence_ids": [held], "reason": "objection", "actor": "R Hill"}))["items"]
    await travel(desk, fleet, "imei-9", "2022-02-10", "2022-02-28", "2022-03-10", "2022-03-21", "2022-06-01")
    await take_off(fleet, "imei-9", "2023-01-01")
    request = await ask(fleet, fleet.vehicles["OLD1"])
    await everybody_does_their_part(desk, classifier)
    assert ((await look(fleet, request))["state"], request["held_until"]) == ("waiting", None)
    needed = ["2022-02-28", "2022-03-10", "2022-03-21"]
    assert await left(desk, fleet, "imei-9") == {"claims": needed, "classifier": needed, "ingest": needed}
    await fleet.post(f"/holds/{hold['id']}/release", {"reason": "settled", "actor": "R Hill"}, 200)
    await everybody_does_their_part(desk, classifier)
    assert (await look(fleet, request))["state"] == "done"
    assert await left(desk, fleet, "imei-9") == {"claims": [], "classifier": [], "ingest": []}
    assert [one["number"] for one in (await fleet.get("/licences"))["items"]] == ["R1"], (
        "what bars a second claim stays"
    )
    assert (await fleet.get("/readings"))["items"]


async def test_RE2_a_lodged_claim_stays_checkable_when_where_its_vehicle_went_is_forgotten(
    desk: Desk,
    classifier: ClassifierClient,
    fleet: Fleet,
    tmp_path: Path,
) -> None:
    claim, number = await lodge(fleet)
    proof = await fleet.get(f"/claims/{claim}/proof")
    for statement in (
        "update claims.device_assignment set period = tstzrange(lower(period) - interval '6 years', now() - interval '3 years')",
        "delete from claims.place_due",
        "update claims.device_day set day = day - 2000",
        "update claims.claim_line_day set day = day - 2000",
    ):
        await desk.sql(statement)
    request = await ask(fleet, fleet.vehicles["ABC123"])
    assert (request["state"], request["held_until"]) == ("waiting", "2028-11-22")
    await everybody_does_their_part(desk, classifier)
    assert len((await left(desk, fleet, "imei-1"))["claims"]) == 14, "the claim stands on them"
    await years_pass(desk.claims)
    await everybody_does_their_part(desk, classifier)
    assert (await look(fleet, request))["state"] == "done"
    assert (await left(desk, fleet, "imei-1"))["claims"] == []
    after = await fleet.get(f"/claims/{claim}/proof")
    assert [one["root"] for one in after["items"]] == [one["root"] for one in proof["items"]]
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(after))
    assert (await run_check(path))[0] == 0
    assert (await fleet.get(f"/licences/{number}"))["claim_id"] == claim, "and the licence is claimed for ever"


async def test_RE1_the_classifier_keeps_what_a_hold_of_its_own_covers_whoever_asks(
    desk: Desk, classifier: ClassifierClient
) -> None:
    fleet, other = await old_fleet(desk.claims), await desk.claims.fleet("Other")
    await travel(desk, fleet, "imei-9", "2022-02-10", "2022-06-01")
    (june,) = days("2022-06-01")
    hold = "insert into classifier.retention_hold (tenant_id, id, from_day, to_day, reason) values ($1, gen_random_uuid(), $2, $2, 'r')"
    await desk.sql(hold, fleet.tenant, june)
    await take_off(fleet, "imei-9", "2023-01-01")
    request = await ask(fleet, fleet.vehicles["OLD1"])
    await everybody_does_their_part(desk, classifier)
    assert (await look(fleet, request))["state"] == "erasing"
    assert (await left(desk, fleet, "imei-9"))["classifier"] == ["2022-06-01"]
    await desk.sql("update classifier.retention_hold set closed_at = now() where tenant_id = $1", fleet.tenant)
    await desk.sql("update claims.erasure_stretch set asked_at = now() - interval '2 hours'")
    await everybody_does_their_part(desk, classifier)
    assert (await look(fleet, request))["state"] == "done"
    assert await left(desk, fleet, "imei-9") == {"claims": [], "classifier": [], "ingest": []}
    await other.get(f"/erasure-requests/{request['id']}", 404)
    unknown = await ask(other, fleet.vehicles["OLD1"], 422)
    assert unknown["errors"][0]["code"] == "unknown_id"


async def test_G6_nobody_lets_go_of_another_tenants_days(desk: Desk) -> None:
    fleet, other = await old_fleet(desk.claims), await desk.claims.fleet("Other")
    await travel(desk, fleet, "imei-9", "2022-02-10")
    forget_days = "select classifier.forget_days($1, 'imei-9', 0, 50000)"
    forget_refused = "select ingest.forget_refused($1, 'imei-9', 0, 50000, 10, false)"
    for service, part, query in (("classifier", "api", forget_days), ("ingest", "worker", forget_refused)):
        pool = await open_pool(desk.claims.database.dsn(service, part), name="test-other", size=1)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(pool, other.tenant) as conn:
                await conn.execute(query, fleet.tenant)
        await pool.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(desk.claims.context.pool, fleet.tenant) as conn:
            await conn.execute("select claims.forget_vehicle($1, $2, $2)", fleet.tenant, UUID(fleet.vehicles["OLD1"]))
    assert set(map(tuple, (await left(desk, fleet, "imei-9")).values())) == {("2022-02-10",)}
