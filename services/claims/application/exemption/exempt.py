"""A vehicle's section 40 exemption: applied for, granted, watched over, ended (rules EX1, EX2, EX4; VE5, LI2)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.exemption.owed_duties import happened
from services.claims.application.happened import check_step_day
from services.claims.application.refusals import already_exists, invalid, not_found, raising, step_not_allowed
from services.claims.application.register.attach import check_attachment
from services.claims.application.statement.vehicle_spans import spans_of, windows_of
from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.exemption.exemption import Application, Judgement, judge
from services.claims.domain.exemption.exemption_life import (
    Duty,
    ExemptionState,
    StepKind,
    advance_exemption,
    duties,
)
from services.claims.domain.exemption.reach import InvalidBoundary, boundary_of
from services.claims.domain.instants import nz_date, to_ms
from services.claims.domain.policy import Policy
from services.claims.domain.statement.statement_parts import Amounts, Revision, Tally, amounts_of
from services.claims.repo import exemptions, ledger, vehicles
from services.claims.repo.exemptions import ExceptionRow, ExemptionRow, ExemptionStep
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection
from shared.http.problems import Problem

YEAR: Final = timedelta(days=365)
BOUNDS: Final = frozenset({"granted", "ended", "annulled"})
"""Steps from which on the vehicle is exempt, or is not any more, or never was."""
ONE_AT_A_TIME: Final = "The vehicle has an exemption, or an application for one. Go on with it, or withdraw it first."


async def begin_exemption(conn: Connection, tenant: UUID, row: ExemptionRow, actor: str) -> ExemptionRow:
    """A draft.  Raises Problem 422 for a vehicle that is not there and a boundary that is none, 409 `already_exists`."""
    check_boundary(row.boundary)
    if not await vehicles.lock_vehicle(conn, tenant, row.vehicle_id):
        raise invalid("/vehicle_id", f"there is no vehicle {row.vehicle_id}: add it first", "unknown_id")
    existing = await exemptions.same(conn, tenant, row.vehicle_id, row.ref)
    if existing is not None:
        raise already_exists(ONE_AT_A_TIME, existing)
    with constraints({"exemption_one_at_a_time": raising(already_exists(ONE_AT_A_TIME, None))}):
        await exemptions.insert(conn, tenant, row)
    step = ExemptionStep(
        id=new_id(), kind="drafted", on_day=nz_date(row.created_at), actor=actor, created_at=row.created_at
    )
    await exemptions.add_step(conn, tenant, row.id, step)
    return row


def check_boundary(geojson: str) -> None:
    """Rule EX3: the reach is measured from the edge of the legal boundary.  Raises Problem 422 for a point and the like."""
    try:
        boundary_of(msgspec.json.decode(geojson))
    except InvalidBoundary as error:
        raise invalid(f"/boundary{error.pointer}", str(error), "no_boundary") from None


async def take_exemption_step(
    conn: Connection, tenant: UUID, exemption_id: UUID, step: ExemptionStep, reviews: Reviews, *,
    at: datetime | None = None, details: str | None = None, boundary: str | None = None,
) -> None:  # fmt: skip
    """`at`: from when it is granted, or when it ended.  `details`, `boundary`: what is amended or changed.

    Raises Problem 404, 409 `step_not_allowed`, 409 `not_ready` with the findings for an application that would fail, 422 for a
    day out of order, a duty that does not stand, or a fee that is not the one that was shown."""
    row = await exemptions.locked(conn, tenant, exemption_id)
    if row is None:
        raise not_found("exemption", exemption_id)
    try:
        after = advance_exemption(cast("ExemptionState", row.state), cast("StepKind", step.kind))
    except IllegalStep as error:
        raise step_not_allowed("exemption", str(error), error.allowed) from error
    steps = await exemptions.steps(conn, tenant, exemption_id)
    check_step_day("/on", step.on_day, steps[-1].on_day, nz_date(step.created_at))
    if step.kind == "annulled" and not step.reason:
        raise invalid("/reason", "why was it never in force?", "missing")
    if step.attachment_id is not None:
        await check_attachment(conn, tenant, step.attachment_id)
    if step.kind == "sent":
        await _check_sending(conn, tenant, row, step, reviews.policy)
    if step.kind == "done" and step.code not in {
        duty.code for duty in duties_of(steps, reviews.policy) if duty.done_on is None
    }:
        raise invalid("/code", "no such duty stands open", "no_duty")
    step = await _amend(conn, tenant, row, step, details, boundary)
    await _move(conn, tenant, row, after, step.kind, at)
    await exemptions.add_step(conn, tenant, row.id, step)
    if step.kind in BOUNDS:  # back in time, perhaps over what is lodged (rules LI2, CL7)
        await reviews.of(conn, tenant, [row.vehicle_id])


async def _amend(
    conn: Connection, tenant: UUID, row: ExemptionRow, step: ExemptionStep, details: str | None, boundary: str | None
) -> ExemptionStep:
    """What was applied for is amended; a boundary that changes later is kept with the step, since it was the one until then."""
    if details is not None or boundary is not None:
        await exemptions.amend(conn, tenant, row.id, details or row.details, boundary or row.boundary)
    moved = step.kind == "changed" and boundary is not None
    return replace(step, boundary_before=row.boundary) if moved else step


async def _move(conn: Connection, tenant: UUID, row: ExemptionRow, after: str, kind: str, at: datetime | None) -> None:
    if kind not in BOUNDS:
        await exemptions.set_state(conn, tenant, row.id, after, None, None)
        return
    if kind == "annulled":
        await exemptions.annul(conn, tenant, row.id, after)
        return
    if at is None:
        raise invalid("/at", "from which instant?" if kind == "granted" else "at which instant?", "missing")
    if kind == "ended" and row.from_at is not None and at <= row.from_at:
        raise invalid("/at", "the exemption began later")
    from_at, until_at = (at, None) if kind == "granted" else (None, at)
    await exemptions.set_state(conn, tenant, row.id, after, from_at, until_at)


async def _check_sending(
    conn: Connection, tenant: UUID, row: ExemptionRow, step: ExemptionStep, policy: Policy
) -> None:
    """Rules EX1, EX2: what fails is not sent; the fee was seen before (it is never refunded)."""
    judged = await judged_now(conn, tenant, replace_day(row, step.on_day.isoformat()), policy, step.created_at)
    if not judged.can_apply:
        failing = [msgspec.to_builtins(one) for one in judged.findings if one.outcome == "fail"]
        raise Problem(
            409, "not_ready", "The application would be declined", "Clear the findings first: the fee is not refunded.",
            findings=failing,
        )  # fmt: skip
    if step.cents != judged.fee_cents:
        raise invalid("/fee_cents", f"the fee is {judged.fee_cents} cents and is not refunded: confirm it", "fee")


def replace_day(row: ExemptionRow, applied_on: str) -> ExemptionRow:
    """The application as if it were made on that day: the odometer must have been read on it (rule EX2)."""
    return replace(
        row, details=msgspec.json.encode(msgspec.json.decode(row.details) | {"applied_on": applied_on}).decode()
    )


async def judged_now(conn: Connection, tenant: UUID, row: ExemptionRow, policy: Policy, now: datetime) -> Judgement:
    """What the application looks like, with the vehicle's last year beside it."""
    vehicle = (await vehicles.vehicles_by_id(conn, tenant, [row.vehicle_id]))[0]
    given: dict[str, Any] = msgspec.json.decode(row.details)
    given.setdefault("applied_on", nz_date(now).isoformat())
    application = msgspec.convert({"gross_kg": vehicle.gross_kg} | given, Application)
    return judge(application, await travelled(conn, tenant, row.vehicle_id, now - YEAR, now), policy)


async def travelled(conn: Connection, tenant: UUID, vehicle_id: UUID, since: datetime, until: datetime) -> Amounts:
    """What the vehicle's devices saw of it on whole NZ days, by surface; not closed on a recorder."""
    spans = await spans_of(conn, tenant, vehicle_id, to_ms(since), to_ms(until))
    return travelled_on(await ledger.summaries_in(conn, tenant, windows_of(spans), ()))


def travelled_on(days: Iterable[Revision]) -> Amounts:
    """The totals of some device-days."""
    tally: Tally = {}
    for found in days:
        for total in found.day.totals:
            tally[total.surface, total.basis] = tally.get((total.surface, total.basis), 0) + total.mm
    return amounts_of(tally)


def duties_of(steps: Sequence[ExemptionStep], policy: Policy) -> tuple[Duty, ...]:
    """Rule EX4."""
    return duties(happened(steps), policy)


async def add_exception(conn: Connection, tenant: UUID, exemption_id: UUID, row: ExceptionRow) -> None:
    """Rule EX3: travel beyond the reach that the conditions allow, with evidence and destination.  Raises Problem 404, 422."""
    if await exemptions.locked(conn, tenant, exemption_id) is None:
        raise not_found("exemption", exemption_id)
    if row.until_at <= row.from_at:
        raise invalid("/to", "must lie after from")
    await check_attachment(conn, tenant, row.attachment_id)
    await exemptions.insert_exception(conn, tenant, exemption_id, row)
