"""What keeps a licence's kilometres from being claimed, read where the constraints look that would refuse them: live rows of
`lodged_licence` on the same kilometres of its recorder (`lodged_range_once`), and of `refunded_range` on the licence itself
(`refunded_range_once`).  A number has no clash of its own: the register holds it once, and a claimed paper keeps it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

# The licence's own marks are no others': one claim lets go of a licence before the next takes it.
TAKEN: Final = """
select l.id as licence_id, m.kind as how, (lower(m.on_series) - 1 - l.turned)::bigint as start,
    (upper(m.on_series) - 1 - l.turned)::bigint as upto, coalesce(c.number, w.reference) as reference, m.source_id,
    o.id as other_id, o.number as other, coalesce(c.state, '') as state
from claims.licence l
join claims.lodged_licence m on m.tenant_id = l.tenant_id and m.recorder_id = l.recorder_id and m.licence_id <> l.id
    and m.on_series && l.claimable and m.released_at is null
join claims.licence o on o.tenant_id = m.tenant_id and o.id = m.licence_id
left join claims.claim c on c.tenant_id = m.tenant_id and c.id = m.source_id and m.kind = 'claim'
left join claims.claimed_outside w on w.tenant_id = m.tenant_id and w.id = m.source_id and m.kind = 'outside'
where l.tenant_id = $1 and l.id = any($2::uuid[])
union all
select r.licence_id, r.kind, lower(r.refunded) - 1, upper(r.refunded) - 1, coalesce(a.kind, b.number, ''), r.source_id,
    null, '', coalesce(a.state, '')
from claims.refunded_range r
left join claims.application a on a.tenant_id = r.tenant_id and a.id = r.source_id and r.kind = 'unused'
left join claims.licence b on b.tenant_id = r.tenant_id and b.id = r.source_id and r.kind = 'credit'
where r.tenant_id = $1 and r.licence_id = any($2::uuid[]) and r.kind <> 'off_road' and r.released_at is null
order by licence_id, start, source_id"""
# Of what a licence's mark covered that somebody released (a consent, or the application that followed it).
IN_ITS_WAY: Final = """
select r.licence_id, m.kind as how, (lower(m.on_series) - 1 - r.turned)::bigint as start,
    (upper(m.on_series) - 1 - r.turned)::bigint as upto, coalesce(c.number, w.reference) as reference, m.source_id,
    o.id as other_id, o.number as other, coalesce(c.state, '') as state
from claims.lodged_licence r
join claims.lodged_licence m on m.tenant_id = r.tenant_id and m.recorder_id = r.recorder_id and m.licence_id <> r.licence_id
    and m.on_series && r.on_series and m.released_at is null
join claims.licence o on o.tenant_id = m.tenant_id and o.id = m.licence_id
left join claims.claim c on c.tenant_id = m.tenant_id and c.id = m.source_id and m.kind = 'claim'
left join claims.claimed_outside w on w.tenant_id = m.tenant_id and w.id = m.source_id and m.kind = 'outside'
where r.tenant_id = $1 and r.licence_id = $2 and r.released_by = $3 order by start, m.source_id"""


@dataclass(frozen=True)
class TakenRow:
    """(start, upto] on the licence's own scale."""

    licence_id: UUID
    how: str
    """`claim` or `outside` of another licence of the recorder; `unused` or `credit` of the licence itself."""
    start: int
    upto: int
    reference: str
    """The claim's number, what was said of the claim outside, the application's kind, the overlapping licence's number."""
    source_id: UUID
    other_id: UUID | None
    """The other licence, and its number; None where there is none."""
    other: str
    state: str
    """Of the claim, or the application."""


async def in_its_way(conn: Connection, tenant: UUID, licence_id: UUID, released_by: UUID) -> list[TakenRow]:
    """What keeps a mark that was released from standing again: claims of other licences on the same kilometres."""
    return all_of(TakenRow, await conn.fetch(IN_ITS_WAY, tenant, licence_id, released_by))
