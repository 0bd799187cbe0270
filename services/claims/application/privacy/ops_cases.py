"""Cases that only those who run the system see (rule LI4).  `conn` spans tenants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from services.claims.domain.register.ops_case import CaseState, CaseStep, Party, StepKind, case_state, opened_at
from services.claims.repo import papers
from services.claims.repo.papers import ClashRow
from shared.db.pool import Connection

KIND: Final = "licence_clash"


@dataclass(frozen=True)
class OpsCase:
    """`id` stays the same as long as two tenants have the paper; `created_at`: when the second one registered it."""

    id: UUID
    created_at: datetime
    state: CaseState
    parties: tuple[ClashRow, ...]
    steps: tuple[CaseStep, ...]


async def read_cases(conn: Connection, case_id: UUID | None = None) -> list[OpsCase]:
    """Oldest first."""
    rows: dict[UUID, list[ClashRow]] = {}
    for row in await papers.clashes(conn, case_id):
        rows.setdefault(row.case_id, []).append(row)
    steps: dict[UUID, list[CaseStep]] = {}
    for step in await papers.steps(conn, list(rows)):
        done = CaseStep(cast("StepKind", step.kind), step.reason, step.actor, step.created_at)
        steps.setdefault(step.case_id, []).append(done)
    cases = [_case(one, parties, steps.get(one, [])) for one, parties in rows.items()]
    return sorted((case for case in cases if case is not None), key=lambda case: (case.created_at, case.id))


def _case(case_id: UUID, rows: list[ClashRow], steps: list[CaseStep]) -> OpsCase | None:
    parties = [Party(row.tenant_id, row.licence_id, row.registered_at) for row in rows]
    opened = opened_at(parties)
    if opened is None:
        return None
    return OpsCase(case_id, opened, case_state(parties, steps), tuple(rows), tuple(steps))
