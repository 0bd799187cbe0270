-- Rule CL5: a licence that was claimed before is found with what stands of it.  Rule CL7: one open disclosure a line; another finding
-- takes its place, and what was told and closed before is not told again.

-- squawk-ignore require-concurrent-index-creation
create index lodged_by_licence on claims.lodged_licence (tenant_id, licence_id);
grant select on claims.line_step to rucor_claims_worker;

alter table claims.disclosure add column settled_km bigint not null default 0;
-- squawk-ignore constraint-missing-not-valid
alter table claims.disclosure add constraint disclosure_settled_not_negative check (settled_km >= 0);
-- squawk-ignore ban-drop-constraint
alter table claims.disclosure drop constraint disclosure_closed_as_known;
-- squawk-ignore constraint-missing-not-valid
alter table claims.disclosure add constraint disclosure_closed_as_known
    check (closed_as in ('repaid', 'set_off', 'nothing_owed', 'replaced', 'not_owed_any_more'));

-- The same statement may show the same again, after a better one did not.
-- squawk-ignore ban-drop-constraint
alter table claims.disclosure drop constraint disclosure_once;
alter table claims.disclosure no force row level security;
update claims.disclosure d set closed_on = (d.found_at at time zone 'Pacific/Auckland')::date, closed_as = 'replaced', closed_cents = 0
where d.closed_on is null and exists (
    select from claims.disclosure later
    where later.tenant_id = d.tenant_id and later.claim_id = d.claim_id and later.licence_id = d.licence_id
        and later.closed_on is null and (later.found_at, later.id) > (d.found_at, d.id));
alter table claims.disclosure force row level security;
-- squawk-ignore require-concurrent-index-creation
create unique index disclosure_open_once on claims.disclosure (tenant_id, claim_id, licence_id) where closed_on is null;
