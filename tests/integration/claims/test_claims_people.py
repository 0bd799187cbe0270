"""People of a tenant, their roles and what becomes of them (rule PA2)."""

from typing import Any

import pytest

from services.claims.api.people.people_schemas import PersonBody
from services.claims.domain.register.roles import scopes_of
from services.claims.people_cli import add
from shared.clock import new_id
from shared.http.auth import OPERATOR
from shared.http.problems import Problem
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

MARY = {"name": "Mary Hill", "email": "Mary@Hill.example", "roles": ["verifier", "viewer"], "actor": "R Hill"}
CSV = {"Content-Type": "text/csv"}


async def act(fleet: Fleet, person: str, what: str, status: int = 200, **body: Any) -> dict[str, Any]:
    return await fleet.post(f"/people/{person}/{what}", {"actor": "R Hill"} | body, status)


async def test_PA2_people_have_roles_with_a_history(fleet: Fleet) -> None:
    mary = await fleet.post("/people", MARY)
    assert (mary["roles"], mary["active"], mary["linked"], mary["created_by"]) == (
        ["verifier", "viewer"], True, False, "R Hill"
    )  # fmt: skip
    await act(fleet, mary["id"], "roles", role="preparer", actor="A Hill")
    await act(fleet, mary["id"], "roles", role="preparer", actor="B Hill")
    after = await act(fleet, mary["id"], "roles/viewer/end")
    assert after["roles"] == ["preparer", "verifier"]
    assert (await act(fleet, mary["id"], "roles/viewer/end", 404))["code"] == "not_found"
    told = await fleet.get(f"/people/{mary['id']}")
    history = [(one["role"], one["by"], one["ended_by"]) for one in told["role_history"]]
    assert sorted(history) == [("preparer", "A Hill", ""), ("verifier", "R Hill", ""), ("viewer", "R Hill", "R Hill")]
    assert (await fleet.get("/people", email="mary@hill.EXAMPLE"))["items"] == [after]


async def test_PA2_who_leaves_has_no_roles_and_comes_back_without_them(fleet: Fleet) -> None:
    mary = (await fleet.post("/people", MARY))["id"]
    gone = await act(fleet, mary, "deactivate", reason="left the farm")
    assert (gone["active"], gone["roles"]) == (False, [])
    assert (await act(fleet, mary, "deactivate", 409, reason="again"))["code"] == "person_inactive"
    assert (await act(fleet, mary, "roles", 409, role="viewer"))["code"] == "person_inactive"
    again = await fleet.post("/people", MARY, 409)
    assert (again["code"], again["existing_id"]) == ("already_exists", mary), "nobody slips back by being added again"
    back = await act(fleet, mary, "activate")
    assert (back["active"], back["roles"]) == (True, [])
    assert (await act(fleet, mary, "activate", 409))["code"] == "person_active"
    told = await fleet.get(f"/people/{mary}")
    assert [(one["reason"], one["ended_by"]) for one in told["deactivations"]] == [("left the farm", "R Hill")]
    assert {one["ended_by"] for one in told["role_history"]} == {"R Hill"}


async def test_PA2_a_name_or_an_address_is_put_right_and_how_it_read_stays(claims: Claims, fleet: Fleet) -> None:
    mary = (await fleet.post("/people", MARY))["id"]
    joe = (await fleet.post("/people", {"name": "Joe", "email": "joe@hill.example", "actor": "a"}))["id"]
    put_right = await act(fleet, mary, "correct", name="Mary Hill-Jones", reason="married")
    assert (put_right["name"], put_right["email"]) == ("Mary Hill-Jones", MARY["email"])
    taken = await act(fleet, mary, "correct", 409, email="JOE@hill.example", reason="new address")
    assert (taken["code"], taken["existing_id"]) == ("already_exists", joe)
    claims.clock.now_ms += 1_000
    await act(fleet, mary, "correct", email="mary@jones.example", reason="new address")
    await act(fleet, mary, "correct", email="mary@jones.example", reason="once more")
    told = await fleet.get(f"/people/{mary}")
    assert [(one["name_before"], one["email_before"], one["reason"]) for one in told["corrections"]] == [
        ("Mary Hill", MARY["email"], "married"), ("Mary Hill-Jones", MARY["email"], "new address")
    ]  # fmt: skip
    assert (await fleet.get("/people", email="mary@jones.example"))["items"][0]["id"] == mary


async def test_PA2_only_ascii_letters_are_the_same_in_upper_and_lower_case(fleet: Fleet) -> None:
    """What Unicode folds together may be two mailboxes, of two domains."""
    pairs = (("straße@hill.example", "strasse@hill.example"), ("m@straße.example", "m@strasse.example"),
        ("kim@hill.example", "\N{KELVIN SIGN}im@hill.example"), ("émile@hill.example", "Émile@hill.example"))  # fmt: skip
    for one, other in pairs:
        made = [await fleet.post("/people", {"name": "M", "email": email, "actor": "a"}) for email in (one, other)]
        found = [(await fleet.get("/people", email=email))["items"][0]["id"] for email in (one, other)]
        assert found == [person["id"] for person in made]
        again = await fleet.post("/people", {"name": "M", "email": one.replace("m", "M"), "actor": "a"}, 409)
        assert again["code"] == "already_exists"


async def test_PA2_an_identity_is_one_persons_and_may_be_forgotten(fleet: Fleet) -> None:
    known = {"issuer": "https://id.example", "subject": "248289"}
    mary = await fleet.post("/people", MARY | known)
    assert mary["linked"]
    assert (await fleet.post("/people", {**known, "name": "J", "email": "j@hill.example", "actor": "a"}, 409))[
        "code"
    ] == ("already_exists")
    assert not (await act(fleet, mary["id"], "unlink"))["linked"]
    assert (await act(fleet, mary["id"], "unlink", 409))["code"] == "person_not_linked"
    half = await fleet.post("/people", MARY | {"issuer": "https://id.example"}, 422)
    assert half["code"] == "invalid"
    assert (await fleet.post("/people", {"name": "x", "email": "no address", "actor": "a"}, 422))["code"] == "invalid"
    assert (await fleet.post("/people", {"name": "x", "email": "x@y.example"}, 422))["errors"][0]["pointer"] == "/actor"


async def test_PA2_ops_are_of_the_operator_alone(claims: Claims, fleet: Fleet) -> None:
    refused = await fleet.post("/people", MARY | {"roles": ["ops"]}, 422)
    assert refused["errors"][0]["code"] == "role_not_here"
    operator = Fleet(claims.client(await claims.key(OPERATOR, *scopes_of(["ops"]))), OPERATOR, claims.worker)
    assert (await operator.post("/people", MARY | {"roles": ["ops"]}))["roles"] == ["ops"]
    assert (await operator.post("/people", MARY | {"roles": ["viewer"]}, 422))["errors"][0]["code"] == "role_not_here"


async def test_PA2_people_need_their_own_scope(claims: Claims, fleet: Fleet) -> None:
    other = Fleet(
        claims.client(await claims.key(fleet.tenant, "claims:read", "claims:write")), fleet.tenant, claims.worker
    )
    assert (await other.post("/people", MARY, 403))["scope"] == "people:write"
    imported = await other.client.post("/v1/imports/people", content="name,email,actor\nx,x@y.example,a\n", headers=CSV)
    assert imported.json()["scope"] == "people:write"
    mary = (await fleet.post("/people", MARY))["id"]
    assert (await other.get(f"/people/{mary}"))["name"] == "Mary Hill"
    stranger = await claims.fleet("Another farm")
    assert (await stranger.get(f"/people/{mary}", 404))["code"] == "not_found"
    assert (await act(stranger, mary, "deactivate", 404, reason="x"))["code"] == "not_found"


async def test_PA2_an_operator_adds_the_first_person_of_a_tenant_by_command(claims: Claims, fleet: Fleet) -> None:
    dsn = claims.database.dsn("claims", "worker")
    row = await add(dsn, fleet.tenant, PersonBody.model_validate(MARY), "root")
    told = await fleet.get(f"/people/{row.id}")
    assert (told["name"], told["created_by"], told["roles"]) == ("Mary Hill", "root", ["verifier", "viewer"])
    with pytest.raises(Problem) as refused:
        await add(dsn, fleet.tenant, PersonBody.model_validate(MARY), "root")
    assert refused.value.code == "already_exists"
    ops = PersonBody.model_validate(MARY | {"roles": ["ops"]})
    assert (await add(dsn, OPERATOR, ops, "root")).roles == ["ops"]
    with pytest.raises(Problem):
        await add(
            dsn, fleet.tenant, PersonBody.model_validate(MARY | {"email": "o@x.example", "roles": ["ops"]}), "root"
        )
    with pytest.raises(LookupError):
        await add(dsn, new_id(), PersonBody.model_validate(MARY), "root")


async def test_PA2_people_come_in_by_spreadsheet(fleet: Fleet) -> None:
    text = (
        "name,email,roles,ref,actor\n"
        "Mary Hill,mary@hill.example,verifier viewer,m,R Hill\n"
        "Joe Hill,joe@hill.example,,j,R Hill\n"
        "Ann,ann@hill.example,boss,,R Hill\n"
        "Pat,not an address,viewer,,R Hill\n"
        "Sue,sue@hill.example,ops,,R Hill\n"
        "Tom,tom@hill.example,viewer,,\n"
    )
    answer = (await fleet.client.post("/v1/imports/people", content=text, headers=CSV)).json()
    assert (answer["ok"], answer["errors"]) == (2, 4)
    assert [one["errors"][0]["column"] for one in answer["report"][2:]] == ["roles", "email", "roles", "actor"]
    stored = {one["email"]: one["roles"] for one in (await fleet.get("/people"))["items"]}
    assert stored == {"mary@hill.example": ["verifier", "viewer"], "joe@hill.example": []}
    again = (await fleet.client.post("/v1/imports/people", content=text.replace("Joe", "Joseph"), headers=CSV)).json()
    assert [(one["outcome"], one["differs"]) for one in again["report"][:2]] == [("exists", []), ("exists", ["name"])]
