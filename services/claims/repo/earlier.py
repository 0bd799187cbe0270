"""Lines of lodged claims for a licence, with what became of them and the consent to another application (rules CL5, EL4)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

# By licence, lines as they were lodged, their steps as they were taken.
# The consent to a licence is the step that released its mark: the claim marks it again until the other application is lodged.
EARLIER_LINES: Final = """
select l.licence_id, l.claim_id, c.number, c.lodged_at, c.lodged_on, l.distance_km, l.estimate_cents, s.kind,
    s.distance_km as step_km, s.cents as step_cents, k.reference as consent_reference, k.on_day as consent_on
from claims.claim_line l
join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.claim_id and c.state <> 'withdrawn'
left join claims.line_step s on s.tenant_id = l.tenant_id and s.claim_id = l.claim_id and s.licence_id = l.licence_id
left join lateral (
    select a.reference, a.on_day from claims.lodged_licence m
    join claims.claim_step a on a.tenant_id = m.tenant_id and a.id = m.released_by and a.kind = 'consent'
    where m.tenant_id = l.tenant_id and m.licence_id = l.licence_id and m.source_id = l.claim_id
    order by a.seq desc limit 1
) k on true
where l.tenant_id = $1 and l.licence_id = any($2::uuid[]) order by l.licence_id, c.lodged_at, c.number, s.seq"""


@dataclass(frozen=True)
class EarlierRow:
    """One step of a line in a claim that was not withdrawn; of a line without steps one row, `kind` None."""

    licence_id: UUID
    claim_id: UUID
    number: str
    lodged_at: datetime
    lodged_on: date
    distance_km: int
    estimate_cents: int | None
    kind: str | None
    step_km: int | None
    step_cents: int | None
    consent_reference: str | None
    consent_on: date | None
