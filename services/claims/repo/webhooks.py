"""A tenant's webhook endpoints and their secrets, which are sealed (rule RE3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.claims.repo.rows import Page, all_of, one_of
from shared.db.pool import Connection

INSERT_ENDPOINT: Final = """
insert into claims.webhook_endpoint (tenant_id, id, ref, url, description, types, state, created_at)
values ($1, $2, $3, $4, $5, $6, 'enabled', $7)"""
ENDPOINTS: Final = """
select id, ref, url, description, types, state, disabled_reason, disabled_at, failing_since,
    case when paused_until > now() then paused_until end as paused_until, created_at
from claims.webhook_endpoint
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or ref = $3) and (created_at, id) > ($4, $5)
order by created_at, id limit $6"""
LOCK_ENDPOINT: Final = "select state from claims.webhook_endpoint where tenant_id = $1 and id = $2 for update"
COUNT_ENDPOINTS: Final = "select count(*) from claims.webhook_endpoint where tenant_id = $1"
ENDPOINT_OF_REF: Final = "select id from claims.webhook_endpoint where tenant_id = $1 and ref = $2"
CHANGE_ENDPOINT: Final = """
update claims.webhook_endpoint set url = $3, description = $4, types = $5 where tenant_id = $1 and id = $2"""
ENABLE: Final = """
update claims.webhook_endpoint
set state = 'enabled', disabled_reason = '', disabled_at = null, failing_since = null, paused_until = null
where tenant_id = $1 and id = $2"""
DISABLE: Final = """
update claims.webhook_endpoint set state = 'disabled', disabled_reason = $3, disabled_at = now()
where tenant_id = $1 and id = $2 and state = 'enabled' returning id"""
# The longest that was asked: attempts under way at the same time may be answered in any order.
PAUSE: Final = """
update claims.webhook_endpoint set paused_until = greatest(paused_until, clock_timestamp() + $3::interval)
where tenant_id = $1 and id = $2"""
WORKED: Final = """
update claims.webhook_endpoint set failing_since = null
where tenant_id = $1 and id = $2 and failing_since is not null"""
# Answers how long it has failed already, so that "no success since" is one comparison.
FAILED: Final = """
update claims.webhook_endpoint set failing_since = coalesce(failing_since, now())
where tenant_id = $1 and id = $2 returning failing_since"""

ADD_SIGNING_KEY: Final = """
insert into claims.webhook_secret (tenant_id, id, endpoint_id, sealed, created_at) values ($1, $2, $3, $4, $5)"""
# Two live ones at most: what was already on its way out ends at once.
EXPIRE_SECRETS: Final = """
update claims.webhook_secret set expires_at = case when expires_at is null then $3 else least(expires_at, $4) end
where tenant_id = $1 and endpoint_id = $2 and (expires_at is null or expires_at > $4)"""
LIVE_SECRETS: Final = """
select id, endpoint_id, sealed, created_at, expires_at from claims.webhook_secret
where tenant_id = $1 and endpoint_id = any($2::uuid[]) and (expires_at is null or expires_at > $3)
order by created_at desc, id"""


@dataclass(frozen=True, kw_only=True)
class EndpointRow:
    id: UUID
    ref: str | None
    url: str
    description: str
    types: list[str]
    """Empty: all."""
    state: str = "enabled"
    disabled_reason: str = ""
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    """The receiver asked to be left alone until then."""
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class SecretRow:
    id: UUID
    endpoint_id: UUID
    sealed: bytes
    created_at: datetime
    expires_at: datetime | None


async def insert_endpoint(conn: Connection, tenant: UUID, row: EndpointRow) -> None:
    await conn.execute(
        INSERT_ENDPOINT, tenant, row.id, row.ref, row.url, row.description, row.types, row.created_at
    )  # fmt: skip


async def endpoints(conn: Connection, tenant: UUID, page: Page, ref: str | None = None) -> list[EndpointRow]:
    rows = await conn.fetch(ENDPOINTS, tenant, None, ref, page.after_at, page.after_id, page.limit)
    return all_of(EndpointRow, rows)


async def endpoint(conn: Connection, tenant: UUID, endpoint_id: UUID) -> EndpointRow | None:
    page = Page(1)
    return one_of(
        EndpointRow, await conn.fetchrow(ENDPOINTS, tenant, endpoint_id, None, page.after_at, page.after_id, 1)
    )


async def lock_endpoint(conn: Connection, tenant: UUID, endpoint_id: UUID) -> str | None:
    """Its state; None where there is none."""
    state: str | None = await conn.fetchval(LOCK_ENDPOINT, tenant, endpoint_id)
    return state


async def count_endpoints(conn: Connection, tenant: UUID) -> int:
    found: int = await conn.fetchval(COUNT_ENDPOINTS, tenant)
    return found


async def endpoint_of_ref(conn: Connection, tenant: UUID, ref: str) -> UUID | None:
    found: UUID | None = await conn.fetchval(ENDPOINT_OF_REF, tenant, ref)
    return found


async def change_endpoint(conn: Connection, tenant: UUID, row: EndpointRow) -> None:
    await conn.execute(CHANGE_ENDPOINT, tenant, row.id, row.url, row.description, row.types)


async def enable(conn: Connection, tenant: UUID, endpoint_id: UUID) -> None:
    await conn.execute(ENABLE, tenant, endpoint_id)


async def disable(conn: Connection, tenant: UUID, endpoint_id: UUID, reason: str) -> bool:
    """False where it was disabled already."""
    return await conn.fetchval(DISABLE, tenant, endpoint_id, reason) is not None


async def pause(conn: Connection, tenant: UUID, endpoint_id: UUID, asked: timedelta) -> None:
    """Nothing is sent there for so long."""
    await conn.execute(PAUSE, tenant, endpoint_id, asked)


async def worked(conn: Connection, tenant: UUID, endpoint_id: UUID) -> None:
    await conn.execute(WORKED, tenant, endpoint_id)


async def failed(conn: Connection, tenant: UUID, endpoint_id: UUID) -> datetime:
    """Since when every attempt has failed."""
    since: datetime = await conn.fetchval(FAILED, tenant, endpoint_id)
    return since


async def insert_secret(conn: Connection, tenant: UUID, row: SecretRow) -> None:
    await conn.execute(ADD_SIGNING_KEY, tenant, row.id, row.endpoint_id, row.sealed, row.created_at)


async def expire_secrets(conn: Connection, tenant: UUID, endpoint_id: UUID, at: datetime, now: datetime) -> None:
    """The present secret ends at `at`, one that was to end already at once."""
    await conn.execute(EXPIRE_SECRETS, tenant, endpoint_id, at, now)


async def live_secrets(conn: Connection, tenant: UUID, endpoint_ids: Sequence[UUID], now: datetime) -> list[SecretRow]:
    """Newest first."""
    return all_of(SecretRow, await conn.fetch(LIVE_SECRETS, tenant, list(endpoint_ids), now))
