"""From a ruling to the licence's money: classifier and claims in one process, on real Postgres, with their own HTTP between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from services.claims.repo import ledger
from services.claims.wiring import make_app
from services.classifier.api import reprocess as reprocess_api
from shared.db.pool import tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.claims.broken import broken_day
from tests.integration.claims.conftest import Claims, claims
from tests.integration.claims.world import Fleet
from tests.integration.rulings.conftest import Api, Caller, land_body
from tests.simulation.district import drive
from tests.simulation.service import decode_sent, outbox_frames

__all__ = ["claims"]
pytestmark = pytest.mark.integration

DAY = to_ordinal(date(2026, 10, 5))
DAYS = 10
REV_MAX = 2**62
"""Above whatever the classifier writes."""
LAST_TICK_MS = bounds_ms(DAY + DAYS)[1]
DEVICE = "ute-1"
PERIOD = {"from_on": "2026-10-01", "to_on": "2026-10-31"}
WRITTEN = "The council closed this road for our quarry in 2025."
CLOSED_ROAD = land_body(
    over_public=True, kind="closed_works_site", reason=WRITTEN, name="Quarry", first_on="2026-10-05"
)


@dataclass
class Whole:
    """Both services; `carry` is the stream between them."""

    api: Api
    caller: Caller
    fleet: Fleet
    licence: str

    async def carry(self) -> None:
        """What the classifier has to say reaches the ledger."""
        async with tx(self.api.store.worker) as conn:
            frames = await outbox_frames(conn)
            await conn.execute("delete from classifier.outbox")
        sent = decode_sent(frames.values())
        async with tx(self.fleet.worker) as conn:
            await ledger.put_days(conn, ledger.day_columns(sent.revisions))
            await ledger.put_holds(conn, sent.holds)
            await ledger.put_progress(conn, sent.progress)

    async def recompute(self) -> None:
        """The partitions' owner does what is due."""
        await self.api.store.member.round()
        await self.carry()

    async def held(self) -> int:
        async with tx(self.fleet.worker) as conn:
            found: int = await conn.fetchval("select count(*) from claims.hold where open")
        return found

    async def statement(self) -> dict[str, Any]:
        return await self.fleet.get(f"/licences/{self.licence}/statement")

    async def difference(self, **more: Any) -> dict[str, Any]:
        return await self.fleet.post("/reprocess", PERIOD | more, 200)


@pytest.fixture
async def whole(api: Api, claims: Claims) -> AsyncIterator[Whole]:
    transport = httpx.ASGITransport(app=api.app)
    token = {"Authorization": f"Bearer {api.store.database.environment('classifier')['RUCOR_INTERNAL_TOKEN']}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=token) as peer:
        context = replace(claims.context, classifier=ClassifierClient(peer))
        fleet = await replace(claims, context=context, app=make_app(context)).fleet("Hill Farms")
        await fleet.add_claimant()
        await fleet.add_ute("ABC123", DEVICE)
        licence = await fleet.add_licence("ABC123", "RUC 0001", 45_000, "2026-10-01T08:00:00+13:00")
        await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 45_000)
        key = (str(fleet.tenant), DEVICE)
        drives = [drive(key, bounds_ms(DAY + i)[0] + 43_200_000, 13) for i in range(DAYS)]
        await api.store.take(*drives, tick_ms=LAST_TICK_MS)
        whole = Whole(api, await api.caller(fleet.tenant), fleet, licence)
        await whole.carry()
        yield whole


async def test_SU7_a_declaration_reaches_the_statement_under_a_hold_and_the_dry_run_foretold_it(whole: Whole) -> None:
    before = await whole.statement()
    assert before["totals"]["declared_over_public_mm"] == 0
    assert before["warnings"] == []
    nothing = await whole.difference()
    assert (nothing["device_days"], nothing["changed_days"], nothing["licences"], nothing["cents"]) == (DAYS, 0, [], 0)

    made = await whole.caller.post("/land", CLOSED_ROAD)
    assert made["device_days"] == DAYS
    await whole.carry()
    assert await whole.held() == DAYS, "no claim is lodged on figures that are about to change"
    assert (await whole.statement())["totals"] == before["totals"]

    foretold = await whole.difference()
    assert foretold["changed_days"] == DAYS
    assert foretold["surfaces_mm"]["off_road"] > 5_000_000
    assert sum(foretold["surfaces_mm"].values()) == 0, "metres move, none is made"
    (licence,) = foretold["licences"]

    await whole.recompute()
    assert await whole.held() == 0
    after = await whole.statement()
    moved = after["totals"]["off_road_mm"] - before["totals"]["off_road_mm"]
    assert moved == licence["off_road_mm"]
    assert 5_000_000 < after["totals"]["declared_over_public_mm"] <= moved, "legs off the road's end count too"
    assert licence["after"]["off_road_mm"] == after["totals"]["off_road_mm"]
    assert licence["claimable_km"] == after["claimable_km"] - before["claimable_km"] == foretold["claimable_km"]
    assert licence["cents"] == foretold["cents"] == after["estimate_cents"] - before["estimate_cents"] > 0
    assert abs(licence["metre_cents"] - licence["cents"]) <= 8, "a kilometre is worth 7.6 cents"
    assert [warning["rule"] for warning in after["warnings"]] == ["SU7"]
    assert "Quarry" in after["warnings"][0]["inputs"]["land"]
    assert len(after["evidence"]["lands"]) == 1
    assert (await whole.difference())["changed_days"] == 0

    preview = await whole.fleet.preview([whole.licence], verified=False)
    assert "SU7" in {finding["rule"] for finding in preview["lines"][0]["findings"] if finding["outcome"] == "warn"}


async def test_an_excluded_stretch_leaves_the_statement_and_comes_back_when_lifted(whole: Whole) -> None:
    before = await whole.statement()
    start = bounds_ms(DAY)[0] + 43_200_000
    asked = {
        "device": DEVICE,
        "from_at": "2026-10-05T11:00:00Z",
        "to_at": "2026-10-06T10:59:00Z",
        "reason": "receiver jammed",
    }
    assert start < bounds_ms(DAY)[1]
    made = await whole.caller.post("/exclusions", asked | {"from_at": "2026-10-05", "to_at": "2026-10-06"})
    await whole.recompute()
    without = await whole.statement()
    assert without["totals"]["off_road_mm"] < before["totals"]["off_road_mm"]
    assert without["totals"]["off_road_mm"] == pytest.approx(
        before["totals"]["off_road_mm"] * (DAYS - 1) / DAYS, rel=0.02
    )
    await whole.caller.post(f"/exclusions/{made['id']}/lift", {"reason": "it was not"}, 200)
    await whole.recompute()
    assert (await whole.statement())["totals"] == before["totals"]


async def test_SU4_an_excluded_place_turns_off_road_metres_into_unknown_ones(whole: Whole) -> None:
    before = (await whole.statement())["totals"]
    await whole.caller.post(
        "/exclusions", {"from_at": "2026-10-01", "polygon": land_body()["polygon"], "reason": "a missing road"}
    )
    await whole.recompute()
    after = (await whole.statement())["totals"]
    assert after["off_road_mm"] < before["off_road_mm"]
    assert after["unknown_by_basis"]["excluded"] >= before["off_road_mm"] - after["off_road_mm"] > 5_000_000
    assert after["public_mm"] == before["public_mm"]


async def test_LI5_a_licence_without_a_rate_is_not_priced_in_a_dry_run(whole: Whole) -> None:
    body = whole.fleet.licence_body(
        "ABC123", "RUC 0002", 46_000, "2026-10-10T08:00:00+13:00", units=None, gross_cents=None
    )
    assert (await whole.fleet.client.post("/v1/licences", json=body | {"ruc_type": None})).status_code == 201
    await whole.fleet.add_reading("ABC123", "2026-10-10T08:00:00+13:00", 46_000)
    await whole.caller.post("/land", CLOSED_ROAD)
    found = await whole.difference()
    rates = {one["number"]: (one["rate"], one["cents"] is None) for one in found["licences"]}
    assert rates["RUC 0001"] == ("76.00", False)
    if rates.get("RUC 0002", (None, True))[0] is None:
        assert found["cents"] is None


async def test_G7_a_dry_run_tells_whether_computing_again_mends_a_licence_that_cannot_be_worked_out(
    whole: Whole,
) -> None:
    before = (await whole.statement())["totals"]
    odd = msgspec.structs.replace(broken_day(whole.fleet, "negative", device=DEVICE, rev=REV_MAX), day=DAY)
    async with tx(whole.fleet.worker) as conn:
        await ledger.put_days(conn, ledger.day_columns([odd]))
    assert (await whole.fleet.get(f"/licences/{whole.licence}/statement", 409))["code"] == "ledger_broken"
    foretold = await whole.difference()
    (licence,) = foretold["licences"]
    assert (licence["licence_id"], licence["state"], licence["before"]) == (whole.licence, "broken", None)
    assert licence["after"]["off_road_mm"] == before["off_road_mm"]
    assert [licence[name] for name in ("off_road_mm", "claimable_km", "cents", "metre_cents")] == [None] * 4
    assert (foretold["claimable_km"], foretold["cents"]) == (None, None), "what is not known has no sum"


async def test_G6_another_tenants_rulings_and_dry_runs_touch_nothing_here(whole: Whole, two: Caller) -> None:
    before = await whole.statement()
    made = await two.post("/land", CLOSED_ROAD)
    assert made["device_days"] == 0
    await whole.recompute()
    assert await whole.held() == 0
    assert (await whole.statement())["totals"] == before["totals"]
    foreign = await two.post("/reprocess", PERIOD, 200)
    assert (foreign["device_days"], foreign["days"]) == (0, [])


async def test_reprocessing_for_good_is_requested_under_a_hold_and_changes_nothing_that_stands(whole: Whole) -> None:
    before = await whole.statement()
    answer = await whole.fleet.post("/reprocess", PERIOD | {"dry_run": False, "devices": [DEVICE]}, 202)
    assert (answer["requested"], answer["device_days"]) == (True, DAYS)
    await whole.carry()
    assert await whole.held() == DAYS
    await whole.recompute()
    assert await whole.held() == 0
    assert (await whole.statement())["statement_hash"] == before["statement_hash"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"to_on": "2026-09-01"}, "/to_on"),
        ({"from_on": "1999-01-01"}, "/from_on"),
        ({"road_set": "0" * 16}, "/road_set"),
        ({"road_set": "0" * 16, "dry_run": False}, "/road_set"),
    ],
)
async def test_a_reprocessing_that_cannot_be_is_refused(whole: Whole, changed: dict[str, Any], pointer: str) -> None:
    refused = await whole.fleet.post("/reprocess", PERIOD | changed, 422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]


async def test_a_dry_run_goes_page_by_page_and_the_tenants_own_route_agrees(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAYS_PER_STEP", "DAYS_PER_CALL"):
        monkeypatch.setattr(reprocess_api.recompute, name, 3)
    assert (await whole.difference())["device_days"] == DAYS
    seen: list[dict[str, Any]] = []
    page = await whole.caller.post("/reprocess", PERIOD, 200)
    while page["next"] is not None:
        seen += page["days"]
        assert len(page["days"]) == 3
        page = await whole.caller.post("/reprocess", PERIOD | {"after": page["next"]}, 200)
    seen += page["days"]
    assert [one["day"] for one in seen] == [f"2026-10-{5 + i:02d}" for i in range(DAYS)]
    totals = (await whole.statement())["totals"]
    assert sum(one["surfaces_mm"]["off_road"] for one in seen) == pytest.approx(totals["off_road_mm"], rel=0.02)


async def test_only_the_internal_token_opens_the_route_of_services(whole: Whole) -> None:
    body = {"tenant": str(whole.fleet.tenant), "from_day": DAY, "to_day": DAY}
    for header in ("Bearer wrong", whole.caller.client.headers["authorization"]):
        answer = await whole.caller.client.post("/v1/recompute", json=body, headers={"Authorization": header})
        assert answer.status_code == 401


async def test_a_request_to_compute_again_with_its_key_is_made_once(whole: Whole) -> None:
    """In both services; what only computes takes no notice of a key."""
    key = {"Idempotency-Key": "again"}
    for client, status in ((whole.fleet.client, 202), (whole.caller.client, 200)):
        asked = [await client.post("/v1/reprocess", json=PERIOD | {"dry_run": False}, headers=key) for _ in range(2)]
        first, second = asked
        assert [one.status_code for one in asked] == [status, status]
        assert (second.content, second.headers["idempotent-replay"]) == (first.content, "true")
        assert "idempotent-replay" not in first.headers
        other = await client.post("/v1/reprocess", json=PERIOD | {"dry_run": False, "devices": ["x"]}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        dry = [await client.post("/v1/reprocess", json=PERIOD, headers=key) for _ in range(2)]
        assert [(one.status_code, "idempotent-replay" in one.headers) for one in dry] == [(200, False)] * 2
