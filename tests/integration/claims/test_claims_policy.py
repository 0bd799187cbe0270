"""Operators change rates, fees, reason codes and thresholds; every edition stays, and every lodged claim with it (design G5)."""

import asyncio
from typing import Any

import httpx
import pytest

from services.claims.application.policies import PolicyBook
from services.claims.policy import load
from services.claims.policy.files import texts
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

RATES = "rates.csv"
TYPE_2 = '2023-07-01,,2,0,6000,6400,standard,high,"the price list, read on 20 November"'


def with_rate(line: str = TYPE_2) -> dict[str, str]:
    return {RATES: f"{texts()[RATES]}{line}\n"}


async def change(operator: httpx.AsyncClient, files: dict[str, str], **more: Any) -> httpx.Response:
    body = {"based_on": load().name, "files": files, "reason": "new prices", "actor": "Ops One"} | more
    return await operator.post("/v1/ops/policy", json=body)


async def test_LI5_a_rate_that_nobody_knew_is_asked_for_and_entered(claims: Claims, fleet: Fleet) -> None:
    await fleet.claimable()
    unpriced = {"units": None, "gross_cents": None, "ruc_type": "2", "gross_kg": 5_000}
    licence = await fleet.add_licence("ABC123", "RUC 77", 50_000, "2026-10-01T08:00:00+13:00", **unpriced)
    assert (await fleet.get(f"/licences/{licence}/statement"))["rate"] is None
    operator = await claims.operator()
    asked = (await operator.get("/v1/ops/policy/unknown-rates")).json()["items"]
    assert asked == [{"ruc_type": "2", "gross_kg": 5_000, "bought_on": "2026-10-01", "licences": 1}]

    tried = (await change(operator, with_rate(), dry_run=True)).json()
    assert tried["lines"] == {RATES: [f"+ {TYPE_2}"]}
    assert not tried["changed"]
    assert (await fleet.get(f"/licences/{licence}/statement"))["rate"] is None, "a dry run changes nothing"

    done = (await change(operator, with_rate())).json()
    assert (done["changed"], done["name"]) == (True, tried["name"])
    statement = await fleet.get(f"/licences/{licence}/statement")
    assert (statement["rate"], statement["evidence"]["policy"]) == ("64.00", done["name"])
    assert (await operator.get("/v1/ops/policy/unknown-rates")).json()["items"] == []


async def test_G5_every_edition_that_a_claim_names_is_found_again_word_by_word(claims: Claims, fleet: Fleet) -> None:
    operator = await claims.operator()
    done = (await change(operator, with_rate())).json()
    before = await fleet.get(f"/policy/editions/{load().name}")
    after = await fleet.get(f"/policy/editions/{done['name']}")
    assert before["files"] == texts()
    assert after["files"] == texts() | with_rate()
    await fleet.get("/policy/editions/0123456789abcdef", 404)
    policy = await fleet.get("/policy")
    assert policy["name"] == done["name"]
    assert [rate["cents_per_unit"] for rate in policy["rates"] if rate["source"].startswith("the price list")] == [6400]
    assert {entry["name"]: entry["value"] for entry in policy["constants"]}["minimum_claim_cents"] == 2000
    assert len(policy["reason_codes"]) == 18


async def test_policy_of_two_operators_who_change_the_same_edition_one_wins(claims: Claims) -> None:
    operator = await claims.operator()
    lines = [TYPE_2.replace("6400", str(cents)) for cents in (6400, 6500, 6600, 6700)]
    answers = await asyncio.gather(*(change(operator, with_rate(line)) for line in lines))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"policy_changed"}
    (row,) = (await operator.get("/v1/ops/policy/changes")).json()["items"]
    assert (row["seq"], row["shipped"], row["actor"], row["reason"]) == (1, load().name, "Ops One", "new prices")
    won = next(line for line, answer in zip(lines, answers, strict=True) if answer.status_code == 200)
    again = await change(operator, with_rate(won))
    assert (again.status_code, again.json()["changed"]) == (200, False), "the same change again is no change"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (RATES, "7600", "x", "rates.csv line"),
        (RATES, "7600", "0", "a rate is above 0"),
        (RATES, ",standard,high,newspapers 2024 and 2025", ",standard,certain,x", "rates.csv line"),
        (RATES, ",standard,high,newspapers 2024 and 2025", ",standard,high,a,b", "more cells than columns"),
        ("constants.toml", "[unknown_percent]", "[unknown_precent]", "unknown_precent"),
        ("constants.toml", "value = 10\n", "value = 101\n", "is a percentage"),
        ("constants.toml", "value = 9\n", "value = 10\n", "form_template"),
        ("constants.toml", "value = 2000\n", "value = \n", "constants.toml"),
        ("fees.csv", "2014-11-01", "2014-11-31", "fees.csv line"),
    ],
)
async def test_policy_that_cannot_be_read_is_refused_with_its_place(
    claims: Claims, file: str, old: str, new: str, words: str
) -> None:
    assert old in texts()[file]
    answer = await change(await claims.operator(), {file: texts()[file].replace(old, new, 1)})
    assert answer.status_code == 422
    assert words in answer.json()["errors"][0]["detail"]


async def test_policy_warns_of_rates_that_contradict_each_other(claims: Claims) -> None:
    rival = "2024-01-01,,1,0,3500,8000,standard,high,a rumour"
    done = (await change(await claims.operator(), with_rate(rival), dry_run=True)).json()
    assert done["warnings"] == [
        "rates.csv: type 1 from 2024-01-01 has both 7600 and 8000 cents: together they price nothing"
    ]


async def test_G5_a_claim_is_never_lodged_by_a_policy_that_no_longer_holds(claims: Claims, fleet: Fleet) -> None:
    """Another process changes the threshold between preview and lodging: this one has not heard of it yet."""
    licence = await fleet.claimable()
    token = (await fleet.preview([licence]))["preview_token"]
    claims.context.policies.current = load()
    higher = texts()["constants.toml"].replace("value = 2000\n", "value = 999900\n", 1)
    await change(await claims.operator(), {"constants.toml": higher})
    claims.context.policies.current = load()
    answer = await fleet.client.post("/v1/claims", json={"preview_token": token})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_lodgeable")
    assert any(finding["rule"] == "EL3" for finding in answer.json()["findings"])


async def test_policy_is_followed_by_another_process_and_by_its_restart(claims: Claims) -> None:
    done = (await change(await claims.operator(), with_rate())).json()
    other = PolicyBook(load())
    assert (await other.refresh(claims.worker)).name == done["name"]
    back = await change(await claims.operator(), {RATES: texts()[RATES]}, based_on=done["name"])
    assert back.json()["name"] == load().name
    assert (await other.refresh(claims.worker)).name == load().name


async def test_PA4_a_tenants_key_neither_reads_nor_writes_the_operators_policy(claims: Claims, fleet: Fleet) -> None:
    assert (await fleet.client.get("/v1/ops/policy")).status_code == 403
    assert (await change(fleet.client, with_rate())).status_code == 403
    assert (await (await claims.operator()).get("/v1/ops/policy")).json()["files"] == texts()
