"""What becomes of an exemption, and what its holder owes (rules EX1, EX4; rucex-application.txt lines 22-29)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.policy import Policy
from services.claims.domain.working_days import working_days_after

ExemptionState = Literal["draft", "sent", "granted", "declined", "withdrawn", "ended"]
StepKind = Literal[
    "drafted",
    "amended",
    "sent",
    "granted",
    "declined",
    "withdrawn",
    "changed",
    "reading_requested",
    "ended",
    "done",
    "annulled",
]
STEPS: Final[dict[StepKind, dict[ExemptionState, ExemptionState]]] = {
    "amended": {"draft": "draft"},
    "sent": {"draft": "sent"},
    "granted": {"sent": "granted"},
    "declined": {"sent": "declined"},
    "withdrawn": {"draft": "withdrawn", "sent": "withdrawn"},
    "changed": {"granted": "granted"},
    "reading_requested": {"granted": "granted"},
    "ended": {"granted": "ended"},  # revoked, expired, or the vehicle was sold
    "done": {"granted": "granted", "ended": "ended"},
    "annulled": {"granted": "withdrawn", "ended": "withdrawn"},  # recorded by mistake: it never was in force
}
DutyCode = Literal["display_label", "tell_changes", "give_reading", "give_last_reading"]
Lateness = Literal["due", "overdue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something that the holder must do, from the day on which it arose."""

    code: DutyCode
    words: str
    source: str
    since: date
    due_on: date
    """As soon as practicable is the law's word; the day is policy."""
    seq: int
    """Of the step that it came of, from 1."""
    done_on: date | None = None

    def lateness(self, today: date) -> Lateness | None:
        """`due` on its day, `overdue` from the day after; None before."""
        if today < self.due_on:
            return None
        return "due" if today == self.due_on else "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A step, as far as duties come of it."""

    kind: StepKind
    on: date
    code: str = ""
    """Of what is done."""


_ARISES: Final[dict[StepKind, tuple[DutyCode, str, str]]] = {
    "granted": (
        "display_label",
        "Display the exemption label as a licence is displayed: exemption, registration number, locality.",
        "rucex-application.txt lines 22-26",
    ),
    "changed": ("tell_changes", "Tell the RUC collector what changed.", "rucex-application.txt line 27"),
    "reading_requested": (
        "give_reading",
        "Give the RUC collector the distance recorded on the day of the request.",
        "rucex-application.txt line 28",
    ),
    "ended": (
        "give_last_reading",
        "Give the RUC collector the distance recorded when the exemption was revoked or expired.",
        "rucex-application.txt line 29",
    ),
}


def advance_exemption(state: ExemptionState, kind: StepKind) -> ExemptionState:
    """The state after the step.  Raises IllegalStep."""
    after = STEPS.get(kind, {}).get(state)
    if after is None:
        raise IllegalStep("exemption", state, kind, (name for name, where in STEPS.items() if state in where))
    return after


def duties(happened: Sequence[Happened], policy: Policy) -> tuple[Duty, ...]:
    """Rule EX4: every duty that arose, in order, each done by the first report after it that names it."""
    found: list[Duty] = []
    for seq, one in enumerate(happened, 1):
        if one.kind not in _ARISES:
            continue
        code, words, source = _ARISES[one.kind]
        done = next((later.on for later in happened[seq:] if later.kind == "done" and later.code == code), None)
        due_on = working_days_after(one.on, policy.exemption_duty_working_days)
        found.append(Duty(code=code, words=words, source=source, since=one.on, due_on=due_on, seq=seq, done_on=done))
    return tuple(found)


def owed(happened: Sequence[Happened], policy: Policy) -> tuple[Duty, ...]:
    """Rule EX4: the duties that nobody has done and that must be done still.  Once the exemption has ended no label is
    displayed; one that was annulled never was in force."""
    kinds = {one.kind for one in happened}
    if "annulled" in kinds:
        return ()
    over = {"display_label"} if "ended" in kinds else set()
    return tuple(one for one in duties(happened, policy) if one.done_on is None and one.code not in over)


def words_of(duty: Duty, today: date) -> str:
    late = duty.lateness(today) == "overdue"
    return f"owed since {duty.since}, {'was to be done' if late else 'to be done'} by {duty.due_on}: {duty.words}"
