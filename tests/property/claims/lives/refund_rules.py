"""Applications for what is unused of a licence, and races of them with claims (rules OT1 to OT4)."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.property.claims.lives.base import AT, pick
from tests.property.claims.lives.books import APPLICATION_STEPS, ASKED_FOR, LEADS_TO, Application, Paper
from tests.property.claims.lives.fleet import ACTOR, DAYS, ON, at, reading_on, sound
from tests.property.claims.lives.register_rules import RegisterRules

BODIES: Final[dict[str, dict[str, Any]]] = {
    "ready": {},
    "sent": {"on": ON, "channel": "online"},
    "received": {"on": ON},
    "granted": {"on": ON},
    "declined": {"on": ON, "reason": "no"},
    "withdraw": {"on": ON, "reason": "no", "reference": "letter 9"},
}
DETAILS_OF: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "surrender": lambda day: {"reading": reading_on(day), "read_at": at(day)},
    "cancelled_vehicle": lambda _: {"cause": "exported"},
}
ONWARD: Final = ("ready", "sent", "received", "granted")
read_on = st.integers(40, DAYS)


class RefundRules(RegisterRules):
    @precondition(lambda self: self.life.books.papers)
    @rule(paper=AT, kind=st.sampled_from(["surrender", "cancelled_vehicle"]), day=read_on)
    def apply(self, paper: int, kind: str, day: int) -> None:
        self.run(self.begin_application(self.running(paper), kind, DETAILS_OF[kind](day)))

    def running(self, at: int) -> Paper:
        """Twice out of three one with much left."""
        papers = list(self.life.books.papers.values())
        return pick([one for one in papers if at % 3 and one.units > 2] or papers, at)

    async def begin_application(self, one: Paper, kind: str, details: dict[str, Any]) -> Application | None:
        """One stands for a licence at a time."""
        life = self.life
        standing = [
            each
            for each in life.books.applications
            if each.licence == one.id and each.state not in {"declined", "withdrawn"}
        ]
        body = {"kind": kind, "licence_id": one.id, **details, **ACTOR}
        made = await life.command("/applications", body, not standing, plate=one.plate)
        if made is None:
            return None
        if kind == "surrender":
            evidence = {"code": "bank_evidence", "attachment_id": life.attachment, "shows": ["logo", "name", "number"]}
            await life.command(f"/applications/{made['id']}/documents", evidence | ACTOR, True)
        asked = Application(made["id"], one.id, kind, details)
        life.books.applications.append(asked)
        return asked

    @precondition(lambda self: self.life.books.papers)
    @rule(paper=AT, day=st.sampled_from([17, 25, *range(40, DAYS)]), cause=st.sampled_from(["unserviceable", "lost"]))
    def change_recorder(self, paper: int, day: int, cause: str) -> None:
        """Rule OT3: a new recorder, also back in time, licences on it, and the application for what was left on the old one."""
        self.run(self.recorder_changed(self.running(paper), day, cause))

    async def recorder_changed(self, one: Paper, day: int, cause: str) -> None:
        life, old, plate = self.life, self.life.fleet.recorders[one.plate], one.plate
        name = f"{plate} HB {len(life.books.papers)}"
        new = {"vehicle_id": life.fleet.vehicles[plate], "kind": "hubodometer", "from": at(day, 12), "replaces": old}
        made = await life.command("/recorders", new | {"serial": name}, plate=plate)
        if made is None:
            return
        for turn in range(2 if day + 10 < DAYS else 1):
            read = {"recorder_id": made["id"], "at": at(day + 10 * turn, 12), "value": 1000 * turn, "source": "photo"}
            await life.command("/readings", read, plate=plate)
            body = self.paper_body(plate, f"{name} {turn}", 1000 * turn, 1, day) | {"recorder_id": made["id"]}
            bought = await self.add_paper(plate, body | {"issued_at": at(day + 10 * turn, 12)}, None)
        if bought is None or one.recorder != old:
            return
        said = {"cause": cause, "read_at": at(day, 7), "odometer_reading": 91_000, "new_recorder_id": made["id"]}
        said |= {"reading": reading_on(day)} if cause == "unserviceable" else {}
        asked = await self.begin_application(one, "recorder_change", said | {"replacement_licence_id": bought.id})
        if asked is not None:
            await self.application_step(asked, "ready")

    async def application_step(self, one: Application, what: str, day: int = DAYS) -> None:
        life = self.life
        body = ACTOR | (self.said(one, day) if what == "details" else BODIES[what])
        ok: bool | None = one.state in APPLICATION_STEPS[what]
        if what == "ready" and ok:
            ok = None  # what it stands on may fail
        found = await life.command(
            f"/applications/{one.id}/{what}", body, ok, plate=life.books.papers[one.licence].plate
        )
        if found is None:
            return
        one.state = LEADS_TO.get(what, what)
        if what == "ready":
            self.note_ready(one, found)
        if what != "details":
            life.books.tell(f"application.{one.state}", application_id=one.id)

    def said(self, one: Application, day: int) -> dict[str, Any]:
        return DETAILS_OF[one.kind](day) if one.kind in DETAILS_OF else one.details

    def note_ready(self, one: Application, found: dict[str, Any]) -> None:
        """What is asked for is what lies beyond its reading, at the rate that was paid, floored (Act s 32)."""
        paper = self.life.books.papers[one.licence]
        one.start, one.cents = found["from_reading"], found["amount_cents"]
        assert paper.start <= one.start < paper.end
        assert one.cents == paper.cents(paper.end - one.start)

    @precondition(lambda self: self.life.books.applications)
    @rule(application=AT, what=st.sampled_from(["on", "on", "on", "on", *BODIES, "details"]), day=read_on)
    def follow_application(self, application: int, what: str, day: int) -> None:
        """As a rule on to its next state."""
        one = pick(self.life.books.applications, application)
        onward = [step for step in ONWARD if one.state in APPLICATION_STEPS[step]]
        if what != "on" or onward:
            self.run(self.application_step(one, onward[0] if what == "on" else what, day))

    @precondition(lambda self: self.life.books.papers)
    @rule(
        paper=AT, day=read_on, end=st.sampled_from(["ready", "withdraw", "declined", "granted"]),
        overlap_km=st.sampled_from([None, -300, 0, 200]),
    )  # fmt: skip
    def surrender(self, paper: int, day: int, end: str, overlap_km: int | None) -> None:
        """Its whole life; then perhaps a licence that overlaps it, before or after the reading at which it was given back."""

        async def act() -> None:
            one = await self.begin_application(self.running(paper), "surrender", DETAILS_OF["surrender"](day))
            if one is None:
                return
            for what in {"ready": ["ready"], "withdraw": ["ready", "withdraw"]}.get(
                end, ["ready", "sent", "received", end]
            ):
                if one.state in APPLICATION_STEPS[what]:
                    await self.application_step(one, what)
            if one.start and overlap_km is not None:
                old, name = self.life.books.papers[one.licence], f"over {len(self.life.books.papers)}"
                body = self.paper_body(old.plate, name, one.start + overlap_km, 12, DAYS)
                await self.add_paper(old.plate, body | {"overlap": True, "recorder_id": old.recorder}, None)

        self.run(act())

    @precondition(lambda self: self.life.books.applications)
    @rule(application=AT, kind=st.sampled_from(["paid", "set_off", "recovered"]), cents=st.sampled_from([0, 1, 5000]))
    def pay_application(self, application: int, kind: str, cents: int) -> None:
        one = pick(self.life.books.applications, application)
        came, went = (one.came, one.went + cents) if kind == "recovered" else (one.came + cents, one.went)
        ok = one.state == "granted" and went <= came
        body = {"kind": kind, "on": ON, "cents": cents, "reason": "why", **ACTOR}
        if self.run(self.life.command(f"/applications/{one.id}/payments", body, ok)) is not None:
            one.came, one.went = came, went
            self.life.books.tell(f"application.{kind}", application_id=one.id)

    @precondition(lambda self: self.life.books.applications)
    @rule(application=AT)
    def what_may_not_follow_an_application(self, application: int) -> None:
        async def act() -> None:
            one = pick(self.life.books.applications, application)
            for what, before in APPLICATION_STEPS.items():
                if one.state not in before:
                    await self.application_step(one, what)

        self.run(act())

    @precondition(lambda self: any(one.state == "draft" for one in self.life.books.applications))
    @rule(application=AT)
    def ready_and_claim_outside_at_once(self, application: int) -> None:
        """Design G4: whichever is first takes the kilometres, the other what is left or nothing."""
        drafts = [one for one in self.life.books.applications if one.state == "draft"]
        self.run(self.race(pick(drafts, application)))

    async def race(self, one: Application) -> None:
        life = self.life
        outside = {"claimed_on": ON, "reference": "paper form", "reason": "by hand", **ACTOR}
        taken = life.books.is_taken(one.licence)
        ready, claimed = await asyncio.gather(
            life.send(f"/applications/{one.id}/ready", ACTOR),
            life.send(f"/licences/{one.licence}/claimed-outside", outside),
        )
        life.keep(await life.read_rows())
        life.move(life.books.papers[one.licence].plate)
        for answer in (ready, claimed):
            sound(answer, "race")
        if ready.status_code == 200:
            one.state = "ready"
            self.note_ready(one, ready.json())
            life.books.tell("application.ready", application_id=one.id)
        if claimed.status_code == 201:
            assert not taken
            upto = await self.watch.fetchval(
                "select upper(claimed) - 1 from claims.lodged_licence where tenant_id = $1 and source_id = $2",
                life.fleet.tenant, claimed.json()["id"],
            )  # fmt: skip
            life.books.note_outside(one.licence, claimed.json()["id"], upto)
            assert one.state not in ASKED_FOR or upto <= one.start
