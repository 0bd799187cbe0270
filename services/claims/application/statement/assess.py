"""What the facts of some licences come to, each judged by itself: what breaks one of them stops no other (design G7)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.application.refusals import ledger_broken
from services.claims.application.statement.binding import mark_from
from services.claims.application.statement.facts import Bound, Facts, revisions_of
from services.claims.application.statement.said import Said
from services.claims.domain.claim.eligibility import Assessment, ClaimContext, assess_licence
from services.claims.domain.claim.second_application import EarlierLine
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate, rate_of
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.statement.present import Present, present
from services.claims.domain.statement.statement import Statement, grounds_of, statement_on
from services.claims.domain.statement.usual_share import Look
from services.claims.domain.statement.verification import Verification
from services.claims.repo.licences import LicenceRow
from services.claims.repo.records import Mark
from shared.contracts.partitioning import partition_of
from shared.errors import Poison
from shared.observability.logging import get_logger
from shared.observability.metrics import CLAIMS_BROKEN

BROKEN: Final = "a licence cannot be worked out"

log = get_logger(__name__)


@dataclass(frozen=True)
class Assessed:
    """One licence, judged."""

    row: LicenceRow
    licence: Licence
    record: VehicleRecord
    statement: Statement
    assessment: Assessment
    rate: Rate | None
    mark: Mark | None
    earlier: tuple[EarlierLine, ...]
    """Lodged lines of the licence in claims that were not withdrawn, first lodged first (rule CL5)."""
    verifications: tuple[Verification, ...]
    """Of this licence, over any statement (rule CL2)."""
    looks: tuple[Look, ...]
    """Likewise (rule EL7)."""
    gps_type: str
    """Of the device that speaks for the vehicle last in the licence's period, "" where none was given."""
    present: Present | None = None
    """Where the recorder stands now; None where nothing of the licence is ahead, or nothing shows it (rule LI6)."""


@dataclass(frozen=True)
class Broken:
    """A licence of which no statement can be made, since what the ledger holds for it contradicts itself.  Nothing is known of
    its kilometres then: none is shown, none is claimed."""

    row: LicenceRow
    licence: Licence
    record: VehicleRecord
    mark: Mark | None
    earlier: tuple[EarlierLine, ...]
    words: str
    """What is wrong, and who is to act."""


class Judged(NamedTuple):
    """Each licence of the facts is in one of both, in their order."""

    items: list[Assessed]
    broken: list[Broken]

    def by_id(self) -> dict[UUID, Assessed | Broken]:
        return {one.row.id: one for one in self.items} | {one.row.id: one for one in self.broken}


def assess(facts: Facts, policy: Policy, claimant_id: UUID | None = None) -> list[Assessed]:
    """Where each of the licences is needed.  `claimant_id`: the claim's, None while nobody claims (rule EL5).  Raises Problem
    409 `ledger_broken` with those of which no statement can be made."""
    found = judge(facts, policy, claimant_id)
    if found.broken:
        raise ledger_broken([(one.row.id, one.words) for one in found.broken])
    return found.items


def judge(facts: Facts, policy: Policy, claimant_id: UUID | None = None) -> Judged:
    """Where the others are wanted without the broken ones.  Those are logged, and never left out in silence."""
    said = Said.of(facts.register, facts.holds)
    items: list[Assessed] = []
    broken: list[Broken] = []
    for bound in facts.bound:
        try:
            items.append(_assess_one(facts, bound, said, policy, claimant_id))
        except Exception as error:  # noqa: BLE001 - of one licence, whatever it is: the others have their turn
            broken.append(_broken(facts, bound, said, error))
    return Judged(items, broken)


def _broken(facts: Facts, bound: Bound, said: Said, error: Exception) -> Broken:
    _say(facts.tenant, bound.row.id, repr(error))
    why = error.detail if isinstance(error, Poison) else "its device-days contradict each other"
    words = (
        f"licence {bound.row.number} cannot be worked out: {why}. Nothing of it is shown or can be claimed. Have its "
        "device-days computed again (POST /v1/reprocess); where that does not mend it, ask the operators"
    )
    return Broken(
        row=bound.row,
        licence=bound.licence,
        record=bound.record,
        mark=facts.register.marks.get(bound.row.id),
        earlier=said.earlier(bound.row.id),
        words=words,
    )


@lru_cache(maxsize=1_000)
def _say(tenant: UUID, licence_id: UUID, error: str) -> None:
    """Once a process, however often it is asked for."""
    CLAIMS_BROKEN.inc()
    log.error(BROKEN, tenant_id=str(tenant), licence_id=str(licence_id), error=error)


def _assess_one(facts: Facts, bound: Bound, said: Said, policy: Policy, claimant_id: UUID | None) -> Assessed:
    stood = facts.grounds.get(bound.row.id)
    if stood is None:
        stood = grounds_of(bound.licence, bound.record, revisions_of(bound, facts.days), policy.rate_rises)
    statement = statement_on(bound.licence, bound.record, stood)
    mark = facts.register.marks.get(bound.row.id)
    earlier = said.earlier(bound.row.id)
    devices = sorted({span.device for span in bound.period.spans})
    context = ClaimContext(
        today=facts.today,
        mark=mark_from(mark, earlier),
        earlier=earlier,
        taken=said.taken(bound.row.id),
        claimable_end=bound.row.claimable_end_reading,
        complete_through_ms={
            span.device: facts.progress.get(partition_of(str(facts.tenant), span.device)) for span in bound.period.spans
        },
        holds=said.holds(devices),
        marks=tuple(facts.marks),
        waivers=said.waivers(bound.row.id),
        claimant_id=claimant_id,
    )
    recorder = bound.record.recorder_of(bound.licence)
    return Assessed(
        row=bound.row,
        licence=bound.licence,
        record=bound.record,
        statement=statement,
        assessment=assess_licence(bound.licence, bound.record, statement, context, policy),
        rate=rate_of(bound.licence, recorder.unit, policy.rates),
        mark=mark,
        earlier=earlier,
        verifications=said.verifications(bound.row.id),
        looks=said.looks(bound.row.id),
        gps_type=bound.gps_type,
        present=_present(facts, bound),
    )


def _present(facts: Facts, bound: Bound) -> Present | None:
    if bound.ahead is None:
        return None
    days = [one.day for device in sorted({span.device for span in bound.ahead}) for one in facts.days.get(device, ())]
    return present(bound.licence, bound.record, bound.ahead, days, facts.now_ms)
