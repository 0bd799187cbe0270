"""Which alerts of licences were told already, and when a tenant's licences are looked at next."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.db.pool import Connection

# Only tenants that somebody listens for.
ENROL: Final = """
insert into claims.alert_sweep (tenant_id)
select distinct tenant_id from claims.webhook_endpoint where state = 'enabled'
on conflict on constraint alert_sweep_pk do nothing"""
TAKE: Final = """
update claims.alert_sweep s set due_at = clock_timestamp() + $1::interval
from (select tenant_id from claims.alert_sweep a where due_at <= clock_timestamp() and exists (
        select from claims.webhook_endpoint w where w.tenant_id = a.tenant_id and w.state = 'enabled')
    order by due_at limit 1 for update skip locked) d
where s.tenant_id = d.tenant_id returning s.tenant_id"""
FIRST_TIME: Final = """
insert into claims.licence_alert (tenant_id, licence_id, kind) values ($1, $2, $3)
on conflict on constraint licence_alert_pk do nothing returning licence_id"""


async def take_tenant(conn: Connection, every: timedelta) -> UUID | None:
    """A tenant whose licences are due to be looked at; nobody else gets it for so long."""
    await conn.execute(ENROL)
    found: UUID | None = await conn.fetchval(TAKE, every)
    return found


async def first_time(conn: Connection, tenant: UUID, licence_id: UUID, kind: str) -> bool:
    """Whether this alert was never told; from now on it was."""
    return await conn.fetchval(FIRST_TIME, tenant, licence_id, kind) is not None
