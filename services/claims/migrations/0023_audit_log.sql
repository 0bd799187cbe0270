-- Audit log (shared/db/tables.sql).
-- Who read or wrote what, when, with which answer.  Rows are added and read; nobody changes one, and the only function that
-- removes some takes those whose month ended four years ago (as long as fixes are kept, rule RE1).
create table claims.audit_log (
    tenant_id uuid not null,  -- whose data
    at timestamptz not null default clock_timestamp(),
    id uuid not null default gen_random_uuid(),
    key_id text not null constraint audit_log_key_given check (key_id <> ''),
    person text,
    actor_tenant uuid,  -- whose key, where it is not the tenant's own
    method text not null,
    route text not null,  -- the template, without values
    things jsonb not null,  -- ids from the path and the query, by name
    status int not null,
    request_id text not null,
    constraint audit_log_pk primary key (tenant_id, at, id)
);
create index audit_log_by_time on claims.audit_log using brin (at);
alter table claims.audit_log enable row level security;
alter table claims.audit_log force row level security;
create policy audit_log_read on claims.audit_log for select to rucor_claims_api
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy audit_log_add on claims.audit_log for insert to rucor_claims_api
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy audit_log_worker_add on claims.audit_log for insert to rucor_claims_worker with check (true);
create policy audit_log_owner_read on claims.audit_log for select to rucor_claims_owner using (true);
create policy audit_log_owner_purge on claims.audit_log for delete to rucor_claims_owner
    using (at < date_trunc('month', now(), 'Pacific/Auckland') - interval '4 years');
grant select, insert on claims.audit_log to rucor_claims_api;
grant insert on claims.audit_log to rucor_claims_worker;

-- One round trip for what is recorded outside a transaction.
create function claims.record_access(
    p_tenant uuid, p_key text, p_person text, p_actor_tenant uuid, p_method text, p_route text, p_things jsonb, p_status int, p_request text
) returns void
language plpgsql set search_path = claims, pg_temp
as $$
begin
    perform set_config('rucor.tenant', p_tenant::text, true);
    insert into claims.audit_log (tenant_id, key_id, person, actor_tenant, method, route, things, status, request_id)
    values (p_tenant, p_key, p_person, p_actor_tenant, p_method, p_route, p_things, p_status, p_request);
end $$;
revoke all on function claims.record_access from public;
grant execute on function claims.record_access to rucor_claims_api;

-- Removes at most `p_rows` of what the owner's policy says is over; says how many.
create function claims.purge_audit_log(p_rows int) returns int
language plpgsql security definer set search_path = claims, pg_temp
as $$
declare
    gone int;
begin
    delete from claims.audit_log where ctid = any(array(
        select l.ctid from claims.audit_log as l
        where l.at < date_trunc('month', now(), 'Pacific/Auckland') - interval '4 years' limit p_rows));
    get diagnostics gone = row_count;
    return gone;
end $$;
revoke all on function claims.purge_audit_log from public;
grant execute on function claims.purge_audit_log to rucor_claims_worker;
