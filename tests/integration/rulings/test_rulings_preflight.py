"""The preflight over HTTP: of what a preview would show, and of a lodged claim (rules EL, PA4)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from services.claims.wiring import make_app
from tests.integration.claims.conftest import Claims, claims
from tests.integration.claims.world import FIRST_DAY, KM, Fleet, device_day, put_days
from tests.integration.rulings.conftest import Api, land_body

__all__ = ["claims"]
pytestmark = pytest.mark.integration


@pytest.fixture
async def whole(api: Api, claims: Claims) -> AsyncIterator[Claims]:
    """Claims with the real classifier's routes behind it."""
    transport = httpx.ASGITransport(app=api.app)
    token = {"Authorization": f"Bearer {api.store.database.environment('classifier')['RUCOR_INTERNAL_TOKEN']}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=token) as peer:
        context = replace(claims.context, classifier=ClassifierClient(peer))
        yield replace(claims, context=context, app=make_app(context))


def weak(answer: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["outcome"] for one in answer["attacks"] if one["outcome"] != "holds"}


async def asked(fleet: Fleet, *licences: str, **more: Any) -> dict[str, Any]:
    body = {"claimant_id": fleet.claimant_id, "licence_ids": list(licences), "person_completing": "R Hill"}
    return await fleet.post("/preflight", body | more, 200)


async def test_a_preview_and_then_its_claim_are_attacked(whole: Claims, api: Api) -> None:
    fleet = await whole.fleet("Hill Farms")
    licence = await fleet.claimable()
    clean = await asked(fleet, licence)
    assert (clean["outcome"], weak(clean), len(clean["attacks"])) == ("holds", {}, 22)

    # the same paper typed twice, and a waiver that convinces nobody
    await fleet.add_licence("ABC123", "RUC OOOI", 60_000, "2026-11-20T08:00:00+13:00")
    await fleet.waive(licence, "ok")
    attacked = await asked(fleet, licence)
    assert weak(attacked) == {"typed_twice": "weak", "thin_reasons": "weak"}
    (twice,) = [one for one in attacked["attacks"] if one["id"] == "typed_twice"]
    assert (twice["hits"][0]["licence_id"], twice["hits"][0]["inputs"]) == (licence, {"other": "RUC OOOI"})
    by_filter = await fleet.post("/preflight", {"claimant_id": fleet.claimant_id, "filter": {}}, 200)
    assert by_filter["attacks"] == attacked["attacks"]

    preview = await fleet.preview([licence])
    claim = (await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"]
    lodged = await fleet.get(f"/claims/{claim}/preflight")
    assert weak(lodged) == weak(attacked)
    # the evidence shrinks under the lodged claim
    await put_days(
        fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=2, public_mm=70 * KM, off_road_mm=0)]
    )
    shrunk = await fleet.get(f"/claims/{claim}/preflight")
    (late,) = [one for one in shrunk["attacks"] if one["id"] == "late_data"]
    assert (shrunk["outcome"], late["outcome"]) == ("fails", "fails")
    assert late["hits"][0]["inputs"] == {"claimed_km": "560", "now_km": "520"}


async def test_SU7_declared_land_is_asked_of_the_classifier(whole: Claims, api: Api) -> None:
    fleet = await whole.fleet("Hill Farms")
    licence = await fleet.claimable()
    caller = await api.caller(fleet.tenant)
    await caller.post("/land", land_body(name="Quarry", first_on="2026-10-01"))
    on_land = [
        replace_basis(device_day(fleet.tenant, "imei-1", FIRST_DAY + i, rev=2), "§37 on declared land: Quarry")
        for i in range(14)
    ]
    await put_days(fleet.worker, on_land)
    found = await asked(fleet, licence)
    (land,) = [one for one in found["attacks"] if one["id"] == "land_in_time"]
    assert land["outcome"] == "weak", "it was declared by the present, after the travel"
    assert land["answer"].startswith("560.000 km count on Quarry, which was only declared on"), land
    away = replace(whole.context, classifier=ClassifierClient(httpx.AsyncClient(base_url="http://127.0.0.1:9")))
    whole.app.state.context = away
    without = await asked(fleet, licence)
    (land,) = [one for one in without["attacks"] if one["id"] == "land_in_time"]
    assert (land["outcome"], "could not be asked" in land["answer"]) == ("weak", True)


def replace_basis(day: Any, why: str) -> Any:
    import msgspec

    segments = tuple(
        msgspec.structs.replace(one, basis="declared_land", why=why) if one.surface == "off_road" else one
        for one in day.segments
    )
    totals = tuple(
        msgspec.structs.replace(one, basis="declared_land") if one.surface == "off_road" else one for one in day.totals
    )
    return msgspec.structs.replace(day, segments=segments, totals=totals)


async def test_G6_another_tenants_claim_is_not_there(claims: Claims) -> None:
    fleet = await claims.fleet("Hill Farms")
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    claim = (await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"]
    other = await claims.fleet("Other")
    assert (await other.get(f"/claims/{claim}/preflight", 404))["code"] == "not_found"
    await other.add_claimant("Other Limited")
    body = {"claimant_id": other.claimant_id, "licence_ids": [licence]}
    assert (await other.post("/preflight", body, 422))["errors"][0]["pointer"] == "/licence_ids"
