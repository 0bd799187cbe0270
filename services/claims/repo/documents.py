"""Frozen snapshots, rendered documents and the jobs between them (rules CL4, FO3).  All bytes here are sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.claims.repo.rows import one_of
from shared.db.pool import Connection

INSERT_SNAPSHOT: Final = """
insert into claims.snapshot (tenant_id, claim_id, kind, subject_id, sealed, sha256) values ($1, $2, $3, $4, $5, $6)"""
SNAPSHOT: Final = """
select sealed, sha256 from claims.snapshot where tenant_id = $1 and claim_id = $2 and kind = $3 and subject_id = $4"""
INSERT_JOB: Final = "insert into claims.render_job (tenant_id, claim_id, kind) values ($1, $2, $3)"
# The lease is the row's own due time: a worker that dies leaves a job that comes due again by itself.
TAKE_JOB: Final = """
update claims.render_job j set due_at = clock_timestamp() + $1::interval, attempts = j.attempts + 1
from (select tenant_id, claim_id, kind from claims.render_job where due_at <= clock_timestamp()
    order by due_at limit 1 for update skip locked) d
where (j.tenant_id, j.claim_id, j.kind) = (d.tenant_id, d.claim_id, d.kind)
returning j.tenant_id, j.claim_id, j.kind, j.attempts"""
DELAY_JOB: Final = """
update claims.render_job set due_at = clock_timestamp() + $4::interval, last_error = $5
where tenant_id = $1 and claim_id = $2 and kind = $3"""
FINISH_JOB: Final = "delete from claims.render_job where tenant_id = $1 and claim_id = $2 and kind = $3"
INSERT_DOCUMENT: Final = """
insert into claims.document (tenant_id, claim_id, kind, sealed, sha256, size) values ($1, $2, $3, $4, $5, $6)
on conflict on constraint document_pk do nothing"""
DOCUMENT: Final = """
select sealed, sha256, size from claims.document where tenant_id = $1 and claim_id = $2 and kind = $3"""
DOCUMENT_HEADS: Final = """
select claim_id, sha256, size from claims.document where tenant_id = $1 and claim_id = any($2::uuid[]) and kind = $3"""


@dataclass(frozen=True)
class SnapshotRow:
    sealed: bytes
    sha256: bytes


@dataclass(frozen=True)
class Job:
    tenant_id: UUID
    claim_id: UUID
    kind: str
    attempts: int
    """This one included."""


@dataclass(frozen=True)
class DocumentRow:
    sealed: bytes
    sha256: bytes
    size: int


@dataclass(frozen=True)
class DocumentHead:
    sha256: bytes
    size: int


async def insert_snapshot(
    conn: Connection, tenant: UUID, claim_id: UUID, kind: str, subject_id: UUID, row: SnapshotRow
) -> None:
    await conn.execute(INSERT_SNAPSHOT, tenant, claim_id, kind, subject_id, row.sealed, row.sha256)


async def snapshot(conn: Connection, tenant: UUID, claim_id: UUID, kind: str, subject_id: UUID) -> SnapshotRow | None:
    return one_of(SnapshotRow, await conn.fetchrow(SNAPSHOT, tenant, claim_id, kind, subject_id))


async def insert_job(conn: Connection, tenant: UUID, claim_id: UUID, kind: str) -> None:
    await conn.execute(INSERT_JOB, tenant, claim_id, kind)


async def take_job(conn: Connection, lease: timedelta) -> Job | None:
    """The job that is due the longest, of any tenant; nobody else gets it while the lease lasts."""
    return one_of(Job, await conn.fetchrow(TAKE_JOB, lease))


async def delay_job(conn: Connection, job: Job, delay: timedelta, error: str) -> None:
    await conn.execute(DELAY_JOB, job.tenant_id, job.claim_id, job.kind, delay, error[:500])


async def finish_job(conn: Connection, job: Job, row: DocumentRow) -> None:
    """Keep the first bytes that were rendered: a second worker's are dropped."""
    await conn.execute(INSERT_DOCUMENT, job.tenant_id, job.claim_id, job.kind, row.sealed, row.sha256, row.size)
    await conn.execute(FINISH_JOB, job.tenant_id, job.claim_id, job.kind)


async def document(conn: Connection, tenant: UUID, claim_id: UUID, kind: str) -> DocumentRow | None:
    return one_of(DocumentRow, await conn.fetchrow(DOCUMENT, tenant, claim_id, kind))


async def document_heads(
    conn: Connection, tenant: UUID, claim_ids: Sequence[UUID], kind: str
) -> dict[UUID, DocumentHead]:
    """What is rendered already, by claim, without the bytes."""
    records = await conn.fetch(DOCUMENT_HEADS, tenant, list(claim_ids), kind)
    return {r["claim_id"]: DocumentHead(r["sha256"], r["size"]) for r in records}


async def document_head(conn: Connection, tenant: UUID, claim_id: UUID, kind: str) -> DocumentHead | None:
    return (await document_heads(conn, tenant, [claim_id], kind)).get(claim_id)
