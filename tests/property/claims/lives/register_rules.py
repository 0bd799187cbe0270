"""Papers, readings, device-days, sales, exemptions, faulty data: what claims stand on."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.integration.claims.test_claims_exemption import DETAILS, FEE, NEAR
from tests.property.claims.lives.base import AT, LifeRules, pick
from tests.property.claims.lives.books import MARK_STEPS, Mark, Paper, key_of
from tests.property.claims.lives.fleet import ACTOR, DAYS, KM_A_DAY, ON, OWNERS, PLATES, START_KM, at, reading_on

WHY: Final = {"reason": "entered wrong", **ACTOR}
NUMBERS: Final = ("RUC 0001", "ruc-0001", "Ruc 0002", "RUC0002", "R U C 0003", "RUC 0004", "RUC 0005", "RUC 0006")
"""Some are the same paper, typed otherwise."""
CENTS_A_UNIT: Final = 7_600
plates = st.sampled_from(PLATES)
days = st.integers(0, DAYS - 1)


class RegisterRules(LifeRules):
    async def first_papers(self) -> None:
        """On each vehicle three that are used up and one of 12 units that runs."""
        for plate in PLATES:
            for day, units in ((0, 1), (10, 1), (20, 1), (30, 12)):
                body = self.paper_body(plate, f"{plate}/{day}", reading_on(day), units, day)
                await self.add_paper(plate, body | {"gross_cents": units * CENTS_A_UNIT + day // 10}, True)

    def paper_body(self, plate: str, number: str, start: int, units: int, day: int) -> dict[str, Any]:
        return self.life.fleet.licence_body(plate, number, start, at(day)) | {
            "claimant_id": self.life.owners[OWNERS[0]],
            "end_reading": start + 1000 * units,
            "units": units,
            "gross_cents": units * CENTS_A_UNIT,
        }

    async def add_paper(self, plate: str, body: dict[str, Any], ok: bool | None) -> Paper | None:
        """Rule LI4: one paper, one licence, however it is typed."""
        books = self.life.books
        if books.known(body["number"]):
            ok = False
        made = await self.life.command("/licences", body, ok, plate=plate)
        if made is None:
            return None
        books.papers[made["id"]] = Paper(
            id=made["id"], plate=plate, recorder=body["recorder_id"], key=key_of(body["number"]), owner=body["claimant_id"],
            start=body["start_reading"], end=body["end_reading"], units=body["units"], gross=body["gross_cents"],
            overlap=body.get("overlap", False),
        )  # fmt: skip
        return books.papers[made["id"]]

    @rule(
        plate=plates, number=st.sampled_from(NUMBERS), half_thousands=st.sampled_from([1, 3, 5, 7, 7, 8, 8]) | st.integers(0, 26), units=st.sampled_from([1, 2, 12]),
        late_days=st.sampled_from([0, 0, 0, 1, -1, -10, 12]), owner=st.sampled_from(OWNERS), odd_cents=st.integers(0, 12),
        overlap=st.booleans(),
    )  # fmt: skip
    def register(
        self, plate: str, number: str, half_thousands: int, units: int, late_days: int, owner: str, odd_cents: int,
        overlap: bool,
    ) -> None:  # fmt: skip
        """Adjoining, apart, overlapping with and without the word for it, bought in time, late, or out of order."""
        start = START_KM + 500 * half_thousands
        day = min(max((start - START_KM) // KM_A_DAY + late_days, 0), DAYS + 5)
        body = self.paper_body(plate, number, start, units, day)
        more = {"overlap": overlap, "claimant_id": self.life.owners[owner]}
        self.run(self.add_paper(plate, body | more | {"gross_cents": body["gross_cents"] + odd_cents}, None))

    @precondition(lambda self: self.life.books.papers)
    @rule(paper=AT, fix=st.sampled_from(["strike", "cents", *NUMBERS]), odd_cents=st.integers(0, 12))
    def put_paper_right(self, paper: int, fix: str, odd_cents: int) -> None:
        """Rule RE2: while nothing stands on it."""
        one = pick(list(self.life.books.papers.values()), paper)
        self.run(self.strike_paper(one) if fix == "strike" else self.correct_paper(one, fix, odd_cents))

    async def strike_paper(self, one: Paper) -> None:
        books = self.life.books
        claimed = any(True for _ in books.lines_of(one.id)) or one.id in books.outside
        asked = any(application.licence == one.id for application in books.applications)
        ok = False if claimed or asked else None
        if await self.life.command(f"/licences/{one.id}/strike", WHY, ok, plate=one.plate) is not None:
            del books.papers[one.id]

    async def correct_paper(self, one: Paper, number: str, odd_cents: int) -> None:
        books = self.life.books
        cents = one.units * CENTS_A_UNIT + odd_cents if number == "cents" else one.gross
        key = one.key if number == "cents" else key_of(number)
        taken = key != one.key and books.known(number)
        fix = {"gross_cents": cents} if number == "cents" else {"number": number}
        ok = False if taken or books.held_by(one.id) else None
        if await self.life.command(f"/licences/{one.id}/correction", WHY | fix, ok, plate=one.plate) is not None:
            one.gross, one.key = cents, key

    @rule(plate=plates, day=days, wrong_km=st.sampled_from([0, 0, 0, 3, -3]))
    def read(self, plate: str, day: int, wrong_km: int) -> None:
        body = {"recorder_id": self.life.fleet.recorders[plate], "at": at(day), "value": reading_on(day) + wrong_km}
        made = self.run(self.life.command("/readings", body | {"source": "photo"}, plate=plate))
        if made is not None:
            self.life.readings.append((made["id"], plate))

    @precondition(lambda self: self.life.readings)
    @rule(reading=AT)
    def strike_reading(self, reading: int) -> None:
        """The last ones first, which were entered as the life went on."""
        one, plate = pick(self.life.readings, -1 - reading)
        if self.run(self.life.command(f"/readings/{one}/strike", WHY, plate=plate)) is not None:
            self.life.readings.remove((one, plate))

    @rule(plate=plates, first=days, count=st.integers(1, 12), off_road_km=st.sampled_from([0, 20, 49, 55, 90]))
    def revise(self, plate: str, first: int, count: int, off_road_km: int) -> None:
        """Late pings: the device-days come again with more or less off road (rule DI5)."""
        self.run(self.life.feed(plate, first, min(count, DAYS - first), off_road_km))

    @rule(
        plate=plates, day=st.integers(25, DAYS), owner=st.sampled_from(OWNERS), phone=st.sampled_from(["06 388 0000", "1"]),
        what=st.sampled_from(["sold", "deregistered", "exempt", "exempt_a_day", "erase", "hold", "phone"]),
    )  # fmt: skip
    def disturb(self, plate: str, day: int, owner: str, phone: str, what: str) -> None:
        """What happens seldom.  Neither a hold nor a request to be forgotten touches what was lodged (rules RE1, RE2)."""
        life, subject = self.life, self.life.owners[owner]
        if what in {"sold", "deregistered"}:
            body = {"at": at(day, 12), "reading": reading_on(day), "kind": what, "reason": "gone", **ACTOR}
            self.run(life.command(f"/vehicles/{life.fleet.vehicles[plate]}/sale", body, plate=plate))
        elif what in {"exempt", "exempt_a_day"}:
            self.run(self.exempt(plate, day, over=what == "exempt_a_day"))
        elif what == "erase":
            self.run(life.command("/erasure-requests", WHY | {"kind": "claimant", "subject_id": subject}))
        elif what == "hold":
            self.run(life.command("/holds", WHY))
        else:
            self.run(life.command(f"/claimants/{subject}/correction", WHY | {"phone": phone}))

    async def exempt(self, plate: str, day: int, *, over: bool) -> None:
        """Rule LI2: from then on nothing is claimable, also back in time; and until it ends."""
        life = self.life
        draft = {"vehicle_id": life.fleet.vehicles[plate], "boundary": NEAR, "details": DETAILS, **ACTOR}
        made = await life.command("/exemptions", draft, plate=plate)
        if made is None:
            return
        steps: list[dict[str, Any]] = [
            {"kind": "sent", "fee_cents": FEE},
            {"kind": "granted", "at": at(day), "reference": "EX 1"},
        ]
        if over:
            steps.append({"kind": "ended", "at": at(day + 1), "code": "revoked", "reading": reading_on(day + 1)})
        for step in steps:
            await life.command(f"/exemptions/{made['id']}/steps", {"on": ON, **ACTOR} | step, True, plate=plate)

    @rule(plate=plates, day=days, mark=AT, what=st.sampled_from(["mark", *MARK_STEPS, "accept", "settle"]))
    def faulty_data(self, plate: str, day: int, mark: int, what: str) -> None:
        """Marked, decided, and taken out: the classifier has it, the ledger follows, claims are looked at again (rule CL7)."""
        marks = self.life.books.marks
        if what == "mark":
            self.run(self.mark(plate, day))
        elif what == "settle":
            self.run(self.settle())
        elif marks:
            self.run(self.decide(pick(marks, mark), what))

    async def mark(self, plate: str, day: int) -> None:
        stretch = {"from_at": at(day, 0), "to_at": at(day, 23), "reason": "jumped about", **ACTOR}
        made = await self.life.command("/faulty-data", {"device": f"{plate}-device"} | stretch, plate=plate)
        if made is not None:
            self.life.books.marks.append(Mark(made["id"]))
            self.life.books.tell("faulty_data.marked", mark_id=made["id"])

    async def decide(self, one: Mark, what: str) -> None:
        by_operator = what != "withdraw"
        path = f"{'/ops' if by_operator else ''}/faulty-data/{one.id}/{what}"
        if await self.life.command(path, WHY, one.state == "marked", operator=by_operator) is not None:
            one.state = MARK_STEPS[what]
            self.life.books.tell(f"faulty_data.{one.state}", mark_id=one.id)

    async def settle(self) -> None:
        await self.life.settle_marks()
        for one in self.life.books.marks:
            if one.state == "accepted":
                one.state = "applied"
                for kind in ("excluded", "applied"):
                    self.life.books.tell(f"faulty_data.{kind}", mark_id=one.id)
