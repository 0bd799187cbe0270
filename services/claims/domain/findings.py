"""What a rule says about a licence or a claim, and how figures are written in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from services.claims.domain.register.recorder import MM_PER_KM

Outcome = Literal["pass", "warn", "fail", "unknown"]

FORM_NOTE_4: Final = "rucor-form.md line 97 (note 4)"
FORM_NOTE_6: Final = "rucor-form.md line 112 (note 6)"
FORM_NOTE_7_FORCE: Final = "rucor-form.md line 116 (note 7)"
FORM_NOTE_7_TIME: Final = "rucor-form.md line 117 (note 7)"
FORM_NOTE_7_PAID: Final = "rucor-form.md line 119 (note 7)"
FORM_NOTE_8: Final = "rucor-form.md line 123 (note 8)"
FORM_COMPLETE: Final = "rucor-form.md line 14"
PAGE_MINIMUM: Final = "nzta-refunds.txt line 21"
PAGE_EXPIRED: Final = "nzta-refunds.txt line 22"
PAGE_TWO_YEARS: Final = "nzta-refunds.txt line 23"
PAGE_RECORDS: Final = "nzta-refunds.txt line 24"
REDUCTION_OVERLAP: Final = "nzta-ruc-reduction-2022.txt line 67"
HOW_TO_DUPLICATES: Final = "smartrak-rucor-claim.txt line 67"
POLICY: Final = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    rule: str
    outcome: Outcome
    reason: str
    source: str
    """Document and line the rule comes from, section of the Act, or "policy"."""
    inputs: tuple[tuple[str, str], ...] = ()
    waiting: bool = False
    """True: fails now but can pass by itself with time (holds, watermark, a reading to come)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A person's decision to go on in spite of a finding (rules EL4, EL8)."""

    rule: str
    reason: str
    actor: str
    at: datetime


def waived(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    """A failing finding with a waiver of its rule warns, and says who decided and why."""
    for waiver in sorted(waivers, key=lambda one: one.at):
        if finding.outcome == "fail" and waiver.rule == finding.rule:
            return Finding(
                rule=finding.rule,
                outcome="warn",
                reason=f"{finding.reason}; {waiver.actor} decided to go on: {waiver.reason}",
                source=finding.source,
                inputs=finding.inputs,
            )
    return finding


def km(mm: int) -> str:
    """Kilometres with three decimals, the rest cut off."""
    return f"{mm // MM_PER_KM}.{mm % MM_PER_KM // 1000:03d} km"


def dollars(cents: int) -> str:
    return f"${cents // 100}.{cents % 100:02d}"


def percent(part: int, whole: int) -> str:
    """One decimal, rounded down."""
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %"


def day(on: date) -> str:
    return on.isoformat()
