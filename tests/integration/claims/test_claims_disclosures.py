"""What a lodged claim said too much is disclosed, once (rule CL7)."""

import pytest

from tests.integration.claims.lodging import ON, SENT, WITHDRAW, lodged, rewritten, step
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


async def test_CL7_a_later_revision_that_takes_metres_away_becomes_one_disclosure(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    nothing = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert nothing == {"over_claimed": 0, "broken": [], "disclosures": []}
    await rewritten(fleet, 9, 30)
    for _ in range(2):  # the same finding is told once
        found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    (disclosure,) = found["disclosures"]
    assert found["over_claimed"] == 1
    assert (disclosure["licence_id"], disclosure["claimed_km"]) == (licence, 560)
    assert disclosure["now_km"] < 560
    assert disclosure["cents"] == -(-(560 - disclosure["now_km"]) * 76 // 10)
    assert "RUCOR-000001" in disclosure["letter"]
    line = (await fleet.get(f"/claims/{claim}"))["lines"][0]
    assert line["distance_km"] == 560, "lodged numbers never change"
    closing = {"on": ON, "closed_as": "repaid", "cents": disclosure["cents"], "actor": "R Hill"}
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing | {"on": "2026-12-01"}, 422)
    for less, pointer in (
        ({"cents": disclosure["cents"] - 1}, "/cents"),
        ({"closed_as": "nothing_owed"}, "/reference"),
    ):
        refused = await fleet.post(f"/disclosures/{disclosure['id']}/close", closing | less, 422)
        assert refused["errors"][0]["pointer"] == pointer, "or the rest would never be asked for again"
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing, 200)
    assert (await fleet.get("/disclosures", only_open="true"))["items"] == []
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing, 404)


async def test_CL7_what_was_repaid_is_not_asked_for_again_and_a_better_statement_asks_for_nothing(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await rewritten(fleet, 9, 30)
    (first,) = (await fleet.post(f"/claims/{claim}/review", {}, 200))["disclosures"]
    assert (first["now_km"], first["settled_km"], first["cents"]) == (420, 0, 1064)
    closing = {"on": ON, "closed_as": "repaid", "cents": 1064, "actor": "R Hill"}
    await fleet.post(f"/disclosures/{first['id']}/close", closing, 200)
    for rev, off_road, public in ((10, 30, 31), (11, 35, 30)):  # another hash of the same distance; then more of it
        await rewritten(fleet, rev, off_road, public)
        found = await fleet.post(f"/claims/{claim}/review", {}, 200)
        assert (found["over_claimed"], len(found["disclosures"])) == (0, 1)
    await rewritten(fleet, 12, 25)
    found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    (owed,) = [one for one in found["disclosures"] if one["closed_on"] is None]
    assert (owed["licence_id"], owed["now_km"], owed["settled_km"], owed["cents"]) == (licence, 350, 140, 532)
    assert "140 km of them have been settled before. 70 km, worth $5.32, are still owed" in owed["letter"]
    await fleet.post(f"/disclosures/{owed['id']}/close", closing | {"cents": 532}, 200)
    await rewritten(fleet, 13, 20)
    found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    (rest,) = [one for one in found["disclosures"] if one["closed_on"] is None]
    assert (rest["now_km"], rest["settled_km"], rest["cents"]) == (280, 210, 532), "each repayment settles its own part"


async def test_CL7_a_line_has_one_open_disclosure_and_none_where_nothing_is_owed_any_more(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    asked = []
    for rev, off_road in ((9, 30), (10, 35), (11, 40), (12, 30)):
        await rewritten(fleet, rev, off_road)
        found = await fleet.post(f"/claims/{claim}/review", {}, 200)
        asked.append([(one["now_km"], one["cents"]) for one in found["disclosures"] if one["closed_on"] is None])
    assert asked == [[(420, 1064)], [(490, 532)], [], [(420, 1064)]]
    closed = {one["closed_as"] for one in found["disclosures"]}
    assert closed == {"replaced", "not_owed_any_more", None}


async def test_CL7_CL5_what_is_known_to_be_too_much_is_told_whenever_the_form_moves_and_ends_with_the_claim(
    fleet: Fleet,
) -> None:
    """A claim that was never sent is withdrawn and made anew: nothing is owed of it."""
    licence, claim = await lodged(fleet)
    await rewritten(fleet, 2, 30)
    await step(fleet, claim, "review", {})
    (warned,) = (await fleet.get(f"/claims/{claim}/history"))["findings"]
    assert (warned["rule"], warned["inputs"]["now_km"]) == ("CL7", "420")
    assert "140 km more are claimed than its statement shows now" in warned["reason"]
    history = await step(fleet, claim, "withdraw", WITHDRAW)
    assert history["findings"] == []
    (told,) = (await fleet.get("/disclosures", claim_id=claim))["items"]
    assert (told["closed_as"], told["closed_on"], told["closed_by"]) == ("not_owed_any_more", ON, "R Hill")
    preview = await fleet.preview([licence])
    again = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert again["totals"]["claimable_km"] == 420
    assert (await step(fleet, again["id"], "sent", SENT))["findings"] == []


async def test_CL7_nothing_is_disclosed_of_what_the_agency_declined_cut_or_took_back(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    declined = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "no"}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [declined]})
    await rewritten(fleet, 9, 30)
    nothing = {"over_claimed": 0, "broken": [], "disclosures": []}
    assert await fleet.post(f"/claims/{claim}/review", {}, 200) == nothing
    cut = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 420, "cents": 3192}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [cut]})
    assert await fleet.post(f"/claims/{claim}/review", {}, 200) == nothing
    await rewritten(fleet, 10, 25)
    (owed,) = (await fleet.post(f"/claims/{claim}/review", {}, 200))["disclosures"]
    assert (owed["claimed_km"], owed["now_km"], owed["cents"]) == (420, 350, 532)
    came = {"licence_id": licence, "on": ON, "cents": 3192}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [came | {"kind": "paid"}]})
    back = came | {"kind": "recovered", "reason": "audit"}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [back]})
    found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert (found["over_claimed"], found["disclosures"][0]["closed_as"]) == (0, "not_owed_any_more")


async def test_CL7_CL6_what_the_agency_left_out_once_it_was_told_settles_nothing_that_is_found_later(
    fleet: Fleet,
) -> None:
    """Told while the claim was under way, closed by the Agency's word, and then left out of what it accepted: what turns out
    after that is owed all the same."""
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "R Hill"})
    await rewritten(fleet, 9, 30)
    (told,) = (await fleet.post(f"/claims/{claim}/review", {}, 200))["disclosures"]
    assert (told["claimed_km"], told["now_km"]) == (560, 420)
    word = {"on": ON, "closed_as": "nothing_owed", "cents": 0, "reference": "RUC-77: 420 km stand", "actor": "R Hill"}
    await fleet.post(f"/disclosures/{told['id']}/close", word, 200)
    cut = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 420, "cents": 3192}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [cut]})
    assert (await fleet.get("/disclosures", only_open="true"))["items"] == []
    await rewritten(fleet, 10, 25)
    await fleet.post(f"/claims/{claim}/review", {}, 200)
    (owed,) = (await fleet.get("/disclosures", only_open="true"))["items"]
    assert (owed["claimed_km"], owed["now_km"], owed["settled_km"], owed["cents"]) == (420, 350, 0, 532)


async def test_CL7_CL6_an_outcome_by_which_other_kilometres_count_is_held_against_the_statements_at_once(
    fleet: Fleet,
) -> None:
    """Declined, and after an objection accepted: by then the statement shows less."""
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "R Hill"})

    async def outcome(**said: object) -> list[tuple[int, str | None]]:
        await step(fleet, claim, "outcomes", {"actor": "R", "lines": [{"licence_id": licence, "on": ON} | said]})
        told = [(one["claimed_km"], one["closed_as"]) for one in (await fleet.get("/disclosures"))["items"]]
        return sorted(told, key=lambda one: one[0])

    assert await outcome(kind="declined", reason="no signature") == []
    await rewritten(fleet, 9, 30)
    assert await outcome(kind="accepted", distance_km=500, cents=3800) == [(500, None)]
    assert await outcome(kind="accepted", distance_km=560, cents=4256) == [(500, "replaced"), (560, None)]


async def test_CL7_EL3_a_claim_of_which_less_than_20_dollars_would_be_given_today_says_so(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    await rewritten(fleet, 9, 19)
    await step(fleet, claim, "review", {})
    assert [one["rule"] for one in (await fleet.get(f"/claims/{claim}"))["findings"]] == ["CL7"], "266 km are $20.21"
    await rewritten(fleet, 10, 18)
    await step(fleet, claim, "review", {})
    told, small = (await fleet.get(f"/claims/{claim}"))["findings"]
    assert (told["rule"], told["inputs"]["now_cents"]) == ("CL7", "1915")
    assert (small["rule"], small["outcome"], small["inputs"]["estimate_cents"]) == ("EL3", "fail", "1915")
    assert "$19.15" in small["reason"]
