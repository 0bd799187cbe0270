-- A link lets an auditor read exactly the claimed licences of one case for a time (rule PA4): a token of its own, shown once, kept as
-- a hash; every access through it is on record.

create table claims.audit_link (
    tenant_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    given_to text not null constraint audit_link_given_to_someone check (given_to <> ''),
    secret_sha256 bytea not null constraint audit_link_secret_check check (octet_length(secret_sha256) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    actor text not null constraint audit_link_actor_given check (actor <> ''),
    revoked_at timestamptz,
    revoked_by text not null default '',
    constraint audit_link_pk primary key (tenant_id, id),
    constraint audit_link_case_fk foreign key (tenant_id, case_id) references claims.audit_case,
    constraint audit_link_for_a_time check (expires_at > created_at and expires_at <= created_at + interval '90 days'),
    constraint audit_link_revoked_whole check ((revoked_at is null) = (revoked_by = ''))
);
create index audit_link_by_case on claims.audit_link (tenant_id, case_id, created_at);
create index audit_link_by_id on claims.audit_link (id);

-- Written before anything is answered, never changed.
create table claims.audit_access (
    tenant_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    link_id uuid not null,
    created_at timestamptz not null,
    method text not null,
    path text not null,
    address text not null,
    agent text not null,
    constraint audit_access_pk primary key (tenant_id, id),
    constraint audit_access_link_fk foreign key (tenant_id, link_id) references claims.audit_link,
    constraint audit_access_case_fk foreign key (tenant_id, case_id) references claims.audit_case
);
create index audit_access_by_case on claims.audit_access (tenant_id, case_id, created_at, id);

do $$
declare
    name text;
begin
    foreach name in array array['audit_link', 'audit_access'] loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
    end loop;
end $$;
-- The owner reads for authenticate_link() below, nothing else: the tenant is what it finds.
create policy audit_link_owner on claims.audit_link for select to rucor_claims_owner using (true);
grant select, insert, update (revoked_at, revoked_by) on claims.audit_link to rucor_claims_api;
grant select, insert on claims.audit_access to rucor_claims_api;

create function claims.authenticate_link(wanted uuid)
returns table (tenant_id uuid, id uuid, case_id uuid, given_to text, secret_sha256 bytea, expires_at timestamptz, revoked boolean)
language sql stable security definer set search_path = claims, pg_temp
as $$
    select l.tenant_id, l.id, l.case_id, l.given_to, l.secret_sha256, l.expires_at, l.revoked_at is not null
    from claims.audit_link l where l.id = wanted
$$;
revoke all on function claims.authenticate_link(uuid) from public;
grant execute on function claims.authenticate_link(uuid) to rucor_claims_api;
