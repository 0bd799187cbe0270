"""Begin an application for what is unused of a licence, and change it while it is not sent (rules OT2, OT3, OT4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from services.claims.application.happened import check_step_day
from services.claims.application.refunds.application_details import Details, check_details, to_json
from services.claims.application.refusals import already_exists, invalid, not_found, raising, step_not_allowed
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.instants import nz_date
from services.claims.domain.refunds.application_life import ApplicationKind, ApplicationState, advance_application
from services.claims.repo import applications, licences, recorders
from services.claims.repo.applications import ApplicationRow, ApplicationStep
from services.claims.repo.reviews import lock_vehicles
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection

ONE_AT_A_TIME: Final = (
    "The licence has an application already, and each kind refunds the same unused kilometres. Go on with that one, or "
    "withdraw it first."
)


async def begin_application(
    conn: Connection, tenant: UUID, row: ApplicationRow, given: Mapping[str, Any], actor: str
) -> ApplicationRow:
    """`row.vehicle_id` and `claimant_id` are found from the licence; `given`: the details.  Raises Problem 404 for the licence,
    409 `already_exists`, 422 for a detail that the kind does not ask."""
    kind = cast("ApplicationKind", row.kind)
    check_details(kind, given)
    if row.licence_id is None or not await _lock_licence(conn, tenant, row.licence_id):
        raise invalid("/licence_id", f"there is no licence {row.licence_id}", "unknown_id")
    existing = await applications.same_application(conn, tenant, row.licence_id, row.ref)
    if existing is not None:
        raise already_exists(ONE_AT_A_TIME, existing)
    licence = await licences.licence(conn, tenant, row.licence_id)
    if licence is None:
        raise not_found("licence", row.licence_id)
    made = ApplicationRow(
        id=row.id, ref=row.ref, kind=row.kind, state="draft", vehicle_id=licence.vehicle_id, licence_id=licence.id,
        claimant_id=licence.claimant_id, details=to_json(Details(**given)), created_at=row.created_at,
    )  # fmt: skip
    taken = {
        "application_standing_once": raising(already_exists(ONE_AT_A_TIME, None)),
        "application_ref_unique": raising(already_exists("Another application has this ref.", None)),
    }
    with constraints(taken):
        await applications.insert_application(conn, tenant, made)
    step = ApplicationStep(
        id=new_id(), kind="drafted", state="draft", on_day=nz_date(row.created_at), actor=actor, created_at=row.created_at
    )  # fmt: skip
    await applications.add_step(conn, tenant, row.id, step)
    return made


async def _lock_licence(conn: Connection, tenant: UUID, licence_id: UUID) -> bool:
    """Its recorder first, as those do that add readings and licences; with it every other of its vehicle, since the claims of
    those may be reviewed."""
    licence = await licences.licence(conn, tenant, licence_id)
    if licence is None:
        return False
    await recorders.lock_recorder(conn, tenant, licence.recorder_id)
    await lock_vehicles(conn, tenant, [licence.vehicle_id])
    return True


async def locked(conn: Connection, tenant: UUID, application_id: UUID) -> ApplicationRow:
    """With its recorder and licence locked before it.  Raises Problem 404."""
    row = await applications.application(conn, tenant, application_id)
    if row is not None and row.licence_id is not None:
        await _lock_licence(conn, tenant, row.licence_id)
    held = await applications.lock_application(conn, tenant, application_id) if row is not None else None
    if held is None:
        raise not_found("application", application_id)
    return held


async def take_application_step(conn: Connection, tenant: UUID, row: ApplicationRow, step: ApplicationStep) -> None:
    """`row` is locked.  `step.state` is where it leads.  Raises Problem 409 `step_not_allowed`, 422 for a day out of order."""
    to = cast("ApplicationState", step.state)
    advance(row, to)
    await in_order(conn, tenant, row.id, step)
    await applications.add_step(conn, tenant, row.id, step)
    await applications.set_state(conn, tenant, row.id, to)
    await tell(conn, tenant, f"application.{to}", application_id=row.id)


def advance(row: ApplicationRow, to: ApplicationState) -> None:
    """Raises Problem 409 `step_not_allowed`."""
    try:
        advance_application(cast("ApplicationState", row.state), to)
    except IllegalStep as error:
        raise step_not_allowed("application", str(error), error.allowed) from error


async def in_order(conn: Connection, tenant: UUID, application_id: UUID, step: ApplicationStep) -> None:
    last = max(one.on_day for one in await applications.steps(conn, tenant, application_id))
    check_step_day("/on", step.on_day, last, nz_date(step.created_at))


def step_at(kind: str, state: str, at: datetime, actor: str) -> ApplicationStep:
    """A step of today."""
    return ApplicationStep(id=new_id(), kind=kind, state=state, on_day=nz_date(at), actor=actor, created_at=at)
