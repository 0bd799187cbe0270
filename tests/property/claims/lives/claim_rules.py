"""What becomes of a lodged claim, to its last outcome and beyond."""

from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.property.claims.lives.base import AT, pick
from tests.property.claims.lives.books import CLAIM_STEPS, OUTCOMES, Claim, Line
from tests.property.claims.lives.fleet import ACTOR, ON, OWNERS, PLATES
from tests.property.claims.lives.lodging_rules import LodgingRules

BODIES: Final[dict[str, dict[str, Any]]] = {
    "sent": {"channel": "email"},
    "received": {},
    "returned": {"reason": "no account"},
    "withdraw": {"reason": "wrong account"},
}


class ClaimRules(LodgingRules):
    @precondition(lambda self: self.life.books.papers)
    @rule(papers=st.lists(AT, min_size=1, max_size=2))
    def claim_withdraw_claim(self, papers: list[int]) -> None:
        """Rule CL5: what is withdrawn before it was sent is claimable as it was."""

        async def act() -> None:
            first = await self.lodge(await self.previewed(self.choice(papers), verified=True))
            if first is not None:
                await self.step_of(first, "withdraw")
                token = await self.previewed(sorted(first.lines), verified=False)
                assert token["lodgeable"], token
                await self.lodge(token)

        self.run(act())

    async def step_of(self, claim: Claim, what: str) -> None:
        before, after = CLAIM_STEPS[what]
        body = {"on": ON, **ACTOR} | BODIES[what]
        if await self.life.command(f"/claims/{claim.id}/{what}", body, claim.state in before) is not None:
            self.note_step(claim, after)

    def note_step(self, claim: Claim, after: str) -> None:
        claim.state = after
        claim.steps.append(after)
        self.life.books.tell(f"claim.{after}", claim_id=claim.id)
        if after == "withdrawn":
            for line in claim.lines.values():
                line.held = False
                if line.took_over is not None:
                    line.took_over.held = True

    @precondition(lambda self: self.life.books.claims)
    @rule(claim=AT)
    def what_may_not_follow(self, claim: int) -> None:
        """Every step that its state forbids is tried: none is taken."""

        async def act() -> None:
            one = self.advanced(claim)
            await self.forbidden(one)
            for at, line in enumerate(self.in_order(one)):
                for kind in OUTCOMES:
                    if one.state not in {"received", "decided"} or not line.may(kind, line.km, 0):
                        await self.decided(one, at, [kind], 0, 0)
                if not one.may_consent([line.licence]):
                    await self.freed(one, [line.licence])

        self.run(act())

    @precondition(lambda self: self.life.books.claims)
    @rule(claim=AT, what=st.sampled_from(list(CLAIM_STEPS)))
    def step(self, claim: int, what: str) -> None:
        self.run(self.step_of(pick(self.life.books.claims, claim), what))

    @precondition(lambda self: self.life.books.claims)
    @rule(claim=AT, times=st.integers(1, 4), back=st.booleans(), cents=st.sampled_from([0, 999, 4000]))
    def go_on(self, claim: int, times: int, back: bool, cents: int) -> None:
        """The usual way, as far as to the money, once back with the form."""

        self.run(self.on(self.advanced(claim), times, cents, back=back))

    async def on(self, one: Claim, times: int, cents: int, *, back: bool) -> None:
        returned = not back
        for _ in range(times):
            if one.state in {"lodged", "returned"}:
                await self.step_of(one, "sent")
            elif one.state == "sent":
                await self.step_of(one, "received")
            elif one.state == "received" and not returned:
                await self.step_of(one, "returned")
                returned = True
            elif one.state in {"received", "decided"}:
                waiting = [at for at, line in enumerate(self.in_order(one)) if line.state in {"pending", "accepted"}]
                for at in waiting[:1]:
                    kind = "paid" if self.in_order(one)[at].steps else "accepted"
                    await self.decided(one, at, [kind], 1, cents)
        await self.forbidden(one)

    async def forbidden(self, one: Claim) -> None:
        for what, (before, _) in CLAIM_STEPS.items():
            if one.state not in before:
                await self.step_of(one, what)

    def advanced(self, at: int) -> Claim:
        """As a rule the one that has come the farthest."""
        steps = {
            one.id: len(one.steps) + sum(len(line.steps) for line in one.lines.values())
            for one in self.life.books.claims
        }
        return pick(sorted(self.life.books.claims, key=lambda one: -steps[one.id]), at // 10)

    @rule(
        plate=st.sampled_from([None, *PLATES]),
        at_most=st.integers(1, 4),
        times=st.integers(0, 7),
        cents=st.sampled_from([0, 4000]),
    )
    def claim_what_is_claimable(self, plate: str | None, at_most: int, times: int, cents: int) -> None:
        """By filter (rule CL3): every licence that fits is in it, and can be lodged once it is verified.  Then on its way."""

        async def act() -> None:
            vehicle = {} if plate is None else {"vehicle_id": self.life.fleet.vehicles[plate]}
            owner = self.life.owners[OWNERS[0]]
            found = await self.preview_of({"claimant_id": owner, "filter": {"state": "claimable"} | vehicle})
            if found["licences"]:
                made = await self.lodge(await self.previewed(sorted(found["licences"])[:at_most], verified=True))
                if made is not None:
                    await self.on(made, times, cents, back=False)

        self.run(act())

    def in_order(self, claim: Claim) -> list[Line]:
        return sorted(claim.lines.values(), key=lambda one: one.licence)

    @precondition(lambda self: self.life.books.claims)
    @rule(claim=AT, code=st.integers(1, 18), on=st.sampled_from([ON, "2026-11-21"]))
    def correct_form(self, claim: int, code: int, on: str) -> None:
        """Rule CL6: the next edition of a form that came back; its kilometres stay."""
        one = pick(self.life.books.claims, claim)
        fix = {"lines": {pick(sorted(one.lines), code): {"reason_code": code}}}
        body = {"on": on, "reason": "wrong code", "form": fix, **ACTOR}
        may = None if one.state == "returned" and on == ON else False
        if self.run(self.life.command(f"/claims/{one.id}/correction", body, may)) is not None:
            one.steps.append("corrected")

    @precondition(lambda self: self.life.books.claims)
    @rule(
        claim=AT, line=AT, kinds=st.lists(st.sampled_from(["accepted", "accepted", "declined", "paid", "set_off", "recovered"]),
        min_size=1, max_size=3), less_km=st.sampled_from([0, 0, 1, 200, -1]), cents=st.sampled_from([0, 1, 999, 4000]),
    )  # fmt: skip
    def outcomes(self, claim: int, line: int, kinds: list[str], less_km: int, cents: int) -> None:
        """Accepted wholly, partly or beyond what was claimed, paid with other cents, taken back; all of it or nothing."""
        self.run(self.decided(self.advanced(claim), line, kinds, less_km, cents))

    async def decided(self, claim: Claim, at: int, kinds: list[str], less_km: int, cents: int) -> None:
        books, line = self.life.books, pick(self.in_order(claim), at)
        trial, ok, body = replace(line, steps=list(line.steps)), claim.state in {"received", "decided"}, []
        another_has_it = books.held_by(line.licence) not in {None, claim.id}
        for kind in kinds:
            km = max(line.km - less_km, 0) if kind == "accepted" else None
            stood, ok = trial.standing_km, ok and trial.may(kind, km, cents)
            trial.steps.append((kind, km, cents))
            ok = ok and not (another_has_it and trial.standing_km > stood)
            body.append(
                {"licence_id": line.licence, "kind": kind, "on": ON, "cents": cents, "distance_km": km, "reason": "why"}
            )
        if await self.life.command(f"/claims/{claim.id}/outcomes", {"lines": body, **ACTOR}, ok) is None:
            return
        line.steps = trial.steps
        for kind in kinds:
            books.tell(f"claim_line.{kind}", claim_id=claim.id, licence_id=line.licence)
        if claim.state == "received" and all(one.steps for one in claim.lines.values()):
            self.note_step(claim, "decided")

    @precondition(lambda self: self.life.books.claims)
    @rule(claim=AT, lines=st.lists(AT, min_size=1, max_size=2))
    def consent(self, claim: int, lines: list[int]) -> None:
        """Rule CL5: the Agency agrees to a second application."""
        one = self.advanced(claim)
        self.run(self.freed(one, sorted({pick(sorted(one.lines), line) for line in lines})))

    async def freed(self, one: Claim, licences: list[str]) -> None:
        body = {"on": ON, "reference": "letter 17", "reason": "km left out", "licence_ids": licences, **ACTOR}
        if await self.life.command(f"/claims/{one.id}/second-application", body, one.may_consent(licences)) is not None:
            one.steps.append("consent")
            for licence in licences:
                one.lines[licence].consented = True

    @precondition(lambda self: self.life.books.claims)
    @rule(claim=AT)
    def review(self, claim: int) -> None:
        """Rule CL7: what is claimed too much is disclosed."""

        async def act() -> None:
            one = pick(self.life.books.claims, claim)
            answer = await self.life.send(f"/claims/{one.id}/review", {})
            assert answer.status_code == 200, answer.text
            self.life.keep(await self.life.read_rows())
            if one.state == "withdrawn":
                return
            told = {each["licence_id"] for each in (await self.life.get("/disclosures", limit=200))["items"]}
            for licence, line in one.lines.items():
                said = await self.life.get(f"/licences/{licence}/statement")
                enough = said["totals"]["off_road_mm"] // 1_000_000 >= line.standing_km
                assert enough or licence in told, (line, told)

        self.run(act())

    @precondition(lambda self: self.life.books.claims)
    @rule(which=AT, how=st.sampled_from(["repaid", "set_off", "nothing_owed"]), cents=st.integers(0, 5000))
    def close_disclosure(self, which: int, how: str, cents: int) -> None:
        found = self.run(self.life.get("/disclosures"))["items"]
        if found:
            one = pick(found, which)
            body = {"on": ON, "closed_as": how, "cents": cents, "reference": "letter 9", **ACTOR}
            whole = how == "nothing_owed" or cents >= (one["cents"] or 0)
            self.run(self.life.command(f"/disclosures/{one['id']}/close", body, one["closed_on"] is None and whole))
