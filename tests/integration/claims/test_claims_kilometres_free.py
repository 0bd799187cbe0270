"""Whatever became of a recorder's licences, what eligibility says of their kilometres is what the constraints say when a claim takes
them, no more and no less (rules LI4, EL4; guarantee G4)."""

from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.claims.application.statement.assess import assess
from services.claims.application.statement.facts import load_facts
from services.claims.domain.claim.taken import RULE
from shared.clock import new_id
from shared.db.pool import Connection, tenant_tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import NOW_MS, Fleet

pytestmark = pytest.mark.integration

ON = "2026-11-22"
WHY: dict[str, Any] = {"on": ON, "reason": "found out later", "reference": "letter 3", "actor": "R Hill"}
STRIKE: dict[str, Any] = {"reason": "found out later", "actor": "R Hill"}
OUTSIDE: dict[str, Any] = {"claimed_on": ON, "reference": "paper 1", "actor": "R Hill", "reason": "by hand"}
FREE = """
select l.id, l.recorder_id, l.start_reading, l.claimable_end_reading from claims.licence l
where l.tenant_id = $1 and l.claimable_end_reading > l.start_reading and not exists (
    select from claims.lodged_licence m where m.tenant_id = $1 and m.licence_id = l.id and m.released_at is null)"""
LODGE = "select claims.lodge_licence($1, $2, $3, $4, int8range($5, $6, '(]'), $7, $7, 'claim', $2)"
TAKEN = {"lodged_range_once", "refunded_range_once"}


class Undo(Exception):
    """What was tried is not kept."""


class Recorder:
    """One recorder's licences, and what their holder does about them; what is refused is refused."""

    def __init__(self, claims: Claims, fleet: Fleet, chance: Random) -> None:
        self.claims, self.fleet, self.chance = claims, fleet, chance
        self.licences: list[str] = []
        self.lodged: list[str] = []

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self.fleet.client.post(f"/v1{path}", json=body)
        assert answer.status_code < 500, (path, answer.text)
        found: dict[str, Any] = answer.json()
        return found if answer.status_code < 300 else None

    async def begin(self) -> None:
        """1000 km of which 560 may be claimed; read again at 52000, with a licence bought beyond that."""
        self.licences.append(await self.fleet.claimable())
        await self.post(f"/licences/{self.fleet.licences['RUC 0001 next']}/strike", STRIKE)
        await self.fleet.add_reading("ABC123", "2026-11-15", 52_000)
        await self.fleet.add_licence("ABC123", "RUC last", 60_000, "2026-11-16")

    async def step(self) -> None:
        one = self.chance.choice(self.licences)
        claim = self.chance.choice(self.lodged or [str(new_id())])
        act = self.chance.choice(["overlap", "overlap", "claim", "claim", "claim", "sent", "consent", "withdraw", "outside",
            "strike_outside", "strike", "unused"])  # fmt: skip
        if act == "overlap":
            await self.overlap()
        elif act == "claim":
            await self.claim(one)
        elif act == "sent":
            await self.post(f"/claims/{claim}/sent", {"on": ON, "channel": "email", "actor": "R Hill"})
        elif act == "consent":
            await self.post(f"/claims/{claim}/second-application", WHY | {"licence_ids": [one]})
        elif act == "withdraw":
            await self.post(f"/claims/{claim}/withdraw", {"on": ON, "reason": "not yet", "actor": "R Hill"})
        elif act == "outside":
            await self.post(f"/licences/{one}/claimed-outside", OUTSIDE)
        elif act == "strike_outside":
            await self.post(f"/licences/{one}/claimed-outside/strike", STRIKE)
        elif act == "unused":
            await self.ask_for_unused(one)
        elif await self.post(f"/licences/{one}/strike", STRIKE) is not None:
            self.licences.remove(one)
            if not self.licences:
                await self.overlap()

    async def overlap(self) -> None:
        """Entered late, perhaps under a claim."""
        start, units = self.chance.randrange(45_000, 47_000, 50), self.chance.randint(1, 3)
        day = min(14, 1 + (start - 45_000) // 70)
        body = self.fleet.licence_body(
            "ABC123", f"RUC {len(self.licences)} {new_id().hex[:6]}", start, f"2026-10-{day:02d}T12:00:00+13:00",
            end_reading=start + 1000 * units, units=units, gross_cents=7_600 * units, overlap=self.chance.random() < 0.8,
        )  # fmt: skip
        made = await self.post("/licences", body)
        if made is not None:
            self.licences.append(made["id"])

    async def claim(self, licence: str) -> None:
        """What is previewed as lodgeable is lodged, and what is not is not: nobody else is there."""
        preview = await self.fleet.preview([licence])
        answer = await self.fleet.client.post("/v1/claims", json={"preview_token": preview["preview_token"]})
        assert (answer.status_code == 201) == preview["lodgeable"], (preview["lines"], answer.text)
        if answer.status_code == 201:
            self.lodged.append(answer.json()["id"])
        else:
            assert answer.json()["code"] in {"not_lodgeable", "already_claimed"}, answer.text

    async def ask_for_unused(self, licence: str) -> None:
        """As an application takes what is left of it."""
        async with tenant_tx(self.claims.context.pool, self.fleet.tenant) as conn:
            try:
                await conn.execute(
                    "select claims.take_range($1, $2, $3, int8range($4, $5, '(]'), 'unused', $2)",
                    self.fleet.tenant, new_id(), UUID(licence), low := self.chance.randrange(45_000, 48_000, 50), low + 400,
                )  # fmt: skip
            except asyncpg.ExclusionViolationError:
                return

    async def check(self) -> int:
        """How many licences are held by something else."""
        async with tenant_tx(self.claims.context.pool, self.fleet.tenant) as conn:
            free = await conn.fetch(FREE, self.fleet.tenant)
            ids = [row["id"] for row in free]
            facts = await load_facts(conn, self.fleet.tenant, ids, self.claims.context.policy, NOW_MS)
        told = {
            item.row.id: next(one.outcome for one in item.assessment.findings if one.rule == RULE)
            for item in assess(facts, self.claims.context.policy)
        }
        for row in free:
            async with tenant_tx(self.claims.context.pool, self.fleet.tenant) as conn:
                refused = await refused_by(conn, self.fleet.tenant, row)
            assert (told[row["id"]] == "fail") == (refused in TAKEN), (dict(row), told[row["id"]], refused)
        return sum(outcome == "fail" for outcome in told.values())


async def refused_by(conn: Connection, tenant: UUID, row: asyncpg.Record) -> str | None:
    """The constraint that keeps the licence from being lodged, which is not done."""
    source = new_id()
    try:
        async with conn.transaction():
            await conn.execute(
                LODGE, tenant, source, row["id"], row["recorder_id"], row["start_reading"], row["claimable_end_reading"],
                source.bytes,
            )  # fmt: skip
            raise Undo
    except Undo:
        return None
    except asyncpg.ExclusionViolationError as error:
        return str(error.constraint_name)


@pytest.mark.timeout(300)
async def test_LI4_G4_what_is_previewed_as_lodgeable_is_lodged_and_what_the_constraints_refuse_is_told_before(
    claims: Claims,
) -> None:
    held = lodged = 0
    for seed in range(5):
        life = Recorder(claims, await claims.fleet(f"Recorder {seed}"), Random(seed))
        await life.begin()
        for _ in range(16):
            await life.step()
            held += await life.check()
        lodged += len(life.lodged)
    assert lodged > 5
    assert held > 5, "in these lives some claim or refund held what another licence covers"


async def test_LI7_CL5_a_record_of_a_claim_outside_is_not_taken_back_over_another_licences_claim(fleet: Fleet) -> None:
    """Claimed 45000 to 46000, consent to a second application, which was made elsewhere for what the late overlap left; then the
    overlap was claimed here.  The first claim cannot have its kilometres back meanwhile."""
    licence = await fleet.claimable()
    claim = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    await fleet.post(f"/claims/{claim['id']}/sent", {"on": ON, "channel": "email", "actor": "R Hill"}, 200)
    await fleet.post(f"/licences/{fleet.licences['RUC 0001 next']}/strike", STRIKE, 200)
    more: dict[str, Any] = {"end_reading": 48_250, "units": 3, "gross_cents": 22_800, "overlap": True}
    overlap = await fleet.add_licence("ABC123", "RUC 5", 45_250, "2026-10-04T12:00:00+13:00", **more)
    await fleet.add_licence("ABC123", "RUC 6", 48_250, "2026-11-02")
    await fleet.add_reading("ABC123", "2026-11-02", 48_250)
    await fleet.post(f"/claims/{claim['id']}/second-application", WHY | {"licence_ids": [licence]}, 200)
    await fleet.post(f"/licences/{licence}/claimed-outside", OUTSIDE)
    second = await fleet.post("/claims", {"preview_token": (await fleet.preview([overlap]))["preview_token"]})
    refused = await fleet.post(f"/licences/{licence}/claimed-outside/strike", STRIKE, 409)
    assert (refused["code"], refused["licence_ids"]) == ("range_claimed", [licence])
    await fleet.post(f"/claims/{second['id']}/withdraw", {"on": ON, "reason": "after all", "actor": "R Hill"}, 200)
    await fleet.post(f"/licences/{licence}/claimed-outside/strike", STRIKE, 200)
    assert (await fleet.get(f"/licences/{licence}"))["claim_id"] == claim["id"]


async def test_CL5_a_second_application_is_withdrawn_once_the_claim_named_in_the_refusal_is(fleet: Fleet) -> None:
    """The first claim was declined; a late overlap cut the licence, another application followed for what was left, and the overlap
    was claimed: the first claim's kilometres are the overlap's until that claim is withdrawn."""
    licence = await fleet.claimable()
    first = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    who: dict[str, Any] = {"on": ON, "actor": "R Hill"}
    await fleet.post(f"/claims/{first['id']}/sent", who | {"channel": "email"}, 200)
    await fleet.post(f"/claims/{first['id']}/received", who, 200)
    declined = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "an overlap is missing"}
    await fleet.post(f"/claims/{first['id']}/outcomes", {"actor": "R Hill", "lines": [declined]}, 200)
    await fleet.post(f"/licences/{fleet.licences['RUC 0001 next']}/strike", STRIKE, 200)
    more: dict[str, Any] = {"end_reading": 48_500, "units": 3, "gross_cents": 22_800, "overlap": True}
    overlap = await fleet.add_licence("ABC123", "RUC 5", 45_500, "2026-10-08T08:00:00+13:00", **more)
    await fleet.add_licence("ABC123", "RUC 6", 48_500, "2026-11-02")
    await fleet.add_reading("ABC123", "2026-11-02", 48_500)
    await fleet.post(f"/claims/{first['id']}/second-application", WHY | {"licence_ids": [licence]}, 200)
    second, third = [
        await fleet.post("/claims", {"preview_token": (await fleet.preview([one]))["preview_token"]})
        for one in (licence, overlap)
    ]
    withdraw: dict[str, Any] = who | {"reason": "after all"}
    refused = await fleet.post(f"/claims/{second['id']}/withdraw", withdraw, 409)
    assert (refused["code"], refused["licence_ids"]) == ("range_claimed", [licence])
    assert f"Claim {third['number']}, which is lodged," in refused["detail"] and "RUC 5" in refused["detail"]
    assert "withdraw it first" in refused["detail"]
    assert refused["held_by"] == {"claim_id": third["id"], "licence_id": overlap}
    assert (await fleet.get(f"/claims/{second['id']}"))["state"] == "lodged", "nothing of it was done"
    await fleet.post(f"/claims/{refused['held_by']['claim_id']}/withdraw", withdraw, 200)
    await fleet.post(f"/claims/{second['id']}/withdraw", withdraw, 200)
    assert (await fleet.get(f"/licences/{licence}"))["claim_id"] == first["id"]


async def test_CL5_what_was_sent_meanwhile_is_not_to_be_withdrawn_and_the_refusal_says_so(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    claim = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    await fleet.post(f"/licences/{fleet.licences['RUC 0001 next']}/strike", STRIKE, 200)
    more: dict[str, Any] = {"end_reading": 48_250, "units": 3, "gross_cents": 22_800, "overlap": True}
    overlap = await fleet.add_licence("ABC123", "RUC 5", 45_250, "2026-10-04T12:00:00+13:00", **more)
    refused = await fleet.post(f"/licences/{overlap}/claimed-outside", OUTSIDE, 409)
    assert "withdraw it first" in refused["detail"]
    await fleet.post(f"/claims/{claim['id']}/sent", {"on": ON, "channel": "email", "actor": "R Hill"}, 200)
    refused = await fleet.post(f"/licences/{overlap}/claimed-outside", OUTSIDE, 409)
    assert refused["code"] == "range_claimed"
    assert f"Claim {claim['number']}, which is sent," in refused["detail"] and "its form was sent" in refused["detail"]
