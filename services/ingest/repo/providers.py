"""Providers, tenants' consents to them, and in which hours their devices sent (rule PA3)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from shared.db.pool import Connection

ADD: Final = "insert into ingest.provider (provider_id, name) values ($1, $2)"
PROVIDERS: Final = "select provider_id, name from ingest.provider order by created_at"
NAME: Final = "select name from ingest.provider where provider_id = $1"
CONSENT: Final = """
insert into ingest.provider_consent (tenant_id, id, provider_id, granted_at, granted_by) values ($1, $2, $3, $4, $5)
on conflict do nothing returning id"""
CONSENTS: Final = """
select c.tenant_id, c.id, c.provider_id, p.name as provider, c.granted_at, c.granted_by, c.revoked_at, c.revoked_by
from ingest.provider_consent c join ingest.provider p using (provider_id)
where c.tenant_id = $1 and ($2::uuid is null or c.id = $2) order by c.granted_at, c.id"""
REVOKE: Final = """
update ingest.provider_consent set revoked_at = $3, revoked_by = $4
where tenant_id = $1 and id = $2 and revoked_at is null"""
HAS_CONSENT: Final = """
select exists (select from ingest.provider_consent where tenant_id = $1 and provider_id = $2 and revoked_at is null)"""
TENANTS: Final = """
select tenant_id, granted_at from ingest.provider_consent where provider_id = $1 and revoked_at is null
order by granted_at, tenant_id"""
PUT_HOURS: Final = """
insert into ingest.provider_device_day as d (tenant_id, provider_id, device_id, day, hours, last_ts, last_received_at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::int[], $6::timestamptz[], $7::timestamptz[])
on conflict on constraint provider_device_day_pk do update set
    hours = d.hours | excluded.hours, last_ts = greatest(d.last_ts, excluded.last_ts),
    last_received_at = greatest(d.last_received_at, excluded.last_received_at)"""
FORGET_NAME: Final = "select ingest.forget_name($1, $2, $3)"
FORGET: Final = "delete from ingest.provider_device_day where day < $1"
DEVICES: Final = """
select device_id, max(last_ts) as last_ts, max(last_received_at) as last_received_at,
    array_agg(day order by day) as days, array_agg(hours order by day) as hours
from ingest.provider_device_day where tenant_id = $1 and provider_id = $2 and device_id > $3 and day >= $4
group by device_id order by device_id limit $5"""


class ConsentRow(NamedTuple):
    tenant_id: UUID
    id: UUID
    provider_id: UUID
    provider: str
    granted_at: datetime
    granted_by: str
    revoked_at: datetime | None
    revoked_by: str


class HoursRow(NamedTuple):
    """`hours`: bit 0 is 00:00 to 01:00 UTC of `day`."""

    tenant_id: UUID
    provider_id: UUID
    device_id: str
    day: date
    hours: int
    last_ts: datetime
    last_received_at: datetime


class DeviceRow(NamedTuple):
    device_id: str
    last_ts: datetime
    last_received_at: datetime
    days: list[date]
    hours: list[int]


async def add(conn: Connection, provider_id: UUID, name: str) -> None:
    await conn.execute(ADD, provider_id, name)


async def providers(conn: Connection) -> list[tuple[UUID, str]]:
    return [(row["provider_id"], row["name"]) for row in await conn.fetch(PROVIDERS)]


async def name_of(conn: Connection, provider_id: UUID) -> str | None:
    name: str | None = await conn.fetchval(NAME, provider_id)
    return name


async def consent(conn: Connection, tenant: UUID, consent_id: UUID, provider: UUID, at: datetime, by: str) -> bool:
    """False where a consent to this provider stands already."""
    return await conn.fetchval(CONSENT, tenant, consent_id, provider, at, by) is not None


async def consents(conn: Connection, tenant: UUID, consent_id: UUID | None = None) -> list[ConsentRow]:
    """The revoked ones too, oldest first."""
    return [ConsentRow(*row) for row in await conn.fetch(CONSENTS, tenant, consent_id)]


async def revoke(conn: Connection, tenant: UUID, consent_id: UUID, at: datetime, by: str) -> None:
    """One that was revoked before stays as it is."""
    await conn.execute(REVOKE, tenant, consent_id, at, by)


async def has_consent(conn: Connection, tenant: UUID, provider: UUID) -> bool:
    return bool(await conn.fetchval(HAS_CONSENT, tenant, provider))


async def tenants_of(conn: Connection, provider: UUID) -> list[tuple[UUID, datetime]]:
    """In a transaction of the provider: (tenant, since when)."""
    return [(row["tenant_id"], row["granted_at"]) for row in await conn.fetch(TENANTS, provider)]


async def put_hours(conn: Connection, rows: Sequence[HoursRow]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    await conn.execute(PUT_HOURS, *columns)


async def forget(conn: Connection, before: date) -> None:
    await conn.execute(FORGET, before)


async def forget_name(conn: Connection, tenant: UUID, name: str, put_away: str) -> None:
    """Whoever of that name gave or took back a consent is put away; in the tenant's transaction, with the worker's role."""
    await conn.execute(FORGET_NAME, tenant, name, put_away)


async def devices(
    conn: Connection, tenant: UUID, provider: UUID, after: str, first: date, limit: int
) -> list[DeviceRow]:
    """By device id, from behind `after`."""
    return [DeviceRow(*row) for row in await conn.fetch(DEVICES, tenant, provider, after, first, limit)]
