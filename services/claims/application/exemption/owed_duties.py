"""What the holders of a tenant's exemptions owe and have not done (rule EX4)."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple, cast
from uuid import UUID

from services.claims.domain.exemption.exemption_life import Duty, Happened, StepKind, owed
from services.claims.domain.policy import Policy
from services.claims.repo import exemptions
from services.claims.repo.exemptions import ExemptionStep, StepInForce
from shared.db.pool import Connection


class Owed(NamedTuple):
    exemption_id: UUID
    vehicle_id: UUID
    duty: Duty


def happened(steps: Iterable[ExemptionStep | StepInForce]) -> list[Happened]:
    return [Happened(kind=cast("StepKind", one.kind), on=one.on_day, code=one.code) for one in steps]


async def owed_duties(conn: Connection, tenant: UUID, policy: Policy) -> list[Owed]:
    rows = await exemptions.steps_in_force(conn, tenant)
    return [
        Owed(*key, duty)
        for key, steps in groupby(rows, key=lambda one: (one.exemption_id, one.vehicle_id))
        for duty in owed(happened(steps), policy)
    ]
