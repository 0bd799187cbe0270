"""What a line would not be given today, what of it was settled before, and the letter that says so (rule CL7; Act s 34)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from services.claims.domain.claim.line_life import LineAccount
from services.claims.domain.findings import FORM_NOTE_7_PAID, Finding, Outcome, dollars
from services.claims.domain.rates import Rate, estimate_cents

TOLD_OTHERWISE: Final = frozenset({"VE5", "CL1", "EL2", "EL4"})
"""Rules that fail of a lodged line and are told by other means: nothing was to be claimed (in kilometres), its last day has
passed (`deadlines.py`), it is claimed by itself, or may still change (and is held against whatever comes of that)."""


class Ground(NamedTuple):
    """A rule that would refuse the line today; it did not when the line was lodged."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the line would be given today."""

    km: int
    """Besides what earlier claims of the licence have (rule CL5)."""
    rate: Rate | None
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What disclosures of the line told that a person closed."""

    km: int = 0
    cents: int = 0
    of_km: int = 0
    """Of so many that counted then; where the Agency takes fewer since, what it left out is not settled besides."""
    of_cents: int = 0
    """Likewise."""
    unknown: bool = False
    """One of them could not say how much it was: it settled `unknown_km` at any rate, or `unknown_cents` as it was closed."""
    unknown_km: int = 0
    unknown_cents: int = 0
    grounds: frozenset[Ground] = frozenset()

    def km_of(self, counted_km: int) -> int:
        return max(0, self.km - max(0, self.of_km - counted_km))

    def cents_of(self, claimed_cents: int | None, claimed_km: int) -> int:
        """Rounded up, so that nothing is left of kilometres that were settled before anybody knew what they are worth."""
        return self.cents + max(self.unknown_cents, -(-(claimed_cents or 0) * self.unknown_km // claimed_km))


@dataclass(frozen=True, slots=True, kw_only=True)
class OverClaim:
    """What a line has beyond what it would be given today (rule CL7).  The lodged numbers never change."""

    claimed_km: int
    """What the Agency accepted; all that was claimed while it has not answered."""
    now_km: int
    """Of them."""
    settled_km: int
    """Of the difference, what was told and closed before, or taken back by the Agency."""
    claimed_cents: int | None
    """What `claimed_km` were worth at the rate at which they were lodged, or what the Agency accepted, where that is less."""
    now_cents: int | None
    """What `now_km` are worth at that rate or today's, the lower one; None: no rate is known today."""
    settled_cents: int
    grounds: tuple[Ground, ...]

    @property
    def owed_km(self) -> int:
        return max(0, self.claimed_km - self.now_km - self.settled_km)

    @property
    def cents(self) -> int | None:
        """What may have to be repaid; None: not known."""
        if self.claimed_cents is None or self.now_cents is None:
            return None
        return max(0, self.claimed_cents - self.now_cents - self.settled_cents)

    @property
    def repriced(self) -> bool:
        """The kilometres that stand are worth less than they were claimed at, or nobody knows how much."""
        if self.claimed_cents is None:
            return False
        return self.now_cents is None or self.now_cents < self.claimed_cents * self.now_km // self.claimed_km


class Closed(NamedTuple):
    """A disclosure that a person closed, and the cents of it that were repaid or set off."""

    told: OverClaim
    cents: int


def settled_by(closed: Iterable[Closed]) -> Settled:
    """In the order in which they were told: each knew what was settled before it."""
    found = Settled()
    for told, cents in closed:
        found = replace(
            found, km=told.settled_km + told.owed_km, of_km=told.claimed_km, of_cents=told.claimed_cents or 0,
            grounds=found.grounds | set(told.grounds),
        )  # fmt: skip
        if told.cents is None:
            more_km, more_cents = found.unknown_km + told.owed_km, found.unknown_cents + cents
            found = replace(found, unknown=True, unknown_km=more_km, unknown_cents=more_cents)
        else:
            found = replace(found, cents=told.settled_cents + told.cents, unknown_km=0, unknown_cents=0)
    return found


def over_claim(line: LineAccount, lodged_cents: int | None, shown: Shown, settled: Settled) -> OverClaim | None:
    """None where nothing is to be told: the line would be given as much today, it was declined, or all was settled.

    `lodged_cents`: the whole line at the rate at which it was lodged; None: that was not known.  A repayment may be on record
    in a disclosure and as taken back by the Agency too, so the larger of the two is settled, not their sum."""
    counted = line.counted_km
    settled_km = max(settled.km_of(counted), counted - line.standing_km)
    if counted <= settled_km:  # nothing stands of it
        return None
    kept = min(counted, shown.km)
    claimed, now = _at_lodging(line, counted, lodged_cents, shown.rate), _today(line, kept, lodged_cents, shown.rate)
    if line.accepted_cents is not None:
        claimed = line.accepted_cents if claimed is None else min(claimed, line.accepted_cents)
    left_out = settled.of_cents - (claimed or 0)
    if lodged_cents is None:  # what it was worth then was reckoned at the rate of then
        left_out = (estimate_cents(settled.of_km, shown.rate) or 0) - (estimate_cents(counted, shown.rate) or 0)
    found = OverClaim(
        claimed_km=counted, now_km=kept, settled_km=settled_km, claimed_cents=claimed, now_cents=now,
        settled_cents=max(line.back, settled.cents_of(claimed, counted) - max(0, left_out)),
        grounds=tuple(one for one in shown.grounds if one not in settled.grounds),
    )  # fmt: skip
    price_lost = now is None and lodged_cents is not None and not settled.unknown
    return found if found.owed_km or found.cents or found.grounds or price_lost else None


def _at_lodging(line: LineAccount, km: int, lodged_cents: int | None, rate: Rate | None) -> int | None:
    """Part of what the line was lodged at, so that no rate has to be known again."""
    return estimate_cents(km, rate) if lodged_cents is None else lodged_cents * km // line.claimed_km


def _today(line: LineAccount, km: int, lodged_cents: int | None, rate: Rate | None) -> int | None:
    """Never more than at lodging: a late top-up is impossible (rule EL4)."""
    if not km:
        return 0
    before, now = _at_lodging(line, km, lodged_cents, rate), estimate_cents(km, rate)
    return now if before is None or now is None else min(before, now)


def grounds_against(findings: Iterable[Finding]) -> tuple[Ground, ...]:
    """What would refuse the licence today, but for what is told otherwise."""
    return tuple(
        Ground(one.rule, one.reason) for one in findings if one.outcome == "fail" and one.rule not in TOLD_OTHERWISE
    )


def findings_of(number: str, disclosure: str, told: OverClaim) -> list[Finding]:
    """A disclosure that is open, in the claim's own view: nobody sends, or sends again, what is known to be wrong without being
    told.  `disclosure`: its id."""
    inputs = (("disclosure", disclosure), ("claimed_km", str(told.claimed_km)), ("now_km", str(told.now_km)))
    money = (("claimed_cents", _text(told.claimed_cents)), ("now_cents", _text(told.now_cents)))
    what = ""
    if told.owed_km:
        what = f"{told.owed_km} km more are claimed than its statement shows now"
    elif told.repriced or told.cents:
        what = f"{_worth(told.claimed_cents)} were claimed, and it is worth {_worth(told.now_cents)} at the rate known today"
    found = []
    if what:
        found.append(_finding("CL7", "warn", number, what, (*inputs, *money)))
    return found + [
        _finding(one.rule, "fail", number, f"would be refused today: {one.reason}", inputs) for one in told.grounds
    ]


def _finding(rule: str, outcome: Outcome, number: str, what: str, inputs: tuple[tuple[str, str], ...]) -> Finding:
    reason = (
        f"licence {number}: {what}: while the form was never sent, withdraw the claim and claim anew; else tell the Agency "
        "(disclosure)"
    )
    return Finding(rule=rule, outcome=outcome, reason=reason, source=FORM_NOTE_7_PAID, inputs=inputs)


def letter(claim_number: str, licence_number: str, plate: str, found: OverClaim) -> str:
    """A draft of the letter that discloses it; a person sends it."""
    said = [f"{found.claimed_km} km of off-road travel on this licence were claimed and not declined."]
    much = found.claimed_km - found.now_km
    if found.owed_km:
        said.append(f"Later evidence shows {found.now_km} km: {much} km were claimed in error.")
        if found.settled_km:
            said.append(f"{found.settled_km} km of them have been settled before.")
    if found.repriced:
        said.append(
            f"They were claimed at {_worth(found.claimed_cents)}. At the rate that we know today {found.now_km} km of them are "
            f"worth {_worth(found.now_cents)}. Still owed: {_worth(found.cents)}."
        )
    elif found.owed_km or found.cents:
        said.append(f"{found.owed_km} km, worth {_worth(found.cents)}, are still owed.")
    said += [
        f"What the claim stood on does not stand any more (rule {rule}): {reason}." for rule, reason in found.grounds
    ]
    owed = found.owed_km or found.repriced or found.cents
    said.append(
        "Please tell us how you would like this amount to be repaid or set off."
        if owed
        else "Please tell us what follows from this for what was claimed."
    )
    return f"Claim {claim_number}, RUC licence {licence_number} ({plate}).\n\n{' '.join(said)}\n"


def _worth(cents: int | None) -> str:
    return "an amount we cannot state" if cents is None else dollars(cents)


def _text(cents: int | None) -> str:
    return "unknown" if cents is None else str(cents)
