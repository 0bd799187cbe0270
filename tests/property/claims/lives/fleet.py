"""The tenant that lives: its vehicles, what their devices told, and every request that is made for it."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import asyncpg
import httpx

from services.claims.application.ledger.exclude_faulty import exclude_next
from shared.clock import new_id
from shared.contracts.faulty import FaultyStretch, Pending, PendingAsked, StretchTaken
from shared.nz_days import day_of
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, NOW_MS, Fleet, device_day, put_days, put_progress
from tests.property.claims.lives.books import Books

PLATES: Final = ("AAA111", "BBB222")
OWNERS: Final = ("One Limited", "Two Limited")
ON: Final = "2026-11-22"
ACTOR: Final = {"actor": "R Hill"}
START_KM: Final = 45_000
KM_A_DAY: Final = 100
PUBLIC_KM, OFF_ROAD_KM = 40, 50
"""Of each day; no fix explains the other ten."""
DAYS: Final = 44
DAY_MS: Final = 86_400_000
# Whatever a step may change without being another row; what it may not change is kept for ever.
VOLATILE: Final = (
    "state", "released_at", "released_by", "fanned_at", "closed_on", "closed_as", "closed_cents", "closed_reference",
    "closed_by",
)  # fmt: skip
FOR_EVER: Final = frozenset(
    {
        "claim", "claim_line", "claim_line_day", "claim_step", "line_step", "claimed_outside", "lodged_licence",
        "refunded_range", "disclosure", "snapshot", "application_step", "register_change", "webhook_event", "faulty_step",
    }
)  # fmt: skip
OTHERS: Final = (
    "licence", "reading", "application", "vehicle_ending", "faulty_mark", "exemption", "exemption_step", "claimant",
    "render_job", "retention_hold", "erasure_request", "verification", "waiver", "acknowledgement",
)  # fmt: skip
ROWS: Final = " union all ".join(
    f"select '{name}' as name, md5((to_jsonb(t) - $2::text[])::text) as stable, md5(to_jsonb(t)::text) as whole "
    f"from claims.{name} t where t.tenant_id = $1"
    for name in sorted({*FOR_EVER, *OTHERS})
)


def at(day: int, hour: int = 8) -> str:
    """Hour of the day'th day from 1 October, NZ time."""
    return f"{date(2026, 10, 1) + timedelta(days=day)}T{hour:02}:00:00+13:00"


def reading_on(day: int) -> int:
    """What the recorder truly shows in the morning."""
    return START_KM + KM_A_DAY * day


@dataclass
class Rows:
    """The tenant's rows as digests."""

    kept: frozenset[tuple[str, str]]
    """Of tables that only grow, without what a step may change."""
    whole: frozenset[tuple[str, str]]


@dataclass
class Life:
    """One tenant.  `rows`: as the last successful command left them."""

    claims: Claims
    fleet: Fleet
    watch: asyncpg.Connection
    operator: httpx.AsyncClient
    twice: bool
    """Every command is sent again under its Idempotency-Key."""
    books: Books = field(default_factory=Books)
    owners: dict[str, str] = field(default_factory=dict)
    readings: list[tuple[str, str]] = field(default_factory=list)
    """(reading, plate)."""
    tokens: list[dict[str, Any]] = field(default_factory=list)
    attachment: str = ""
    revs: dict[tuple[str, int], int] = field(default_factory=dict)
    revised: set[str] = field(default_factory=set)
    """Plates whose device-days came again: what that takes from a claim is disclosed by the daily review."""
    most_mm: dict[tuple[str, str], int] = field(default_factory=dict)
    """(plate, NZ day) → the most off-road distance that any revision of it told."""
    rows: Rows = field(default_factory=lambda: Rows(frozenset(), frozenset()))
    moved_plates: set[str] = field(default_factory=lambda: set(PLATES))
    """Whose statements may be others than when they were looked at last."""
    moved: int = 0
    """Counts what may change a preview."""

    @classmethod
    async def begin(cls, claims: Claims, watch: asyncpg.Connection, number: int, *, twice: bool) -> "Life":
        """Two claimants, two vehicles with a device each, read every tenth day."""
        life = cls(claims, await claims.fleet(f"Life {number}"), watch, await claims.operator(), twice)
        for name in reversed(OWNERS):
            life.owners[name] = await life.fleet.add_claimant(name)
        kept = await life.fleet.client.post("/v1/attachments", params={"name": "x", **ACTOR}, content=b"%PDF-1.7 bank")
        life.attachment = kept.json()["id"]
        for plate in PLATES:
            await life.fleet.add_ute(plate, f"{plate}-device")
            for day in range(0, DAYS, 10):
                life.readings.append((await life.fleet.add_reading(plate, at(day), reading_on(day)), plate))
            await life.feed(plate, 0, DAYS, OFF_ROAD_KM)
        await put_progress(life.fleet.worker, NOW_MS + 5 * DAY_MS)
        # what other lives left undone is not this one's
        await watch.execute("delete from claims.faulty_job where tenant_id <> $1", life.fleet.tenant)
        life.rows = await life.read_rows()
        return life

    async def end(self) -> None:
        await self.fleet.client.aclose()
        await self.operator.aclose()

    async def feed(self, plate: str, first: int, count: int, off_road_km: int) -> None:
        """New revisions of some device-days, as the consumer takes them."""
        days = []
        for day in range(first, first + count):
            self.revs[plate, day] = self.revs.get((plate, day), 0) + 1
            off_mm, on = off_road_km * KM, at(day)[:10]
            self.most_mm[plate, on] = max(off_mm, self.most_mm.get((plate, on), 0))
            if self.revs[plate, day] > 1:
                self.revised.add(plate)
            days.append(
                device_day(
                    self.fleet.tenant, f"{plate}-device", FIRST_DAY + day, rev=self.revs[plate, day],
                    public_mm=PUBLIC_KM * KM, off_road_mm=off_mm,
                )
            )  # fmt: skip
        await put_days(self.fleet.worker, days)
        self.move(plate)

    def move(self, plate: str | None = None) -> None:
        self.moved += 1
        if plate is not None:
            self.moved_plates.add(plate)

    async def read_rows(self) -> Rows:
        rows = await self.watch.fetch(ROWS, self.fleet.tenant, list(VOLATILE))
        return Rows(
            frozenset((row["name"], row["stable"]) for row in rows if row["name"] in FOR_EVER),
            frozenset((row["name"], row["whole"]) for row in rows),
        )

    async def send(
        self, path: str, body: dict[str, Any], key: str | None = None, *, operator: bool = False
    ) -> httpx.Response:
        """A POST; whatever is refused is refused with a problem document, and nothing breaks."""
        client = self.operator if operator else self.fleet.client
        headers = {"Idempotency-Key": key} if key else {}
        answer = await client.post(f"/v1{path}", json=body, headers=headers)
        sound(answer, path)
        return answer

    async def get(self, path: str, **params: str | int) -> Any:
        answer = await self.fleet.client.get(f"/v1{path}", params=params)
        sound(answer, path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    async def command(
        self,
        path: str,
        body: dict[str, Any],
        ok: bool | None = None,
        *,
        plate: str | None = None,
        operator: bool = False,
    ) -> dict[str, Any] | None:
        """The answer, None where it is refused.  `ok`: what the rules say to it, None where the books cannot tell; `plate`: the
        vehicle whose statements it may change.

        A refusal leaves every row as it was; sent again under its key, a command answers the same and does nothing."""
        key = new_id().hex if self.twice else None
        answer = await self.send(path, body, key, operator=operator)
        done = answer.status_code < 400
        assert ok in {None, done}, (path, body, answer.status_code, answer.text)
        rows = await self.read_rows()
        if not done:
            assert rows.whole == self.rows.whole, (path, body, answer.text, changed(self.rows, rows))
            return None
        if key is not None:
            again = await self.send(path, body, key, operator=operator)
            assert (again.status_code, again.content) == (answer.status_code, answer.content), path
            assert again.headers["Idempotent-Replay"] == "true"
            assert (await self.read_rows()).whole == rows.whole, path
        self.keep(rows)
        self.move(plate)
        found: dict[str, Any] = answer.json()
        return found

    def keep(self, rows: Rows) -> None:
        """A history only grows."""
        assert self.rows.kept <= rows.kept, self.rows.kept - rows.kept
        self.rows = rows

    async def take_out(self, stretch: FaultyStretch) -> StretchTaken:
        """The classifier's part, as the ledger's above: what it takes out comes back as revisions without it."""
        plate = stretch.device.removesuffix("-device")
        first, last = (day_of(ms) - FIRST_DAY for ms in (stretch.from_ms, stretch.to_ms))
        await self.feed(plate, first, last - first + 1, 0)
        return StretchTaken(id=stretch.id, device_days=last - first + 1)

    async def pending(self, asked: PendingAsked) -> Pending:
        return Pending(state="active", days=())

    async def settle_marks(self) -> None:
        """The worker that carries accepted marks through, until none is due."""
        context = self.claims.context
        while True:
            await self.watch.execute(
                "update claims.faulty_job set due_at = now() where tenant_id = $1", self.fleet.tenant
            )
            if not await exclude_next(self.claims.worker, context.pool, self, context.policy, self.claims.clock):
                break
        self.keep(await self.read_rows())
        self.move()


def sound(answer: httpx.Response, path: str) -> None:
    assert answer.status_code < 500, (path, answer.status_code, answer.text)
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json", (path, answer.text)
    problem = json.loads(answer.content)
    assert problem["status"] == answer.status_code, path
    assert problem["code"], path
    assert problem["type"].endswith(problem["code"]), path
    assert problem["title"], path


def changed(before: Rows, after: Rows) -> list[str]:
    return sorted({name for name, _ in before.whole ^ after.whole})
