"""What a rule says about a licence or a claim, and how figures are written in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
HOW_TO_FILTER: Final = "smartrak-rucor-claim.txt line 22"
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
    waivable: tuple[str, ...] = ()
    """What stands against it, each by name, where a person may decide to go on in spite of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A person's decision to go on in spite of a finding (rules EL4, EL8)."""

    rule: str
    reason: str
    actor: str
    at: datetime
    covers: frozenset[str]
    """What stood against it when the person decided (`Finding.waivable`): nothing that came later, and nothing else."""


def waived(finding: Finding, waivers: Sequence[Waiver]) -> Finding:
    """A failing finding warns where people decided to go on in spite of all that stands against it, and says who and why."""
    against = frozenset(finding.waivable)
    fitting = [
        one for one in sorted(waivers, key=lambda one: one.at) if one.rule == finding.rule and one.covers & against
    ]
    if finding.outcome != "fail" or not against or not against <= frozenset().union(*(one.covers for one in fitting)):
        return finding
    decided = "; ".join(f"{one.actor} decided to go on: {one.reason}" for one in fitting)
    return replace(finding, outcome="warn", reason=f"{finding.reason}; {decided}", waiting=False)


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
