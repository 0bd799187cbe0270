"""What is with the Agency and not answered, and whether its lateness was told (rules CL6, OT2 to OT4, EX1)."""

from datetime import date
from typing import Final
from uuid import UUID

from services.claims.domain.claim.awaited import Awaited
from services.claims.repo.rows import all_of
from shared.db.pool import Connection

AWAITED: Final = """
select 'claim' as what, c.id, c.number as name, c.claimant_id, null::uuid as vehicle_id, null::uuid as licence_id,
    max(s.on_day) as since
from claims.claim c
join claims.claim_step s on s.tenant_id = c.tenant_id and s.claim_id = c.id and s.kind = 'received'
where c.tenant_id = $1 and c.state = 'received' group by c.tenant_id, c.id
union all
select 'application', a.id, a.kind, a.claimant_id, a.vehicle_id, a.licence_id, max(s.on_day)
from claims.application a
join claims.application_step s on s.tenant_id = a.tenant_id and s.application_id = a.id and s.kind = 'received'
where a.tenant_id = $1 and a.state = 'received' group by a.tenant_id, a.id
union all
select 'exemption', e.id, '', null, e.vehicle_id, null, max(s.on_day)
from claims.exemption e
join claims.exemption_step s on s.tenant_id = e.tenant_id and s.exemption_id = e.id and s.kind = 'sent'
where e.tenant_id = $1 and e.state = 'sent' group by e.tenant_id, e.id
order by since, id"""
TOLD: Final = {
    "claim": """
update claims.claim set answer_told = $3 where tenant_id = $1 and id = $2 and answer_told is distinct from $3 returning id""",
    "application": """
update claims.application set answer_told = $3
where tenant_id = $1 and id = $2 and answer_told is distinct from $3 returning id""",
    "exemption": """
update claims.exemption set answer_told = $3
where tenant_id = $1 and id = $2 and answer_told is distinct from $3 returning id""",
}


async def awaited(conn: Connection, tenant: UUID) -> list[Awaited]:
    """The longest with the Agency first."""
    return all_of(Awaited, await conn.fetch(AWAITED, tenant))


async def first_time(conn: Connection, tenant: UUID, one: Awaited, due_on: date) -> bool:
    """Whether the passing of that day was never told; from now on it was."""
    return await conn.fetchval(TOLD[one.what], tenant, one.id, due_on) is not None
