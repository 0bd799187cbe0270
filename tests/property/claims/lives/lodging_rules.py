"""From preview to a lodged claim, here or outside, one at a time and two at once."""

import asyncio
from typing import Any, Final

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.clock import new_id
from tests.property.claims.lives.base import AT, LifeRules, pick
from tests.property.claims.lives.books import Claim, Line
from tests.property.claims.lives.fleet import ACTOR, ON, sound

UPTO: Final = """
select licence_id, upper(claimed) - 1 as upto from claims.lodged_licence
where tenant_id = $1 and source_id = $2 and released_at is null"""


class LodgingRules(LifeRules):
    async def verify(self, licence: str) -> None:
        """Rules CL2, EL7: a person looked at exactly this statement."""
        life = self.life
        asked = await life.get(f"/licences/{licence}/verification")
        if asked["verified_by"] is None:
            seen = {"statement_hash": asked["statement_hash"], **ACTOR}
            await life.command(f"/licences/{licence}/acknowledgements", seen | {"reason": "as driven"})
            await life.command(f"/licences/{licence}/verification", seen | {"wording": asked["wording"]}, True)
            life.books.tell("verification.recorded", licence_id=licence)

    async def previewed(self, licences: list[str], *, verified: bool) -> dict[str, Any]:
        """A token, with what it was shown for."""
        life = self.life
        for licence in licences if verified else ():
            await self.verify(licence)
        owner = life.books.papers[licences[0]].owner
        return await self.preview_of({"claimant_id": owner, "licence_ids": licences})

    async def preview_of(self, wanted: dict[str, Any]) -> dict[str, Any]:
        life = self.life
        answer = await life.send("/claims/preview", wanted | {"person_completing": "R Hill"})
        assert answer.status_code == 200, answer.text
        life.keep(await life.read_rows())
        found: dict[str, Any] = answer.json()
        self.check_sums(found)
        licences = [line["licence_id"] for line in found["lines"]]
        held = [one for one in licences if life.books.is_taken(one)]
        assert not (held and found["lodgeable"]), f"{held} is claimed already"
        token = found | {"licences": licences, "moved": life.moved}
        life.tokens.append(token)
        return token

    def check_sums(self, found: dict[str, Any]) -> None:
        """Rules DI7, LI5, CL5: floored once a line, less what stands in earlier claims; the whole is the sum of its lines."""
        books, papers = self.life.books, self.life.books.papers
        for line in found["lines"]:
            km = line.get("claimable_km", line.get("distance_km"))
            assert km == books.left_km(line["licence_id"], line["off_road_mm"] // 1_000_000)
            assert line["estimate_cents"] == papers[line["licence_id"]].cents(km)
        totals = found["totals"]
        assert totals["licences"] == len(found["lines"])
        assert totals["off_road_mm"] == sum(line["off_road_mm"] for line in found["lines"])
        assert totals["estimate_cents"] == sum(line["estimate_cents"] for line in found["lines"])

    def can_be_lodged(self, token: dict[str, Any]) -> bool | None:
        """None: something changed since, and whether it matters the books cannot tell."""
        books = self.life.books
        if not token["lodgeable"] or token.get("lodged") or any(map(books.is_taken, token["licences"])):
            return False
        if any(one not in books.papers for one in token["licences"]):
            return False
        return True if token["moved"] == self.life.moved else None

    async def note_claim(self, token: dict[str, Any], made: dict[str, Any]) -> Claim:
        """It says exactly what was previewed (rule CL3)."""
        shown = {line["licence_id"]: line for line in token["lines"]}
        assert made["lines"], made
        assert {line["licence_id"] for line in made["lines"]} == set(token["licences"]) == set(shown)
        for line in made["lines"]:
            before = shown[line["licence_id"]]
            assert line["distance_km"] == before["claimable_km"]
            for name in ("off_road_mm", "estimate_cents", "rate", "number", "plate", "statement_hash"):
                assert line[name] == before[name], name
        self.check_sums(made)
        assert made["totals"] == token["totals"]
        upto = {
            str(row["licence_id"]): row["upto"]
            for row in await self.watch.fetch(UPTO, self.life.fleet.tenant, made["id"])
        }
        lines = {
            line["licence_id"]: Line(
                line["licence_id"],
                line["distance_km"],
                line["off_road_mm"],
                line["estimate_cents"],
                upto[line["licence_id"]],
            )
            for line in made["lines"]
        }
        token["lodged"] = True
        for licence, line in lines.items():
            line.took_over = self.life.books.holding(licence)
            if line.took_over is not None:
                line.took_over.held = False
            paper = self.life.books.papers[licence]
            paper.most_km = max(paper.most_km, line.off_mm // 1_000_000)
        claim = Claim(made["id"], made["number"], lines, made)
        self.life.books.claims.append(claim)
        self.life.books.tell("claim.lodged", claim_id=claim.id)
        return claim

    async def lodge(self, token: dict[str, Any]) -> Claim | None:
        body = {"preview_token": token["preview_token"]}
        made = await self.life.command("/claims", body, self.can_be_lodged(token))
        return None if made is None else await self.note_claim(token, made)

    def choice(self, at: list[int]) -> list[str]:
        papers = list(self.life.books.papers)
        return sorted({pick(papers, one) for one in at})

    @precondition(lambda self: self.life.books.papers)
    @rule(papers=st.lists(AT, min_size=1, max_size=3), verified=st.sampled_from([True, True, False]))
    def preview(self, papers: list[int], verified: bool) -> None:
        self.run(self.previewed(self.choice(papers), verified=verified))

    @precondition(lambda self: self.life.tokens)
    @rule(token=AT)
    def lodge_what_was_previewed(self, token: int) -> None:
        """Perhaps long ago."""
        self.run(self.lodge(pick(self.life.tokens, token)))

    @precondition(lambda self: self.life.books.papers)
    @rule(papers=st.lists(AT, min_size=1, max_size=3))
    def claim(self, papers: list[int]) -> None:
        async def act() -> None:
            await self.lodge(await self.previewed(self.choice(papers), verified=True))

        self.run(act())

    @precondition(lambda self: self.life.books.papers)
    @rule(paper=AT, really=st.sampled_from([False, False, True]))
    def claim_outside(self, paper: int, really: bool) -> None:
        """Rule LI7; not too often, since it ends the licence's life."""

        async def act() -> None:
            life, one = self.life, pick(list(self.life.books.papers.values()), paper)
            upto = (await life.get(f"/licences/{one.id}"))["claimable_end_reading"]
            body = {"claimed_on": ON, "reference": "paper form", "reason": "by hand", **ACTOR}
            ok = False if life.books.is_taken(one.id) else None
            made = await life.command(f"/licences/{one.id}/claimed-outside", body, ok)
            if made is not None:
                life.books.note_outside(one.id, made["id"], upto)

        if really:
            self.run(act())

    @precondition(lambda self: self.life.books.papers)
    @rule(papers=st.lists(AT, min_size=1, max_size=2), others=st.lists(AT, max_size=2), same_key=st.booleans())
    def lodge_two_at_once(self, papers: list[int], others: list[int], same_key: bool) -> None:
        """Rule EL4, design G4: the same token twice, or two tokens that have licences in common."""

        async def act() -> None:
            one = await self.previewed(self.choice(papers), verified=True)
            two = await self.previewed(self.choice(papers + others), verified=True) if others else one
            keys = [new_id().hex] * 2 if same_key and not others else [None, None]
            answers = await asyncio.gather(
                *(self.life.send("/claims", {"preview_token": token["preview_token"]}, key)
                  for token, key in zip((one, two), keys, strict=True))
            )  # fmt: skip
            self.life.keep(await self.life.read_rows())
            self.life.move()
            await self.note_race([one, two], answers, replayed=keys[0] is not None)

        self.run(act())

    async def note_race(self, tokens: list[dict[str, Any]], answers: list[httpx.Response], *, replayed: bool) -> None:
        for answer in answers:
            sound(answer, "/claims")
        done = {answer.json()["id"]: at for at, answer in enumerate(answers) if answer.status_code == 201}
        assert len(done) <= 1, "of two claims with a licence in common one is lodged"
        assert not replayed or len({answer.content for answer in answers}) == 1 or not done, "one key, one answer"
        assert done or not any(token["lodgeable"] for token in tokens), [answer.text for answer in answers]
        for at in done.values():
            await self.note_claim(tokens[at], answers[at].json())
