"""What must have become of a tenant, kept in plain Python beside the service: the rules once more, in other words.

Kilometres and readings in km, money in cents, distances in millimetres; ids are texts."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

CLAIM_STEPS: Final = {
    "sent": ({"lodged", "returned"}, "sent"),
    "received": ({"sent"}, "received"),
    "returned": ({"received"}, "returned"),
    "withdraw": ({"lodged"}, "withdrawn"),
}
"""Step → the states it may follow, and where it leads (rules CL5, CL6)."""
MONEY: Final = {"paid", "set_off", "recovered"}
OUTCOMES: Final = {
    "accepted": {"pending", "declined", "accepted", "paid", "set_off"},
    "declined": {"pending"},
    "paid": {"accepted", *MONEY},
    "set_off": {"accepted", *MONEY},
    "recovered": MONEY,
}
"""What the Agency does of a line → the states it may follow (rule CL6): after an objection it accepts more, money comes in parts."""
APPLICATION_STEPS: Final = {
    "ready": {"draft"},
    "details": {"draft", "ready"},
    "sent": {"ready"},
    "received": {"sent"},
    "granted": {"received"},
    "declined": {"received"},
    "withdraw": {"draft", "ready", "sent", "received"},
}
LEADS_TO: Final = {"details": "draft", "withdraw": "withdrawn"}
ASKED_FOR: Final = {"ready", "sent", "received", "granted"}
"""States of an application in which its kilometres are taken (rules OT2 to OT4)."""
MARK_STEPS: Final = {"accept": "accepted", "refuse": "refused", "withdraw": "withdrawn"}


def key_of(number: str) -> str:
    """One paper, however it is typed (rule LI4)."""
    return re.sub(r"[^0-9A-Z]", "", number.upper())


def event(kind: str, **ids: str) -> tuple[str, str]:
    """As the outbox holds it."""
    return kind, json.dumps(ids, sort_keys=True)


@dataclass
class Paper:
    """A licence in the register: (start, end] for `gross` cents."""

    id: str
    plate: str
    recorder: str
    key: str
    owner: str
    start: int
    end: int
    units: int
    gross: int
    overlap: bool
    most_km: int = 0
    """Off road in the best of its statements that a claim stood on."""

    def cents(self, km: int) -> int:
        """Rules LI5 and EL3: floored once."""
        return km * self.gross // (self.units * 1000)


@dataclass
class Line:
    licence: str
    km: int
    off_mm: int
    cents: int
    upto: int
    """The claim covers the licence up to this reading."""
    held: bool = True
    """The licence is this line's, until a second application takes it over (rule CL5)."""
    consented: bool = False
    took_over: "Line | None" = None
    steps: list[tuple[str, int | None, int | None]] = field(default_factory=list)
    """(kind, km, cents) in order; who accepts says both."""

    @property
    def state(self) -> str:
        return self.steps[-1][0] if self.steps else "pending"

    @property
    def accepted(self) -> tuple[int, int] | None:
        """(km, cents), as it was said last."""
        return next(((km or 0, cents or 0) for kind, km, cents in reversed(self.steps) if kind == "accepted"), None)

    @property
    def came(self) -> int:
        return sum(cents or 0 for kind, _, cents in self.steps if kind in {"paid", "set_off"})

    @property
    def went(self) -> int:
        return sum(cents or 0 for kind, _, cents in self.steps if kind == "recovered")

    @property
    def standing_km(self) -> int:
        """What nobody else may have (Act s 35(3)): all while the Agency has it, then what it accepted less what went back."""
        if self.state in {"pending", "declined"}:
            return self.km if self.state == "pending" else 0
        km, cents = self.accepted or (0, 0)
        worth = max(cents, self.came)
        return -(-km * (worth - self.went) // worth) if worth and self.went else km

    def may(self, kind: str, km: int | None, cents: int) -> bool:
        if self.state not in OUTCOMES[kind]:
            return False
        if kind == "accepted":
            return (self.accepted or (0, 0))[0] <= (km or 0) <= self.km and cents >= self.came
        if kind == "recovered":
            return cents <= self.came - self.went
        return kind == "declined" or self.came + cents <= (self.accepted or (0, 0))[1]


@dataclass
class Claim:
    id: str
    number: str
    lines: dict[str, Line]
    lodged: dict[str, Any]
    """As it was answered when it was lodged."""
    state: str = "lodged"
    steps: list[str] = field(default_factory=list)

    @property
    def live(self) -> list[Line]:
        return [line for line in self.lines.values() if line.held]

    def may_consent(self, licences: Iterable[str]) -> bool:
        """Rule CL5: to another application, once for each, for what was sent and is not another's already."""
        lines = [self.lines.get(licence) for licence in licences]
        sent = self.state in {"sent", "received", "returned", "decided"}
        return sent and all(line is not None and line.held and not line.consented for line in lines)


@dataclass
class Application:
    id: str
    licence: str
    kind: str
    details: dict[str, Any]
    state: str = "draft"
    start: int = 0
    cents: int = 0
    came: int = 0
    went: int = 0


@dataclass
class Mark:
    id: str
    state: str = "marked"


@dataclass
class Books:
    papers: dict[str, Paper] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    outside: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Licence → its entry as claimed outside (rule LI7), and up to which reading."""
    marks: list[Mark] = field(default_factory=list)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(type, ids) of every event that the outbox must hold, disclosures and forms apart."""

    def tell(self, kind: str, **ids: str) -> None:
        self.told[event(kind, **ids)] += 1

    def lines_of(self, licence: str) -> Iterator[tuple[Claim, Line]]:
        return ((one, one.lines[licence]) for one in self.claims if licence in one.lines)

    def held_by(self, licence: str) -> str | None:
        """The claim, or the entry of a claim outside, that holds the licence."""
        here = [claim.id for claim, line in self.lines_of(licence) if line.held]
        assert len(here) + (licence in self.outside) <= 1, "one licence, one claim"
        return here[0] if here else self.outside.get(licence, (None, 0))[0]

    def holding(self, licence: str) -> Line | None:
        return next((line for _, line in self.lines_of(licence) if line.held), None)

    def note_outside(self, licence: str, entry: str, upto: int) -> None:
        line = self.holding(licence)
        if line is not None:
            line.held = False
        self.outside[licence] = (entry, upto)

    def is_taken(self, licence: str) -> bool:
        """Claimed, and no consent to another application is open."""
        line = self.holding(licence)
        return licence in self.outside or (line is not None and not line.consented)

    def standing_km(self, licence: str) -> int:
        return sum(line.standing_km for claim, line in self.lines_of(licence) if claim.state != "withdrawn")

    def left_km(self, licence: str, km: int) -> int:
        """Of a statement's whole kilometres: with the Agency's consent only what no earlier claim has (rule CL5)."""
        line = self.holding(licence)
        return max(km - self.standing_km(licence), 0) if line is not None and line.consented else km

    def known(self, number: str) -> bool:
        return key_of(number) in {paper.key for paper in self.papers.values()}

    def live_refunds(self) -> set[tuple[str, str, int, int, str]]:
        """(licence, kind, start, end, source) but for credits."""
        off_road = {
            (line.licence, "off_road", self.papers[line.licence].start, line.upto, claim.id)
            for claim in self.claims
            for line in claim.live
        }
        off_road |= {
            (licence, "off_road", self.papers[licence].start, upto, entry)
            for licence, (entry, upto) in self.outside.items()
        }
        unused = {
            (one.licence, "unused", one.start, self.papers[one.licence].end, one.id)
            for one in self.applications
            if one.state in ASKED_FOR
        }
        return off_road | unused
