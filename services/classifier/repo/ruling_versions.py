"""Versions of declared land and of exclusions: inserted and read, never changed (no update or delete is granted).

Takes a connection and never opens or ends a transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from services.classifier.domain.rulings import Exclusion, Land, LandKind
from services.classifier.repo.rulings import RULINGS_CHANGE
from shared.db.pool import Connection

LandState = Literal["declared", "withdrawn"]
ExclusionState = Literal["proposed", "active", "lifted"]

RAISE_COUNTER: Final = "select classifier.raise_ruling_counter()"
# Changes of one tenant's rulings follow one another: each looks at what the one before has left.
LOCK_TENANT: Final = "select pg_advisory_xact_lock(hashtextextended('rucor.rulings.' || $1::uuid::text, 0))"

INSERT_LAND: Final = """
insert into classifier.land_version (tenant_id, land_id, version, entered, state, kind, name, address, first_day, last_day,
    over_public, reason, change_reason, actor, key_id, wkb, south_e6, west_e6, north_e6, east_e6, created_at, written_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
"""
INSERT_EXCLUSION: Final = """
insert into classifier.exclusion_version (tenant_id, exclusion_id, version, entered, state, device, from_ms, to_ms, reason,
    change_reason, actor, key_id, wkb, south_e6, west_e6, north_e6, east_e6, created_at, written_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
LAND: Final = """
select land_id as id, version, state, kind, name, address, first_day, last_day, over_public, reason, change_reason, actor,
    key_id, wkb, south_e6, west_e6, north_e6, east_e6, created_at, written_at
from classifier.land_version where tenant_id = $1 and land_id = $2 order by version
"""
EXCLUSION: Final = """
select exclusion_id as id, version, state, device, from_ms, to_ms, reason, change_reason, actor, key_id, wkb, south_e6,
    west_e6, north_e6, east_e6, created_at, written_at
from classifier.exclusion_version where tenant_id = $1 and exclusion_id = $2 order by version
"""
LANDS: Final = """
select land_id as id, version, state, kind, name, address, first_day, last_day, over_public, reason, change_reason, actor,
    key_id, wkb, south_e6, west_e6, north_e6, east_e6, created_at, written_at
from classifier.land_version as v
where tenant_id = $1 and (created_at, land_id) > ($2, $3)
    and version = (select max(version) from classifier.land_version as w
        where w.tenant_id = v.tenant_id and w.land_id = v.land_id)
    and ($4::text is null or state = $4) and ($5::int is null or $5 between first_day and last_day)
order by created_at, land_id limit $6
"""
EXCLUSIONS: Final = """
select exclusion_id as id, version, state, device, from_ms, to_ms, reason, change_reason, actor, key_id, wkb, south_e6,
    west_e6, north_e6, east_e6, created_at, written_at
from classifier.exclusion_version as v
where tenant_id = $1 and (created_at, exclusion_id) > ($2, $3)
    and version = (select max(version) from classifier.exclusion_version as w
        where w.tenant_id = v.tenant_id and w.exclusion_id = v.exclusion_id)
    and ($4::text is null or state = $4) and ($5::text is null or device = $5)
order by created_at, exclusion_id limit $6
"""
COUNTS: Final = """
select
    (select count(*) from (
        select distinct on (land_id) state from classifier.land_version where tenant_id = $1 order by land_id, version desc
    ) as l where state = 'declared') as lands,
    (select count(*) from (
        select distinct on (exclusion_id) state from classifier.exclusion_version where tenant_id = $1
        order by exclusion_id, version desc
    ) as e where state <> 'lifted') as exclusions
"""


class Box(NamedTuple):
    """What a polygon lies in, micro-degrees, edges included; all zero where there is no polygon."""

    south_e6: int
    west_e6: int
    north_e6: int
    east_e6: int


NOWHERE: Final = Box(0, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class _Version:
    id: UUID
    version: int
    reason: str
    change_reason: str
    actor: str
    key_id: str
    wkb: bytes
    south_e6: int
    west_e6: int
    north_e6: int
    east_e6: int
    created_at: datetime
    written_at: datetime

    @property
    def box(self) -> Box | None:
        """None: no polygon."""
        return Box(self.south_e6, self.west_e6, self.north_e6, self.east_e6) if self.wkb else None


@dataclass(frozen=True, kw_only=True)
class LandRow(_Version):
    """One version of declared land."""

    state: LandState
    kind: LandKind
    name: str
    address: str
    first_day: int
    last_day: int
    over_public: bool

    def ruling(self) -> Land | None:
        """What the scheme heeds; None where the land was withdrawn."""
        if self.state == "withdrawn":
            return None
        return Land(str(self.id), self.name, self.kind, self.first_day, self.last_day, self.over_public, self.wkb)


@dataclass(frozen=True, kw_only=True)
class ExclusionRow(_Version):
    """One version of an exclusion."""

    state: ExclusionState
    device: str
    from_ms: int
    to_ms: int

    def ruling(self) -> Exclusion | None:
        """What the scheme heeds; None unless active."""
        if self.state != "active":
            return None
        return Exclusion(str(self.id), self.device, self.from_ms, self.to_ms, self.wkb)


async def lock_tenant(conn: Connection, tenant: UUID) -> None:
    """Until the transaction's end, nobody else changes this tenant's rulings."""
    await conn.execute(LOCK_TENANT, tenant)


async def enter(conn: Connection) -> int:
    """The counter's next value, for one change.  From here to the transaction's end no round of the fold commits: those
    that did before are in evidence, those that do after heed the change.  So it comes before the device-days are read."""
    await conn.execute(RULINGS_CHANGE)
    entered: int = await conn.fetchval(RAISE_COUNTER)
    return entered


async def insert_land(conn: Connection, tenant: UUID, row: LandRow, entered: int) -> None:
    """Add a version.  `entered`: from `enter`, in the same transaction."""
    await conn.execute(
        INSERT_LAND, tenant, row.id, row.version, entered, row.state, row.kind, row.name, row.address, row.first_day,
        row.last_day, row.over_public, row.reason, row.change_reason, row.actor, row.key_id, row.wkb, row.south_e6,
        row.west_e6, row.north_e6, row.east_e6, row.created_at, row.written_at,
    )  # fmt: skip


async def insert_exclusion(conn: Connection, tenant: UUID, row: ExclusionRow, entered: int) -> None:
    """Like `insert_land`."""
    await conn.execute(
        INSERT_EXCLUSION, tenant, row.id, row.version, entered, row.state, row.device, row.from_ms, row.to_ms,
        row.reason, row.change_reason, row.actor, row.key_id, row.wkb, row.south_e6, row.west_e6, row.north_e6,
        row.east_e6, row.created_at, row.written_at,
    )  # fmt: skip


async def land(conn: Connection, tenant: UUID, land_id: UUID) -> list[LandRow]:
    """Every version, oldest first; empty where there is no such land."""
    return _lands(await conn.fetch(LAND, tenant, land_id))


async def exclusion(conn: Connection, tenant: UUID, exclusion_id: UUID) -> list[ExclusionRow]:
    """Every version, oldest first; empty where there is no such exclusion."""
    return _exclusions(await conn.fetch(EXCLUSION, tenant, exclusion_id))


async def lands(
    conn: Connection, tenant: UUID, after: tuple[datetime, UUID], limit: int, *, state: LandState | None, on: int | None
) -> list[LandRow]:
    """The newest version of each, in the order of creation, behind the one created `after[0]` with the id `after[1]`."""
    return _lands(await conn.fetch(LANDS, tenant, *after, state, on, limit))


async def exclusions(
    conn: Connection,
    tenant: UUID,
    after: tuple[datetime, UUID],
    limit: int,
    *,
    state: ExclusionState | None,
    device: str | None,
) -> list[ExclusionRow]:
    """The newest version of each, in the order of creation, behind the one created `after[0]` with the id `after[1]`."""
    return _exclusions(await conn.fetch(EXCLUSIONS, tenant, *after, state, device, limit))


async def counts(conn: Connection, tenant: UUID) -> tuple[int, int]:
    """How many lands the tenant has declared, and exclusions proposed or active."""
    row = await conn.fetchrow(COUNTS, tenant)
    return (row["lands"], row["exclusions"]) if row is not None else (0, 0)


def _lands(records: Iterable[Any]) -> list[LandRow]:
    return [LandRow(**dict(record.items())) for record in records]


def _exclusions(records: Iterable[Any]) -> list[ExclusionRow]:
    return [ExclusionRow(**dict(record.items())) for record in records]
