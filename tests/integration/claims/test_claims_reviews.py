"""Whatever door a change of a vehicle's register comes through, what was lodged for it is held against its statements in the same
use case (rule CL7)."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.claims.application.claim.review_all import Reviewer
from services.claims.application.claim.review_claim import NOT_REVIEWED, put_down
from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.register.add_reading import add_reading
from services.claims.repo.recorders import ReadingRow
from shared.clock import new_id
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.broken import broken_day
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_import import outcomes, send
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days, put_progress

pytestmark = pytest.mark.integration

BEGIN, END = "2026-10-01T08:00:00+13:00", "2026-10-15T08:00:00+13:00"
LATE = "2026-10-08T08:00:00+13:00"
LODGED_KM = 560
TRAILER = "88TRL"


async def lodge(fleet: Fleet, licence: str) -> str:
    return str(
        (await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]}))["id"]
    )


async def lodged(fleet: Fleet) -> str:
    """A claim over 560 km."""
    return await lodge(fleet, await fleet.claimable())


async def lodged_trailer(fleet: Fleet) -> str:
    """Likewise for a trailer that the ute tows: the ute's device speaks for it."""
    await fleet.add_claimant()
    await fleet.add_ute()
    trailer = await fleet.post("/vehicles", {"plate": TRAILER, "powered": False, "ruc_type": "43", "gross_kg": 9000})
    fleet.vehicles[TRAILER] = trailer["id"]
    recorder = {"vehicle_id": trailer["id"], "kind": "hubodometer", "serial": "HB-1", "from": "2026-01-01"}
    fleet.recorders[TRAILER] = (await fleet.post("/recorders", recorder))["id"]
    coupling = {"trailer_id": trailer["id"], "vehicle_id": fleet.vehicles["ABC123"], "from": "2026-01-01"}
    await fleet.post("/couplings", coupling)
    licence = await fleet.add_licence(TRAILER, "RUC T1", 45_000, BEGIN)
    await fleet.add_reading(TRAILER, BEGIN, 45_000)
    await fleet.add_reading(TRAILER, END, 46_000)
    await fleet.add_licence(TRAILER, "RUC T2", 46_000, END)
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + i) for i in range(TRAVEL_DAYS)])
    await put_progress(fleet.worker)
    return await lodge(fleet, licence)


async def disclosed(fleet: Fleet) -> list[int]:
    """What each disclosure of kilometres says can be claimed now; 560 km were claimed."""
    found = (await fleet.get("/disclosures"))["items"]
    assert all(one["claimed_km"] == LODGED_KM for one in found)
    return [one["now_km"] for one in found if one["now_km"] < LODGED_KM]


async def due(claims: Claims) -> int:
    async with tx(claims.worker) as conn:
        count: int = await conn.fetchval("select count(*) from claims.review_due")
    return count


def late_readings(fleet: Fleet, days: range) -> str:
    """One a day in October at 8: nearly the whole 1000 km were counted on the first."""
    rows = [f"{fleet.recorders['ABC123']},2026-10-{day:02d}T08:00:00+13:00,{45_980 + day}" for day in days]
    return "\n".join(["recorder_id,at,value", *rows]) + "\n"


@pytest.mark.parametrize("atomic", [False, True])
async def test_CL7_an_import_of_late_readings_discloses_once_at_its_end(
    claims: Claims, fleet: Fleet, atomic: bool
) -> None:
    await lodged(fleet)
    text = late_readings(fleet, range(2, 15))
    dry = await send(fleet, "readings", text, dry_run=True)
    assert (set(outcomes(dry)), await disclosed(fleet)) == ({"ok"}, [])
    assert set(outcomes(await send(fleet, "readings", text, atomic=atomic))) == {"ok"}
    told = await disclosed(fleet)
    assert len(told) == 1, "a review a line would tell of thirteen statements"
    assert await due(claims) == 0


async def test_CL7_a_late_assignment_in_a_file_discloses_at_once(fleet: Fleet) -> None:
    await fleet.add_claimant()
    vehicle = (await fleet.post("/vehicles", {"plate": "ABC123", "ruc_type": "1", "gross_kg": 3050}))["id"]
    fleet.vehicles["ABC123"] = vehicle
    first = {"device": "imei-1", "vehicle_id": vehicle, "from": "2026-01-01", "to": "2026-10-14", "gps_type": "FMC130"}
    await fleet.post("/devices", first)
    recorder = {"vehicle_id": vehicle, "kind": "odometer", "serial": "OD-1", "from": "2026-01-01"}
    fleet.recorders["ABC123"] = (await fleet.post("/recorders", recorder))["id"]
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, BEGIN)
    await fleet.add_reading("ABC123", BEGIN, 45_000)
    await fleet.add_reading("ABC123", END, 46_000)
    await fleet.add_licence("ABC123", "RUC 2", 46_000, END)
    days = [device_day(fleet.tenant, "imei-1", FIRST_DAY + i) for i in range(TRAVEL_DAYS)]
    on_the_road = device_day(fleet.tenant, "imei-2", FIRST_DAY + 13, public_mm=500 * KM, off_road_mm=0)
    await put_days(fleet.worker, [*days, on_the_road])
    await put_progress(fleet.worker)
    claim = await lodge(fleet, licence)
    (line,) = (await fleet.get(f"/claims/{claim}"))["lines"]
    text = "vehicle_ref,plate,device,from,to\n,ABC123,imei-2,2026-10-14,2026-10-15\n"
    assert outcomes(await send(fleet, "devices", text)) == ["ok"]
    (found,) = (await fleet.get("/disclosures"))["items"]
    assert found["claimed_km"] == line["distance_km"] > found["now_km"]


async def test_CL7_a_device_that_came_off_back_in_time_is_disclosed_by_the_vehicle(fleet: Fleet) -> None:
    await lodged(fleet)
    (assignment,) = (await fleet.get("/devices"))["items"]
    await fleet.post(f"/devices/{assignment['id']}/end", {"to": LATE}, 200)
    assert len(await disclosed(fleet)) == 1


@pytest.mark.parametrize("door", ["device", "coupling", "sale"])
async def test_CL7_VE1_what_was_lodged_for_a_trailer_follows_what_towed_it(fleet: Fleet, door: str) -> None:
    await lodged_trailer(fleet)
    if door == "device":
        (assignment,) = (await fleet.get("/devices"))["items"]
        await fleet.post(f"/devices/{assignment['id']}/end", {"to": LATE}, 200)
    elif door == "coupling":
        (coupling,) = (await fleet.get("/couplings"))["items"]
        await fleet.post(f"/couplings/{coupling['id']}/end", {"to": LATE}, 200)
    else:
        sale = {"kind": "sold", "at": LATE, "reading": 90_000, "reason": "sold", "actor": "R Hill"}
        await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    assert len(await disclosed(fleet)) == 1


async def test_CL7_VE2_a_recorder_is_not_changed_back_in_time_under_what_it_was_read_for(fleet: Fleet) -> None:
    """The reading that ends the lodged licence lies behind it: once it is struck the change is taken and disclosed."""
    await lodged(fleet)
    new = {"vehicle_id": fleet.vehicles["ABC123"], "kind": "odometer", "serial": "OD-NEW", "from": LATE}
    replacing = new | {"replaces": fleet.recorders["ABC123"]}
    refused = await fleet.post("/recorders", replacing, 422)
    assert "read later than that" in refused["errors"][0]["detail"]
    assert await disclosed(fleet) == []
    for reading in (await fleet.get("/readings", recorder_id=fleet.recorders["ABC123"]))["items"]:
        if reading["value"] == 46_000:
            await fleet.post(f"/readings/{reading['id']}/strike", {"reason": "never shown", "actor": "R Hill"}, 200)
    await fleet.post("/recorders", replacing)
    assert len(await disclosed(fleet)) == 1


async def test_CL7_an_import_that_dies_before_its_end_is_followed_up(claims: Claims, fleet: Fleet) -> None:
    await lodged(fleet)
    moved: set[UUID] = set()
    late = ReadingRow(
        id=new_id(), ref=None, recorder_id=UUID(fleet.recorders["ABC123"]), at=datetime(2026, 10, 2, tzinfo=UTC),
        value=45_990, source="person", note="", label="", created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await add_reading(conn, fleet.tenant, late, Reviews(claims.context.policy, claims.clock(), moved))
        await put_down(conn, fleet.tenant, moved)
    reviewer = Reviewer(claims.worker, claims.context.pool, claims.context.policies, claims.clock)
    async with tx(claims.worker) as conn:
        await conn.execute("update claims.review_due set due_at = now() + interval '1 minute'")
    await reviewer.next()
    assert await due(claims) == 1, "the import may be at it still"
    async with tx(claims.worker) as conn:
        await conn.execute("update claims.review_due set due_at = now()")
    assert await reviewer.next()
    assert await due(claims) == 0
    assert len(await disclosed(fleet)) == 1


async def test_CL7_lodging_and_a_change_at_the_same_time_leave_no_over_claim_untold(claims: Claims) -> None:
    async def race(number: int) -> tuple[int, list[int]]:
        fleet = await claims.fleet(f"Racers {number}")
        preview = await fleet.preview([await fleet.claimable()])
        (assignment,) = (await fleet.get("/devices"))["items"]
        lodging, ending = await asyncio.gather(
            fleet.client.post("/v1/claims", json={"preview_token": preview["preview_token"]}),
            fleet.client.post(f"/v1/devices/{assignment['id']}/end", json={"to": LATE}),
        )
        assert ending.status_code == 200, ending.text
        return lodging.status_code, await disclosed(fleet)

    for status, told in await asyncio.gather(*(race(number) for number in range(6))):
        assert (status, len(told)) in {(201, 1), (409, 0)}, (status, told)


async def change(fleet: Fleet, door: str) -> None:
    """A reading that shows nearly the whole distance on the first day."""
    if door == "reading":
        await fleet.add_reading("ABC123", "2026-10-02T08:00:00+13:00", 45_982)
        return
    sent = await send(fleet, "readings", late_readings(fleet, range(2, 3)), atomic=door == "atomic import")
    assert outcomes(sent) == ["ok"]


async def doubted(fleet: Fleet, claim: str) -> list[tuple[str, str]]:
    """The same in the claim and in its history."""
    found = (await fleet.get(f"/claims/{claim}"))["findings"]
    assert found == (await fleet.get(f"/claims/{claim}/history"))["findings"]
    return [(one["rule"], one["outcome"]) for one in found]


@pytest.mark.parametrize("door", ["reading", "import", "atomic import"])
async def test_CL7_what_the_ledger_cannot_sum_up_refuses_nobodys_change_and_flags_the_claim(
    claims: Claims, fleet: Fleet, door: str
) -> None:
    claim = await lodged(fleet)
    await put_days(fleet.worker, [broken_day(fleet)])
    with capture_logs() as told:
        await change(fleet, door)
    assert NOT_REVIEWED in {one["event"] for one in told}
    assert await doubted(fleet, claim) == [("CL7", "unknown")]
    reviewer = Reviewer(claims.worker, claims.context.pool, claims.context.policies, claims.clock)
    for day, still in ((None, 1), (device_day(fleet.tenant, "imei-1", FIRST_DAY + 4, rev=3), 0)):
        await put_days(fleet.worker, [] if day is None else [day])
        async with tx(claims.worker) as conn:
            await conn.execute("update claims.review_due set due_at = now()")
        with capture_logs() as told:
            assert await reviewer.next(), "the worker comes back to it, and goes on where it breaks"
        assert ([one["event"] for one in told] == [NOT_REVIEWED]) == bool(still)
        assert await due(claims) == still
    assert await doubted(fleet, claim) == [("CL7", "warn"), ("EL3", "fail")], "what is left of it is under 20 dollars"
    assert len(await disclosed(fleet)) == 1, "the reading shows less off road than was claimed"
