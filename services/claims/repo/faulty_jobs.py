"""What is still to be told the classifier of marks that were accepted, tried until it is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.claims.repo.rows import one_of
from shared.db.pool import Connection

INSERT_JOB: Final = "insert into claims.faulty_job (tenant_id, mark_id) values ($1, $2)"
# The lease is the row's own due time: a worker that dies leaves a job that comes due again by itself.
TAKE_JOB: Final = """
update claims.faulty_job j set due_at = clock_timestamp() + $1::interval, attempts = j.attempts + 1
from (select tenant_id, mark_id from claims.faulty_job where due_at <= clock_timestamp()
    order by due_at limit 1 for update skip locked) d
where (j.tenant_id, j.mark_id) = (d.tenant_id, d.mark_id)
returning j.tenant_id, j.mark_id, j.attempts"""
DELAY_JOB: Final = """
update claims.faulty_job set due_at = clock_timestamp() + $3::interval, last_error = $4, attempts = $5
where tenant_id = $1 and mark_id = $2"""
FINISH_JOB: Final = "delete from claims.faulty_job where tenant_id = $1 and mark_id = $2"
JOB_ERROR: Final = "select last_error from claims.faulty_job where tenant_id = $1 and mark_id = $2"


@dataclass(frozen=True)
class FaultyJob:
    tenant_id: UUID
    mark_id: UUID
    attempts: int
    """This one included."""


async def insert_job(conn: Connection, tenant: UUID, mark_id: UUID) -> None:
    await conn.execute(INSERT_JOB, tenant, mark_id)


async def take_job(conn: Connection, lease: timedelta) -> FaultyJob | None:
    """The job that is due the longest, of any tenant; nobody else gets it while the lease lasts."""
    return one_of(FaultyJob, await conn.fetchrow(TAKE_JOB, lease))


async def delay_job(conn: Connection, job: FaultyJob, delay: timedelta, error: str, attempts: int) -> None:
    await conn.execute(DELAY_JOB, job.tenant_id, job.mark_id, delay, error[:500], attempts)


async def finish_job(conn: Connection, job: FaultyJob) -> None:
    await conn.execute(FINISH_JOB, job.tenant_id, job.mark_id)


async def job_error(conn: Connection, tenant: UUID, mark_id: UUID) -> str:
    """Why the job of a mark waits; "" where it does not, or there is none."""
    found: str | None = await conn.fetchval(JOB_ERROR, tenant, mark_id)
    return found or ""
