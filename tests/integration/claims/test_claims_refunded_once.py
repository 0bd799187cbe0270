"""No kilometre of a licence is refunded twice, whatever is asked for and in whatever order: rules OT1, OT2, EL4, LI2, design G4."""

import asyncio
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db.pool import tenant_tx
from tests.integration.claims.applying import (
    ON,
    READ_AT,
    SURRENDER,
    act,
    attach,
    failing,
    long_licence,
    parts,
    surrendering,
)
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import KM, Fleet

pytestmark = pytest.mark.integration

MIGRATIONS = Path(__file__).parents[3] / "services" / "claims" / "migrations"


async def test_LI2_a_declined_surrender_runs_on_only_to_the_licence_bought_meanwhile(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    credited = fleet.licence_body("ABC123", "RUC 10", 46_000, READ_AT, overlap=True, credit_cents=684_00)
    refused = await fleet.post("/licences", credited, 409)
    assert (refused["code"], refused["existing_id"]) == ("unused_refunded", made["id"])
    await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT)
    await act(fleet, made, "withdraw", {"on": ON, "reason": "kept"})
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (46_000, "overlap")


async def test_OT1_what_an_overlap_credited_is_not_surrendered_too(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await fleet.add_licence(
        "ABC123", "RUC 10", 46_000, READ_AT, end_reading=60_000, units=14, gross_cents=68_600, overlap=True
    )
    assert await parts(fleet, licence) == [("credit", 46_000, 55_000)]
    found = await fleet.get(f"/applications/{made['id']}")
    assert [one for one in failing(found) if "credited when licence RUC 10 was bought" in one]
    assert (await act(fleet, made, "ready", None, 409))["code"] == "not_ready"


async def test_EL4_a_paper_that_was_given_back_keeps_its_number_so_that_it_is_not_entered_again(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    why = {"reason": "typed wrong", "actor": "R Hill"}
    for wrong in ({"number": "RUC 99"}, {"claimant_id": await fleet.add_claimant("Ridge Farms")}):
        refused = await fleet.post(f"/licences/{licence}/correction", why | wrong, 409)
        assert refused["code"] == "stands_on_it", wrong
    await fleet.post(f"/licences/{licence}/correction", why | {"number": "ruc-9"}, 200)
    twin = fleet.licence_body("ABC123", "RUC 9", 46_000, READ_AT)
    assert (await fleet.post("/licences", twin, 409))["code"] == "already_exists"
    await act(fleet, made, "withdraw", {"on": ON, "reason": "kept"})
    await fleet.post(f"/licences/{licence}/correction", why | {"number": "RUC 99"}, 200)


async def test_OT1_a_credit_for_what_was_given_back_is_not_written_down_afterwards_either(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    later = await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT)
    credit = {"credit_cents": 684_00, "reason": "forgotten", "actor": "R Hill"}
    refused = await fleet.post(f"/licences/{later}/correction", credit, 409)
    assert (refused["code"], refused["existing_id"]) == ("unused_refunded", made["id"])


async def test_EL4_a_claim_waits_for_the_surrender_and_both_together_never_hold_a_kilometre_twice(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    judged = await fleet.get(f"/licences/{licence}/eligibility")
    waiting = [one for one in judged["findings"] if one["inputs"].get("application") == "surrender"]
    assert [(one["rule"], one["outcome"], one["waiting"]) for one in waiting] == [("EL4", "fail", True)]
    assert judged["claimable_km"] == 560
    await fleet.post("/waivers", {"rule": "EL4", "licence_id": licence, "reason": "two years end soon", "actor": "R"})
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("unused", 46_000, 55_000)]
    await act(fleet, made, "withdraw", {"on": ON, "reason": "kept"})
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["state"]) == (46_000, "lodged"), "what is lodged is never changed"
    again = await surrendering(fleet, licence)
    assert not failing(again), "what lies beyond the claimed part may be given back"
    assert [one for one in again["findings"] if "claimed as off road up to 46000" in one["reason"]]
    lower = await act(fleet, again, "details", {"reading": 45_500, "read_at": "2026-10-10T08:00:00+13:00"})
    assert [one for one in failing(lower) if "45000 to 46000 of the licence was claimed as off road" in one]


async def test_EL4_a_licence_claimed_whole_has_nothing_left_to_surrender(claims: Claims, fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    outside = {"claimed_on": ON, "reference": "paper 1", "actor": "R", "reason": "by hand"}
    await fleet.post(f"/licences/{licence}/claimed-outside", outside)
    made = await surrendering(fleet, licence)
    assert [one for one in failing(made) if "was claimed as off road (paper 1)" in one]
    with pytest.raises(asyncpg.ExclusionViolationError, match="refunded_range_once"):
        async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
            await conn.execute(
                "select claims.take_range($1, gen_random_uuid(), $2, '[54999,55000]', 'unused', gen_random_uuid())",
                fleet.tenant, UUID(licence),
            )  # fmt: skip


async def test_OT2_two_clients_cannot_both_apply_for_one_licence(claims: Claims, fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    bodies = [{"kind": kind, "licence_id": licence, "actor": "a"} for kind in ("surrender", "cancelled_vehicle") * 4]
    answers = await asyncio.gather(*(fleet.client.post("/v1/applications", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    (made,) = [answer.json() for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(one["code"], one["existing_id"]) for one in refused} == {("already_exists", made["id"])}
    with pytest.raises(asyncpg.UniqueViolationError, match="application_standing_once"):
        async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
            await conn.execute(
                "insert into claims.application (tenant_id, id, kind, state, vehicle_id, licence_id, details, created_at) "
                "select tenant_id, gen_random_uuid(), 'recorder_change', state, vehicle_id, licence_id, details, created_at "
                "from claims.application"
            )


async def test_G4_surrender_and_claim_at_once_never_take_the_same_kilometre(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    made = await surrendering(fleet, licence)
    outside = {"claimed_on": ON, "reference": "paper 1", "actor": "R", "reason": "by hand"}
    answers = await asyncio.gather(
        *(fleet.client.post(f"/v1/applications/{made['id']}/ready", json={"actor": "a"}) for _ in range(4)),
        *(fleet.client.post(f"/v1/licences/{licence}/claimed-outside", json=outside) for _ in range(4)),
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    found = await parts(fleet, licence)
    # either the claim came first and took all, or the surrender did and left the claim what lies before its reading
    assert found in (
        [("off_road", 45_000, 55_000)],
        [("off_road", 45_000, 46_000), ("unused", 46_000, 55_000)],
    )


async def invariants(fleet: Fleet, licence: str) -> None:
    """No kilometre twice, no cent more than was paid, and the claimable range ends where something was given back."""
    found = await fleet.get(f"/licences/{licence}/refunded")
    ordered = [(one["from_reading"], one["to_reading"], one["kind"]) for one in found["parts"]]
    assert ordered == sorted(ordered)
    assert all(first[1] <= second[0] for first, second in pairwise(ordered))
    assert all(45_000 <= first < last <= 55_000 for first, last, _ in ordered)
    assert sum((last - first) * 76 // 10 for first, last, _ in ordered) <= 760_00
    given_back = [first for first, _, kind in ordered if kind != "off_road"]
    end = (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"]
    assert end <= min(given_back, default=55_000)


async def at_random(fleet: Fleet, seed: int) -> set[str]:
    """Fourteen things done to one licence, the invariants after each; which of them were taken."""
    licence = await long_licence(fleet)
    choose = Random(seed)
    evidence = {"code": "bank_evidence", "attachment_id": await attach(fleet), "shows": ["logo", "name", "number"]}
    outside = {"claimed_on": ON, "reference": "paper 1", "actor": "R", "reason": "by hand"}
    taken = set()
    for number in range(14):
        every = (await fleet.get("/applications", licence_id=licence))["items"]
        standing = [one for one in every if one["state"] not in {"declined", "withdrawn"}]
        reading = choose.choice([46_000, 46_500, 47_000])
        steps: dict[str, dict[str, Any]] = {
            "details": {"reading": reading},
            "ready": {},
            "sent": {"on": ON, "channel": "online"},
            "received": {"on": ON},
            "declined": {"on": ON, "reason": "no"},
            "withdraw": {"on": ON, "reason": "no", "reference": "letter"},
        }
        onward = {"draft": "ready", "ready": "sent", "sent": "received", "received": "declined"}
        likely = [onward[one["state"]] for one in standing] * 12
        step = choose.choice([*likely, *steps, "overlap", "outside"])
        if not standing:
            made = await fleet.post("/applications", SURRENDER | {"licence_id": licence, "reading": reading})
            await act(fleet, made, "documents", evidence)
        elif step in steps:
            url = f"/v1/applications/{standing[0]['id']}/{step}"
            answer = await fleet.client.post(url, json=steps[step] | {"actor": "R"})
        elif step == "outside":
            answer = await fleet.client.post(f"/v1/licences/{licence}/claimed-outside", json=outside)
        else:
            body = fleet.licence_body("ABC123", f"N {number}", reading, READ_AT, overlap=True, units=20)
            body |= {"end_reading": reading + 20_000, "gross_cents": 152_000}
            answer = await fleet.client.post("/v1/licences", json=body)
        if standing:
            assert answer.status_code in {200, 201, 409, 422}, answer.text
            taken |= {step} if answer.status_code < 400 else set()
        await invariants(fleet, licence)
    return taken


async def test_OT2_whatever_is_done_in_whatever_order_no_kilometre_is_refunded_twice(claims: Claims) -> None:
    taken = set()
    for seed in (3, 6, 7, 8, 12):
        taken |= await at_random(await claims.fleet(f"Fleet {seed}"), seed)
    assert taken == {"details", "ready", "sent", "received", "declined", "withdraw", "overlap", "outside"}


async def test_what_was_refunded_before_there_were_applications_is_known_too(claims: Claims, fleet: Fleet) -> None:
    """The migration's own statements, run again by the schema's owner over a register that is there."""
    licence = await long_licence(fleet)
    bought = {"end_reading": 60_000, "units": 14, "gross_cents": 68_600, "overlap": True}
    await fleet.add_licence("ABC123", "RUC 10", 46_000, READ_AT, **bought)
    outside = {"claimed_on": ON, "reference": "paper 1", "actor": "R", "reason": "by hand"}
    await fleet.post(f"/licences/{licence}/claimed-outside", outside)
    before = await parts(fleet, licence)
    assert before == [("off_road", 45_000, 46_000), ("credit", 46_000, 55_000)]
    text = (MIGRATIONS / "0013_applications.sql").read_text("utf-8")
    refill = text[text.index("-- What was lodged") : text.index("-- squawk-ignore ban-drop-constraint")]
    superuser = await asyncpg.connect(claims.database.superuser)
    try:
        await superuser.execute("delete from claims.refunded_range")
        assert await parts(fleet, licence) == []
        # as then: the new table is not bound to a tenant yet
        loose = "alter table claims.refunded_range no force row level security"
        bound = "alter table claims.refunded_range force row level security"
        await superuser.execute(f"begin; set local role rucor_claims_owner; {loose}; {refill} {bound}; commit")
    finally:
        await superuser.close()
    assert await parts(fleet, licence) == before


async def test_OT3_EL4_a_reading_that_comes_after_the_application_lets_no_claim_into_what_it_asks_for(
    fleet: Fleet,
) -> None:
    """The old recorder went on to 46500 before it came off; 46000 to 55000 are asked for as unused."""
    licence = await long_licence(fleet)
    made = await fleet.post("/applications", await unserviceable(fleet, licence))
    await act(fleet, made, "ready")
    await act(fleet, made, "sent", {"on": ON, "channel": "agent"})
    await fleet.add_reading("ABC123", "2026-11-10T11:00:00+13:00", 46_500)
    statement = await fleet.get(f"/licences/{licence}/statement")
    assert statement["recorder_mm"] == 1_000 * KM
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("unused", 46_000, 55_000)]


async def test_OT1_OT3_what_a_late_overlap_credited_beyond_the_claim_is_not_refunded_as_unused_too(
    fleet: Fleet,
) -> None:
    licence = await long_licence(fleet)
    await fleet.add_reading("ABC123", "2026-11-09T12:00:00+13:00", 46_000)
    asked = await unserviceable(fleet, licence)
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    late = {"end_reading": 65_500, "units": 20, "gross_cents": 152_000, "credit_cents": 722_00, "overlap": True}
    await fleet.add_licence("ABC123", "RUC 20", 45_500, "2026-10-08", **late)
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000), ("credit", 46_000, 55_000)]
    made = await fleet.post("/applications", asked)
    assert [one for one in failing(made) if "credited when licence RUC 20 was bought" in one]
    await act(fleet, made, "ready", None, 409)


async def unserviceable(fleet: Fleet, licence: str) -> dict[str, Any]:
    """The recorder is replaced on 10 November; it had failed the day before, at 46000."""
    old = fleet.recorders["ABC123"]
    at = "2026-11-10T12:00:00+13:00"
    new = {"vehicle_id": fleet.vehicles["ABC123"], "kind": "hubodometer", "serial": "HB-2", "from": at, "replaces": old}
    fleet.recorders["new"] = (await fleet.post("/recorders", new))["id"]
    replacement = await fleet.add_licence("new", "RUC 11", 0, at)
    return {
        "kind": "recorder_change", "licence_id": licence, "cause": "unserviceable", "reading": 46_000,
        "read_at": "2026-11-09T12:00:00+13:00", "odometer_reading": 91_000, "actor": "R Hill",
        "new_recorder_id": fleet.recorders["new"], "replacement_licence_id": replacement,
    }  # fmt: skip


WHY = {"actor": "R Hill", "reason": "as printed"}


async def test_OT3_OT1_what_was_left_on_the_old_recorder_is_credited_or_asked_for_and_never_both(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    asked = await unserviceable(fleet, licence)
    replacement = asked["replacement_licence_id"]
    await fleet.post(f"/licences/{replacement}/correction", WHY | {"credit_cents": 684_00}, 200)
    made = await fleet.post("/applications", asked)
    (fault,) = failing(made)
    assert fault.startswith("what was left was credited when licence RUC 11 was bought")
    await act(fleet, made, "ready", None, 409)
    await fleet.post(f"/licences/{replacement}/correction", WHY | {"credit_cents": 0}, 200)
    assert failing(await fleet.get(f"/applications/{made['id']}")) == []
    await act(fleet, made, "ready")
    late = await fleet.post(f"/licences/{replacement}/correction", WHY | {"credit_cents": 684_00}, 409)
    assert (late["code"], late["existing_id"]) == ("unused_refunded", made["id"])
    await act(fleet, made, "withdraw", {"on": ON, "reason": "it was credited"})
    await fleet.post(f"/licences/{replacement}/correction", WHY | {"credit_cents": 684_00}, 200)


async def test_OT3_OT1_a_credit_between_licences_of_the_new_recorder_is_its_own(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    asked = await unserviceable(fleet, licence)
    bought = {"end_reading": 1_900, "units": 1, "credit_cents": 7_60, "overlap": True}
    await fleet.add_licence("new", "RUC 12", 900, "2026-11-12", **bought)
    made = await fleet.post("/applications", asked)
    assert failing(made) == []
    await act(fleet, made, "ready")
    await fleet.add_licence("new", "RUC 13", 1_800, "2026-11-14", **bought | {"end_reading": 2_800})
    assert await parts(fleet, asked["replacement_licence_id"]) == [("credit", 900, 1_000)]


async def test_OT3_OT1_a_credit_for_what_the_second_recorder_had_left_is_none_for_the_first(fleet: Fleet) -> None:
    """What was left on the first was refunded by an application; the second one's licence is credited with the third's."""
    licence = await long_licence(fleet)
    made = await fleet.post("/applications", await unserviceable(fleet, licence))
    await act(fleet, made, "ready")
    at = "2026-11-20T12:00:00+13:00"
    third = {"vehicle_id": fleet.vehicles["ABC123"], "kind": "hubodometer", "serial": "HB-3", "from": at}
    fleet.recorders["third"] = (await fleet.post("/recorders", third | {"replaces": fleet.recorders["new"]}))["id"]
    assert await fleet.add_licence("third", "RUC 14", 0, at, credit_cents=38_00)


async def test_OT2_OT1_what_was_surrendered_before_the_recorder_was_changed_is_not_credited_too(fleet: Fleet) -> None:
    """The licence given back the day before; a credit with the first licence of the new recorder would be for the same."""
    licence = await long_licence(fleet)
    replacement = (await unserviceable(fleet, licence))["replacement_licence_id"]
    made = await surrendering(fleet, licence, read_at="2026-11-09T12:00:00+13:00")
    assert failing(made) == []
    credit = WHY | {"credit_cents": 684_00}
    await fleet.post(f"/licences/{replacement}/correction", credit, 200)
    (fault,) = failing(await fleet.get(f"/applications/{made['id']}"))
    assert fault.startswith("what was left was credited when licence RUC 11 was bought")
    await act(fleet, made, "ready", None, 409)
    await fleet.post(f"/licences/{replacement}/correction", WHY | {"credit_cents": 0}, 200)
    await act(fleet, made, "ready")
    late = await fleet.post(f"/licences/{replacement}/correction", credit, 409)
    assert (late["code"], late["existing_id"]) == ("unused_refunded", made["id"])
    own = {"end_reading": 1_900, "units": 1, "credit_cents": 7_60, "overlap": True}
    await fleet.add_licence("new", "RUC 12", 900, "2026-11-12", **own)
    assert await parts(fleet, replacement) == [("credit", 900, 1_000)], "a credit for the new recorder's own"


async def test_LI2_CL5_a_surrender_and_a_claim_that_are_both_taken_back_leave_the_licence_whole(fleet: Fleet) -> None:
    licence = await long_licence(fleet)
    await fleet.add_reading("ABC123", READ_AT, 46_000)
    made = await surrendering(fleet, licence)
    await act(fleet, made, "ready")
    await fleet.post("/waivers", {"rule": "EL4", "licence_id": licence, "reason": "sure of it", "actor": "R Hill"})
    claims = []
    for state in ("asked for", "withdrawn"):
        preview = await fleet.preview([licence])
        claims.append((await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"])
        if state == "withdrawn":
            await act(fleet, made, "withdraw", {"on": ON, "reason": "kept"})
        await fleet.post(f"/claims/{claims[-1]}/withdraw", {"on": ON, "actor": "R Hill", "reason": "typed wrong"}, 200)
        paper = await fleet.get(f"/licences/{licence}")
        expected = (46_000, "surrender") if state == "asked for" else (55_000, None)
        assert (paper["claimable_end_reading"], paper["ended_by"]) == expected, state
    assert await parts(fleet, licence) == []
