"""The life of an audit case (rule PA4): opened over claimed licences, widened, held, closed.  Nothing of it is deleted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from services.claims.application.refusals import already_exists, invalid, not_found, raising
from services.claims.application.register.attach import check_attachment
from services.claims.repo import audit_cases, audit_holds, audit_links
from services.claims.repo.audit_cases import CaseRow, Event
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection
from shared.http.problems import Problem


async def open_case(
    conn: Connection, tenant: UUID, row: CaseRow, scope: tuple[Sequence[UUID], Sequence[UUID]], actor: str
) -> None:
    """`scope`: claims and licences.  What is in it is kept from now on (rule RE1).  Raises Problem 409 `already_exists` for a
    reference that has a case, 422 for a claim or licence that is not claimed here."""
    detail = f"There is a case {row.reference!r}. Use its id."
    existing = await audit_cases.case_of_reference(conn, tenant, row.reference)
    if existing is not None:
        raise already_exists(detail, existing)
    with constraints({"audit_case_reference_unique": raising(already_exists(detail, None))}):
        await audit_cases.insert_case(conn, tenant, row)
    event = Event(
        id=new_id(), kind="opened", on_day=row.opened_on, words=row.subject, actor=actor, created_at=row.created_at
    )
    await audit_cases.add_event(conn, tenant, row.id, event)
    await _cover(conn, tenant, row.id, scope, replace(event, id=new_id(), kind="scope_added"))


async def widen_case(
    conn: Connection, tenant: UUID, case_id: UUID, scope: tuple[Sequence[UUID], Sequence[UUID]], event: Event
) -> None:
    """Raises Problem 404, 409 `case_closed`, 422."""
    await _open(conn, tenant, case_id)
    await _cover(conn, tenant, case_id, scope, event)


async def _cover(
    conn: Connection, tenant: UUID, case_id: UUID, scope: tuple[Sequence[UUID], Sequence[UUID]], event: Event
) -> None:
    claim_ids, licence_ids = scope
    lines = await audit_cases.lines_of(conn, tenant, claim_ids, licence_ids)
    for pointer, wanted, known in (
        ("/claim_ids", claim_ids, {claim for claim, _ in lines}),
        ("/licence_ids", licence_ids, {licence for _, licence in lines}),
    ):
        strange = sorted(set(wanted) - known)
        if strange:
            raise invalid(pointer, f"{strange[0]} is not claimed here: a case covers claimed licences", "not_claimed")
    added = await audit_cases.add_lines(conn, tenant, case_id, lines)
    await audit_holds.hold_lines(conn, tenant, case_id)
    words = f"{len(added)} claimed licence{'' if len(added) == 1 else 's'}"
    await audit_cases.add_event(conn, tenant, case_id, replace(event, words=words))


async def record_given(conn: Connection, tenant: UUID, case_id: UUID, event: Event) -> None:
    """What the officer was given, and when.  Raises Problem 404, 409 `case_closed`, 422 for an attachment that is not there."""
    await _open(conn, tenant, case_id)
    if event.attachment_id is not None:
        await check_attachment(conn, tenant, event.attachment_id)
    await audit_cases.add_event(conn, tenant, case_id, event)


async def set_hold(conn: Connection, tenant: UUID, case_id: UUID, *, held: bool, event: Event) -> None:
    """A legal hold keeps what the case covers, also when the case is closed.  Raises Problem 404."""
    is_open = await audit_cases.lock_case(conn, tenant, case_id)
    if is_open is None:
        raise not_found("audit case", case_id)
    await audit_cases.set_legal_hold(conn, tenant, case_id, held=held)
    if held:
        await audit_holds.hold_lines(conn, tenant, case_id)
    elif not is_open:
        await audit_holds.release_lines(conn, tenant, case_id, event.created_at)
    await audit_cases.add_event(conn, tenant, case_id, event)


async def close_case(conn: Connection, tenant: UUID, case_id: UUID, on: date, outcome: str, event: Event) -> None:
    """Its links end; what it covers is kept for as long as its legal hold stands.  Raises Problem 404, 409, 422."""
    row = await _open(conn, tenant, case_id)
    if on < row.opened_on:
        raise invalid("/on", f"the case was opened on {row.opened_on}")
    await audit_cases.close_case(conn, tenant, case_id, on, outcome)
    await audit_links.revoke(conn, tenant, case_id, None, event.created_at, event.actor)
    if not row.legal_hold:
        await audit_holds.release_lines(conn, tenant, case_id, event.created_at)
    await audit_cases.add_event(conn, tenant, case_id, event)


async def _open(conn: Connection, tenant: UUID, case_id: UUID) -> CaseRow:
    """The case, locked.  Raises Problem 404, 409 `case_closed`."""
    is_open = await audit_cases.lock_case(conn, tenant, case_id)
    row = await audit_cases.case(conn, tenant, case_id)
    if is_open is None or row is None:
        raise not_found("audit case", case_id)
    if not is_open:
        raise Problem(409, "case_closed", "The case is closed", "Open another case, with a reference of its own.")
    return row


def event_of(kind: str, on: date, words: str, actor: str, at: datetime, attachment_id: UUID | None = None) -> Event:
    return Event(
        id=new_id(), kind=kind, on_day=on, words=words, attachment_id=attachment_id, actor=actor, created_at=at
    )
