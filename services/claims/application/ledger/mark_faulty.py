"""Mark data as faulty, withdraw the mark, accept or refuse it (how-to: "contact the service desk").

Marking and lodging never overlap: lodging shares a lock of the tenant that marking holds alone, so a claim either was lodged
before the mark, and is looked at again when the data are out, or sees the mark and waits for it (rule EL4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID, uuid5

from services.claims.application.refusals import already_exists, invalid, not_found, step_not_allowed
from services.claims.application.register.attach import check_attachment
from services.claims.application.statement.facts import load_facts
from services.claims.application.statement.vehicle_spans import spans_of
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.instants import from_ms, to_ms
from services.claims.domain.policy import Policy
from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.faulty import FaultyState, advance_mark, days_touched
from services.claims.repo import devices, faulty, faulty_jobs, records, vehicles
from services.claims.repo.faulty import FaultyStep, MarkRow, StretchRow
from services.claims.repo.locks import one_at_a_time, together
from services.claims.repo.rows import Page
from shared.clock import new_id
from shared.db.pool import Connection

LOCK: Final = "faulty-data"
SPAN_MAX: Final = timedelta(days=800)
"""No fix is older than that when it comes in."""


@dataclass(frozen=True)
class Told:
    """Who takes a step, why and when."""

    actor: str
    reason: str
    at: datetime


async def hold_marks_off(conn: Connection, tenant: UUID) -> None:
    """For lodging: no mark is made while the transaction lasts."""
    await together(conn, tenant, LOCK)


async def mark_faulty(conn: Connection, row: MarkRow, policy: Policy, now_ms: int) -> MarkRow:
    """Raises Problem 409 `already_exists` for an open mark of the same thing and time, 422 for a time that is not past or no
    device spoke in, and for a licence, vehicle or attachment that is not there."""
    tenant = row.tenant_id
    await one_at_a_time(conn, tenant, LOCK)
    if row.to_at > from_ms(now_ms):
        raise invalid("/to_at", "lies in the future: mark what was driven")
    if row.to_at - row.from_at > SPAN_MAX:
        raise invalid("/from_at", f"is more than {SPAN_MAX.days} days before to_at")
    existing = await faulty.same_mark(conn, row)
    if existing is not None:
        raise already_exists("This stretch is marked already (or the ref is taken).", existing)
    if row.attachment_id is not None:
        await check_attachment(conn, tenant, row.attachment_id)
    spans = await _spans(conn, row, policy, now_ms)
    if not spans:
        raise invalid("/from_at", "no device spoke for it in that time: there is nothing to mark")
    stretches = [_stretch(row.id, span) for span in spans]
    await faulty.insert_mark(conn, row, stretches)
    step = FaultyStep(kind="marked", reason=row.reason, actor=row.actor, created_at=row.created_at)
    await faulty.add_step(conn, tenant, row.id, new_id(), step)
    await tell(conn, tenant, "faulty_data.marked", mark_id=row.id)
    return row


def _stretch(mark_id: UUID, span: DeviceSpan) -> StretchRow:
    """The exclusion's id follows from the mark's, so that a retry names the same one."""
    last_ms = span.until_ms - 1
    first_day, last_day = days_touched(span.from_ms, last_ms)
    return StretchRow(
        mark_id=mark_id, exclusion_id=uuid5(mark_id, f"{span.device}/{span.from_ms}"), device=span.device,
        from_ms=span.from_ms, to_ms=last_ms, first_day=first_day, last_day=last_day,
    )  # fmt: skip


async def _spans(conn: Connection, row: MarkRow, policy: Policy, now_ms: int) -> list[DeviceSpan]:
    """Devices in [from, until) that the mark speaks of."""
    first, until = to_ms(row.from_at), to_ms(row.to_at) + 1
    if row.device is not None:
        if not await devices.assignments(conn, row.tenant_id, Page(1), None, None, row.device):
            raise invalid("/device", f"no device {row.device!r} was ever assigned to a vehicle", "unknown_id")
        return [DeviceSpan(first, until, row.device)]
    if row.licence_id is not None:
        (bound,) = (await load_facts(conn, row.tenant_id, [row.licence_id], policy, now_ms)).bound or (None,)
        if bound is None:
            raise invalid("/licence_id", f"there is no licence {row.licence_id}", "unknown_id")
        return _clipped(bound.period.spans, first, until)
    return await _of_vehicle(conn, row, first, until)


async def _of_vehicle(conn: Connection, row: MarkRow, first: int, until: int) -> list[DeviceSpan]:
    vehicle_id = cast("UUID", row.vehicle_id)
    if not await vehicles.vehicles_by_id(conn, row.tenant_id, [vehicle_id]):
        raise invalid("/vehicle_id", f"there is no vehicle {vehicle_id}", "unknown_id")
    return list(await spans_of(conn, row.tenant_id, vehicle_id, first, until))


def _clipped(spans: tuple[DeviceSpan, ...], first: int, until: int) -> list[DeviceSpan]:
    found = (DeviceSpan(max(s.from_ms, first), min(s.until_ms, until), s.device, s.towed) for s in spans)
    return [span for span in found if span.from_ms < span.until_ms]


async def take_step(conn: Connection, tenant: UUID, mark_id: UUID, to: FaultyState, told: Told) -> None:
    """Accepting writes the job that tells the classifier.  Raises Problem 404, 409 `step_not_allowed`."""
    state = await faulty.lock_mark(conn, tenant, mark_id)
    if state is None:
        raise not_found("mark of faulty data", mark_id)
    try:
        advance_mark(cast("FaultyState", state), to)
    except IllegalStep as error:
        raise step_not_allowed("mark", str(error), error.allowed) from error
    step = FaultyStep(kind=to, reason=told.reason, actor=told.actor, created_at=told.at)
    await faulty.add_step(conn, tenant, mark_id, new_id(), step)
    await tell(conn, tenant, f"faulty_data.{to}", mark_id=mark_id)
    if to == "accepted":
        await faulty_jobs.insert_job(conn, tenant, mark_id)


async def claims_touched(conn: Connection, tenant: UUID, mark_id: UUID) -> list[UUID]:
    """Claims that stand on a device-day which the mark touches: they are looked at again when it is out."""
    names = sorted({stretch.device for stretch in await faulty.stretches(conn, tenant, mark_id)})
    return await faulty.claims_on(conn, tenant, mark_id, await records.licences_of_devices(conn, tenant, names))
