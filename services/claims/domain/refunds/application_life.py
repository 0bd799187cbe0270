"""What becomes of an application to the Agency that is no off-road claim (rules OT2, OT3, OT4): which step may follow which,
what it still owes, what was paid.

A kind more needs its name in `ApplicationKind` and its duties in `DUTIES`; states and steps are the same for all."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.policy import Policy
from services.claims.domain.working_days import working_days_after

ApplicationKind = Literal["surrender", "recorder_change", "cancelled_vehicle"]
ApplicationState = Literal["draft", "ready", "sent", "received", "granted", "declined", "withdrawn"]
APPLICATION_STEPS: Final[frozenset[tuple[ApplicationState, ApplicationState]]] = frozenset(
    {
        ("draft", "ready"),  # its inputs are frozen, its kilometres taken
        ("ready", "draft"),  # any change drops it back, as a claim's verification (rule CL2)
        ("ready", "sent"),
        ("sent", "received"),
        ("received", "granted"),
        ("received", "declined"),
        ("draft", "withdrawn"),
        ("ready", "withdrawn"),
        ("sent", "withdrawn"),  # only with the Agency's word that it will not decide it any more
        ("received", "withdrawn"),
    }
)
PENDING: Final[frozenset[ApplicationState]] = frozenset({"ready", "sent", "received"})
"""Asked for or about to be, and not decided."""
OVER: Final[frozenset[ApplicationState]] = frozenset({"declined", "withdrawn"})
"""Nothing stands on it any more."""
WITH_THE_AGENCY: Final[frozenset[ApplicationState]] = frozenset({"sent", "received"})
Payment = Literal["paid", "set_off", "recovered"]


def next_states(state: ApplicationState) -> tuple[ApplicationState, ...]:
    return tuple(sorted(then for before, then in APPLICATION_STEPS if before == state))


def advance_application(state: ApplicationState, to: ApplicationState) -> ApplicationState:
    """`to`.  Raises IllegalStep."""
    if (state, to) not in APPLICATION_STEPS:
        raise IllegalStep("application", state, to, next_states(state))
    return to


def answer_due_on(received_on: date, policy: Policy) -> date:
    """Ten NZ working days from receipt (nzta-ruc-reduction-2022.txt line 151; nzta-refunds.txt line 41)."""
    return working_days_after(received_on, policy.agency_working_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something that the holder has to do, or to leave."""

    code: str
    words: str
    source: str
    while_in: frozenset[ApplicationState]
    """The states in which it stands."""
    by_a_person: bool
    """True: stands until a person says that it is done; False: ends with the state."""


_UNDECIDED: Final[frozenset[ApplicationState]] = frozenset({"draft", "ready", "sent", "received"})
DUTIES: Final[dict[ApplicationKind, tuple[Duty, ...]]] = {
    "surrender": (
        Duty(
            code="destroy_label",
            words="Destroy the licence's label: it is void, and a label in use is invoiced for what was refunded.",
            source="nzta-ruc-reduction-2022.txt lines 155-157",
            while_in=frozenset({"granted"}),
            by_a_person=True,
        ),
        Duty(
            code="buy_before_travel",
            words="Buy another licence before the vehicle travels on a road again: what it travels without one is assessed "
            "at the full rate.",
            source="nzta-ruc-reduction-2022.txt lines 161-165",
            while_in=frozenset({"ready", "sent", "received", "granted"}),
            by_a_person=True,
        ),
    ),
    "recorder_change": (
        Duty(
            code="keep_old_recorder",
            words="Keep the old hubodometer until the refund is decided: without it none may be paid.",
            source="Act s 35",
            while_in=_UNDECIDED,
            by_a_person=False,
        ),
    ),
    "cancelled_vehicle": (),
}


def open_duties(kind: ApplicationKind, state: ApplicationState, done: Collection[str]) -> tuple[Duty, ...]:
    """Those that stand in this state; `done`: codes that a person has reported."""
    return tuple(one for one in DUTIES[kind] if state in one.while_in and not (one.by_a_person and one.code in done))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What came of a granted application, in cents."""

    paid: int
    set_off: int
    recovered: int

    @property
    def kept(self) -> int:
        """What the holder has of it in the end."""
        return self.paid + self.set_off - self.recovered


class TooMuchBack(ValueError):
    """More would be recovered than was ever paid or set off."""


def paid_so_far(payments: Iterable[tuple[Payment, int]]) -> Paid:
    """Sums by kind, in the order in which they were made.  Raises TooMuchBack."""
    sums: dict[Payment, int] = {"paid": 0, "set_off": 0, "recovered": 0}
    for kind, cents in payments:
        sums[kind] += cents
        if sums["recovered"] > sums["paid"] + sums["set_off"]:
            raise TooMuchBack(f"{sums['recovered']} cents recovered of {sums['paid'] + sums['set_off']} that were paid")
    return Paid(paid=sums["paid"], set_off=sums["set_off"], recovered=sums["recovered"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentNeed:
    """A document that the application stands on."""

    code: str
    words: str
    shows: tuple[str, ...]
    """What must be seen on it."""
    required: bool
    """False: asked for by policy, its lack warns."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentGiven:
    code: str
    shows: tuple[str, ...]


NEEDS: Final[dict[ApplicationKind, tuple[DocumentNeed, ...]]] = {
    "surrender": (
        DocumentNeed(
            code="bank_evidence",
            words="something from the bank that shows its logo, the name and the account number",
            shows=("logo", "name", "number"),
            required=True,
            source="nzta-ruc-reduction-2022.txt line 147",
        ),
    ),
    "recorder_change": (
        DocumentNeed(
            code="old_recorder",
            words="a photo of the old hubodometer, its serial number and reading",
            shows=(),
            required=False,
            source="policy; Act s 35",
        ),
    ),
    "cancelled_vehicle": (
        DocumentNeed(
            code="cancellation",
            words="the form MR15 or the receipt of the cancelled registration",
            shows=(),
            required=False,
            source="policy; nzta-refunds.txt line 57",
        ),
    ),
}


def lacking(need: DocumentNeed, given: Sequence[DocumentGiven]) -> tuple[str, ...] | None:
    """What of a needed document is not to be seen yet; () nothing, None the whole document.  Later ones stand for earlier."""
    fitting = [one for one in given if one.code == need.code]
    if not fitting:
        return None
    return tuple(part for part in need.shows if part not in fitting[-1].shows)
