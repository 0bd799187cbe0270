"""What must hold of a tenant after every step, read from the database and from the API."""

import json
from collections import Counter, defaultdict
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from services.claims.application.sealing import place
from tests.integration.claims.world import KM
from tests.property.claims.lives.books import ASKED_FOR, Claim, Paper, event
from tests.property.claims.lives.fleet import Life

ALL_MM: Final = ("public_mm", "off_road_mm", "unknown_mm", "carried_mm", "uncovered_mm")
REFUNDS: Final = """
select r.licence_id, r.kind, lower(r.refunded) - 1 as start, upper(r.refunded) - 1 as upto,
    coalesce(m.source_id, r.source_id) as source_id
from claims.refunded_range r
left join claims.lodged_licence m on m.tenant_id = r.tenant_id and m.id = r.source_id and r.kind = 'off_road'
where r.tenant_id = $1 and r.released_at is null"""
MARKS: Final = """
select licence_id, source_id from claims.lodged_licence where tenant_id = $1 and released_at is null"""
RANGES: Final = """
select recorder_id, start_reading, claimable_end_reading from claims.licence
where tenant_id = $1 and kind <> 'additional' and claimable_end_reading > start_reading order by 1, 2"""
CLAIMS: Final = """
select id, number, state, licences, claimable_km, off_road_mm, estimate_cents from claims.claim
where tenant_id = $1 order by number"""
LINES: Final = """
select claim_id, licence_id, distance_km, off_road_mm, estimate_cents from claims.claim_line where tenant_id = $1"""
STEPS: Final = "select claim_id, kind from claims.claim_step where tenant_id = $1 order by claim_id, seq"
LINE_STEPS: Final = """
select claim_id, licence_id, kind, distance_km, cents from claims.line_step where tenant_id = $1 order by claim_id, seq"""
EVENTS: Final = "select type, data from claims.webhook_event where tenant_id = $1"
DISCLOSURES: Final = "select id, claim_id, licence_id, closed_as from claims.disclosure where tenant_id = $1"
SNAPSHOTS: Final = (
    "select claim_id, kind, subject_id, edition, sealed, sha256 from claims.snapshot where tenant_id = $1"
)


class Checks:
    """`frozen`: every snapshot as it was first seen."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.books = life.books
        self.frozen: dict[tuple[UUID, str, UUID, int], tuple[bytes, bytes]] = {}
        self.present: dict[str, str | None] = {}

    async def all(self) -> None:
        await self.refunds()
        await self.lodged()
        await self.outbox()
        await self.snapshots()
        await self.shown()
        await self.statements()

    async def rows(self, sql: str) -> list[Any]:
        return list(await self.life.watch.fetch(sql, self.life.fleet.tenant))

    async def refunds(self) -> None:
        """Design G4, ADR 0021: no kilometre of a licence is refunded twice, none of a recorder counted off road twice, and no
        refund is worth more than what was paid."""
        live = [
            (str(row["licence_id"]), row["kind"], row["start"], row["upto"], str(row["source_id"]))
            for row in await self.rows(REFUNDS)
        ]
        assert {one for one in live if one[1] != "credit"} == self.books.live_refunds()
        assert len(live) == len(set(live))
        of_licence, of_recorder = defaultdict(list), defaultdict(list)
        for licence, kind, start, upto, source in live:
            paper = self.books.papers[licence]
            assert paper.start <= start < upto <= paper.end, (paper, kind, start, upto)
            of_licence[licence].append((start, upto, kind, source))
            if kind == "off_road":
                of_recorder[paper.recorder].append((start, upto))
            if kind == "credit":
                bought = self.books.papers[source]
                assert (bought.plate, max(bought.start, paper.start), paper.end) == (paper.plate, start, upto)
        for licence, parts in of_licence.items():
            apart([(start, upto) for start, upto, *_ in parts])
            assert self.worth(licence, parts) <= self.books.papers[licence].gross, parts
        for parts in of_recorder.values():
            apart(parts)
        marks = Counter((str(row["licence_id"]), str(row["source_id"])) for row in await self.rows(MARKS))
        assert marks == Counter((one, source) for one, kind, _, _, source in live if kind == "off_road")
        claimable = defaultdict(list)
        for row in await self.rows(RANGES):
            claimable[row["recorder_id"]].append((row["start_reading"], row["claimable_end_reading"]))
        for parts in claimable.values():  # rule LI4
            apart(parts)

    def worth(self, licence: str, parts: list[tuple[int, int, str, str]]) -> int:
        paper = self.books.papers[licence]
        claimed = paper.cents(self.books.standing_km(licence))
        unused = sum(one.cents for one in self.books.applications if one.licence == licence and one.state in ASKED_FOR)
        credit = sum(paper.cents(upto - start) for start, upto, kind, _ in parts if kind == "credit")
        return claimed + unused + credit

    async def lodged(self) -> None:
        """Lodged numbers never change (rule CL7), a claim is the sum of its lines, steps are those that happened, and of each
        line accepted + refused + open = lodged."""
        rows = await self.rows(CLAIMS)
        assert [row["number"] for row in rows] == [f"RUCOR-{n:06d}" for n in range(1, len(rows) + 1)]
        lines, steps, decided = defaultdict(dict), defaultdict(list), defaultdict(list)
        for row in await self.rows(LINES):
            numbers = (row["distance_km"], row["off_road_mm"], row["estimate_cents"])
            lines[str(row["claim_id"])][str(row["licence_id"])] = numbers
        for row in await self.rows(STEPS):
            steps[str(row["claim_id"])].append(row["kind"])
        for row in await self.rows(LINE_STEPS):
            ids = (str(row["claim_id"]), str(row["licence_id"]))
            decided[ids].append((row["kind"], row["distance_km"], row["cents"]))
        known = {one.id: one for one in self.books.claims}
        assert {str(row["id"]) for row in rows} == known.keys()
        for row in rows:
            claim = known[str(row["id"])]
            assert (row["number"], row["state"]) == (claim.number, claim.state)
            mine = {one.licence: (one.km, one.off_mm, one.cents) for one in claim.lines.values()}
            assert lines[claim.id] == mine
            sums = tuple(sum(column) for column in zip(*mine.values(), strict=True))
            assert (row["licences"], row["claimable_km"], row["off_road_mm"], row["estimate_cents"]) == (
                len(mine),
                *sums,
            )
            assert steps[claim.id] == claim.steps
            self.decided(claim, decided)

    def decided(self, claim: Claim, steps: dict[tuple[str, str], list[tuple[str, int | None, int | None]]]) -> None:
        for line in claim.lines.values():
            mine = steps[claim.id, line.licence]
            assert mine == line.steps
            accepted = next((km or 0 for kind, km, _ in reversed(mine) if kind == "accepted"), 0)
            refused = line.km - accepted if mine else 0
            undecided = 0 if mine else line.km
            assert min(accepted, refused) >= 0
            assert accepted + refused + undecided == line.km
            assert line.went <= line.came
            # nobody else may have what the Agency has before it, granted or paid (Act s 35(3))
            assert self.books.standing_km(line.licence) <= self.books.papers[line.licence].most_km, claim.number

    async def outbox(self) -> None:
        """One event a thing that happened."""
        found = Counter(event(row["type"], **json.loads(row["data"])) for row in await self.rows(EVENTS))
        disclosed: Counter[Any] = Counter()
        for one in await self.rows(DISCLOSURES):
            ids = {
                "disclosure_id": str(one["id"]),
                "claim_id": str(one["claim_id"]),
                "licence_id": str(one["licence_id"]),
            }
            disclosed[event("disclosure.opened", **ids)] += 1
            if one["closed_as"] is not None:
                disclosed[event("disclosure.closed", closed_as=one["closed_as"], **ids)] += 1
        assert found == self.books.told + disclosed, (found - self.books.told - disclosed, self.books.told - found)

    async def snapshots(self) -> None:
        """The exact bytes lodged are kept (rule FO3), and the form says what the lines say, in every edition."""
        now = {
            (row["claim_id"], row["kind"], row["subject_id"], row["edition"]): (
                bytes(row["sealed"]),
                bytes(row["sha256"]),
            )
            for row in await self.rows(SNAPSHOTS)
        }
        for ids, first in self.frozen.items():
            assert now.get(ids) == first, ids
        claims = {UUID(one.id): one for one in self.books.claims}
        for ids in now.keys() - self.frozen.keys():
            claim_id, kind, subject, _ = ids
            sealed, digest = now[ids]
            plain = self.life.claims.context.sealer.open(
                sealed, place(self.life.fleet.tenant, f"snapshot-{kind}", subject)
            )
            assert sha256(plain).digest() == digest
            said = json.loads(plain)
            if kind == "form":
                lines = {line["licence_id"]: line["distance_km"] for line in said["lines"]}
                assert lines == {one.licence: one.km for one in claims[claim_id].lines.values()}
                assert len(said["lines"]) == len(lines)
            else:
                line = claims[claim_id].lines[str(subject)]
                assert said["claimed_as"] == claims[claim_id].number
                assert sum(day["off_road_mm"] for day in said["days"]) == line.off_mm
        editions = Counter(ids[0] for ids in now if ids[1] == "form")
        assert editions == Counter({one: 1 + claim.steps.count("corrected") for one, claim in claims.items()})
        self.frozen = now

    async def shown(self) -> None:
        """What the API says of each licence: claimed or not, by whom (rules EL4, LI7).  Asked when that may have changed."""
        present = {licence: self.books.held_by(licence) for licence in self.books.papers}
        if present == self.present:
            return
        self.present = present
        found = {one["id"]: one for one in (await self.life.get("/licences", limit=200))["items"]}
        assert found.keys() == self.books.papers.keys()
        for licence, one in found.items():
            holder = present[licence]
            outside, line = licence in self.books.outside, self.books.holding(licence)
            if line is not None and line.consented:
                continue
            assert (one["state"] == "lodged") == (holder is not None and not outside), one
            assert (one["state"] == "claimed_outside") == outside, one
            assert outside or one["claim_id"] == holder, one
        for claim in self.books.claims[-1:]:
            now = await self.life.get(f"/claims/{claim.id}")
            assert (now["lines"], now["totals"], now["state"]) == (
                claim.lodged["lines"],
                claim.lodged["totals"],
                claim.state,
            )

    async def statements(self) -> None:
        """Rules DI1, DI7, G3: on + off + unknown + uncovered is what the recorder counted, and no metre that the devices told off
        road is in two licences.  Rule CL7: what a claim counts and its licence does not any more is disclosed."""
        told: defaultdict[tuple[str, str], int] = defaultdict(int)
        disclosed = {str(row["licence_id"]) for row in await self.rows(DISCLOSURES)}
        for paper in [one for one in self.books.papers.values() if one.plate in self.life.moved_plates]:
            said = await self.life.get(f"/licences/{paper.id}/statement")
            self.statement(paper, said)
            for day in said["days"] if said["recorder_mm"] is not None else ():
                told[paper.plate, day["day"]] += day["off_road_mm"]
            for _, line in self.books.lines_of(paper.id):
                assert line.km * KM <= line.off_mm <= (line.upto - paper.start) * KM
            missing = self.books.standing_km(paper.id) - said["totals"]["off_road_mm"] // KM
            assert missing <= 0 or paper.id in disclosed or paper.plate in self.life.revised, (paper, missing)
        for (plate, day), found in told.items():
            assert found <= self.life.most_mm[plate, day], (plate, day, found)
        self.life.moved_plates.clear()

    def statement(self, paper: Paper, said: dict[str, Any]) -> None:
        sums = said["totals"]
        counted = sums["public_mm"] + sums["off_road_mm"] + sums["unknown_mm"] + sums["uncovered_mm"]
        assert said["recorder_mm"] in {None, counted}, said
        assert sums["total_mm"] == counted - sums["uncovered_mm"]
        assert min(value for name, value in sums.items() if name.endswith("_mm")) >= 0
        assert sum(sums["off_road_by_basis"].values()) == sums["off_road_mm"]
        assert sum(sums["unknown_by_basis"].values()) == sums["unknown_mm"]
        days = {name: sum(day[name] for day in said["days"]) for name in ALL_MM}
        for name in ("public_mm", "off_road_mm", "carried_mm"):
            assert days[name] == sums[name], name
        # what no fix explains has no day: it is unknown, or uncovered before the issue (rule LI2)
        assert days["unknown_mm"] + said["closure"]["lack_mm"] + said["closure"]["rest_mm"] == sums["unknown_mm"]
        assert days["uncovered_mm"] <= sums["uncovered_mm"]
        assert sums["off_road_mm"] // KM <= paper.end - paper.start
        assert said["claimable_km"] == self.books.left_km(paper.id, sums["off_road_mm"] // KM)
        assert said["estimate_cents"] == paper.cents(said["claimable_km"])


def apart(parts: list[tuple[int, int]]) -> None:
    for first, second in pairwise(sorted(parts)):
        assert first[1] <= second[0], (first, second)
