"""The register of road data sets (rule SU9), and the sweeps that make device-days due whose set has changed."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from shared.contracts.pings import Key
from shared.db.pool import Connection

# Held to the end of the transaction: processes register one after the other.
LOCK: Final = "select pg_advisory_xact_lock(hashtextextended('classifier.road_set', 0))"
READ: Final = "select seq, name, valid_from_day, supersedes from classifier.road_set order by seq"
VERSION: Final = "select coalesce(max(seq), 0) from classifier.road_set"
INSERT: Final = "insert into classifier.road_set (name, valid_from_day, supersedes) values ($1, $2, $3)"
INSERT_SWEEPS: Final = """
insert into classifier.road_set_sweep (partition, seq, first_day, last_day)
select * from unnest($1::int[], $2::bigint[], $3::int[], $4::int[])
"""
NEXT_SWEEP: Final = """
select partition, seq, first_day, last_day, tenant_id::text as tenant, device_id
from classifier.road_set_sweep where partition = any($1::int[]) order by seq, first_day, partition limit 1
"""
# From one device to the next through the index, whatever lies between: a device may have thousands of days.
NEXT_DEVICES: Final = """
with recursive device as (
    (select tenant_id, device_id from classifier.evidence_day
     where (tenant_id, device_id) > ($1, $2) order by tenant_id, device_id limit 1)
    union all
    select n.tenant_id, n.device_id from device as d, lateral (
        select s.tenant_id, s.device_id from classifier.evidence_day as s
        where (s.tenant_id, s.device_id) > (d.tenant_id, d.device_id) order by s.tenant_id, s.device_id limit 1
    ) as n
)
select tenant_id::text as tenant, device_id from device limit $3
"""
DAYS_OF: Final = """
select distinct w.tenant_id::text as tenant, w.device_id, s.day
from unnest($1::uuid[], $2::text[]) as w (tenant_id, device_id)
join classifier.evidence_day as s on s.tenant_id = w.tenant_id and s.device_id = w.device_id and s.day between $3 and $4
"""
MOVE_SWEEP: Final = """
update classifier.road_set_sweep set tenant_id = $4, device_id = $5
where partition = $1 and seq = $2 and first_day = $3
"""
END_SWEEP: Final = "delete from classifier.road_set_sweep where partition = $1 and seq = $2 and first_day = $3"
BEFORE_ALL: Final = ("00000000-0000-0000-0000-000000000000", "")


class Registered(NamedTuple):
    """A row of the register."""

    seq: int
    name: str
    valid_from: int | None
    """NZ day; None: from the beginning."""
    supersedes: str


class Sweep(NamedTuple):
    """Days of one partition, both ends included, whose set has changed; done as far as `after` and with it."""

    partition: int
    seq: int
    first_day: int
    last_day: int
    after: Key = BEFORE_ALL


async def lock(conn: Connection) -> None:
    """Be the only one to register, until the transaction ends."""
    await conn.execute(LOCK)


async def read(conn: Connection) -> list[Registered]:
    """The register, in the order of registration."""
    return [Registered(*row) for row in await conn.fetch(READ)]


async def version(conn: Connection) -> int:
    """Rises with every registration; 0 while there is none."""
    seq: int = await conn.fetchval(VERSION)
    return seq


async def insert(conn: Connection, name: str, valid_from: int | None, supersedes: str) -> None:
    await conn.execute(INSERT, name, valid_from, supersedes)


async def insert_sweeps(conn: Connection, sweeps: Sequence[Sweep]) -> None:
    await conn.execute(
        INSERT_SWEEPS,
        [one.partition for one in sweeps],
        [one.seq for one in sweeps],
        [one.first_day for one in sweeps],
        [one.last_day for one in sweeps],
    )


async def next_sweep(conn: Connection, partitions: Collection[int]) -> Sweep | None:
    """What these partitions' owner should go on with."""
    row = await conn.fetchrow(NEXT_SWEEP, sorted(partitions))
    if row is None:
        return None
    return Sweep(row["partition"], row["seq"], row["first_day"], row["last_day"], (row["tenant"], row["device_id"]))


async def next_devices(conn: Connection, after: Key, limit: int) -> list[Key]:
    """Devices of all partitions that have evidence, in order, behind `after`."""
    rows = await conn.fetch(NEXT_DEVICES, *after, limit)
    return [(row["tenant"], row["device_id"]) for row in rows]


async def days_of(conn: Connection, devices: Iterable[Key], first: int, last: int) -> list[tuple[str, str, int]]:
    """Their device-days with fixes in evidence, from `first` to `last`."""
    some = list(devices)
    rows = await conn.fetch(DAYS_OF, [key[0] for key in some], [key[1] for key in some], first, last)
    return sorted((row["tenant"], row["device_id"], row["day"]) for row in rows)


async def move_sweep(conn: Connection, sweep: Sweep, after: Key | None) -> None:
    """It is done as far as `after`; None: altogether."""
    what = (sweep.partition, sweep.seq, sweep.first_day)
    if after is None:
        await conn.execute(END_SWEEP, *what)
    else:
        await conn.execute(MOVE_SWEEP, *what, *after)
