"""Frozen snapshots, rendered documents and the jobs between them (rules CL4, FO3).  All bytes here are sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of, one_of
from shared.db.pool import Connection

INSERT_SNAPSHOT: Final = """
insert into claims.snapshot (tenant_id, claim_id, kind, subject_id, sealed, sha256, edition)
values ($1, $2, $3, $4, $5, $6, $7)"""
SNAPSHOT: Final = """
select sealed, sha256, edition from claims.snapshot
where tenant_id = $1 and claim_id = $2 and kind = $3 and subject_id = $4 and edition = coalesce($5, edition)
order by edition desc limit 1"""
INSERT_JOB: Final = "insert into claims.render_job (tenant_id, claim_id, kind, edition) values ($1, $2, $3, $4)"
# The lease is the row's own due time: a worker that dies leaves a job that comes due again by itself.
TAKE_JOB: Final = """
update claims.render_job j set due_at = clock_timestamp() + $1::interval, attempts = j.attempts + 1
from (select tenant_id, claim_id, kind, edition from claims.render_job where due_at <= clock_timestamp()
    order by due_at limit 1 for update skip locked) d
where (j.tenant_id, j.claim_id, j.kind, j.edition) = (d.tenant_id, d.claim_id, d.kind, d.edition)
returning j.tenant_id, j.claim_id, j.kind, j.edition, j.attempts"""
DELAY_JOB: Final = """
update claims.render_job set due_at = clock_timestamp() + $5::interval, last_error = $6, refused = $7
where tenant_id = $1 and claim_id = $2 and kind = $3 and edition = $4"""
FINISH_JOB: Final = (
    "delete from claims.render_job where tenant_id = $1 and claim_id = $2 and kind = $3 and edition = $4"
)
INSERT_DOCUMENT: Final = """
insert into claims.document (tenant_id, claim_id, kind, edition, sealed, sha256, size) values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint document_pk do nothing returning claim_id"""
DOCUMENT: Final = """
select sealed, sha256, size from claims.document where tenant_id = $1 and claim_id = $2 and kind = $3 and edition = $4"""
HEADS: Final = """
select s.claim_id, s.edition, d.sha256, d.size, coalesce(j.refused, false) as refused
from (select claim_id, max(edition) as edition from claims.snapshot
    where tenant_id = $1 and claim_id = any($2::uuid[]) and kind = $3 group by claim_id) s
left join claims.document d on d.tenant_id = $1 and d.claim_id = s.claim_id and d.kind = $3 and d.edition = s.edition
left join claims.render_job j on j.tenant_id = $1 and j.claim_id = s.claim_id and j.kind = $3 and j.edition = s.edition"""


@dataclass(frozen=True)
class SnapshotRow:
    sealed: bytes
    sha256: bytes
    edition: int = 1
    """1: as lodged; then one more with each correction (rule CL6)."""


@dataclass(frozen=True)
class Job:
    tenant_id: UUID
    claim_id: UUID
    kind: str
    edition: int
    attempts: int
    """This one included."""


@dataclass(frozen=True)
class DocumentRow:
    sealed: bytes
    sha256: bytes
    size: int


@dataclass(frozen=True)
class DocumentHead:
    """The latest edition of a document; no hash and size until it is rendered."""

    claim_id: UUID
    edition: int
    sha256: bytes | None
    size: int | None
    refused: bool
    """The renderer cannot print it as it is."""


async def insert_snapshot(
    conn: Connection, tenant: UUID, claim_id: UUID, kind: str, subject_id: UUID, row: SnapshotRow
) -> None:
    await conn.execute(INSERT_SNAPSHOT, tenant, claim_id, kind, subject_id, row.sealed, row.sha256, row.edition)


async def snapshot(
    conn: Connection, tenant: UUID, claim_id: UUID, kind: str, subject_id: UUID, edition: int | None = None
) -> SnapshotRow | None:
    """Of that edition, or the latest."""
    return one_of(SnapshotRow, await conn.fetchrow(SNAPSHOT, tenant, claim_id, kind, subject_id, edition))


async def insert_job(conn: Connection, tenant: UUID, claim_id: UUID, kind: str, edition: int = 1) -> None:
    await conn.execute(INSERT_JOB, tenant, claim_id, kind, edition)


async def take_job(conn: Connection, lease: timedelta) -> Job | None:
    """The job that is due the longest, of any tenant; nobody else gets it while the lease lasts."""
    return one_of(Job, await conn.fetchrow(TAKE_JOB, lease))


async def delay_job(conn: Connection, job: Job, delay: timedelta, error: str, *, refused: bool) -> None:
    await conn.execute(DELAY_JOB, job.tenant_id, job.claim_id, job.kind, job.edition, delay, error[:500], refused)


async def finish_job(conn: Connection, job: Job, row: DocumentRow) -> bool:
    """Keep the first bytes that were rendered: a second worker's are dropped, False."""
    of = (job.tenant_id, job.claim_id, job.kind, job.edition)
    kept = await conn.fetchval(INSERT_DOCUMENT, *of, row.sealed, row.sha256, row.size)
    await conn.execute(FINISH_JOB, *of)
    return kept is not None


async def document(conn: Connection, tenant: UUID, claim_id: UUID, kind: str, edition: int) -> DocumentRow | None:
    return one_of(DocumentRow, await conn.fetchrow(DOCUMENT, tenant, claim_id, kind, edition))


async def heads(conn: Connection, tenant: UUID, claim_ids: Sequence[UUID], kind: str) -> dict[UUID, DocumentHead]:
    """The latest edition of each claim's document, without the bytes."""
    rows = all_of(DocumentHead, await conn.fetch(HEADS, tenant, list(claim_ids), kind))
    return {row.claim_id: row for row in rows}


async def head(conn: Connection, tenant: UUID, claim_id: UUID, kind: str) -> DocumentHead | None:
    return (await heads(conn, tenant, [claim_id], kind)).get(claim_id)
