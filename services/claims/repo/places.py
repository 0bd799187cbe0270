"""Names of places beside the ledger (rule DI6), and which device-days are still to be named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.claims.domain.statement.places import NamedMm
from shared.contracts.device_day import Segment
from shared.db.pool import Connection

ASK: Final = """
insert into claims.place_due (tenant_id, device, day)
select * from unnest($1::uuid[], $2::text[], $3::int[]) order by 1, 2, 3
on conflict on constraint place_due_pk do update set due_at = excluded.due_at where place_due.due_at > excluded.due_at"""
# Of one tenant at a time: what is asked of the classifier sees one tenant's evidence.
TAKE: Final = """
with first as (select tenant_id from claims.place_due where due_at <= now() order by due_at limit 1),
taken as (
    select p.tenant_id, p.device, p.day from claims.place_due p join first using (tenant_id)
    where p.due_at <= now() order by p.due_at, p.device, p.day limit $1 for update of p skip locked
)
update claims.place_due p set due_at = now() + $2::interval from taken t
where p.tenant_id = t.tenant_id and p.device = t.device and p.day = t.day
returning p.tenant_id, p.device, p.day"""
DAYS: Final = """
select d.device, d.day, d.settled, d.hash, d.summary, d.segments
from unnest($2::text[], $3::int[]) as w (device, day)
join claims.device_day d on d.tenant_id = $1 and d.device = w.device and d.day = w.day order by d.device, d.day"""
NAME: Final = """
insert into claims.day_place as p (tenant_id, device, day, hash, places)
select $1, * from unnest($2::text[], $3::int[], $4::bytea[], $5::bytea[]) order by 2, 3
on conflict on constraint day_place_pk do update set (hash, places) = (excluded.hash, excluded.places)"""
# What was replaced while its names were asked for stays due.
DONE: Final = """
delete from claims.place_due p using unnest($2::text[], $3::int[], $4::bytea[]) as w (device, day, hash), claims.device_day d
where p.tenant_id = $1 and p.device = w.device and p.day = w.day
    and d.tenant_id = $1 and d.device = w.device and d.day = w.day and d.hash = w.hash"""
NAMED: Final = """
select p.device, p.day, p.hash, p.places
from unnest($2::text[], $3::int[], $4::int[]) as w (device, first_day, last_day)
join claims.day_place p on p.tenant_id = $1 and p.device = w.device and p.day between w.first_day and w.last_day"""
SWEEP: Final = """
with following as (
    select tenant_id, device, day from claims.device_day
    where (tenant_id, device, day) > ($1, $2, $3) and settled order by tenant_id, device, day limit $4
), asked as (
    insert into claims.place_due (tenant_id, device, day)
    select s.tenant_id, s.device, s.day from following s
    where not exists (select from claims.day_place p
        where p.tenant_id = s.tenant_id and p.device = s.device and p.day = s.day)
    on conflict on constraint place_due_pk do nothing
)
select tenant_id, device, day from following order by 1 desc, 2 desc, 3 desc limit 1"""

_WRITE: Final = msgspec.msgpack.Encoder()
_READ: Final = msgspec.msgpack.Decoder(tuple[NamedMm, ...])
_READ_SEGMENTS: Final = msgspec.msgpack.Decoder(tuple[Segment, ...])


class _RoadSet(msgspec.Struct):
    """What of a summary is asked for here."""

    road_set: str = ""


_READ_ROAD_SET: Final = msgspec.msgpack.Decoder(_RoadSet)
Key = tuple[UUID, str, int]
BEFORE_ALL: Final[Key] = (UUID(int=0), "", 0)


@dataclass(frozen=True)
class DueDay:
    """A device-day that is to be named, as the ledger has it now."""

    device: str
    day: int
    road_set: str
    content_hash: bytes
    segments: tuple[Segment, ...]


async def ask(conn: Connection, days: Sequence[Key]) -> None:
    """These are to be named, at once."""
    if days:
        await conn.execute(ASK, *(list(column) for column in zip(*days, strict=True)))


async def take(conn: Connection, limit: int, lease: timedelta) -> tuple[UUID, list[DueDay]] | None:
    """Up to `limit` due days of one tenant, not due again before the lease ends; None where nothing is due."""
    taken = await conn.fetch(TAKE, limit, lease)
    if not taken:
        return None
    tenant = taken[0]["tenant_id"]
    rows = await conn.fetch(DAYS, tenant, [row["device"] for row in taken], [row["day"] for row in taken])
    found = [
        DueDay(
            row["device"], row["day"], _READ_ROAD_SET.decode(row["summary"]).road_set, row["hash"],
            _READ_SEGMENTS.decode(row["segments"]),
        )
        for row in rows
    ]  # fmt: skip
    return tenant, found


async def put(conn: Connection, tenant: UUID, days: Sequence[DueDay], named: Sequence[tuple[NamedMm, ...]]) -> None:
    """`named`: for each of `days`, in their order."""
    keys = [one.device for one in days], [one.day for one in days], [one.content_hash for one in days]
    await conn.execute(NAME, tenant, *keys, [_WRITE.encode(one) for one in named])
    await conn.execute(DONE, tenant, *keys)


async def of_days(
    conn: Connection, tenant: UUID, windows: Sequence[tuple[str, int, int]]
) -> Mapping[tuple[str, int], tuple[bytes, tuple[NamedMm, ...]]]:
    """(device, day) → (hash of the content it speaks for, its places).  `windows`: (device, first day, last day)."""
    columns = [list(column) for column in zip(*windows, strict=True)] or [[], [], []]
    rows = await conn.fetch(NAMED, tenant, *columns)
    return {(row["device"], row["day"]): (row["hash"], _READ.decode(row["places"])) for row in rows}


async def sweep(conn: Connection, after: Key, limit: int) -> Key | None:
    """Ask for what was never named among the next `limit` settled days behind `after`; the last of them, None at the end."""
    row = await conn.fetchrow(SWEEP, *after, limit)
    return None if row is None else (row["tenant_id"], row["device"], row["day"])
