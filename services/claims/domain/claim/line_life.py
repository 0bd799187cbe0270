"""What the Agency made of one line of a claim, in kilometres and cents (rules CL6, CL7; Act s 35)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.findings import FORM_NOTE_7_PAID, Finding, dollars

LineState = Literal["pending", "accepted", "declined", "paid", "set_off", "recovered"]
CAME: Final[frozenset[LineState]] = frozenset({"paid", "set_off"})
"""Outcomes by which money came."""
_MONEY: Final[tuple[LineState, ...]] = ("paid", "set_off", "recovered")
LINE_STEPS: Final[frozenset[tuple[LineState, LineState]]] = frozenset(
    {
        ("pending", "accepted"),
        ("pending", "declined"),
        ("declined", "accepted"),  # after an objection
        ("accepted", "accepted"),  # likewise: more of it than before
        ("paid", "accepted"),
        ("set_off", "accepted"),
        ("accepted", "paid"),
        ("accepted", "set_off"),  # Act s 35: against charges that are owed
        # money comes and goes back in parts: a debt is set off first, and the rest is paid
        *((before, then) for before in _MONEY for then in _MONEY),
    }
)
DECIDED: Final[frozenset[LineState]] = frozenset({"accepted", "declined", "paid", "set_off", "recovered"})


class TooMuch(ValueError):
    """More kilometres or money than there can be.  `field`: of the step, `distance_km` or `cents`."""

    def __init__(self, field: str, words: str) -> None:
        self.field = field
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAccount:
    """A line with everything that became of it so far.  `came` and `back` are sums: a debt is set off in part."""

    claimed_km: int
    state: LineState = "pending"
    accepted_km: int | None = None
    accepted_cents: int | None = None
    """None: the Agency did not say."""
    came: int = 0
    """Cents paid and set off."""
    back: int = 0
    """Cents recovered of them."""

    @property
    def counted_km(self) -> int:
        """What the Agency has, or may yet take, from this line: all that is claimed while it is pending, nothing once it is
        declined, else what it accepted."""
        if self.state == "declined":
            return 0
        return self.claimed_km if self.accepted_km is None else self.accepted_km

    @property
    def standing_km(self) -> int:
        """What of it is refunded or may be: what was taken back is left out, in kilometres rounded so that more stands."""
        whole = max(self.accepted_cents or 0, self.came)
        if not self.back or not whole:
            return self.counted_km
        return -(-self.counted_km * (whole - self.back) // whole)

    def after(self, kind: LineState, distance_km: int | None, cents: int | None) -> "LineAccount":
        """Raises IllegalStep, and TooMuch where more is accepted than claimed, paid than accepted, or taken back than came."""
        if (self.state, kind) not in LINE_STEPS:
            raise IllegalStep("claim line", self.state, kind, (to for state, to in LINE_STEPS if state == self.state))
        if kind == "accepted":
            self._may_accept(self.claimed_km if distance_km is None else distance_km, cents)
        elif kind == "recovered" and (cents or 0) > (left := self.came - self.back):
            raise TooMuch("cents", f"only {left} cents {'are left of what ' if self.back else ''}came of this line")
        elif kind in CAME:
            self._may_come(cents or 0)
        return self.with_step(kind, distance_km, cents)

    def with_step(self, kind: LineState, distance_km: int | None, cents: int | None) -> "LineAccount":
        """Likewise of a step that is on record, which is not judged again."""
        if kind == "accepted":
            much = self.claimed_km if distance_km is None else distance_km
            worth = self.accepted_cents if cents is None and much == self.accepted_km else cents
            return replace(self, state=kind, accepted_km=much, accepted_cents=worth)
        if kind in CAME:
            return replace(self, state=kind, came=self.came + (cents or 0))
        if kind == "recovered":
            return replace(self, state=kind, back=self.back + (cents or 0))
        return replace(self, state=kind)

    def _may_accept(self, much: int, cents: int | None) -> None:
        before = self.accepted_km or 0
        if much > self.claimed_km:
            raise TooMuch("distance_km", f"only {self.claimed_km} km were claimed")
        if much < before:
            raise TooMuch("distance_km", f"{before} km were accepted before: what is taken back of them is recovered")
        if cents is not None and cents < self.came:
            raise TooMuch("cents", f"{self.came} cents came of this line already: what is taken back is recovered")

    def _may_come(self, cents: int) -> None:
        if self.accepted_cents is None and self.came:
            words = "nobody has said how many cents were accepted: record that first, then what came besides"
            raise TooMuch("cents", f"{self.came} cents came of this line already, and {words}")
        if self.accepted_cents is not None and self.came + cents > self.accepted_cents:
            left = max(0, self.accepted_cents - self.came)
            raise TooMuch(
                "cents", f"{self.accepted_cents} cents were accepted, and only {left} of them have not come yet"
            )


def is_decided(lines: Iterable[LineAccount]) -> bool:
    """Whether the Agency has answered for every line."""
    states = [line.state for line in lines]
    return bool(states) and all(state in DECIDED for state in states)


def beyond_its_worth(number: str, line: LineAccount, cents_per_1000_km: int | None) -> list[Finding]:
    """A warning where more money was accepted or came than the kilometres are worth at the line's rate: an entry gone wrong, or
    a refund that will be asked back (form note 7)."""
    if cents_per_1000_km is None:
        return []
    worth = -(-line.counted_km * cents_per_1000_km // 1000)
    much = max(line.accepted_cents or 0, line.came)
    if much <= worth:
        return []
    reason = (
        f"licence {number}: {dollars(much)} for {line.counted_km} km, which are worth {dollars(worth)} at the rate paid: check "
        "the entry, and if it is right tell the Agency, which takes back what was paid in error"
    )
    inputs = (("cents", str(much)), ("distance_km", str(line.counted_km)), ("worth_cents", str(worth)))
    return [Finding(rule="CL6", outcome="warn", reason=reason, source=FORM_NOTE_7_PAID, inputs=inputs)]
