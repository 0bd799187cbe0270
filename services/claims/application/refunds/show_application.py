"""An application as it is read: what it stands on now, or stood on when it was frozen (rules OT2, OT3, OT4)."""

from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

from services.claims.application.refunds import application_inputs
from services.claims.application.refunds.application_inputs import Inputs
from services.claims.application.refunds.draw_inputs import draw_inputs
from services.claims.application.refunds.judge_application import judge, load_case
from services.claims.application.refusals import not_found
from services.claims.domain.policy import Policy
from services.claims.domain.refunds.application_life import (
    NEEDS,
    PENDING,
    ApplicationKind,
    ApplicationState,
    DocumentGiven,
    DocumentNeed,
    Duty,
    Paid,
    Payment,
    answer_due_on,
    lacking,
    open_duties,
    paid_so_far,
)
from services.claims.repo import applications
from services.claims.repo.applications import ApplicationRow, ApplicationStep
from shared.db.pool import Connection


@dataclass(frozen=True)
class Shown:
    row: ApplicationRow
    inputs: Inputs
    steps: tuple[ApplicationStep, ...]

    @property
    def kind(self) -> ApplicationKind:
        return cast("ApplicationKind", self.row.kind)

    @property
    def state(self) -> ApplicationState:
        return cast("ApplicationState", self.row.state)

    @property
    def frozen(self) -> bool:
        return self.row.inputs_sha256 is not None

    def duties(self) -> tuple[Duty, ...]:
        return open_duties(self.kind, self.state, [step.code for step in self.steps if step.kind == "duty"])

    def needs(self) -> list[tuple[DocumentNeed, tuple[str, ...] | None]]:
        """Each document with what of it is still to be seen; None: all of it."""
        given = [DocumentGiven(code=s.code, shows=tuple(s.shows)) for s in self.steps if s.kind == "document"]
        return [(need, lacking(need, given)) for need in NEEDS[self.kind]]

    def paid(self) -> Paid:
        payments = [step for step in self.steps if step.kind in {"paid", "set_off", "recovered"}]
        return paid_so_far((cast("Payment", one.kind), one.cents or 0) for one in payments)

    def due_on(self, policy: Policy) -> date | None:
        """Ten working days from receipt, while it is not decided."""
        received = [step.on_day for step in self.steps if step.kind == "received"]
        return answer_due_on(received[-1], policy) if received and self.state in PENDING else None


async def show_application(conn: Connection, tenant: UUID, application_id: UUID, policy: Policy, now_ms: int) -> Shown:
    """Raises Problem 404."""
    row = await applications.application(conn, tenant, application_id)
    if row is None:
        raise not_found("application", application_id)
    steps = tuple(await applications.steps(conn, tenant, application_id))
    if row.inputs_sha256 is not None:
        exact = await applications.inputs(conn, tenant, application_id)
        if exact is not None:
            return Shown(row, application_inputs.from_bytes(exact), steps)
    case = await load_case(conn, tenant, row, policy, now_ms)
    return Shown(row, draw_inputs(case, judge(case, policy), policy), steps)
