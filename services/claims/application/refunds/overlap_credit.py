"""What of a licence is credited when another is bought to overlap it is a refund too: no kilometre of it is refunded again
(rules OT1, LI3; Act s 31, s 35)."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.claims.application.refusals import overlap, raising
from services.claims.repo import applications
from services.claims.repo.licences import LicenceRow
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


async def refuse_second_credit(conn: Connection, tenant: UUID, row: LicenceRow) -> None:
    """A licence with credit that overlaps none that still runs, where an older one's distance beyond its start was given back:
    the credit can only be for that.  Raises Problem 409."""
    if not row.overlap and not row.credit_cents:
        return
    asked = await applications.unused_beyond(
        conn, tenant, row.recorder_id, row.start_reading + row.turned, row.issued_at
    )
    if asked is not None:
        raise _twice(asked)


async def take_credits(conn: Connection, tenant: UUID, credited: Sequence[Credit]) -> None:
    """Both licences are in the register.  Raises Problem 409 where a kilometre was refunded before."""
    for one in credited:  # one as a rule: the licence that runs then; more where others were bought ahead
        with constraints({"refunded_range_once": raising(_twice(None))}):
            await applications.take_range(
                conn, tenant, new_id(), one.licence_id, one.start, one.end, "credit", one.bought_id
            )
