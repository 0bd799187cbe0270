"""A person is forgotten under every name they had, in every column, and nobody else's deeds are touched (rule RE2)."""

import asyncpg
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet
from tests.integration.privacy.desk import Desk, everybody_does_their_part
from tests.integration.privacy.test_privacy_forgetting import everything, years_pass

pytestmark = pytest.mark.integration

# Who did something: put away with the person.
WHO_NAMES = """
actor by created_by ended_by closed_by released_by withdrawn_by revoked_by granted_by looked_by given_to"""
# What people write as they like: a name is put away inside them.
FREE_WORDS = """
closed_reference contact description destination details disabled_reason exempt_reason inputs letter looked_words note
outcome reason reference released_reason withdrawn_reason words"""
# What a thing is, and what is emptied with its claimant or person.
OTHER_NAMES = """
act address agent bank_account_name bank_sealed bank_tail before body boundary boundary_before brief case_ref
channel closed_as code covers contact_person customer_number data default_travel_description device duty_told email email_before
email_key error export_sha256 fields gps_type grounds hash holder inputs_sha256 issuer key key_id kind label last_error leaves
licence_hash media_type method name name_before name_key number number_key officer old_secret_sha256 organisation
over_public paper_hash path person phone places plate plate_licence_hash put_away rate ref request_hash request_id role
root route ruc_type rule rules scopes sealed secret_sha256 segments serial serial_key sha256 shows source specify_type state
statement_hash subject summary things type types unit url wording"""
WHO, WORDS = frozenset(WHO_NAMES.split()), frozenset(FREE_WORDS.split())
NOT_WHO = WORDS | frozenset(OTHER_NAMES.split())
OWN_TIME = {"register_change", "person_correction", "person_leave"}
"""The history of corrections keeps its own time; the other two are put away with the person."""
KEPT = {("register_change", "actor"), ("licence", "ended_by")}
"""The history of corrections keeps its own time, as the log of accesses does (`person`); a licence is ended by an event."""
TEXTS = """
select c.relname as table, a.attname as column from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
join pg_type y on y.oid = a.atttypid
where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r'
    and (y.typcategory = 'S' or y.typname in ('_text', '_varchar', 'json', 'jsonb', 'bytea'))"""
CLOSED = """
select n.name, n.field from (
    select name, field from claims.name_columns() union select name, field from claims.word_columns()) n where not exists (
    select from pg_policy p where p.polrelid = format('claims.%I', n.name)::regclass and p.polcmd in ('w', '*')
        and 'rucor_claims_owner'::regrole = any(p.polroles))"""


async def test_RE2_every_text_column_of_a_tenant_is_known_as_a_name_or_as_none(claims: Claims) -> None:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        texts = {(row["table"], row["column"]) for row in await conn.fetch(TEXTS)}
        put_away = {tuple(row) for row in await conn.fetch("select name, field from claims.name_columns()")}
        words = {tuple(row) for row in await conn.fetch("select name, field from claims.word_columns()")}
        closed = await conn.fetch(CLOSED)
    finally:
        await conn.close()
    unknown = {one for one in texts if one[1] not in WHO | NOT_WHO}
    assert not unknown, "say whether it names who did something: `claims.name_columns` or NOT_WHO"
    assert put_away == {one for one in texts if one[1] in WHO} - KEPT
    assert words == {one for one in texts if one[1] in WORDS and one[0] not in OWN_TIME} | {("claim_preview", "body")}
    assert closed == [], "the owner may not put names away here: a row would stay without a word"
    assert not {one[1] for one in texts} & WHO & NOT_WHO


async def test_RE2_a_person_is_forgotten_under_former_names_too_in_every_column_and_in_stored_answers(
    claims: Claims, desk: Desk, classifier: ClassifierClient, fleet: Fleet
) -> None:
    person = {"name": "Kim Old", "email": "kim@hill.example", "roles": ["viewer"], "actor": "Boss"}
    key = {"Idempotency-Key": "kim"}
    kim = (await fleet.client.post("/v1/people", json=person, headers=key)).json()["id"]
    licence = await fleet.claimable()
    await fleet.verify(licence, "Kim Old")
    leave = {"case_ref": "c", "holder": "1f2e3d4c", "until_at": "2026-11-25", "reason": "r", "actor": "Kim Old"}
    await fleet.post("/ops-grants", leave)
    await fleet.post("/people", {"name": "Z", "email": "z@hill.example", "roles": ["viewer"], "actor": "Kim Old"})
    await fleet.post(f"/people/{kim}/deactivate", {"reason": "was ill for long", "actor": "Boss"}, 200)
    right = {"name": "Kim New", "email": "kim.new@hill.example", "reason": "married", "actor": "Boss"}
    await fleet.post(f"/people/{kim}/correct", right, 200)
    asked = {"kind": "person", "subject_id": kim, "reason": "asked", "actor": "Boss"}
    waits = await fleet.post("/erasure-requests", asked)
    assert waits["state"] == "waiting", "what they verified under the former name is held"

    await years_pass(claims)
    await everybody_does_their_part(desk, classifier)
    left = await everything(claims)
    for text in ("Kim Old", "Kim New", "kim@hill.example", "kim.new@hill.example", "was ill for long"):
        assert text not in left, text
    assert (await fleet.get("/ops-grants"))["items"][0]["granted_by"] == f"erased {kim[:8]}"
    done = await fleet.get(f"/erasure-requests/{waits['id']}")
    assert (done["state"], done["namesake"]) == ("done", False)
    again = await fleet.client.post("/v1/people", json=person, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "answer_erased"), "nor is it done a second time"


async def test_RE2_erasing_one_of_two_people_of_one_name_leaves_the_others_deeds(
    claims: Claims, desk: Desk, classifier: ClassifierClient, fleet: Fleet
) -> None:
    people = [
        await fleet.post("/people", {"name": "J Smith", "email": email, "roles": ["viewer"], "actor": "Boss"})
        for email in ("one@hill.example", "two@hill.example")
    ]
    made = {"name": "Y", "email": "y@hill.example", "roles": ["viewer"], "actor": "J Smith"}
    of_a_smith = (await fleet.post("/people", made))["id"]
    asked = {"kind": "person", "reason": "asked", "actor": "Boss"}
    first = await fleet.post("/erasure-requests", asked | {"subject_id": people[0]["id"]})
    assert (first["state"], first["namesake"]) == ("erasing", True)
    await everybody_does_their_part(desk, classifier)
    assert (await fleet.get(f"/people/{of_a_smith}"))["created_by"] == "J Smith", "it may be the other's"
    assert (await fleet.get(f"/people/{people[1]['id']}"))["name"] == "J Smith"
    assert "one@hill.example" not in await everything(claims)

    last = await fleet.post("/erasure-requests", asked | {"subject_id": people[1]["id"]})
    assert (last["state"], last["namesake"]) == ("erasing", False)
    await everybody_does_their_part(desk, classifier)
    assert (await fleet.get(f"/people/{of_a_smith}"))["created_by"] == f"erased {people[1]['id'][:8]}"
    assert "J Smith" not in await everything(claims)


async def test_RE2_a_verification_knows_its_person_so_a_namesake_takes_nothing_of_it(
    claims: Claims, fleet: Fleet
) -> None:
    licence = await fleet.claimable()
    asked = await fleet.get(f"/licences/{licence}/verification")
    body = {"statement_hash": asked["statement_hash"], "wording": asked["wording"]}
    smiths = [await claims.person(fleet.tenant, "J Smith", "verifier") for _ in range(2)]
    ids = [one["id"] for one in (await fleet.get("/people"))["items"] if one["name"] == "J Smith"]
    assert (await smiths[0].post(f"/v1/licences/{licence}/verification", json=body)).status_code == 201
    request = {"kind": "person", "reason": "asked", "actor": "Boss"}
    other = await fleet.post("/erasure-requests", request | {"subject_id": ids[1]})
    assert (other["state"], other["namesake"]) == ("erasing", True), "the first one's verification holds only the first"
    own = await fleet.post("/erasure-requests", request | {"subject_id": ids[0]})
    assert own["state"] == "waiting"
