"""Earlier applications for a licence, and what a second one may hold (rules CL5, EL4; Act s 35(3)).

A licence is claimed once.  With the Agency's written consent another application may follow, for what the earlier one left out:
never for kilometres that were refunded, or that the Agency still has before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.claims.domain.claim.line_life import LineAccount
from services.claims.domain.findings import HOW_TO_DUPLICATES, Finding, dollars

SOURCE: Final = f"Act s 35(3); {HOW_TO_DUPLICATES}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The Agency agreed in writing to another application for the licence."""

    reference: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierLine:
    """A line for the licence in a claim that was lodged and not withdrawn."""

    claim_id: UUID
    number: str
    """Of the claim."""
    lodged_at: datetime
    lodged_on: date
    account: LineAccount
    estimate_cents: int | None
    """As it was claimed."""
    consent: Consent | None
    """To another application after this one."""

    @property
    def cents(self) -> int | None:
        """What was accepted of it, less what was taken back; what was claimed while it is pending; None: not known."""
        if self.account.state == "declined":
            return 0
        worth = self.account.accepted_cents or self.account.came or self.estimate_cents
        return None if worth is None else worth - self.account.back


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMark:
    """The licence was claimed: here (`reference` = claim number) or outside (rule LI7)."""

    where: Literal["here", "outside"]
    reference: str
    on: date
    consent: Consent | None = None
    """To another application, which has not been lodged yet."""


def standing_km(earlier: Sequence[EarlierLine]) -> int:
    return sum(line.account.standing_km for line in earlier)


def left_km(statement_km: int, earlier: Sequence[EarlierLine]) -> int:
    """Whole kilometres of the statement that no earlier line has."""
    return max(0, statement_km - standing_km(earlier))


def before_it(lines: Sequence[EarlierLine], claim_id: UUID) -> tuple[EarlierLine, ...]:
    """Those that were lodged before the claim's own; all of them where it has none."""
    own = next((line for line in lines if line.claim_id == claim_id), None)
    if own is None:
        return tuple(lines)
    return tuple(line for line in lines if (line.lodged_at, line.number) < (own.lodged_at, own.number))


def never_claimed(mark: ClaimedMark | None, earlier: Sequence[EarlierLine], statement_km: int) -> Finding:
    """Rules EL4, LI7 and CL5: a pass, or a warning that names the earlier application and the consent to another."""
    consent = consent_to(mark, earlier)
    if mark is None and not earlier:
        return Finding(rule="EL4", outcome="pass", reason="never claimed, here or outside", source=SOURCE)
    if consent is not None:
        reason = (
            f"claimed before: {'; '.join(map(_words, earlier))}. The Agency agreed to another application "
            f"({consent.reference}, {consent.on}), which holds only what was not claimed then: "
            f"{left_km(statement_km, earlier)} km"
        )
        known = [line.cents for line in earlier]
        inputs = (
            ("claims", ", ".join(line.number for line in earlier)),
            ("earlier_km", str(standing_km(earlier))),
            ("earlier_cents", "unknown" if None in known else str(sum(cents or 0 for cents in known))),
            ("left_km", str(left_km(statement_km, earlier))),
            ("consent", consent.reference),
        )
        return Finding(rule="EL4", outcome="warn", reason=reason, source=SOURCE, inputs=inputs)
    if mark is None:
        mark = ClaimedMark(where="here", reference=earlier[-1].number, on=earlier[-1].lodged_on)
    where = f"in claim {mark.reference}" if mark.where == "here" else f"outside this system ({mark.reference})"
    reason = f"already claimed {where} on {mark.on}: a licence is claimed once"
    return Finding(rule="EL4", outcome="fail", reason=reason, source=SOURCE)


def consent_to(mark: ClaimedMark | None, earlier: Sequence[EarlierLine]) -> Consent | None:
    """That lets another application follow now: its claim is the last one."""
    if mark is not None:
        return mark.consent
    return earlier[-1].consent if earlier else None


def _words(line: EarlierLine) -> str:
    km, worth = line.account.standing_km, "worth not known" if line.cents is None else dollars(line.cents)
    return f"{km} km ({worth}) in {line.number} of {line.lodged_on}, {line.account.state}"


class SecondApplication(NamedTuple):
    """A licence of a new claim; one that was never claimed has no `earlier`."""

    number: str
    km: int
    """Of the new claim."""
    earlier: Sequence[EarlierLine]
    consent: Consent | None


def second_application_notes(claimed: Sequence[SecondApplication]) -> tuple[str, ...]:
    """What the new form says of each earlier application."""
    return tuple(
        f"RUC licence {one.number} was claimed before: {_numbers(one.earlier)}. The Agency agreed in writing to another "
        f"application ({one.consent.reference}, {one.consent.on}). {_on_top(one)}"
        for one in claimed
        if one.earlier and one.consent is not None
    )


def _on_top(one: SecondApplication) -> str:
    stands = standing_km(one.earlier)
    if stands:
        return f"The {one.km} km of this claim come on top of {stands} km of those."
    return f"Nothing of those stands any more, so the {one.km} km of this claim are all that is claimed."


def _numbers(earlier: Sequence[EarlierLine]) -> str:
    return ", ".join(f"{line.account.claimed_km} km in claim {line.number} of {line.lodged_on}" for line in earlier)
