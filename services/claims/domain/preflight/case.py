"""What is known of a claim, lodged or not, when it is attacked; and what an attack comes to.  Values only."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.claims.domain.claim.claim_fields import Applicant
from services.claims.domain.claim.eligibility import Assessment
from services.claims.domain.claim.second_application import EarlierLine
from services.claims.domain.findings import Waiver
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.vehicle import Assignment
from services.claims.domain.statement.statement_parts import Statement
from services.claims.domain.statement.usual_share import Look
from shared.contracts.device_day import DeviceDay, Hold

Outcome = Literal["holds", "weak", "fails"]
_WORSE: Final[dict[Outcome, int]] = {"holds": 0, "weak": 1, "fails": 2}


class PlateSpan(NamedTuple):
    """The vehicle bore it in [from_at, to_at)."""

    plate: str
    from_at: datetime
    to_at: datetime | None


class Alike(NamedTuple):
    """Another licence of the tenant whose number can be read as the same."""

    number: str
    claimed: bool
    """Here or outside, or in this claim."""


class LandFact(NamedTuple):
    """Declared land: its NZ days (since 1970-01-01, both included), its box in micro-degrees, when it was declared."""

    name: str
    over_public: bool
    reason: str
    first_day: int
    last_day: int
    declared_at: datetime
    south_e6: int
    west_e6: int
    north_e6: int
    east_e6: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the classifier knows besides the device-days."""

    lands: tuple[LandFact, ...]
    derived: Mapping[str, bool]
    """Road data set → whether its coverage was derived from its own ways instead of being declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lodged:
    """The claim's life so far; None where it is only previewed."""

    on: date
    sent_on: date | None
    received_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One licence of the claim."""

    licence: Licence
    record: VehicleRecord
    statement: Statement
    """As it is now."""
    assessment: Assessment
    """Likewise, with rule EL7."""
    days: tuple[DeviceDay, ...]
    """What the statement stands on, with at least the segments of the bases in ground.LOOKED_AT."""
    plate: str
    """As the form prints it."""
    distance_km: int
    """Likewise."""
    lodged_hash: str | None
    """Of the statement that was lodged."""
    earlier: tuple[EarlierLine, ...]
    """Of claims that were lodged for it before this one."""
    plates: tuple[PlateSpan, ...]
    waivers: tuple[Waiver, ...]
    looks: tuple[Look, ...]
    alike: tuple[Alike, ...]
    holds: tuple[Hold, ...]
    """Open ones of its devices in its time."""
    held_until: date | None
    """Rule RE1 holds its records to the end of this day; None while an audit, a legal hold or a disclosure is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    today: date
    policy: Policy
    subjects: tuple[Subject, ...]
    applicant: Applicant
    waivers: tuple[Waiver, ...]
    """Of the claimant."""
    assignments: tuple[Assignment, ...]
    """Of every device of the subjects, on whatever vehicle."""
    ground: Ground | None
    """None: the classifier could not be asked."""
    lodged: Lodged | None


class Hit(NamedTuple):
    """Where an attack finds something."""

    outcome: Outcome
    answer: str
    """What the evidence answers, with figures."""
    inputs: tuple[tuple[str, str], ...] = ()
    licence_id: UUID | None = None
    number: str = ""


def hit(subject: Subject, outcome: Outcome, answer: str, *inputs: tuple[str, str]) -> Hit:
    return Hit(outcome, answer, inputs, subject.licence.id, subject.licence.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One attack.  `find` yields nothing where the claim holds."""

    id: str
    rule: str
    question: str
    """As an auditor would ask it."""
    holds: str
    """What the evidence answers where nothing is found."""
    to_do: str
    find: Callable[[Case], Iterator[Hit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What a probe came to."""

    id: str
    rule: str
    question: str
    outcome: Outcome
    answer: str
    to_do: str
    """Empty where it holds."""
    hits: tuple[Hit, ...]


def attack_with(probe: Probe, case: Case) -> Attack:
    """Worst first, in one order whatever the case's is; the outcome is the worst hit's."""
    hits = sorted(probe.find(case), key=_order)
    found = tuple(one for one in hits if one.outcome != "holds")
    return Attack(
        id=probe.id,
        rule=probe.rule,
        question=probe.question,
        outcome=found[0].outcome if found else "holds",
        answer=found[0].answer if found else probe.holds,
        to_do=probe.to_do if found else "",
        hits=found,
    )


def _order(one: Hit) -> tuple[int, str, str, str, tuple[tuple[str, str], ...]]:
    return (-_WORSE[one.outcome], one.number, one.answer, str(one.licence_id), one.inputs)


def worst(attacks: tuple[Attack, ...]) -> Outcome:
    return max((one.outcome for one in attacks), key=_WORSE.__getitem__, default="holds")


def share_percent(part: int, whole: int) -> int:
    """Whole per cent, rounded up: what must not be above a limit."""
    return -(-part * 100 // whole) if whole else 0
