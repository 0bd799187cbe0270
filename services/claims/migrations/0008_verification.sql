-- Verified (rule CL2): a named person's act per licence, over the statement as it was then, under the words that were shown.

create table claims.verification (
    tenant_id uuid not null,
    id uuid not null,
    licence_id uuid not null,
    statement_hash bytea not null,
    wording text not null,
    actor text not null constraint verification_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint verification_pk primary key (tenant_id, id),
    constraint verification_once unique (tenant_id, licence_id, statement_hash, actor),
    constraint verification_licence_fk foreign key (tenant_id, licence_id) references claims.licence
);
alter table claims.verification enable row level security;
alter table claims.verification force row level security;
create policy of_this_tenant on claims.verification to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.verification to rucor_claims_worker using (true) with check (true);
grant select, insert on claims.verification to rucor_claims_api;
