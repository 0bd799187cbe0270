"""The ledger in device space: device-day revisions, holds, progress (design section 2).  Written by the consumer only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.claims.domain.statement.statement_parts import Revision, over_public_names
from services.claims.repo import places
from shared.contracts.device_day import DeviceDay, Hold, Progress, Segment, hash_of
from shared.db.pool import Connection

# Highest rev wins in any order of arrival; a trigger moves a settled or named predecessor to the history.
UPSERT_DAYS: Final = """
insert into claims.device_day as d (tenant_id, device, day, rev, settled, hash, summary, segments, over_public, brief)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::boolean[], $6::bytea[], $7::bytea[], $8::bytea[],
    $9::bytea[], $10::bytea[])
order by 1, 2, 3
on conflict on constraint device_day_pk do update
set (rev, settled, named, hash, summary, segments, over_public, brief) = (excluded.rev, excluded.settled, false, excluded.hash,
    excluded.summary, excluded.segments, excluded.over_public, excluded.brief)
where excluded.rev > d.rev"""
# A settled revision that arrives behind a higher one is history at once: which revisions exist does not depend on the order.
KEEP_LOSERS: Final = """
insert into claims.device_day_history (tenant_id, device, day, rev, settled, named, hash, summary, segments)
select i.tenant_id, i.device, i.day, i.rev, true, false, i.hash, i.summary, i.segments
from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::boolean[], $6::bytea[], $7::bytea[], $8::bytea[])
    as i (tenant_id, device, day, rev, settled, hash, summary, segments)
where i.settled and not exists (select from claims.device_day d
    where d.tenant_id = i.tenant_id and d.device = i.device and d.day = i.day and d.rev = i.rev)
on conflict on constraint device_day_history_pk do nothing"""
UPSERT_HOLDS: Final = """
insert into claims.hold as h (tenant_id, device, day, kind, open, rev)
select * from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::boolean[], $6::bigint[]) order by 1, 2, 3, 4
on conflict on constraint hold_pk do update set (open, rev) = (excluded.open, excluded.rev) where excluded.rev > h.rev"""
UPSERT_PROGRESS: Final = """
insert into claims.progress as p (partition, tick_ms) select * from unnest($1::int[], $2::bigint[]) order by 1
on conflict on constraint progress_pk do update set tick_ms = excluded.tick_ms where excluded.tick_ms > p.tick_ms"""

# Nine tenths of a day's bytes are its segments, half of the rest its hourly readings, and few days need either.
SUMMARIES: Final = """
select d.device, d.day, d.hash, d.over_public, case when x.day is null then coalesce(d.brief, d.summary) else d.summary end,
    case when x.day is not null then d.segments end
from unnest($2::text[], $3::int[], $4::int[]) as w (device, first_day, last_day)
join claims.device_day d on d.tenant_id = $1 and d.device = w.device and d.day between w.first_day and w.last_day
left join unnest($5::text[], $6::int[]) as x (device, day) on x.device = d.device and x.day = d.day"""
DAYS: Final = """
select d.device, d.day, d.hash, d.over_public, d.summary, d.segments
from unnest($2::text[], $3::int[], $4::int[]) as w (device, first_day, last_day)
join claims.device_day d on d.tenant_id = $1 and d.device = w.device and d.day between w.first_day and w.last_day"""
# The lock of the row settles a race with the consumer: a revision is either named in time to be kept, or not counted here.
NAME_DAYS: Final = """
update claims.device_day d set named = true
from unnest($2::text[], $3::int[], $4::bigint[]) as w (device, day, rev)
where d.tenant_id = $1 and d.device = w.device and d.day = w.day and d.rev = w.rev and not d.named"""
COUNT_NAMED: Final = """
select count(*) from unnest($2::text[], $3::int[], $4::bigint[]) as w (device, day, rev)
join claims.device_day d on d.tenant_id = $1 and d.device = w.device and d.day = w.day and d.rev = w.rev and d.named"""
HOLDS: Final = """
select h.device, h.day, h.kind, h.rev
from unnest($2::text[], $3::int[], $4::int[]) as w (device, first_day, last_day)
join claims.hold h on h.tenant_id = $1 and h.device = w.device and h.day between w.first_day and w.last_day and h.open"""
PROGRESS: Final = "select partition, tick_ms from claims.progress"


_SUMMARY: Final = msgspec.msgpack.Encoder()
_READ_SUMMARY: Final = msgspec.msgpack.Decoder(DeviceDay)
_READ_SEGMENTS: Final = msgspec.msgpack.Decoder(tuple[Segment, ...])
_READ_NAMES: Final = msgspec.msgpack.Decoder(tuple[str, ...])


@dataclass(frozen=True)
class Window:
    """Days of one device, both ends included."""

    device: str
    first_day: int
    last_day: int


@dataclass(frozen=True)
class DayColumns:
    """Revisions ready to be written: encoding and hashing are done before the transaction, off the event loop."""

    current: tuple[list[object], ...]
    every: tuple[list[object], ...]
    settled: list[tuple[UUID, str, int]]
    """(tenant, device, day) of those among the current."""


def day_columns(days: Iterable[DeviceDay]) -> DayColumns | None:
    """Any order, duplicates welcome; None where there are none."""
    every = {(day.tenant, day.device, day.day, day.rev): day for day in days}
    if not every:
        return None
    current: dict[tuple[str, str, int], DeviceDay] = {}
    for day in every.values():
        kept = current.get((day.tenant, day.device, day.day))
        if kept is None or day.rev > kept.rev:
            current[day.tenant, day.device, day.day] = day
    settled = [(UUID(day.tenant), day.device, day.day) for day in current.values() if day.settled]
    return DayColumns(_columns(current.values()), _columns(every.values()), settled)


async def put_days(conn: Connection, days: DayColumns | None) -> None:
    """Store revisions: the highest rev of a device-day is current, every other settled one is history.  The places of settled
    ones are to be named."""
    if days is not None:
        await conn.execute(UPSERT_DAYS, *days.current)
        await conn.execute(KEEP_LOSERS, *days.every[:8])
        await places.ask(conn, days.settled)


def _columns(days: Iterable[DeviceDay]) -> tuple[list[object], ...]:
    rows = [
        (
            UUID(day.tenant), day.device, day.day, day.rev, day.settled, hash_of(day),
            _SUMMARY.encode(msgspec.structs.replace(day, segments=())), _SUMMARY.encode(day.segments),
            _SUMMARY.encode(over_public_names(day.segments)),
            _SUMMARY.encode(msgspec.structs.replace(day, segments=(), readings=())),
        )
        for day in days
    ]  # fmt: skip
    return tuple(list(column) for column in zip(*rows, strict=True))


async def put_holds(conn: Connection, holds: Iterable[Hold]) -> None:
    last: dict[tuple[str, str, int, str], Hold] = {}
    for hold in holds:
        key = (hold.tenant, hold.device, hold.day, hold.kind)
        if key not in last or hold.rev > last[key].rev:
            last[key] = hold
    if last:
        rows = [(UUID(h.tenant), h.device, h.day, h.kind, h.open, h.rev) for h in last.values()]
        await conn.execute(UPSERT_HOLDS, *(list(column) for column in zip(*rows, strict=True)))


async def put_progress(conn: Connection, records: Iterable[Progress]) -> None:
    ticks: dict[int, int] = {}
    for record in records:
        ticks[record.partition] = max(record.tick_ms, ticks.get(record.partition, 0))
    if ticks:
        await conn.execute(UPSERT_PROGRESS, list(ticks), list(ticks.values()))


async def days_in(conn: Connection, tenant: UUID, windows: Sequence[Window]) -> list[Revision]:
    """Current revisions in any of the windows, one each even where windows overlap."""
    return _days(await conn.fetch(DAYS, tenant, *_window_columns(windows)))


async def summaries_in(
    conn: Connection, tenant: UUID, windows: Sequence[Window], whole: Sequence[tuple[str, int]]
) -> list[Revision]:
    """Likewise, without segments and hourly readings but for the (device, day)s in `whole`."""
    columns = [[device for device, _ in whole], [day for _, day in whole]]
    return _days(await conn.fetch(SUMMARIES, tenant, *_window_columns(windows), *columns))


def _days(records: Sequence[asyncpg.Record]) -> list[Revision]:
    """Of (device, day, hash, over_public, summary, segments or None)."""
    found = {
        (device, number): Revision(
            _READ_SUMMARY.decode(summary) if segments is None else _whole(summary, segments),
            content_hash,
            None if names is None else _READ_NAMES.decode(names),
        )
        for device, number, content_hash, names, summary, segments in records
    }
    return list(found.values())


def _whole(summary: bytes, segments: bytes) -> DeviceDay:
    return msgspec.structs.replace(_READ_SUMMARY.decode(summary), segments=_READ_SEGMENTS.decode(segments))


async def name_days(conn: Connection, tenant: UUID, revs: Sequence[tuple[str, int, int]]) -> bool:
    """Mark (device, day, rev)s as stood upon, so that replacing one keeps it.  False when one is no longer current."""
    columns = [list(column) for column in zip(*sorted(revs), strict=True)] or [[], [], []]
    await conn.execute(NAME_DAYS, tenant, *columns)
    named: int = await conn.fetchval(COUNT_NAMED, tenant, *columns)
    return named == len(revs)


async def open_holds(conn: Connection, tenant: UUID, windows: Sequence[Window]) -> list[Hold]:
    records = await conn.fetch(HOLDS, tenant, *_window_columns(windows))
    found = {(r["device"], r["day"], r["kind"]): r["rev"] for r in records}
    return [
        Hold(tenant=str(tenant), device=device, day=day, kind=kind, open=True, rev=rev)
        for (device, day, kind), rev in sorted(found.items())
    ]


async def progress(conn: Connection) -> dict[int, int]:
    """partition → complete-through in ms."""
    return {record["partition"]: record["tick_ms"] for record in await conn.fetch(PROGRESS)}


def _window_columns(windows: Sequence[Window]) -> tuple[list[str], list[int], list[int]]:
    return [w.device for w in windows], [w.first_day for w in windows], [w.last_day for w in windows]
