"""A claim that was lodged in time is lost all the same where it is received too late: its own view and the radar say so (rule EL2)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

LAST = "2028-09-30"
"""Of the licence that was issued on 1 October 2026."""
WITH = {"actor": "R Hill"}


async def lodged(claims: Claims, fleet: Fleet) -> tuple[str, str]:
    """On 29 September 2028, two days before the end."""
    licence = await fleet.claimable()
    at(claims, 2028, 9, 29)
    preview = await fleet.preview([licence])
    return licence, (await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"]


def at(claims: Claims, year: int, month: int, day: int) -> None:
    """Noon of that NZ day."""
    noon = datetime(year, month, day, tzinfo=UTC) - timedelta(hours=1)
    claims.clock.now_ms = int(noon.timestamp() * 1000)


async def told(fleet: Fleet, claim: str) -> list[tuple[str, str]]:
    """What the claim says of its last day, in its own view as in its history."""
    found = (await fleet.get(f"/claims/{claim}"))["findings"]
    assert found == (await fleet.get(f"/claims/{claim}/history"))["findings"]
    assert all("RUC 0001" in one["reason"] and one["inputs"]["latest_receipt_on"] == LAST for one in found)
    return [(one["rule"], one["outcome"]) for one in found]


async def radar(fleet: Fleet, licence: str) -> list[tuple[str, str]]:
    items = (await fleet.get("/alerts"))["items"]
    return [(one["kind"], one["due_on"]) for one in items if one["licence_id"] == licence]


@pytest.mark.parametrize(
    ("sent_on", "received_on", "view", "kinds"),
    [
        ("2028-09-29", "2028-09-30", [], []),
        ("2028-09-29", "2028-10-01", [("EL2", "fail")], [("too_late", LAST)]),
        ("2028-09-29", None, [("EL2", "warn")], [("latest_receipt", LAST)]),
        ("2028-10-01", None, [("EL2", "fail")], [("too_late", LAST)]),
        (None, None, [("EL2", "warn")], [("latest_receipt", LAST)]),
    ],
)
async def test_EL2_a_day_recorded_behind_a_licences_last_day_tells_which_line_is_lost(
    claims: Claims, fleet: Fleet, sent_on: str | None, received_on: str | None, view: list[tuple[str, str]],
    kinds: list[tuple[str, str]],
) -> None:  # fmt: skip
    licence, claim = await lodged(claims, fleet)
    assert (await told(fleet, claim), await radar(fleet, licence)) == ([], [("latest_receipt", LAST)])
    at(claims, 2028, 10, 2)
    if sent_on is not None:
        await fleet.post(f"/claims/{claim}/sent", WITH | {"on": sent_on, "channel": "email"}, 200)
    if received_on is not None:
        answer = await fleet.post(f"/claims/{claim}/received", WITH | {"on": received_on}, 200)
        assert [(one["rule"], one["outcome"]) for one in answer["findings"]] == view, (
            "whoever records it is told at once"
        )
    assert (await told(fleet, claim), await radar(fleet, licence)) == (view, kinds)


async def test_EL2_a_line_that_the_agency_answered_is_not_called_lost(claims: Claims, fleet: Fleet) -> None:
    licence, claim = await lodged(claims, fleet)
    at(claims, 2028, 10, 20)
    await fleet.post(f"/claims/{claim}/sent", WITH | {"on": "2028-10-01", "channel": "post"}, 200)
    await fleet.post(f"/claims/{claim}/received", WITH | {"on": "2028-10-04"}, 200)
    assert await told(fleet, claim) == [("EL2", "fail")]
    line = {"licence_id": licence, "kind": "accepted", "on": "2028-10-16", "distance_km": 560, "cents": 4256}
    await fleet.post(f"/claims/{claim}/outcomes", WITH | {"lines": [line]}, 200)
    assert (await told(fleet, claim), await radar(fleet, licence)) == ([], [])
