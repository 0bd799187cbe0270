"""People sign in by an ID token of their provider (rule PA2)."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from joserfc.jwk import RSAKey

from services.claims.adapters.oidc import AGE_S_MAX, BELIEVED_S_MAX, Provider
from services.claims.api.people.token_routes import Desk
from services.claims.api.people.token_schemas import ACCESS_TOKEN, EXCHANGE, ID_TOKEN
from services.claims.application.people.sign_in import CHOICES_MAX
from services.claims.domain.register.roles import scopes_of
from services.claims.repo.people import INSERT_PERSON, INSERT_ROLES
from services.claims.wiring import make_app
from shared.clock import new_id
from shared.db.pool import tx
from shared.http.auth import OPERATOR
from shared.http.mint import Mint
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.tokens.conftest import (
    AUDIENCE,
    MARY,
    NOW,
    NOW_S,
    PROVIDER,
    SomeProvider,
    exchange,
    refused,
)
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


async def test_PA2_without_a_provider_nobody_signs_in(claims: Claims) -> None:
    await refused(await exchange(claims, "x"), "unsupported_grant_type")


async def test_PA2_a_person_signs_in_and_acts_under_their_own_name(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    mary = await fleet.post("/people", MARY)
    told = (await exchange(signing_in, some.id_token(nonce="n1"), nonce="n1", tenant=str(fleet.tenant))).json()
    assert (told["issued_token_type"], told["scope"]) == (
        ACCESS_TOKEN,
        "audit:read claims:read claims:verify land:read tracks:read",
    )
    assert (await fleet.get(f"/people/{mary['id']}"))["linked"]
    her = signing_in.client(told["access_token"])
    assert (await her.get("/v1/people")).status_code == 200
    kept_out = await her.post("/v1/claimants", json={"name": "X"})
    assert (kept_out.status_code, kept_out.json()["title"]) == (403, "Your roles do not allow this")
    moved = some.id_token(email="mary@new.example", email_verified=False)
    assert (await exchange(signing_in, moved)).status_code == 200, "known by the account from now on, not by the e-mail"
    await refused(await exchange(signing_in, some.id_token("another account")), "invalid_request", "no active person")
    assert some.asked == 1


REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("not by the issuer", {"iss": "https://evil.example"}),
    ("not meant for here", {"aud": "another-portal"}),
    ("another client", {"aud": [AUDIENCE, "another-portal"]}),
    ("another client", {"azp": "another-portal"}),
    ("expired", {"exp": NOW_S - 60}),
    ("more than an hour ago", {"iat": NOW_S - AGE_S_MAX - 1}),
    ("not whole", {"iat": NOW_S + 3_600}),
    ("nonce", {"nonce": "another"}),
    ("nonce", {"nonce": None}),
    ("not verified an e-mail", {"email_verified": False}),
    ("not verified an e-mail", {"email_verified": "true"}),
    ("not verified an e-mail", {"email": None}),
    ("no active person", {"email": "joe@hill.example"}),
)


async def test_PA2_an_id_token_is_refused(signing_in: Claims, some: SomeProvider, fleet: Fleet) -> None:
    await fleet.post("/people", MARY)
    for words, changed in REFUSED:
        token = some.id_token(**({"nonce": "n1"} | changed))
        await refused(await exchange(signing_in, token, nonce="n1"), "invalid_request", words)
    asked = {"nonce": "n1", "tenant": str(fleet.tenant)}
    assert (await exchange(signing_in, some.id_token(nonce="n1"), **asked)).status_code == 200
    await refused(await exchange(signing_in, some.id_token(nonce="n1")), "invalid_request", "nonce")
    assert (await exchange(signing_in, some.id_token())).status_code == 200, "a client that sends none"


async def test_PA2_an_id_token_by_another_key_or_of_another_kind_is_refused(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    await fleet.post("/people", MARY)
    forged = some.id_token(key=RSAKey.generate_key(2048))
    await refused(await exchange(signing_in, forged), "invalid_request", "not whole")
    token = (await exchange(signing_in, some.id_token(), tenant=str(fleet.tenant))).json()["access_token"]
    await refused(await exchange(signing_in, token), "invalid_request")
    as_bearer = await signing_in.client(some.id_token()).get("/v1/people")
    assert as_bearer.status_code == 401, "an ID token opens nothing by itself"
    some.issuer = "https://evil.example"
    client = httpx.AsyncClient(transport=httpx.ASGITransport(some.app()))
    desk = Desk(Mint(ISSUER, TOKEN_KEYS, signing_in.clock), Provider(PROVIDER, AUDIENCE, client, signing_in.clock))
    elsewhere = replace(signing_in, app=make_app(signing_in.context, desk))
    async with elsewhere.client(None) as caller:
        form = {"grant_type": EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": some.id_token()}
        assert (await caller.post("/oauth/token", data=form)).status_code == 503, "metadata of another issuer"


async def test_PA2_a_person_of_several_tenants_chooses(signing_in: Claims, some: SomeProvider) -> None:
    one, two = await signing_in.fleet("One farm"), await signing_in.fleet("Two farm")
    first = await one.post("/people", MARY)
    await two.post("/people", MARY | {"roles": ["viewer"]})
    for words in ("registered", "several tenants"):
        told = await refused(await exchange(signing_in, some.id_token()), "invalid_request", words)
        assert sorted(choice["name"] for choice in told["tenants"]) == ["One farm", "Two farm"]
        for farm in (one, two):
            assert (await exchange(signing_in, some.id_token(), tenant=str(farm.tenant))).status_code == 200
    for farm, scope in ((one, "claims:verify"), (two, "tracks:read")):
        answer = (await exchange(signing_in, some.id_token(), tenant=str(farm.tenant))).json()
        assert scope in answer["scope"].split()
        people = (await signing_in.client(answer["access_token"]).get("/v1/people")).json()["items"]
        assert [person["roles"] for person in people] == [["verifier"] if farm is one else ["viewer"]]
    await refused(
        await exchange(signing_in, some.id_token(), tenant=str(OPERATOR)), "invalid_request", "of that tenant"
    )
    await one.post(f"/people/{first['id']}/deactivate", {"reason": "left", "actor": "a"}, 200)
    assert (await exchange(signing_in, some.id_token())).status_code == 200, "one place is left"


async def test_G6_what_another_tenant_registers_changes_nothing_about_a_sign_in(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    """By her e-mail, or by her very account."""
    await fleet.post("/people", MARY)
    first = await refused(await exchange(signing_in, some.id_token()), "invalid_request", "registered")
    assert first["tenants"] == [{"tenant": str(fleet.tenant), "name": "Hill Farms"}]
    assert (await exchange(signing_in, some.id_token(), tenant=str(fleet.tenant))).status_code == 200
    for name, known in (("Mallory", {}), ("Mallory Two", {"issuer": PROVIDER, "subject": "248289"})):
        stranger = await signing_in.fleet(name)
        await stranger.post("/people", MARY | known)
        token = (await exchange(signing_in, some.id_token())).json()["access_token"]
        assert (await signing_in.client(token).get("/v1/people")).json()["items"][0]["created_by"] == "R Hill"
        assert len((await fleet.get("/audit-log", route="/oauth/token"))["items"]) >= 2
        assert (await stranger.get("/audit-log", route="/oauth/token"))["items"] == []
        accepted = (await exchange(signing_in, some.id_token(), tenant=str(stranger.tenant))).json()["access_token"]
        person = (await signing_in.client(accepted).get("/v1/people")).json()["items"][0]["id"]
        several = await refused(await exchange(signing_in, some.id_token()), "invalid_request", "several tenants")
        assert sorted(one["name"] for one in several["tenants"]) == ["Hill Farms", name], "hers from now on"
        await stranger.post(f"/people/{person}/deactivate", {"reason": "r", "actor": "a"}, 200)
    assert (await exchange(signing_in, some.id_token())).status_code == 200


async def test_PA2_a_person_of_more_tenants_than_are_shown_signs_in_at_the_one_they_name(
    signing_in: Claims, some: SomeProvider
) -> None:
    farms = sorted(new_id() for _ in range(CHOICES_MAX + 1))
    async with tx(signing_in.worker) as conn:
        for farm in farms:
            person = new_id()
            await conn.execute("insert into claims.tenant (tenant_id, name) values ($1, 'F')", farm)
            await conn.execute(INSERT_PERSON, farm, person, None, "M", "m", "mary@hill.example", "a", NOW)
            await conn.execute(INSERT_ROLES, farm, person, [new_id()], ["viewer"], NOW, "a")
    told = await refused(await exchange(signing_in, some.id_token()), "invalid_request", "registered")
    assert len(told["tenants"]) == CHOICES_MAX
    for farm in (farms[0], farms[-1]):
        assert (await exchange(signing_in, some.id_token(), tenant=str(farm))).status_code == 200


async def test_PA2_an_id_token_is_good_once(signing_in: Claims, some: SomeProvider, fleet: Fleet) -> None:
    await fleet.post("/people", MARY)
    asked = {"tenant": str(fleet.tenant)}
    token = some.id_token()
    await refused(await exchange(signing_in, token), "invalid_request", "registered")
    await refused(await exchange(signing_in, token, **asked, scope="people:write"), "invalid_scope")
    assert (await exchange(signing_in, token, **asked)).status_code == 200, "what gets no token is not used up"
    same = [token[:-1] + other for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    for one in (token, *same):
        await refused(await exchange(signing_in, one, **asked), "invalid_request")
    signing_in.clock.now_ms += 599_000
    await refused(await exchange(signing_in, token, **asked), "invalid_request", "used before")
    at_once = some.id_token(iat=NOW_S + 590, exp=NOW_S + 1_200)
    answers = await asyncio.gather(*(exchange(signing_in, at_once, **asked) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


async def test_PA2_used_id_tokens_are_forgotten_when_they_could_not_be_believed(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    await fleet.post("/people", MARY)
    asked = {"tenant": str(fleet.tenant)}
    old = some.id_token(exp=NOW_S + 100_000)
    assert (await exchange(signing_in, old, **asked)).status_code == 200
    signing_in.clock.now_ms += (BELIEVED_S_MAX + 1) * 1_000
    now_s = signing_in.clock() // 1000
    assert (await exchange(signing_in, some.id_token(iat=now_s, exp=now_s + 60), **asked)).status_code == 200
    conn = await asyncpg.connect(signing_in.database.superuser)
    try:
        assert await conn.fetchval("select count(*) from claims.id_token_used") == 1
    finally:
        await conn.close()
    await refused(await exchange(signing_in, old, **asked), "invalid_request", "more than an hour ago")
    async with signing_in.context.pool.acquire() as api:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute("delete from claims.id_token_used")


async def test_PA2_first_sign_ins_at_the_same_moment_keep_one_account(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    await fleet.post("/people", MARY)
    tokens = [some.id_token(subject) for _ in range(4) for subject in ("248289", "another account")]
    answers = await asyncio.gather(*(exchange(signing_in, token, tenant=str(fleet.tenant)) for token in tokens))
    by_account = [{answer.status_code for answer in answers[which::2]} for which in (0, 1)]
    assert sorted(map(sorted, by_account)) == [[200], [400]], (
        "one account is hers, whichever was first, and it always is"
    )


async def test_PA2_who_is_deactivated_or_has_no_role_gets_no_other_token(
    signing_in: Claims, some: SomeProvider, fleet: Fleet
) -> None:
    mary = (await fleet.post("/people", MARY))["id"]
    token = (await exchange(signing_in, some.id_token(), tenant=str(fleet.tenant))).json()["access_token"]
    await fleet.post(f"/people/{mary}/deactivate", {"reason": "left", "actor": "R Hill"}, 200)
    await refused(await exchange(signing_in, some.id_token()), "invalid_request", "no active person")
    assert (await signing_in.client(token).get("/v1/people")).status_code == 401
    await fleet.post(f"/people/{mary}/activate", {"actor": "R Hill"}, 200)
    await refused(await exchange(signing_in, some.id_token()), "invalid_request", "with a role")
    await fleet.post(f"/people/{mary}/roles", {"role": "viewer", "actor": "R Hill"}, 200)
    assert (await exchange(signing_in, some.id_token())).json()[
        "scope"
    ] == "audit:read claims:read land:read tracks:read"


async def test_PA2_operators_sign_in_as_ops(signing_in: Claims, some: SomeProvider) -> None:
    key = await signing_in.key(OPERATOR, *scopes_of(["ops"]))
    await Fleet(signing_in.client(key), OPERATOR, signing_in.worker).post("/people", MARY | {"roles": ["ops"]})
    told = (await exchange(signing_in, some.id_token(), tenant=str(OPERATOR))).json()
    assert "ops:cases" in told["scope"].split()
    cases = await signing_in.client(told["access_token"]).get("/v1/ops/cases")
    assert cases.status_code == 200


async def test_G6_the_sign_in_function_tells_nothing_but_the_places_of_one_account(
    claims: Claims, fleet: Fleet
) -> None:
    await fleet.post("/people", MARY)
    async with claims.context.pool.acquire() as conn:
        for given in (("i", "s", None), ("i", "s", "%"), ("i", "s", ""), (None, None, None)):
            assert await conn.fetch("select * from claims.sign_in_places($1, $2, $3)", *given) == []
        found = await conn.fetch("select * from claims.sign_in_places('i', 's', 'mary@hill.example')")
        assert [(row["tenant_id"], row["linked"]) for row in found] == [(fleet.tenant, False)]
