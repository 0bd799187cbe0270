"""Faulty data from mark to statement, with the real classifier: exactly the excluded metres go, claims that stood on them are
held against their statements (rules EL4, CL7)."""

from datetime import date
from uuid import UUID

import httpx
import msgspec
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from services.claims.application.ledger.exclude_faulty import exclude_next
from services.claims.repo import ledger
from shared.contracts.faulty import FaultyStretch, KnownDay, PendingAsked
from shared.db.pool import tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.claims.broken import broken_day
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_faulty import act, stretch
from tests.integration.claims.world import Fleet, put_progress
from tests.integration.rulings.conftest import Api, api, district, store
from tests.simulation.district import drive
from tests.simulation.service import decode_sent, outbox_frames

pytestmark = pytest.mark.integration
__all__ = ["api", "district", "store"]

DEVICE = "imei-1"
FIRST = to_ordinal(date(2026, 10, 2))
DAYS = 6
COMPLETE_MS = bounds_ms(to_ordinal(date(2026, 10, 25)))[0]


def classifier_client(api: Api) -> ClassifierClient:
    token = api.store.database.environment("classifier")["RUCOR_INTERNAL_TOKEN"]
    headers = {"Authorization": f"Bearer {token}"}
    return ClassifierClient(
        httpx.AsyncClient(transport=httpx.ASGITransport(app=api.app), base_url="http://classifier", headers=headers)
    )


async def pass_on(api: Api, claims: Claims) -> None:
    """What the relay and claims' consumer do with the classifier's frames."""
    async with tx(api.store.worker) as conn:
        sent = decode_sent((await outbox_frames(conn)).values())
    async with tx(claims.worker) as conn:
        await ledger.put_days(conn, ledger.day_columns(sent.revisions))
        await ledger.put_holds(conn, sent.holds)


async def a_claimable_licence(api: Api, claims: Claims, fleet: Fleet) -> str:
    await fleet.add_claimant()
    await fleet.add_ute("ABC123", DEVICE)
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-10-01T08:00:00+13:00", gross_cents=760_000)
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 45_000)
    await fleet.add_reading("ABC123", "2026-10-15T08:00:00+13:00", 46_000)
    await fleet.add_licence("ABC123", "RUC 2", 46_000, "2026-10-15T08:00:00+13:00")
    key = (str(fleet.tenant), DEVICE)
    noons = [bounds_ms(FIRST + i)[0] + 12 * 3_600_000 for i in range(DAYS)]
    await api.store.take(*(drive(key, noon, 14) for noon in noons), tick_ms=COMPLETE_MS)
    await api.store.member.round()
    await pass_on(api, claims)
    await put_progress(claims.worker, COMPLETE_MS)
    return licence


async def work(claims: Claims, classifier: ClassifierClient) -> None:
    """The worker's loop until nothing is due; what waits is due again at once."""
    async with tx(claims.worker) as conn:
        await conn.execute("update claims.faulty_job set due_at = now()")
    pool = claims.context.pool
    assert await exclude_next(claims.worker, pool, classifier, claims.context.policy, claims.clock)


async def test_EL4_CL7_an_accepted_mark_takes_exactly_its_metres_out_and_flags_the_claim(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    licence = await a_claimable_licence(api, claims, fleet)
    classifier, operator = classifier_client(api), await claims.operator()
    before = await fleet.get(f"/licences/{licence}/statement")
    by_day = {day["day"]: day["off_road_by_basis"] for day in before["days"]}
    assert before["claimable_km"] >= 3 * DAYS // 2
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    mark = await fleet.post(
        "/faulty-data", stretch(from_at="2026-10-03", to_at="2026-10-04", device=None, licence_id=licence)
    )
    assert mark["claims"] == [claim["id"]]
    excluded = ["2026-10-03", "2026-10-04"]
    taken_mm = sum(sum(by_day[day].values()) for day in excluded)
    assert mark["off_road_mm"] == taken_mm > 2_000_000
    await act(operator, f"{mark['id']}/accept")
    for _ in range(2):  # killed behind the call and started again: the same exclusion
        await work(claims, classifier)
        async with tx(claims.worker) as conn:
            await conn.execute("update claims.faulty_mark set state = 'accepted'")
    await work(claims, classifier)
    assert (await fleet.get(f"/faulty-data/{mark['id']}"))["state"] == "excluded"
    async with tx(api.store.worker) as conn:
        made = await conn.fetch("select exclusion_id, actor, state, version from classifier.exclusion_version")
    assert [(row["actor"], row["state"], row["version"]) for row in made] == [("A Reid", "active", 1)]
    assert str(made[0]["exclusion_id"]) == mark["stretches"][0]["exclusion_id"]
    await work(claims, classifier)
    assert (await fleet.get(f"/faulty-data/{mark['id']}"))["state"] == "excluded", "the ledger does not follow yet"
    waiting = (await operator.get(f"/v1/ops/faulty-data/{mark['id']}")).json()["waits_for"]
    assert waiting == "4 device-days are still to follow", "the neighbours look over midnight"

    await api.store.member.round()
    await pass_on(api, claims)
    await work(claims, classifier)
    after = await fleet.get(f"/licences/{licence}/statement")
    moved = {
        name: after["totals"][name] - before["totals"][name] for name in ("off_road_mm", "public_mm", "unknown_mm")
    }
    assert moved == {"off_road_mm": -taken_mm, "public_mm": 0, "unknown_mm": taken_mm}
    assert after["totals"]["unknown_by_basis"]["excluded"] >= taken_mm
    assert {d["day"]: d["off_road_by_basis"] for d in after["days"]} == by_day | {day: {} for day in excluded}

    done = await fleet.get(f"/faulty-data/{mark['id']}")
    kinds = [step["kind"] for step in done["history"]]
    assert (kinds[:2], kinds[-1], set(kinds[2:-1])) == (["marked", "accepted"], "applied", {"excluded"})
    assert [(one["claim_id"], one["over_claimed"]) for one in done["reviews"]] == [(claim["id"], 1)]
    assert [one["mark_id"] for one in (await fleet.get(f"/claims/{claim['id']}/history"))["reviews"]] == [mark["id"]]
    (disclosure,) = (await fleet.get("/disclosures"))["items"]
    assert (disclosure["claimed_km"], disclosure["now_km"]) == (before["claimable_km"], after["claimable_km"])
    line = (await fleet.get(f"/claims/{claim['id']}"))["lines"][0]
    assert line["distance_km"] == before["claimable_km"], "lodged numbers never change"
    async with tx(claims.worker) as conn:
        assert await conn.fetchval("select count(*) from claims.faulty_job") == 0


async def test_CL7_a_licence_that_cannot_be_worked_out_keeps_no_mark_waiting_and_its_claim_says_so(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    licence = await a_claimable_licence(api, claims, fleet)
    token = (await fleet.preview([licence]))["preview_token"]
    claim = (await fleet.post("/claims", {"preview_token": token}))["id"]
    classifier, operator = classifier_client(api), await claims.operator()
    mark = await fleet.post("/faulty-data", stretch(from_at="2026-10-03", to_at="2026-10-04"))
    await act(operator, f"{mark['id']}/accept")
    await work(claims, classifier)
    await api.store.member.round()
    await pass_on(api, claims)
    odd = msgspec.structs.replace(broken_day(fleet, rev=2**62), day=FIRST + 4)
    async with tx(claims.worker) as conn:
        await ledger.put_days(conn, ledger.day_columns([odd]))
    await work(claims, classifier)
    done = await fleet.get(f"/faulty-data/{mark['id']}")
    assert (done["state"], done["reviews"][0]["over_claimed"]) == ("applied", 0)
    assert "1 of their licences cannot be worked out" in done["history"][-1]["reason"]
    doubts = (await fleet.get(f"/claims/{claim}"))["findings"]
    assert [(one["rule"], one["outcome"]) for one in doubts] == [("CL7", "unknown")]
    async with tx(claims.worker) as conn:
        assert await conn.fetchval("select count(*) from claims.faulty_job") == 0


async def test_EL4_a_part_of_a_day_is_taken_out_and_never_raises_anything(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    """From the first off-road fixes into the public road before them: public stays public, no gap is bridged."""
    licence = await a_claimable_licence(api, claims, fleet)
    classifier, operator = classifier_client(api), await claims.operator()
    before = (await fleet.get(f"/licences/{licence}/statement"))["totals"]
    times = {"from_at": "2026-10-03T12:01:00+13:00", "to_at": "2026-10-03T12:03:00+13:00"}
    mark = await fleet.post("/faulty-data", stretch(**times))
    await act(operator, f"{mark['id']}/accept")
    await work(claims, classifier)
    assert not (await fleet.preview([licence]))["lodgeable"], "accepted, but the ledger does not follow yet"
    await api.store.member.round()
    await pass_on(api, claims)
    await work(claims, classifier)
    assert (await fleet.get(f"/faulty-data/{mark['id']}"))["state"] == "applied"
    after = (await fleet.get(f"/licences/{licence}/statement"))["totals"]
    gone = before["off_road_mm"] - after["off_road_mm"]
    assert 0 < gone < before["off_road_mm"] // DAYS
    assert after["unknown_mm"] - before["unknown_mm"] == gone
    assert after["public_mm"] == before["public_mm"]
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview["lines"][0]["findings"]


async def test_the_classifier_takes_a_stretch_once_and_tells_what_is_pending(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    await a_claimable_licence(api, claims, fleet)
    classifier = classifier_client(api)
    start, end = bounds_ms(FIRST)[0] + 3_600_000, bounds_ms(FIRST + 1)[1] - 3_600_000
    asked = FaultyStretch(
        tenant=fleet.tenant, id=UUID(int=5), device=DEVICE, from_ms=start, to_ms=end, reason="jumped", actor="A Reid"
    )
    assert (await classifier.take_out(asked)).device_days == 2
    assert (await classifier.take_out(asked)).device_days == 2

    async def waiting(lands: dict[int, str]) -> tuple[int, ...]:
        known = tuple(KnownDay(day, land) for day, land in lands.items())
        return (await classifier.pending(PendingAsked(tenant=fleet.tenant, id=asked.id, known=known))).days

    assert await waiting({}) == (FIRST, FIRST + 1)
    await api.store.member.round()
    async with tx(api.store.worker) as conn:
        latest = decode_sent((await outbox_frames(conn)).values()).latest()
    lands = {day: one.land for (_, _, day), one in latest.items()}
    assert await waiting({FIRST: lands[FIRST], FIRST + 1: ""}) == (FIRST + 1,)
    other = FaultyStretch(
        tenant=fleet.tenant, id=UUID(int=6), device=DEVICE, from_ms=start, to_ms=end, reason="more", actor="A Reid"
    )
    await classifier.take_out(other)
    assert await waiting(lands) == (), "a set of before names it as well"
    caller = await api.caller(fleet.tenant)
    await caller.post(f"/exclusions/{asked.id}/lift", {"reason": "was right after all"}, 200)
    assert (await classifier.pending(PendingAsked(tenant=fleet.tenant, id=asked.id, known=()))).state == "lifted"
