"""Eight clients at once, whatever they do and in whatever order: one paper licence is in one claim (design G4; rules LI4, EL4,
LI7, CL3, CL5), although it is typed in other spellings, for other vehicles and by other claimants."""

import asyncio
import itertools
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.integration.claims.conftest import Claims, open_claims
from tests.integration.claims.world import (
    COMPLETE_MS,
    FIRST_DAY,
    TRAVEL_DAYS,
    Fleet,
    device_day,
    put_days,
    put_progress,
)
from tests.stack import Database

pytestmark = pytest.mark.integration

CLIENTS: Final = 8
SPELLINGS: Final = ("RUC 0001", "ruc-0001", "Ruc0001", " r u c/0001 ")
PLATES: Final = ("AAA111", "BBB222")
OWNERS: Final = ("One Limited", "Two Limited")
DONE: Final = frozenset({200, 201})
REFUSED: Final = frozenset({404, 409, 410, 422})
_numbers = itertools.count()
T = TypeVar("T")


class Act(NamedTuple):
    """What a client does next, after a pause that hands the turn to others."""

    what: str
    pause_ms: int
    spelling: str
    plate: str
    owner: str


acts = st.builds(
    Act,
    st.sampled_from(
        [
            "register",
            "claim",
            "claim",
            "claim",
            "token",
            "outside",
            "withdraw",
            "send",
            "send",
            "consent",
            "decide",
            "decide",
        ]
    ),
    st.integers(0, 15),
    st.sampled_from(SPELLINGS),
    st.sampled_from(PLATES),
    st.sampled_from(OWNERS),
)
later_acts = st.builds(
    Act,
    st.sampled_from(
        ["claim", "claim", "token", "outside", "withdraw", "send", "consent", "consent", "decide", "decide"]
    ),
    st.integers(0, 15),
    st.just(SPELLINGS[0]),
    st.just(PLATES[0]),
    st.just(OWNERS[0]),
)
later_programs = st.lists(st.lists(later_acts, min_size=2, max_size=4), min_size=CLIENTS, max_size=CLIENTS)
programs = st.lists(st.lists(acts, min_size=1, max_size=4), min_size=CLIENTS, max_size=CLIENTS)


@dataclass
class Desk:
    """What the clients of one tenant share: a claim's token may be sent by anybody."""

    fleet: Fleet
    owners: dict[str, str] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    lodged: list[dict[str, Any]] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        answer = await self.fleet.client.post(f"/v1{path}", json=body)
        assert answer.status_code in DONE | REFUSED, (path, answer.status_code, answer.text)
        self.statuses.add(answer.status_code)
        return answer

    async def run(self, program: list[Act]) -> None:
        for act in program:
            await asyncio.sleep(act.pause_ms / 1000)
            await getattr(self, act.what)(act)

    async def register(self, act: Act) -> None:
        body = self.fleet.licence_body(act.plate, act.spelling, 45_000, "2026-10-01T08:00:00+13:00")
        made = await self.post("/licences", body | {"claimant_id": self.owners[act.owner]})
        self.known.append(made.json()["id"] if made.status_code == 201 else made.json()["existing_id"])

    async def claim(self, act: Act) -> None:
        if not self.known:
            await self.register(act)
        licence = self.known[-1]
        asked = (await self.fleet.client.get(f"/v1/licences/{licence}/verification")).json()
        body = {"actor": "R Hill", "statement_hash": asked["statement_hash"], "wording": asked["wording"]}
        await self.post(f"/licences/{licence}/verification", body)
        wanted = {"claimant_id": self.owners[act.owner], "licence_ids": [licence], "person_completing": "R Hill"}
        preview = await self.post("/claims/preview", wanted)
        if preview.status_code in DONE:
            self.tokens.append(preview.json()["preview_token"])
            await self.token(act)

    async def token(self, _: Act) -> None:
        """The last one that anybody previewed, be it lodged or not."""
        if self.tokens:
            made = await self.post("/claims", {"preview_token": self.tokens[-1]})
            if made.status_code == 201:
                self.lodged.append(made.json())

    async def outside(self, _: Act) -> None:
        if self.known:
            body = {"claimed_on": "2026-11-01", "reference": "paper form", "actor": "R Hill", "reason": "by hand"}
            await self.post(f"/licences/{self.known[0]}/claimed-outside", body)

    async def withdraw(self, _: Act) -> None:
        if self.lodged:
            body = {"on": "2026-11-22", "actor": "R Hill", "reason": "wrong account"}
            await self.post(f"/claims/{self.lodged[-1]['id']}/withdraw", body)

    async def send(self, _: Act) -> None:
        if self.lodged:
            body = {"on": "2026-11-22", "channel": "email", "actor": "R Hill"}
            await self.post(f"/claims/{self.lodged[-1]['id']}/sent", body)

    async def consent(self, act: Act) -> None:
        """The Agency agrees to another application after this claim (rule CL5)."""
        if self.lodged:
            claim = self.lodged[act.pause_ms // 2 % len(self.lodged)]
            body = {"on": "2026-11-22", "actor": "R Hill", "reference": "letter 17", "reason": "declined by mistake"}
            ids = [line["licence_id"] for line in claim["lines"]]
            await self.post(f"/claims/{claim['id']}/second-application", body | {"licence_ids": ids})

    async def decide(self, act: Act) -> None:
        """It declines the claim's line, or accepts it; after an objection also what it declined (rule CL6)."""
        if self.lodged:
            claim = self.lodged[act.pause_ms // 2 % len(self.lodged)]
            await self.post(f"/claims/{claim['id']}/received", {"on": "2026-11-22", "actor": "R Hill"})
            line = {"licence_id": claim["lines"][0]["licence_id"], "on": "2026-11-22"}
            said = {"kind": "declined", "reason": "no signature"}
            if act.pause_ms % 2:
                said = {"kind": "accepted", "distance_km": claim["lines"][0]["distance_km"]}
            await self.post(f"/claims/{claim['id']}/outcomes", {"actor": "R Hill", "lines": [line | said]})


async def open_desk(claims: Claims) -> Desk:
    """A tenant with two vehicles that drove the same, each with the readings that close the one paper licence."""
    desk = Desk(await claims.fleet(f"Fleet {next(_numbers)}"))
    for name in OWNERS:
        desk.owners[name] = await desk.fleet.add_claimant(name)
    for plate in PLATES:
        device = f"{plate}-device"
        await desk.fleet.add_ute(plate, device)
        await desk.fleet.add_reading(plate, "2026-10-01T08:00:00+13:00", 45_000)
        await desk.fleet.add_reading(plate, "2026-10-15T08:00:00+13:00", 46_000)
        await desk.fleet.add_licence(plate, f"NEXT {plate}", 46_000, "2026-10-15T08:00:00+13:00")
        days = [device_day(desk.fleet.tenant, device, FIRST_DAY + i) for i in range(TRAVEL_DAYS)]
        await put_days(desk.fleet.worker, days)
    await put_progress(desk.fleet.worker, COMPLETE_MS)
    return desk


STANDING: Final = """
select c.id, l.distance_km, exists (select from claims.claim_step s
        where s.tenant_id = c.tenant_id and s.claim_id = c.id and s.kind = 'consent') as agreed,
    coalesce((select s.kind from claims.line_step s where s.tenant_id = l.tenant_id and s.claim_id = l.claim_id
        order by s.seq desc limit 1), 'pending') as said
from claims.claim_line l join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.claim_id
where l.tenant_id = $1 and c.state <> 'withdrawn' order by c.number"""
OFF_ROAD_KM: Final = 560
HELD: Final = "select kind, source_id from claims.lodged_licence where tenant_id = $1 and released_at is null"
TYPED: Final = "select count(*) from claims.licence where tenant_id = $1 and number_key = 'RUC0001'"
NUMBERS: Final = "select number, state from claims.claim where tenant_id = $1 order by number"


async def check(desk: Desk) -> None:
    """What must be true of the tenant whatever happened, and that what was lodged still says what it said."""
    tenant = desk.fleet.tenant
    async with desk.fleet.worker.acquire() as conn:
        assert await conn.fetchval(TYPED, tenant) <= 1, "one paper licence, one row"
        held = await conn.fetch(HELD, tenant)
        standing = await conn.fetch(STANDING, tenant)
        claims = await conn.fetch(NUMBERS, tenant)
    assert len(held) <= 1, "one paper licence is claimed at most once, here or outside"
    last = standing[-1] if standing else None
    assert all(row["agreed"] for row in standing[:-1]), "another claim follows by the Agency's consent alone (rule CL5)"
    if last is None:
        assert all(row["kind"] == "outside" for row in held), "only a claim that stands holds a licence"
    elif not (last["agreed"] and held and held[0]["kind"] == "outside"):
        assert [row["source_id"] for row in held] == [last["id"]], "the last claim that stands holds its licence"
    refunded = sum(row["distance_km"] for row in standing if row["said"] != "declined")
    assert refunded <= OFF_ROAD_KM, "no kilometre stands in two claims (rule EL4)"
    assert len(claims) == len(desk.lodged), "every 201 is a claim, and nothing else is"
    assert [row["number"] for row in claims] == [f"RUCOR-{n:06d}" for n in range(1, len(claims) + 1)], "no gap"
    for one in desk.lodged:
        now = await desk.fleet.get(f"/claims/{one['id']}")
        assert (now["totals"], now["lines"]) == (one["totals"], one["lines"]), "lodged numbers never change (rule CL7)"


@pytest.fixture
def shop(database: Database) -> Iterator[tuple[asyncio.Runner, Claims]]:
    """The service on one event loop for every example."""
    with asyncio.Runner() as runner:
        opened = open_claims(database)
        yield runner, runner.run(_awaited(opened.__aenter__()))
        runner.run(_awaited(opened.__aexit__(None, None, None)))


async def _awaited(what: Awaitable[T]) -> T:
    return await what


@pytest.mark.timeout(600)
@settings(
    max_examples=25, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(wanted=programs)
def test_G4_no_interleaving_of_eight_clients_claims_a_paper_licence_twice(
    shop: tuple[asyncio.Runner, Claims], wanted: list[list[Act]]
) -> None:
    runner, claims = shop

    async def example() -> None:
        desk = await open_desk(claims)
        try:
            await asyncio.gather(*(desk.run(program) for program in wanted))
            await check(desk)
            event(f"{len(desk.lodged)} claims, answers {sorted(desk.statuses)}")
        finally:
            await desk.fleet.client.aclose()

    runner.run(example())


@pytest.mark.timeout(600)
@settings(
    max_examples=25, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(wanted=later_programs, followed=st.booleans())
def test_CL5_EL4_no_interleaving_of_consents_outcomes_and_claims_lets_a_kilometre_stand_twice(
    shop: tuple[asyncio.Runner, Claims], wanted: list[list[Act]], *, followed: bool
) -> None:
    """Of a claim that the Agency declined and agreed to see again: a second one may follow, or the first be accepted after all, and
    not both."""
    runner, claims = shop

    async def example() -> None:
        desk = await open_desk(claims)
        try:
            first = Act("register", 0, SPELLINGS[0], PLATES[0], OWNERS[0])
            await desk.run([first, *(first._replace(what=what) for what in ("claim", "send", "decide", "consent"))])
            assert len(desk.lodged) == 1
            if followed:
                await desk.run([first._replace(what="claim")])
                assert len(desk.lodged) == 2
            await asyncio.gather(*(desk.run(program) for program in wanted))
            await check(desk)
            event(f"{len(desk.lodged)} claims, answers {sorted(desk.statuses)}")
        finally:
            await desk.fleet.client.aclose()

    runner.run(example())


@pytest.mark.timeout(300)
def test_G4_eight_who_type_one_paper_licence_and_claim_it_at_once_lodge_one_claim(
    shop: tuple[asyncio.Runner, Claims],
) -> None:
    """Every pair of spelling and vehicle, both claimants: the one who paid as registered gets it, once."""
    runner, claims = shop

    async def example() -> None:
        desk = await open_desk(claims)
        ways = itertools.cycle(itertools.product(SPELLINGS, PLATES, OWNERS))
        everybody = [Act("claim", 0, *next(ways)) for _ in range(2 * CLIENTS)]
        await asyncio.gather(*(desk.run([Act("register", 0, *act[2:]), act]) for act in everybody))
        await check(desk)
        assert len(desk.lodged) == 1
        assert desk.statuses == {200, 201, 409}, "somebody lodged, everybody else was told"

    runner.run(example())
