"""Names of places from the real classifier into the statement (rule DI6): declared land, else the nearest named road, else
coordinates; and nothing of the scheme or of the statement's hash moves with them."""

from typing import Any

import msgspec
import pytest

from services.claims.application.ledger.name_places import name_next, sweep_next
from services.claims.application.peers import PeerUnavailable
from services.claims.repo import ledger, places
from services.claims.repo.places import BEFORE_ALL
from shared.db.pool import tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_faulty_classifier import (
    DAYS,
    DEVICE,
    FIRST,
    a_claimable_licence,
    classifier_client,
    pass_on,
)
from tests.integration.claims.world import FIRST_DAY, Fleet, device_day, put_days
from tests.integration.rulings.conftest import Api, api, district, land_body, store
from tests.simulation.district import NORTH, ROAD_LAT

pytestmark = pytest.mark.integration
__all__ = ["api", "district", "store"]


def rows(statement: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["kind"], one["place"]) for one in statement["places"]]


async def named(claims: Claims, api: Api) -> int:
    """The worker's loop until nothing is due; how many calls it took."""
    calls = 0
    while await name_next(claims.worker, classifier_client(api)):
        calls += 1
    return calls


async def test_DI6_off_road_metres_are_told_by_land_road_and_coordinates(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    licence = await a_claimable_licence(api, claims, fleet)
    path = f"/licences/{licence}/statement"
    before = await fleet.get(path)
    off_road_mm = before["totals"]["off_road_mm"]
    assert rows(before) == [("not_named_yet", "not named yet")]
    assert before["places"][0]["off_road_mm"] == off_road_mm > 2_000_000
    assert await named(claims, api) == 1
    after = await fleet.get(path)
    assert rows(after) == [("road", "Woolshed Track")]
    assert (after["places"][0]["basis"], after["places"][0]["days"]) == ("private_road", DAYS)
    assert after["places"][0]["off_road_mm"] == off_road_mm
    assert after["statement_hash"] == before["statement_hash"]

    caller = await api.caller(fleet.tenant)
    half = (ROAD_LAT + NORTH) / 2
    square = [[175.24, half], [175.26, half], [175.26, NORTH + 0.01], [175.24, NORTH + 0.01], [175.24, half]]
    ring = {"type": "Polygon", "coordinates": [square]}
    await caller.post("/land", land_body(name="Top Block", first_on="2026-10-04", polygon=ring))
    await api.store.member.round()
    await pass_on(api, claims)
    await named(claims, api)
    told = await fleet.get(path)
    assert sum(one["off_road_mm"] for one in told["places"]) == told["totals"]["off_road_mm"]
    assert ("road", "Woolshed Track") in rows(told)


async def test_DI6_what_lies_in_no_named_place_is_told_by_its_coordinates(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    """A road data set that is not open any more, and a device without a fix in evidence: the segment's own ends speak."""
    licence = await fleet.claimable(device=DEVICE)
    await named(claims, api)
    told = await fleet.get(f"/licences/{licence}/statement")
    assert rows(told) == [("coordinates", "-41.01, 175.01")]
    assert told["places"][0]["off_road_mm"] == told["totals"]["off_road_mm"]


async def test_DI6_declared_land_beats_the_nearest_road(api: Api, claims: Claims, fleet: Fleet) -> None:
    caller = await api.caller(fleet.tenant)
    await caller.post("/land", land_body(name="Home Block", first_on="2026-10-04"))
    licence = await a_claimable_licence(api, claims, fleet)
    await named(claims, api)
    told = await fleet.get(f"/licences/{licence}/statement")
    by_place = {one["place"]: one["days"] for one in told["places"]}
    assert by_place == {"Woolshed Track": 2, "Home Block": DAYS - 2}, "the land is declared from the third day on"


async def test_DI6_a_revision_that_comes_while_its_names_are_asked_for_is_named_again(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    await a_claimable_licence(api, claims, fleet)
    windows = [(DEVICE, FIRST, FIRST + DAYS)]

    class Meanwhile:
        """The classifier, and beside it another revision of the first day."""

        async def places(self, asked: Any) -> Any:
            told = await classifier_client(api).places(asked)
            async with tx(claims.worker) as conn:
                (one,) = await ledger.days_in(conn, fleet.tenant, [ledger.Window(DEVICE, FIRST, FIRST)])
            again = msgspec.structs.replace(one.day, rev=one.day.rev + 1, incidents=("something new",))
            await put_days(claims.worker, [again])
            return told

    assert await name_next(claims.worker, Meanwhile())
    async with tx(claims.worker) as conn:
        due = await conn.fetch("select device, day from claims.place_due")
        known = await places.of_days(conn, fleet.tenant, windows)
    assert [tuple(row) for row in due] == [(DEVICE, FIRST)]
    assert len(known) == DAYS
    assert await named(claims, api) == 1


async def test_DI6_names_wait_for_a_classifier_that_is_away_and_what_was_never_asked_for_is_found(
    api: Api, claims: Claims, fleet: Fleet
) -> None:
    await a_claimable_licence(api, claims, fleet)
    with pytest.raises(PeerUnavailable):
        await name_next(claims.worker, claims.context.classifier)
    assert not await name_next(claims.worker, classifier_client(api)), "leased, and due again when the lease ends"
    async with tx(claims.worker) as conn:
        await conn.execute("delete from claims.place_due")
    after = await sweep_next(claims.worker, BEFORE_ALL)
    assert after == (fleet.tenant, DEVICE, FIRST + DAYS - 1)
    assert await sweep_next(claims.worker, after) is None
    assert await named(claims, api) == 1
    assert await sweep_next(claims.worker, BEFORE_ALL) is not None
    assert await named(claims, api) == 0, "what has its names is not asked for again"
    other = await claims.fleet("Other")
    await put_days(claims.worker, [device_day(other.tenant, "x", FIRST_DAY, settled=False)])
    assert await named(claims, api) == 0, "a day that is not settled has no segments to name"
