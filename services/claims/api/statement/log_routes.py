"""Manual log entries for gaps (rule LI8)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.fields import MM_PER_KM, Answer, Body, GivenText, Km
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.refusals import not_found
from services.claims.application.statement.log_gap import add_log_entry, withdraw_log_entry
from services.claims.domain.instants import from_ms
from services.claims.repo import licences, log_entries
from services.claims.repo.log_entries import LogRow
from shared.clock import new_id
from shared.db.pool import Connection

DAY_KM_MAX: Final = 2_000

router = APIRouter(tags=["licences"])


class LogBody(Body):
    on: date
    """NZ day."""
    km: Annotated[Decimal, Field(gt=0, le=DAY_KM_MAX, max_digits=7, decimal_places=3)]
    reason: GivenText
    """Where and what for, and why the GPS record lacks it."""
    attachment_id: UUID
    """The log: a page of the logbook, a job sheet."""
    actor: ActorName | None = None


class WithdrawLogBody(Body):
    actor: ActorName | None = None
    reason: GivenText


class LogAnswer(Answer):
    id: UUID
    licence_id: UUID
    on: date
    logged_mm: int
    logged_km: Km
    reason: str
    attachment_id: UUID
    actor: str
    created_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str
    withdrawn_reason: str


def _answer(row: LogRow) -> LogAnswer:
    return LogAnswer.model_validate({**vars(row), "on": row.on_day, "logged_km": row.logged_mm})


@router.post("/licences/{licence_id}/log-entries", status_code=201, response_model=LogAnswer)
async def post_log_entry(request: Request, who: Writer, context: Ctx, licence_id: UUID, body: LogBody) -> Response:
    """Off-road travel that no fix shows: at most what of that day is unknown."""
    row = LogRow(
        id=new_id(), licence_id=licence_id, on_day=body.on, logged_mm=int(body.km * MM_PER_KM), reason=body.reason,
        attachment_id=body.attachment_id, actor=actor_of(who, body.actor), created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> LogAnswer:
        await add_log_entry(conn, who.tenant_id, row, context.reviews)
        return _answer(row)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/licences/{licence_id}/log-entries")
async def get_log_entries(who: Reader, context: Ctx, page: Paged, licence_id: UUID) -> ListAnswer[LogAnswer]:
    """Those taken back too; what counts of each is in the statement."""

    async def read(conn: Connection) -> ListAnswer[LogAnswer]:
        if await licences.licence(conn, who.tenant_id, licence_id) is None:
            raise not_found("licence", licence_id)
        return listed(page, await log_entries.entries(conn, who.tenant_id, licence_id, page), _answer)

    return await query(context, who.tenant_id, read)


@router.post("/licences/{licence_id}/log-entries/{entry_id}/withdraw", response_model=LogAnswer)
async def post_log_withdrawal(
    request: Request, who: Writer, context: Ctx, licence_id: UUID, entry_id: UUID, body: WithdrawLogBody
) -> Response:
    """It counts no more, and stays to be seen."""

    async def effect(conn: Connection) -> LogAnswer:
        at = from_ms(context.clock())
        row = await withdraw_log_entry(
            conn, who.tenant_id, licence_id, entry_id, at, actor_of(who, body.actor), body.reason, context.reviews
        )
        return _answer(row)

    return await command(request, context, who.tenant_id, 200, effect)
