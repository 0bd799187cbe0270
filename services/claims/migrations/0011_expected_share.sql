-- Larger than expected (rule EL7): what lodged lines came to, and who has looked at a licence that is above what is usual.

-- The whole share (public, off road, unknown) that the line's off-road metres are part of.  Null on lines lodged before it was kept.
alter table claims.claim_line add column share_mm bigint;

-- A named person looked at what a finding says of exactly this statement; any change of the statement asks again, as with verification.
create table claims.acknowledgement (
    tenant_id uuid not null,
    id uuid not null,
    licence_id uuid not null,
    rule text not null constraint acknowledgement_rule_known check (rule in ('EL7')),
    statement_hash bytea not null,
    reason text not null constraint acknowledgement_reason_given check (reason <> ''),
    actor text not null constraint acknowledgement_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint acknowledgement_pk primary key (tenant_id, id),
    constraint acknowledgement_once unique (tenant_id, licence_id, rule, statement_hash, actor),
    constraint acknowledgement_licence_fk foreign key (tenant_id, licence_id) references claims.licence
);
alter table claims.acknowledgement enable row level security;
alter table claims.acknowledgement force row level security;
create policy of_this_tenant on claims.acknowledgement to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.acknowledgement to rucor_claims_worker using (true) with check (true);
grant select, insert on claims.acknowledgement to rucor_claims_api;
