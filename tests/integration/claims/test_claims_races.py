"""What two do at the same time to one thing of the register or to one claim: each interleaving is made on purpose."""

import asyncio
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.claims.application.claim.review_claim import close_disclosure, compare, store_compared
from services.claims.application.register.assign_device import end_assignment
from services.claims.application.register.correct_register import strike_licence
from services.claims.application.register.correct_vehicle import correct_recorder, correct_vehicle
from services.claims.application.register.couple_trailer import end_coupling
from services.claims.domain.instants import from_ms
from services.claims.repo import claim_life, licences, recorders
from services.claims.repo.changes import Why
from services.claims.repo.claim_life import DisclosureRow
from services.claims.repo.recorders import ReadingRow
from shared.clock import new_id
from shared.db.pool import Connection, tenant_tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import WITHDRAW, lodged
from tests.integration.claims.test_claims_import import outcomes, send
from tests.integration.claims.test_claims_reviews import disclosed, late_readings
from tests.integration.claims.waiting import until_waiting
from tests.integration.claims.world import NOW_MS, Fleet

pytestmark = pytest.mark.integration

TOLD = "select type from claims.webhook_event where tenant_id = $1 and type like 'disclosure.%' order by created_at, id"
EARLY, LATER = datetime(2026, 10, 5, tzinfo=UTC), "2026-10-10T00:00:00Z"


def why() -> Why:
    return Why(id=new_id(), reason="typed wrong", actor="R Hill", at=from_ms(NOW_MS))


async def told(conn: Connection, fleet: Fleet) -> list[str]:
    return [row["type"] for row in await conn.fetch(TOLD, fleet.tenant)]


async def test_CL7_a_review_that_read_before_a_change_tells_what_is_true_after_it(claims: Claims, fleet: Fleet) -> None:
    """The change disclosed the over-claim already; what was compared before it does not close that again."""
    _, claim = await lodged(fleet)
    policy, now_ms = claims.context.policy, claims.clock()
    compared = await compare(claims.context.pool, fleet.tenant, UUID(claim), policy, now_ms)
    assert compared is not None
    assert set(outcomes(await send(fleet, "readings", late_readings(fleet, range(2, 15))))) == {"ok"}
    standing = await disclosed(fleet)
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        assert (await store_compared(conn, fleet.tenant, compared, policy, now_ms)).owing == 1
        assert await told(conn, fleet) == ["disclosure.opened"]
    assert await disclosed(fleet) == standing


async def test_CL7_a_disclosure_that_a_person_closes_while_a_review_runs_is_not_opened_again(
    claims: Claims, fleet: Fleet
) -> None:
    _, claim = await lodged(fleet)
    await send(fleet, "readings", late_readings(fleet, range(2, 15)))
    (one,) = (await fleet.get("/disclosures"))["items"]
    pool, policy, now_ms = claims.context.pool, claims.context.policy, claims.clock()
    compared = await compare(pool, fleet.tenant, UUID(claim), policy, now_ms)
    assert compared is not None

    async def review() -> int:
        async with tenant_tx(pool, fleet.tenant) as conn:
            return (await store_compared(conn, fleet.tenant, compared, policy, now_ms)).owing

    async with tenant_tx(pool, fleet.tenant) as conn:
        await close_disclosure(
            conn, fleet.tenant, UUID(one["id"]), date(2026, 11, 22), "repaid", one["cents"], "", "R Hill"
        )
        reviewing = asyncio.create_task(review())
        await until_waiting(claims)
    assert await reviewing == 0, "all of it was repaid"
    async with tenant_tx(pool, fleet.tenant) as conn:
        assert await told(conn, fleet) == ["disclosure.opened", "disclosure.closed"]
    assert (await fleet.get("/disclosures", only_open="true"))["items"] == []


async def test_CL5_a_claim_is_withdrawn_beside_a_review_and_neither_waits_for_the_other_for_ever(
    claims: Claims, fleet: Fleet
) -> None:
    """The review holds the licence and names the claim; the withdrawal holds the claim and wants the licence."""
    licence, claim = await lodged(fleet)
    row = DisclosureRow(
        id=new_id(), claim_id=UUID(claim), licence_id=UUID(licence), claimed_km=560, now_km=500, settled_km=0, cents=456,
        letter="", found_at=from_ms(NOW_MS),
    )  # fmt: skip
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await licences.lock_licences(conn, fleet.tenant, [UUID(licence)])
        withdrawing = asyncio.create_task(fleet.client.post(f"/v1/claims/{claim}/withdraw", json=WITHDRAW))
        await until_waiting(claims)
        await conn.execute("set local lock_timeout = '500ms'")
        assert await claim_life.insert_disclosure(conn, fleet.tenant, row, bytes(32))
    assert (await withdrawing).status_code == 200
    (closed,) = (await fleet.get("/disclosures"))["items"]
    assert closed["closed_as"] == "not_owed_any_more", "nothing is owed of what was never asked for"


async def test_VE4_a_device_that_two_take_off_at_once_leaves_when_the_first_says(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_ute()
    (on,) = (await fleet.get("/devices"))["items"]
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await end_assignment(conn, fleet.tenant, UUID(on["id"]), EARLY, claims.context.reviews)
        later = asyncio.create_task(fleet.client.post(f"/v1/devices/{on['id']}/end", json={"to": LATER}))
        await until_waiting(claims)
    assert (await later).status_code == 422, "it is off by then, and perhaps on another vehicle"
    assert (await fleet.get(f"/devices/{on['id']}"))["to"] == "2026-10-05T00:00:00Z"


async def trailer(fleet: Fleet, plate: str = "88TRL") -> str:
    body = {"plate": plate, "powered": False, "ruc_type": "43", "gross_kg": 9000}
    return str((await fleet.post("/vehicles", body))["id"])


async def test_VE1_a_trailer_that_two_uncouple_at_once_is_off_when_the_first_says(claims: Claims, fleet: Fleet) -> None:
    body = {"trailer_id": await trailer(fleet), "vehicle_id": await fleet.add_ute(), "from": "2026-01-01"}
    coupling = (await fleet.post("/couplings", body))["id"]
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await end_coupling(conn, fleet.tenant, UUID(coupling), EARLY, claims.context.reviews)
        later = asyncio.create_task(fleet.client.post(f"/v1/couplings/{coupling}/end", json={"to": LATER}))
        await until_waiting(claims)
    assert (await later).status_code == 422
    assert (await fleet.get(f"/couplings/{coupling}"))["to"] == "2026-10-05T00:00:00Z"


async def test_VE1_what_becomes_powered_meanwhile_is_not_coupled_behind_anything(claims: Claims, fleet: Fleet) -> None:
    towed = await trailer(fleet)
    body = {"trailer_id": towed, "vehicle_id": await fleet.add_ute(), "from": "2026-01-01"}
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await correct_vehicle(conn, fleet.tenant, UUID(towed), {"powered": True}, why(), claims.context.reviews)
        coupling = asyncio.create_task(fleet.client.post("/v1/couplings", json=body))
        await until_waiting(claims)
    answer = await coupling
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/trailer_id")


async def test_VE3_a_ref_that_another_reading_takes_meanwhile_is_told_as_taken(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_ute()
    await fleet.add_ute("BBB222", "imei-2")
    taken = ReadingRow(
        id=new_id(), ref="r-1", recorder_id=UUID(fleet.recorders["ABC123"]), at=EARLY, value=45_000, source="person",
        note="", label="", created_at=from_ms(NOW_MS),
    )  # fmt: skip
    body = {"ref": "r-1", "recorder_id": fleet.recorders["BBB222"], "at": LATER, "value": 7}
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await recorders.insert_reading(conn, fleet.tenant, taken)
        posting = asyncio.create_task(fleet.client.post("/v1/readings", json=body))
        await until_waiting(claims)
    answer = await posting
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert answer.json()["existing_id"] == str(taken.id)


async def test_VE2_a_serial_that_another_recorder_gets_meanwhile_is_told_as_taken(claims: Claims, fleet: Fleet) -> None:
    vehicle = await fleet.add_ute(since="2026-05-01")
    body = {"vehicle_id": vehicle, "kind": "odometer", "serial": "OD 9", "from": "2026-01-01", "to": "2026-04-01"}
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        recorder = UUID(fleet.recorders["ABC123"])
        await correct_recorder(conn, fleet.tenant, recorder, {"serial": "od-9"}, why(), claims.context.reviews)
        posting = asyncio.create_task(fleet.client.post("/v1/recorders", json=body))
        await until_waiting(claims)
    answer = await posting
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert answer.json()["existing_id"] == fleet.recorders["ABC123"]


async def test_CL2_a_licence_that_is_struck_while_it_is_verified_is_told_as_gone(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    asked = await fleet.get(f"/licences/{licence}/verification")
    body = {"actor": "R Hill", "statement_hash": asked["statement_hash"], "wording": asked["wording"]}
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await strike_licence(conn, fleet.tenant, UUID(licence), why(), claims.context.reviews)
        verifying = asyncio.create_task(fleet.client.post(f"/v1/licences/{licence}/verification", json=body))
        await until_waiting(claims)
    assert (await verifying).status_code == 404
