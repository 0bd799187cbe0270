"""A licence's tracks through the real classifier: of its devices and its time only (rule CL8)."""

from datetime import date
from typing import Any

import pytest

from shared.nz_days import bounds_ms, nz_time, to_ordinal
from tests.integration.rulings.test_rulings_to_statement import DAYS, DEVICE, Whole, claims, whole

__all__ = ["claims", "whole"]
pytestmark = pytest.mark.integration
FIRST = to_ordinal(date(2026, 10, 5))


async def lines(whole: Whole) -> list[Any]:
    answer = await whole.fleet.client.get(f"/v1/licences/{whole.licence}/report.geojson")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    found = answer.json()
    assert (found["type"], found["about"]["claim"], found["about"]["state"]) == (
        "FeatureCollection",
        "NOT CLAIMED",
        "running",
    )
    assert {feature["geometry"]["type"] for feature in found["features"]} <= {"LineString"}
    return [[feature["properties"]["surface"], feature["geometry"]["coordinates"]] for feature in found["features"]]


async def drawn(whole: Whole, until_ms: int) -> list[Any]:
    """What the classifier draws of the device in the licence's time."""
    headers = {"Authorization": f"Bearer {whole.api.store.database.environment('classifier')['RUCOR_INTERNAL_TOKEN']}"}
    params = {
        "tenant": str(whole.fleet.tenant), "device": DEVICE, "from_ms": bounds_ms(FIRST)[0], "to_ms": until_ms, "simplify_m": 10,
    }  # fmt: skip
    answer = await whole.caller.client.get("/v1/tracks", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return [[one["surface"], one["points"]] for one in answer.json()["tracks"] if len(one["points"]) > 1]


async def test_CL8_the_tracks_are_the_classifiers_for_the_time_that_the_device_was_on_the_vehicle(whole: Whole) -> None:
    everything = await lines(whole)
    assert everything == await drawn(whole, bounds_ms(FIRST + DAYS - 1)[1])
    assert len(everything) >= DAYS
    left_ms = bounds_ms(FIRST + 4)[0]
    (assignment,) = (await whole.fleet.get("/devices"))["items"]
    await whole.fleet.post(f"/devices/{assignment['id']}/end", {"to": nz_time(left_ms).isoformat()}, 200)
    some = await lines(whole)
    assert some == await drawn(whole, left_ms)
    assert 0 < len(some) < len(everything), "what the device did on another vehicle is nobody's business here"
