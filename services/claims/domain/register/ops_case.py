"""Cases for those who run the system: the same paper licence in the register of several tenants (rule LI4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

CaseState = Literal["open", "looked_at", "closed"]
StepKind = Literal["looked_at", "closed"]


@dataclass(frozen=True)
class Party:
    """One registration of the paper; `at`: when it came into the register."""

    tenant_id: UUID
    licence_id: UUID
    at: datetime


@dataclass(frozen=True)
class CaseStep:
    kind: StepKind
    reason: str
    actor: str
    at: datetime


def opened_at(parties: Sequence[Party]) -> datetime | None:
    """When a second tenant registered the paper; None while there is only one."""
    first: dict[UUID, datetime] = {}
    for party in sorted(parties, key=lambda party: party.at):
        first.setdefault(party.tenant_id, party.at)
    return sorted(first.values())[1] if len(first) > 1 else None


def case_state(parties: Sequence[Party], steps: Sequence[CaseStep]) -> CaseState:
    """As the last step left it; a tenant that comes in later opens it again."""
    last = max(steps, key=lambda step: step.at, default=None)
    if last is None:
        return "open"
    arrived = {party.tenant_id for party in parties if party.at <= last.at}
    return last.kind if {party.tenant_id for party in parties} == arrived else "open"
