"""The rulings in force now, or at any earlier time: what was in force once is found again from the order in which versions
were entered (design G5).  Takes a connection and never opens or ends a transaction."""

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

from services.classifier.domain.rulings import Exclusion, Land, Rulings
from shared.db.pool import Connection
from shared.nz_days import bounds_ms

COUNTER: Final = "select value from classifier.ruling_counter"
# Whoever changes a ruling holds it alone, whoever commits what rulings decided holds it together with others.
RULINGS_CHANGE: Final = "select pg_advisory_xact_lock(hashtextextended('classifier.rulings', 0))"
RULINGS_STAND: Final = "select pg_advisory_xact_lock_shared(hashtextextended('classifier.rulings', 0))"
# One statement, so that both kinds are read at the same moment: the set of a moment that never was would have a name that
# nothing explains.
IN_FORCE: Final = """
with land as (
    select distinct on (tenant_id, land_id) * from classifier.land_version
    where tenant_id = any($1::uuid[]) and entered <= $2
    order by tenant_id, land_id, version desc
), exclusion as (
    select distinct on (tenant_id, exclusion_id) * from classifier.exclusion_version
    where tenant_id = any($1::uuid[]) and entered <= $2
    order by tenant_id, exclusion_id, version desc
)
select tenant_id::text as tenant, true as is_land, land_id::text as id, name, kind, first_day::bigint as first,
    last_day::bigint as last, over_public, wkb
from land where state = 'declared'
union all
select tenant_id::text, false, exclusion_id::text, device, '', from_ms, to_ms, false, wkb
from exclusion where state = 'active'
"""
# Every version of whatever has ever touched this device-day: few, whatever the tenant has besides.
HISTORY: Final = """
select entered, true as is_land, land_id::text as id, state = 'declared' as stands, name, kind, first_day::bigint as first,
    last_day::bigint as last, over_public, wkb
from classifier.land_version
where tenant_id = $1 and land_id in
    (select land_id from classifier.land_version where tenant_id = $1 and $3 between first_day and last_day)
union all
select entered, false, exclusion_id::text, state = 'active', device, '', from_ms, to_ms, false, wkb
from classifier.exclusion_version
where tenant_id = $1 and exclusion_id in
    (select exclusion_id from classifier.exclusion_version
     where tenant_id = $1 and device in ('', $2) and from_ms <= $5 and to_ms >= $4)
order by entered
"""
EVER: Final = (1 << 63) - 1
"""A counter value that is never reached."""


async def book_version(conn: Connection) -> int:
    """A number that every change of any ruling raises: read the book again when it has moved.  Worker's role."""
    version: int = await conn.fetchval(COUNTER)
    return version


async def standing_version(conn: Connection) -> int:
    """`book_version`, which stays so until the transaction's end: no ruling changes meanwhile.  Worker's role."""
    await conn.execute(RULINGS_STAND)
    return await book_version(conn)


async def read_book(conn: Connection, tenants: Collection[str]) -> dict[str, Rulings]:
    """The rulings in force of these tenants; one without any is missing.  One moment for all of them."""
    return await book_at(conn, tenants, EVER)


async def book_at(conn: Connection, tenants: Collection[str], entered: int) -> dict[str, Rulings]:
    """The rulings that were in force when the counter stood at `entered`."""
    found: dict[str, list[Land | Exclusion]] = {}
    for row in await conn.fetch(IN_FORCE, [UUID(one) for one in sorted(tenants)], entered):
        found.setdefault(row["tenant"], []).append(_ruling(row))
    return {tenant: _rulings(some) for tenant, some in found.items()}


async def named_rulings(conn: Connection, tenant: str, device: str, day: int, gap_ms: int, name: str) -> Rulings | None:
    """What a revision's `land` stands for: the rulings of that device-day which bear the name, whenever they were in
    force.  None for a name that never was."""
    if not name:
        return Rulings()
    start, end = bounds_ms(day)
    history = await conn.fetch(HISTORY, UUID(tenant), device, day, start - gap_ms, end + gap_ms)
    standing: dict[str, Land | Exclusion] = {}
    for row in history:
        if row["stands"]:
            standing[row["id"]] = _ruling(row)
        else:
            standing.pop(row["id"], None)
        found = _rulings(standing.values()).of_day(device, day, gap_ms)
        if found.name == name:
            return found
    return None


def _ruling(row: Any) -> Land | Exclusion:
    if row["is_land"]:
        return Land(row["id"], row["name"], row["kind"], row["first"], row["last"], row["over_public"], row["wkb"])
    return Exclusion(row["id"], row["name"], row["first"], row["last"], row["wkb"])


def _rulings(some: Iterable[Land | Exclusion]) -> Rulings:
    ordered = sorted(some, key=lambda one: one.id)
    return Rulings(
        tuple(one for one in ordered if isinstance(one, Land)),
        tuple(one for one in ordered if isinstance(one, Exclusion)),
    )
