-- Rule LI4: the same paper licence (plate and number) in two tenants is a case, for ops only.

-- Which paper a licence was registered from, as a keyed hash of normalised plate and number: a row more where the plate at
-- its issue is told anew.  A case is nothing but two tenants' rows of one hash.  So adding a licence does the same work, and
-- takes as long, whether or not another tenant has it, and two that are added at the same moment cannot miss each other.
create table claims.paper_licence (
    tenant_id uuid not null,
    licence_id uuid not null,
    paper_hash bytea not null constraint paper_hash_length check (octet_length(paper_hash) = 32),
    registered_at timestamptz not null default now(),
    constraint paper_licence_pk primary key (tenant_id, licence_id, paper_hash),
    constraint paper_licence_licence_fk foreign key (tenant_id, licence_id) references claims.licence
);
create index paper_licence_across on claims.paper_licence (paper_hash, tenant_id);
alter table claims.paper_licence enable row level security;
alter table claims.paper_licence force row level security;
-- Written by the function below alone, as the tenant of the transaction; read by the worker's role alone, for ops.
create policy of_this_tenant on claims.paper_licence to rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.paper_licence for select to rucor_claims_worker using (true);
grant select on claims.paper_licence to rucor_claims_worker;

create function claims.note_paper(p_tenant uuid, p_licence uuid, p_hash bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into claims.paper_licence (tenant_id, licence_id, paper_hash) values (p_tenant, p_licence, p_hash)
    on conflict on constraint paper_licence_pk do nothing
$$;
revoke all on function claims.note_paper from public;
grant execute on function claims.note_paper to rucor_claims_api, rucor_claims_worker;

-- What ops did about a case: only ever added.  The rows are the operator's, not a fleet's.
create table claims.ops_case_step (
    tenant_id uuid not null constraint ops_case_step_tenant_fk references claims.tenant,
    id uuid not null,
    case_id uuid not null,
    kind text not null constraint ops_case_step_kind_known check (kind in ('looked_at', 'closed')),
    reason text not null,
    actor text not null constraint ops_case_step_actor_given check (actor <> ''),
    created_at timestamptz not null default clock_timestamp(),
    constraint ops_case_step_pk primary key (tenant_id, id),
    constraint ops_case_step_operator check (tenant_id = '00000000-0000-0000-0000-000000000000'),
    constraint ops_case_step_closed_why check (kind <> 'closed' or reason <> '')
);
create index ops_case_step_of_case on claims.ops_case_step (tenant_id, case_id, created_at);
alter table claims.ops_case_step enable row level security;
alter table claims.ops_case_step force row level security;
create policy of_this_tenant on claims.ops_case_step to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.ops_case_step to rucor_claims_worker using (true) with check (true);
grant select, insert on claims.ops_case_step to rucor_claims_api;
grant select on claims.ops_case_step, claims.licence, claims.vehicle_plate to rucor_claims_worker;
