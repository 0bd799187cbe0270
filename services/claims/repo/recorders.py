"""Distance recorders (rule VE2) and their readings (rule VE3)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_RECORDER: Final = """
insert into claims.recorder (tenant_id, id, ref, vehicle_id, kind, serial, serial_key, unit, period, rollover_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, tstzrange($9, $10, '[)'), $11, $12)"""
RECORDERS: Final = """
select id, ref, vehicle_id, kind, serial, unit, lower(period) as from_at, upper(period) as to_at, rollover_at, created_at
from claims.recorder
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or ref = $3) and vehicle_id = coalesce($4, vehicle_id)
    and (created_at, id) > ($5, $6)
order by created_at, id limit $7"""
LOCK_RECORDER: Final = """
select id, ref, vehicle_id, kind, serial, unit, lower(period) as from_at, upper(period) as to_at, rollover_at, created_at
from claims.recorder where tenant_id = $1 and id = $2 for no key update"""
# One index each: an "or" over both is a scan of the whole table while it grows faster than its statistics (an import).
SAME_RECORDER: Final = """
select id from claims.recorder where tenant_id = $1 and vehicle_id = $2 and serial_key = $3
union all
select id from claims.recorder where tenant_id = $1 and ref = $4 limit 1"""
OVERLAPPING_RECORDER: Final = """
select id from claims.recorder where tenant_id = $1 and vehicle_id = $2 and period && tstzrange($3, $4, '[)') limit 1"""
RECORDER_AT: Final = """
select id from claims.recorder where tenant_id = $1 and vehicle_id = $2 and period @> $3::timestamptz"""
SET_RECORDER: Final = """
update claims.recorder set kind = $3, serial = $4, serial_key = $5, unit = $6, rollover_at = $7
where tenant_id = $1 and id = $2"""
HIGHEST: Final = "select max(value) from claims.reading where tenant_id = $1 and recorder_id = $2"
PROVE_READING: Final = """
update claims.reading set attachment_id = $3 where tenant_id = $1 and id = $2 and attachment_id is null returning id"""
END_RECORDER: Final = """
update claims.recorder set period = tstzrange(lower(period), $3, '[)') where tenant_id = $1 and id = $2"""

INSERT_READING: Final = """
insert into claims.reading (tenant_id, id, ref, recorder_id, at, value, source, note, label, attachment_id, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
READINGS: Final = """
select id, ref, recorder_id, at, value, source, note, label, created_at, attachment_id
from claims.reading
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or ref = $3) and recorder_id = coalesce($4, recorder_id)
    and (created_at, id) > ($5, $6) and ($8::uuid is null or recorder_id in (
        select r.id from claims.recorder r where r.tenant_id = $1 and r.vehicle_id = $8))
    and at >= coalesce($9, at) and at <= coalesce($10, at) and source = coalesce($11, source)
order by created_at, id limit $7"""
SAME_READING: Final = """
select id from claims.reading where tenant_id = $1 and recorder_id = $2 and at = $3 and source = $4
union all
select id from claims.reading where tenant_id = $1 and ref = $5 limit 1"""
NEIGHBOURS: Final = """
select (select max(value) from claims.reading where tenant_id = $1 and recorder_id = $2 and at <= $3) as below,
    (select min(value) from claims.reading where tenant_id = $1 and recorder_id = $2 and at >= $3) as above"""

LATER: Final = "select 1 from claims.reading where tenant_id = $1 and recorder_id = $2 and at > $3 limit 1"


@dataclass(frozen=True)
class RecorderRow:
    id: UUID
    ref: str | None
    vehicle_id: UUID
    kind: str
    serial: str
    unit: str
    from_at: datetime
    to_at: datetime | None
    rollover_at: int | None
    created_at: datetime


@dataclass(frozen=True)
class ReadingRow:
    id: UUID
    ref: str | None
    recorder_id: UUID
    at: datetime
    value: int
    source: str
    note: str
    label: str
    created_at: datetime
    attachment_id: UUID | None = None
    """The file that proves it."""


async def insert_recorder(conn: Connection, tenant: UUID, row: RecorderRow, serial_key: str) -> None:
    """Raises a violation of `recorder_serial_unique` or `one_recorder_per_vehicle`."""
    await conn.execute(
        INSERT_RECORDER, tenant, row.id, row.ref, row.vehicle_id, row.kind, row.serial, serial_key, row.unit, row.from_at,
        row.to_at, row.rollover_at, row.created_at,
    )  # fmt: skip


async def recorder(conn: Connection, tenant: UUID, recorder_id: UUID) -> RecorderRow | None:
    return one_of(RecorderRow, await conn.fetchrow(RECORDERS, tenant, recorder_id, None, None, START, FIRST_ID, 1))


async def recorders(
    conn: Connection, tenant: UUID, page: Page, ref: str | None, vehicle_id: UUID | None
) -> list[RecorderRow]:
    records = await conn.fetch(RECORDERS, tenant, None, ref, vehicle_id, page.after_at, page.after_id, page.limit)
    return all_of(RecorderRow, records)


async def lock_recorder(conn: Connection, tenant: UUID, recorder_id: UUID) -> RecorderRow | None:
    """Serialises readings and licences of one recorder until the transaction ends.  Always before its licences.  Rows that only
    point to it are not kept waiting: a claim locks licences alone, and names the recorder in what it writes."""
    return one_of(RecorderRow, await conn.fetchrow(LOCK_RECORDER, tenant, recorder_id))


async def same_recorder(
    conn: Connection, tenant: UUID, vehicle_id: UUID, serial_key: str, ref: str | None
) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME_RECORDER, tenant, vehicle_id, serial_key, ref)
    return found


async def overlapping_recorder(conn: Connection, tenant: UUID, row: RecorderRow) -> UUID | None:
    found: UUID | None = await conn.fetchval(OVERLAPPING_RECORDER, tenant, row.vehicle_id, row.from_at, row.to_at)
    return found


async def recorder_at(conn: Connection, tenant: UUID, vehicle_id: UUID, at: datetime) -> UUID | None:
    """The recorder on the vehicle at an instant."""
    found: UUID | None = await conn.fetchval(RECORDER_AT, tenant, vehicle_id, at)
    return found


async def end_recorder(conn: Connection, tenant: UUID, recorder_id: UUID, at: datetime) -> None:
    await conn.execute(END_RECORDER, tenant, recorder_id, at)


async def set_recorder(conn: Connection, tenant: UUID, row: RecorderRow, serial_key: str) -> None:
    """Raises a violation of `recorder_serial_unique`."""
    await conn.execute(SET_RECORDER, tenant, row.id, row.kind, row.serial, serial_key, row.unit, row.rollover_at)


async def highest(conn: Connection, tenant: UUID, recorder_id: UUID) -> int | None:
    """The highest reading that the recorder showed."""
    found: int | None = await conn.fetchval(HIGHEST, tenant, recorder_id)
    return found


async def prove_reading(conn: Connection, tenant: UUID, reading_id: UUID, attachment_id: UUID) -> bool:
    """False where there is no such reading, or it has its file."""
    return await conn.fetchval(PROVE_READING, tenant, reading_id, attachment_id) is not None


async def insert_reading(conn: Connection, tenant: UUID, row: ReadingRow) -> None:
    """Raises a violation of `reading_once`."""
    await conn.execute(
        INSERT_READING, tenant, row.id, row.ref, row.recorder_id, row.at, row.value, row.source, row.note, row.label,
        row.attachment_id, row.created_at,
    )  # fmt: skip


async def reading(conn: Connection, tenant: UUID, reading_id: UUID) -> ReadingRow | None:
    return one_of(
        ReadingRow, await conn.fetchrow(READINGS, tenant, reading_id, None, None, START, FIRST_ID, 1, *[None] * 4)
    )


async def readings(
    conn: Connection,
    tenant: UUID,
    page: Page,
    *,
    ref: str | None = None,
    recorder_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    source: str | None = None,
) -> list[ReadingRow]:
    """Both instants are included."""
    records = await conn.fetch(
        READINGS, tenant, None, ref, recorder_id, page.after_at, page.after_id, page.limit, vehicle_id, from_at, to_at, source
    )  # fmt: skip
    return all_of(ReadingRow, records)


async def same_reading(
    conn: Connection, tenant: UUID, recorder_id: UUID, at: datetime, source: str, ref: str | None
) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME_READING, tenant, recorder_id, at, source, ref)
    return found


async def neighbours(conn: Connection, tenant: UUID, recorder_id: UUID, at: datetime) -> tuple[int | None, int | None]:
    """The highest value at or before an instant, the lowest at or after it."""
    record = await conn.fetchrow(NEIGHBOURS, tenant, recorder_id, at)
    assert record is not None  # noqa: S101 - an aggregate without GROUP BY always has one row
    return record["below"], record["above"]


async def was_read_after(conn: Connection, tenant: UUID, recorder_id: UUID, at: datetime) -> bool:
    """Whether a later reading of the recorder is known already."""
    return await conn.fetchval(LATER, tenant, recorder_id, at) is not None
