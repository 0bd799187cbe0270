"""What of a licence is credited when another is bought to overlap it is a refund too: no kilometre of it is refunded again
(rules OT1, LI3; Act s 31, s 35)."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.claims.application.refusals import overlap, raising
from services.claims.repo import applications, licences
from services.claims.repo.applications import StandingRow
from services.claims.repo.licences import LicenceRow
from services.claims.repo.reviews import lock_vehicles
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection
from shared.http.problems import Problem


class Credit(NamedTuple):
    """(start, end] of a licence was credited when `bought_id` was bought."""

    licence_id: UUID
    start: int
    end: int
    bought_id: UUID


def _twice(existing_id: UUID | None) -> Problem:
    return overlap(
        "unused_refunded",
        "The unused distance of the licence before was refunded, or an application asks for it: a credit for it would refund "
        "the same kilometres twice. Withdraw the application, or record this licence without `overlap` and credit.",
        existing_id,
    )


async def credits_unmet(conn: Connection, tenant: UUID, row: LicenceRow) -> list[Credit]:
    """Of a licence with credit that overlaps none that still runs, since a sale or a surrender had ended the older one by then,
    or because nobody spoke of a credit then: it can only be for what the older one had left, claimed kilometres aside.
    Where the recorder has no older one, it is for what was left on the recorder before (rules OT2, OT3), of which no part is
    known.  Raises Problem 409 where that was given back, or is asked for."""
    if not row.overlap and not row.credit_cents:
        return []
    start = row.start_reading + row.turned
    older = await licences.older_beyond(conn, tenant, row.recorder_id, start, row.issued_at)
    if not older and row.credit_cents:
        await lock_vehicles(conn, tenant, [row.vehicle_id])  # as those do that make an application ready
        last = await licences.last_elsewhere(conn, tenant, row.vehicle_id, row.recorder_id, row.issued_at)
        for asked in await applications.standing(conn, tenant, [row.vehicle_id]):
            if last is not None and _gives_back(asked, last):
                raise _twice(asked.id)
    parts = await applications.refunded(conn, tenant, [one.id for one in older])
    for part in parts:
        if part.kind == "unused":
            raise _twice(part.source_id)
    found = []
    for one in older:
        own = [part for part in parts if part.licence_id == one.id]
        claimed = [part.to_reading for part in own if part.kind == "off_road"]
        beyond = max(start - one.turned, one.start_reading, *claimed)
        if beyond < one.end_reading and not any(part.kind == "credit" for part in own):
            found.append(Credit(one.id, beyond, one.end_reading, row.id))
    return found


def _gives_back(asked: StandingRow, last: LicenceRow) -> bool:
    """What was left on the recorder of the vehicle's `last` licence before this one."""
    changed = asked.kind == "recorder_change" and asked.recorder_id == last.recorder_id
    return changed or (asked.kind == "surrender" and asked.licence_id == last.id)


async def take_credits(conn: Connection, tenant: UUID, credited: Sequence[Credit]) -> None:
    """Both licences are in the register.  Raises Problem 409 where a kilometre was refunded before."""
    for one in credited:  # one as a rule: the licence that runs then; more where others were bought ahead
        with constraints({"refunded_range_once": raising(_twice(None))}):
            await applications.take_range(
                conn, tenant, new_id(), one.licence_id, one.start, one.end, "credit", one.bought_id
            )
