-- Leave for operators to look into one tenant, for one case and at most two weeks (rule PA4).  Given by the tenant; ended, never changed else.

create table claims.ops_grant (
    tenant_id uuid not null,
    id uuid not null,
    case_ref text not null constraint ops_grant_case_given check (case_ref <> ''),
    holder text not null constraint ops_grant_holder_given check (holder <> ''),  -- an operator's key id, or their name
    from_at timestamptz not null,
    until_at timestamptz not null,
    reason text not null constraint ops_grant_reason_given check (reason <> ''),
    granted_by text not null constraint ops_grant_by_given check (granted_by <> ''),
    created_at timestamptz not null,
    ended_at timestamptz,
    ended_by text not null default '',
    constraint ops_grant_pk primary key (tenant_id, id),
    constraint ops_grant_two_weeks check (until_at > from_at and until_at <= from_at + interval '336 hours'),
    constraint ops_grant_ended_whole check ((ended_at is null) = (ended_by = ''))
);
alter table claims.ops_grant enable row level security;
alter table claims.ops_grant force row level security;
create policy of_this_tenant on claims.ops_grant to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.ops_grant to rucor_claims_worker using (true) with check (true);
grant select, insert, update (ended_at, ended_by) on claims.ops_grant to rucor_claims_api;
