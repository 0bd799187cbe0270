"""What a statement says is to be done, done by the route that it names: then it is no longer to be done (rules EL4, VE2, EL7)."""

from typing import Any

import pytest

from tests.integration.claims.applying import act, long_licence, surrendering
from tests.integration.claims.test_claims_expected import licences_in_a_row
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


async def to_do(fleet: Fleet, licence: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await fleet.get(f"/licences/{licence}/statement"))["to_do"]
    return found


async def does(fleet: Fleet, one: dict[str, Any], **body: str) -> None:
    method, path = one["route"].split()
    assert method == "POST" and one["field"] in body
    answer = await fleet.client.post(path, json={"actor": "R Hill"} | body)
    assert answer.status_code in {200, 201}, answer.text


async def test_EL4_an_undecided_surrender_is_no_longer_to_be_done_once_it_is_withdrawn(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    (one,) = await to_do(fleet, licence)
    assert (one["rule"], made["id"] in one["route"]) == ("EL4", True)
    await does(fleet, one, reason="kept after all", on="2026-11-22")
    assert "EL4" not in {left["rule"] for left in await to_do(fleet, licence)}


async def test_EL4_a_mark_of_faulty_data_is_taken_back(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await fleet.verify(licence)
    stretch = {"from_at": "2026-10-05T08:00:00+13:00", "to_at": "2026-10-05T11:30:00+13:00", "reason": "loose"}
    await fleet.post("/faulty-data", stretch | {"licence_id": licence, "actor": "R Hill"})
    (one,) = await to_do(fleet, licence)
    await does(fleet, one, reason="it was not")
    assert await to_do(fleet, licence) == []


async def test_EL8_an_account_in_another_name_is_confirmed_by_a_person_and_asked_about_again_once_it_changes(
    fleet: Fleet,
) -> None:
    claimant = await fleet.add_claimant(bank_account_name="R & J Hill")
    licence = await fleet.claimable()
    await fleet.verify(licence)
    (one,) = await to_do(fleet, licence)
    assert (one["rule"], one["route"], "'R & J Hill'" in one["words"]) == ("EL8", "POST /v1/waivers", True)
    assert not (await fleet.preview([licence], verified=False))["lodgeable"], "the preview says the same"
    await does(fleet, one, claimant_id=claimant, rule="EL8", reason="the partners' account")
    assert await to_do(fleet, licence) == []
    assert (await fleet.preview([licence], verified=False))["lodgeable"]
    changed = {"bank_account": "12-3140-0171323-50", "reason": "a new bank", "actor": "R Hill"}
    await fleet.post(f"/claimants/{claimant}/correction", changed, 200)
    assert [one["rule"] for one in await to_do(fleet, licence)] == ["EL8"], "confirmed was another account"
    named = {"bank_account_name": "Hill Farms Limited", "reason": "typed wrong", "actor": "R Hill"}
    await fleet.post(f"/claimants/{claimant}/correction", named, 200)
    assert await to_do(fleet, licence) == []


async def test_VE2_the_wrong_one_of_two_readings_is_struck(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await fleet.verify(licence)
    recorder, why = fleet.recorders["ABC123"], {"reason": "its display has six digits", "actor": "R Hill"}
    await fleet.post(f"/recorders/{recorder}/correction", {"rollover_at": 1_000_000} | why, 200)
    wrong = await fleet.add_reading("ABC123", "2026-10-08T12:00:00+13:00", 45_900)
    await fleet.add_reading("ABC123", "2026-10-09T12:00:00+13:00", 45_600)
    found = [one for one in await to_do(fleet, licence) if one["rule"] == "VE2"]
    assert len(found) == 2
    (strike,) = [one for one in found if wrong in one["route"]]
    assert "strike 45900 on 2026-10-08" in strike["words"]
    await does(fleet, strike, reason="misread")
    assert {one["rule"] for one in await to_do(fleet, licence)} == {"CL2"}, "the statement stands on another reading"


async def test_EL7_what_is_larger_than_expected_is_looked_at_last(fleet: Fleet) -> None:
    licence = (await licences_in_a_row(fleet, 5, [20, 21, 19, 20, 50]))[-1]
    assert [one["rule"] for one in await to_do(fleet, licence)] == ["CL2"]
    await fleet.verify(licence)
    (one,) = await to_do(fleet, licence)
    assert (one["rule"], one["route"]) == ("EL7", f"POST /v1/licences/{licence}/acknowledgements")
    assert not (await fleet.preview([licence], verified=False))["lodgeable"]
    hash_ = (await fleet.get(f"/licences/{licence}/verification"))["statement_hash"]
    await does(fleet, one, statement_hash=hash_, reason="harvest")
    assert await to_do(fleet, licence) == []
    assert (await fleet.preview([licence], verified=False))["lodgeable"]
