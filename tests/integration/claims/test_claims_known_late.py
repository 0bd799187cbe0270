"""What is known late of a licence: a credit, a sale, a surrender that came to nothing.  No kilometre of it is refunded again, and none
is lost (rules OT1, OT2, LI2; Act s 31, s 35)."""

from typing import Any

import pytest

from tests.integration.claims.applying import ON, READ_AT, act, failing, long_licence, parts, surrendering
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

CREDIT = 684_00
SALE: dict[str, Any] = {
    "kind": "sold", "at": "2026-11-20T08:00:00+13:00", "reading": 46_000, "reason": "sold", "actor": "R Hill"
}  # fmt: skip
WHY: dict[str, Any] = {"reason": "typed wrong", "actor": "R Hill"}


async def not_given_back(fleet: Fleet, licence: str) -> None:
    assert await parts(fleet, licence) == [("credit", 46_000, 55_000)]
    again = await surrendering(fleet, licence)
    assert [one for one in failing(again) if "credited when licence RUC 10 was bought" in one]
    assert (await act(fleet, again, "ready", None, 409))["code"] == "not_ready"


async def test_OT1_a_credit_written_down_after_a_surrender_came_to_nothing_is_not_surrendered_too(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    later = await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT)
    await act(fleet, made, "withdraw", {"on": ON, "reason": "overlapped instead"})
    assert await parts(fleet, licence) == [], "bought without credit, as far as anybody said"
    await fleet.post(f"/licences/{later}/correction", WHY | {"credit_cents": CREDIT}, 200)
    await not_given_back(fleet, licence)


async def test_OT1_a_credit_written_down_for_an_overlap_is_the_one_that_was_noted_with_it(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    later = await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT, overlap=True)
    await fleet.post(f"/licences/{later}/correction", WHY | {"credit_cents": CREDIT}, 200)
    await not_given_back(fleet, licence)


async def test_OT1_EL4_a_credit_for_what_lies_beyond_a_claim_is_not_surrendered_too(fleet: Fleet) -> None:
    """The claim of a sold vehicle ends at the sale, so that an overlap bought there meets nothing that still runs."""
    licence = await long_licence(fleet)
    ute = fleet.vehicles["ABC123"]
    await fleet.post(f"/vehicles/{ute}/sale", SALE, 200)
    await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT, overlap=True, credit_cents=CREDIT)
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("credit", 46_000, 55_000)]


async def test_OT1_EL5_a_credit_past_a_sale_that_never_was_is_not_surrendered_too(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    ute = fleet.vehicles["ABC123"]
    await fleet.post(f"/vehicles/{ute}/sale", SALE, 200)
    await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT, overlap=True, credit_cents=CREDIT)
    await fleet.post(f"/vehicles/{ute}/sale/strike", WHY, 200)
    assert (await fleet.get(f"/licences/{licence}"))["ended_by"] == "overlap"
    await not_given_back(fleet, licence)


async def test_LI2_EL5_a_surrender_withdrawn_after_a_sale_lets_the_licence_run_on_to_the_sale_alone(
    fleet: Fleet,
) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    after = SALE | {"at": "2026-11-22T12:00:00+13:00", "reading": 46_300}
    await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", after, 200)
    await act(fleet, made, "withdraw", {"on": ON, "reason": "sold instead"})
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (46_300, "sale")
    judged = await fleet.get(f"/licences/{licence}/eligibility")
    (free,) = [one for one in judged["findings"] if one["rule"] == "LI4"]
    assert free["outcome"] == "pass", "nobody asks for those kilometres any more"


async def test_LI2_EL5_a_licence_bought_ahead_is_whole_again_after_a_struck_sale_whatever_another_one_gave_back(
    fleet: Fleet,
) -> None:
    licence = await long_licence(fleet)
    ahead = await fleet.add_licence("ABC123", "RUC 10", 55_000, "2026-11-01")
    await fleet.add_licence("ABC123", "RUC 11", 55_200, "2026-11-02", kind="additional")  # on top, and ends nothing
    await fleet.add_licence("ABC123", "RUC 12", 56_000, "2026-11-03")  # from its end on, and ends nothing either
    await act(fleet, await surrendering(fleet, licence), "ready")
    after = SALE | {"at": "2026-11-22T12:00:00+13:00", "reading": 46_300}
    ute = fleet.vehicles["ABC123"]
    for step, body, end in (("sale", after, (55_000, "sale")), ("sale/strike", WHY, (56_000, None))):
        await fleet.post(f"/vehicles/{ute}/{step}", body, 200)
        papers = [await fleet.get(f"/licences/{one}") for one in (licence, ahead)]
        assert [(one["claimable_end_reading"], one["ended_by"]) for one in papers] == [(46_000, "surrender"), end]
