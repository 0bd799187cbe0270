"""The steps of an application: changed, ready, followed to its end, paid (rules OT2, OT3, OT4)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from services.claims.application.claim.draft_claim import shown
from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refunds import application_inputs
from services.claims.application.refunds.application_details import check_details, from_json, to_json
from services.claims.application.refunds.apply import advance, in_order, step_at, take_application_step
from services.claims.application.refunds.draw_inputs import draw_inputs
from services.claims.application.refunds.judge_application import Case, Judged, judge, load_case
from services.claims.application.refunds.restore_range import UNUSED_FROM, restore_range
from services.claims.application.refusals import already_refunded, invalid, raising, step_not_allowed
from services.claims.application.register.add_reading import check_reading
from services.claims.application.register.attach import check_attachment
from services.claims.application.register.turns import follow_readings
from services.claims.application.webhooks.tell import tell
from services.claims.domain.instants import from_ms
from services.claims.domain.refunds.application_life import (
    DUTIES,
    NEEDS,
    OVER,
    WITH_THE_AGENCY,
    ApplicationKind,
    ApplicationState,
    Payment,
    TooMuchBack,
    open_duties,
    paid_so_far,
)
from services.claims.domain.refunds.surrender import young_enough
from services.claims.repo import applications, licences, lodged, recorders
from services.claims.repo.applications import ApplicationRow, ApplicationStep
from services.claims.repo.recorders import ReadingRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection
from shared.http.problems import Problem

PAYMENTS: Final = ("paid", "set_off", "recovered")


async def amend(
    conn: Connection, tenant: UUID, row: ApplicationRow, given: Mapping[str, Any], at: datetime, actor: str, reviews: Reviews
) -> None:  # fmt: skip
    """Say more, or otherwise.  What was ready is a draft again, and its kilometres are free (`row` is locked).

    Raises Problem 409 `step_not_allowed` once it is sent, 422 for a detail that the kind does not ask."""
    check_details(cast("ApplicationKind", row.kind), given)
    if row.state not in {"draft", "ready"}:
        _forbid(row, "draft")
    details = msgspec.structs.replace(from_json(row.details), **given)
    await applications.redraft(conn, tenant, row.id, to_json(details))
    await applications.add_step(conn, tenant, row.id, step_at("amended", "draft", at, actor))
    if row.state == "ready":
        await give_back(conn, tenant, row)
        await reviews.of(conn, tenant, [row.vehicle_id])


async def add_document(
    conn: Connection, tenant: UUID, row: ApplicationRow, step: ApplicationStep, reviews: Reviews
) -> None:
    """`step.code`, `shows`, `attachment_id`.  In any state: the Agency may ask for more.  Raises Problem 422."""
    known = {need.code: need for need in NEEDS[cast("ApplicationKind", row.kind)]}
    if step.code not in {*known, "other"}:
        raise invalid("/code", f"must be one of {', '.join([*known, 'other'])}")
    for part in step.shows:
        if step.code not in known or part not in known[step.code].shows:
            raise invalid("/shows", f"{part!r} is not asked to be seen on it")
    if step.attachment_id is not None:
        await check_attachment(conn, tenant, step.attachment_id)
    if row.state == "ready":  # what it stands on changes
        await applications.redraft(conn, tenant, row.id, row.details)
        await give_back(conn, tenant, row)
        step = replace(step, state="draft")
    await applications.add_step(conn, tenant, row.id, step)
    if row.state == "ready":
        await reviews.of(conn, tenant, [row.vehicle_id])


async def make_ready(conn: Connection, tenant: UUID, row: ApplicationRow, actor: str, reviews: Reviews) -> None:
    """Freeze what it stands on, take its kilometres, and end the licence's range there (rule LI2).  `row` is locked.

    Raises Problem 409 `step_not_allowed`, `not_ready` with the findings, `already_refunded`."""
    policy, now_ms = reviews.policy, reviews.now_ms
    at = from_ms(now_ms)
    advance(row, "ready")
    case = await load_case(conn, tenant, row, policy, now_ms)
    judged = judge(case, policy)
    if judged.fails or judged.unused is None or judged.at is None:
        raise _not_ready(judged)
    inputs = draw_inputs(case, judged, policy)
    exact = application_inputs.to_bytes(inputs)
    digest = sha256(exact).digest()
    await applications.freeze(conn, tenant, row.id, inputs.amount_cents, judged.unused.start, judged.at, digest)
    with constraints({"refunded_range_once": raising(already_refunded())}):
        await applications.take_range(
            conn, tenant, new_id(), case.paper.id, judged.unused.start, judged.unused.end, "unused", row.id
        )
    await _end_range(conn, tenant, case, judged.unused.start)
    await applications.add_step(conn, tenant, row.id, step_at("ready", "ready", at, actor), exact)
    await tell(conn, tenant, "application.ready", application_id=row.id)
    await reviews.of(conn, tenant, [row.vehicle_id])


def _not_ready(judged: Judged) -> Problem:
    blocking = [msgspec.to_builtins(shown(one)) for one in judged.fails]
    return Problem(
        409, "not_ready", "The application is not complete",
        "Clear the findings that fail, with `details` and `documents`, then make it ready.", findings=blocking,
    )  # fmt: skip


async def _keep_reading(conn: Connection, tenant: UUID, row: ApplicationRow, now: datetime) -> None:
    """What was sent to the Agency as the recorder's reading becomes an actual reading, where no other contradicts it; an
    estimate never does (rule DI3).  Not earlier: until it is sent a slip of the pen can be put right."""
    details = from_json(row.details)
    paper = await licences.licence(conn, tenant, row.licence_id) if row.licence_id is not None else None
    estimated = row.kind == "recorder_change" and details.cause != "unserviceable"
    if paper is None or details.reading is None or details.read_at is None or estimated:
        return
    recorder = await recorders.lock_recorder(conn, tenant, paper.recorder_id)
    known = await recorders.same_reading(conn, tenant, paper.recorder_id, details.read_at, "person", None)
    if recorder is None or known is not None:
        return
    kept = ReadingRow(
        id=new_id(), ref=None, recorder_id=recorder.id, at=details.read_at, value=details.reading, source="person",
        note=f"application: {row.kind}", label="", created_at=now,
    )  # fmt: skip
    try:
        await check_reading(conn, tenant, recorder, kept)
    except Problem:
        return
    await recorders.insert_reading(conn, tenant, kept)
    await follow_readings(conn, tenant, recorder)


async def _end_range(conn: Connection, tenant: UUID, case: Case, at_reading: int) -> None:
    """A licence that is claimed already is never changed: its claimed part lies before what is asked for."""
    if case.kind == "cancelled_vehicle" or await lodged.claimed(conn, tenant, [case.paper.id]):
        return
    await licences.end_range(conn, tenant, case.paper.id, at_reading, UNUSED_FROM[case.kind])


async def give_back(conn: Connection, tenant: UUID, row: ApplicationRow) -> None:
    """Nothing is asked for any more (`row` is as it was): the kilometres are free, the licence runs on as far as it may."""
    await applications.release_range(conn, tenant, row.id)
    if row.licence_id is not None:
        await restore_range(conn, tenant, row.licence_id)


async def follow(conn: Connection, tenant: UUID, row: ApplicationRow, step: ApplicationStep, reviews: Reviews) -> None:
    """Sent, received, granted, declined, withdrawn.  `row` is locked.  Raises Problem 409 `step_not_allowed`, 422."""
    if step.state == "withdrawn" and row.state in WITH_THE_AGENCY and not step.reference:
        raise invalid(
            "/reference",
            "the Agency has it: give the reference of its word that it will not decide it, or the kilometres might be refunded "
            "twice",
            "missing",
        )
    await take_application_step(conn, tenant, row, step)
    if step.state == "sent":
        await _still_young(conn, tenant, row, step, reviews)
        await _keep_reading(conn, tenant, row, step.created_at)
    if step.state in OVER and row.state != "draft":
        await give_back(conn, tenant, row)
    if step.state == "sent" or step.state in OVER:
        await reviews.of(conn, tenant, [row.vehicle_id])


async def _still_young(
    conn: Connection, tenant: UUID, row: ApplicationRow, step: ApplicationStep, reviews: Reviews
) -> None:
    """Rule OT2: a licence that was young enough when the application was made ready may be too old on the day it goes.  All
    else that it stands on is frozen.  Raises Problem 409 `not_ready`."""
    if row.kind != "surrender":
        return
    case = await load_case(conn, tenant, row, reviews.policy, reviews.now_ms)
    found = young_enough(case.licence, step.on_day, reviews.policy)
    if found.outcome == "fail":
        raise Problem(
            409, "not_ready", "The application came too late", f"It is refused: {found.reason}. Withdraw it.",
            findings=[msgspec.to_builtins(shown(found))],
        )  # fmt: skip


async def pay(conn: Connection, tenant: UUID, row: ApplicationRow, step: ApplicationStep) -> None:
    """What the Agency paid, set off against charges that are owed, or took back.  Raises Problem 409, 422."""
    if row.state != "granted":
        _forbid(row, "granted")
    await in_order(conn, tenant, row.id, step)
    known = [one for one in await applications.steps(conn, tenant, row.id) if one.kind in PAYMENTS]
    try:
        paid_so_far((cast("Payment", one.kind), one.cents or 0) for one in (*known, step))
    except TooMuchBack as error:
        raise invalid("/cents", str(error)) from error
    await applications.add_step(conn, tenant, row.id, step)
    await tell(conn, tenant, f"application.{step.kind}", application_id=row.id)


async def do_duty(conn: Connection, tenant: UUID, row: ApplicationRow, step: ApplicationStep) -> None:
    """A person says that the duty `step.code` is done.  Raises Problem 404 for one that does not stand."""
    kind, state = cast("ApplicationKind", row.kind), cast("ApplicationState", row.state)
    done = [one.code for one in await applications.steps(conn, tenant, row.id) if one.kind == "duty"]
    if step.code not in {one.code for one in open_duties(kind, state, done) if one.by_a_person}:
        known = ", ".join(one.code for one in DUTIES[kind] if one.by_a_person) or "none"
        raise Problem(404, "not_found", "No such duty stands", f"Duties that a person reports for this kind: {known}.")
    await in_order(conn, tenant, row.id, step)
    await applications.add_step(conn, tenant, row.id, step)


def _forbid(row: ApplicationRow, to: ApplicationState) -> None:
    """Raises Problem 409: from its state there is no way to `to`."""
    advance(row, to)
    raise step_not_allowed("application", f"It is {row.state}.", [])
