-- Tables of the shared library.  Each service copies the blocks it needs into its first migration and puts its own name in
-- the place of SERVICE (ingest, classifier or claims); this file itself is never run.

-- 1. Positions (shared/stream/positions.py): every service that consumes a topic ---------------------------------------
create table SERVICE.stream_position (
    topic text not null,
    partition int not null constraint stream_position_partition_check check (partition >= 0),
    topic_id text not null,
    next_offset bigint not null constraint stream_position_next_offset_check check (next_offset >= 0),
    last_crc bigint constraint stream_position_last_crc_check check (last_crc between 0 and 4294967295),
    version bigint not null constraint stream_position_version_check check (version >= 0),
    constraint stream_position_pkey primary key (topic, partition)
);
grant select, insert, update on SERVICE.stream_position to rucor_SERVICE_worker;

-- 2. Outbox (shared/stream/outbox.py): every service that writes to a topic from a transaction ---------------------------
create table SERVICE.outbox (
    id bigint generated always as identity constraint outbox_pkey primary key,
    topic text not null,
    partition int not null constraint outbox_partition_check check (partition >= 0),
    frame bytea not null,
    created_at timestamptz not null default now()
);
-- Frames are compressed already.
alter table SERVICE.outbox alter column frame set storage external;
grant select, insert, delete on SERVICE.outbox to rucor_SERVICE_worker;
-- An API transaction may add to the outbox; it holds all tenants' frames, so the API role can't read it.
grant insert on SERVICE.outbox to rucor_SERVICE_api;

-- 3. API keys (shared/db/api_keys.py, shared/http/auth.py): every service with a keyed HTTP API --------------------------
create table SERVICE.api_key (
    tenant_id uuid not null,
    key_id text not null constraint api_key_key_id_check check (key_id ~ '^[0-9a-f]{8}$'),
    name text not null,
    secret_sha256 bytea not null constraint api_key_secret_check check (octet_length(secret_sha256) = 32),
    scopes text[] not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    constraint api_key_pkey primary key (tenant_id, key_id),
    -- The one key without a tenant: the tenant is what it finds.
    constraint api_key_key_id_unique unique (key_id)
);
alter table SERVICE.api_key enable row level security;
alter table SERVICE.api_key force row level security;
create policy api_key_tenant on SERVICE.api_key to rucor_SERVICE_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy api_key_worker on SERVICE.api_key to rucor_SERVICE_worker using (true) with check (true);
-- The owner reads for authenticate() below, nothing else.
create policy api_key_owner on SERVICE.api_key for select to rucor_SERVICE_owner using (true);
grant select, insert, update on SERVICE.api_key to rucor_SERVICE_worker;

create function SERVICE.authenticate(wanted text)
returns table (tenant_id uuid, secret_sha256 bytea, scopes text[], revoked boolean)
language sql stable security definer set search_path = SERVICE, pg_temp
as $$
    select k.tenant_id, k.secret_sha256, k.scopes, k.revoked_at is not null from SERVICE.api_key k where k.key_id = wanted
$$;
revoke all on function SERVICE.authenticate(text) from public;
grant execute on function SERVICE.authenticate(text) to rucor_SERVICE_api, rucor_SERVICE_worker;

-- 4. Audit log (shared/db/audit.py, shared/http/audit.py): every service with a keyed HTTP API ----------------------------
-- Who read or wrote what, when, with which answer.  Rows are added and read; nobody changes one, and the only function that
-- removes some takes those whose month ended four years ago (as long as fixes are kept, rule RE1).
create table SERVICE.audit_log (
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
create index audit_log_by_time on SERVICE.audit_log using brin (at);
alter table SERVICE.audit_log enable row level security;
alter table SERVICE.audit_log force row level security;
create policy audit_log_read on SERVICE.audit_log for select to rucor_SERVICE_api
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy audit_log_add on SERVICE.audit_log for insert to rucor_SERVICE_api
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy audit_log_worker_add on SERVICE.audit_log for insert to rucor_SERVICE_worker with check (true);
create policy audit_log_owner_read on SERVICE.audit_log for select to rucor_SERVICE_owner using (true);
create policy audit_log_owner_purge on SERVICE.audit_log for delete to rucor_SERVICE_owner
    using (at < date_trunc('month', now(), 'Pacific/Auckland') - interval '4 years');
grant select, insert on SERVICE.audit_log to rucor_SERVICE_api;
grant insert on SERVICE.audit_log to rucor_SERVICE_worker;

-- One round trip for what is recorded outside a transaction.
create function SERVICE.record_access(
    p_tenant uuid, p_key text, p_person text, p_actor_tenant uuid, p_method text, p_route text, p_things jsonb, p_status int, p_request text
) returns void
language plpgsql set search_path = SERVICE, pg_temp
as $$
begin
    perform set_config('rucor.tenant', p_tenant::text, true);
    insert into SERVICE.audit_log (tenant_id, key_id, person, actor_tenant, method, route, things, status, request_id)
    values (p_tenant, p_key, p_person, p_actor_tenant, p_method, p_route, p_things, p_status, p_request);
end $$;
revoke all on function SERVICE.record_access from public;
grant execute on function SERVICE.record_access to rucor_SERVICE_api;

-- Removes at most `p_rows` of what the owner's policy says is over; says how many.
create function SERVICE.purge_audit_log(p_rows int) returns int
language plpgsql security definer set search_path = SERVICE, pg_temp
as $$
declare
    gone int;
begin
    delete from SERVICE.audit_log where ctid = any(array(
        select l.ctid from SERVICE.audit_log as l
        where l.at < date_trunc('month', now(), 'Pacific/Auckland') - interval '4 years' limit p_rows));
    get diagnostics gone = row_count;
    return gone;
end $$;
revoke all on function SERVICE.purge_audit_log from public;
grant execute on function SERVICE.purge_audit_log to rucor_SERVICE_worker;

-- 5. Keys that end, are rotated and are seen to be used (shared/db/api_keys.py, shared/http/key_routes.py) -----------------
-- Nullable columns without defaults: no table is rewritten.
alter table SERVICE.api_key add column expires_at timestamptz;
alter table SERVICE.api_key add column last_used_on date;  -- the NZ day
alter table SERVICE.api_key add column old_secret_sha256 bytea;  -- the secret before the last rotation
alter table SERVICE.api_key add column old_until timestamptz;
alter table SERVICE.api_key add column requests_per_s int;  -- the key's own limit, set by operators alone
alter table SERVICE.api_key add constraint api_key_limit_some check (requests_per_s > 0) not valid;
alter table SERVICE.api_key validate constraint api_key_limit_some;
alter table SERVICE.api_key add constraint api_key_old_whole check ((old_secret_sha256 is null) = (old_until is null)) not valid;
alter table SERVICE.api_key validate constraint api_key_old_whole;

-- A tenant sees, makes and revokes its own keys; secrets go in and never out.
grant select (tenant_id, key_id, name, scopes, created_at, last_used_on, expires_at, revoked_at, old_until, requests_per_s),
    insert (tenant_id, key_id, name, secret_sha256, scopes, expires_at, requests_per_s),
    update (revoked_at)
    on SERVICE.api_key to rucor_SERVICE_api;
create policy api_key_owner_change on SERVICE.api_key for update to rucor_SERVICE_owner using (true) with check (true);

-- As authenticate(), which the release before still calls, with what has been added since.
create function SERVICE.find_api_key(wanted text)
returns table (
    tenant_id uuid, secret_sha256 bytea, scopes text[], revoked boolean, expires_at timestamptz, old_secret_sha256 bytea,
    old_until timestamptz, requests_per_s int, last_used_on date
)
language sql stable security definer set search_path = SERVICE, pg_temp
as $$
    select k.tenant_id, k.secret_sha256, k.scopes, k.revoked_at is not null, k.expires_at, k.old_secret_sha256, k.old_until,
        k.requests_per_s, k.last_used_on
    from SERVICE.api_key k where k.key_id = wanted
$$;
revoke all on function SERVICE.find_api_key(text) from public;
grant execute on function SERVICE.find_api_key(text) to rucor_SERVICE_api, rucor_SERVICE_worker;

create function SERVICE.note_key_use(p_key text, p_on date) returns void
language sql security definer set search_path = SERVICE, pg_temp
as $$
    update SERVICE.api_key set last_used_on = p_on where key_id = p_key and (last_used_on is null or last_used_on < p_on)
$$;
revoke all on function SERVICE.note_key_use from public;
grant execute on function SERVICE.note_key_use to rucor_SERVICE_api, rucor_SERVICE_worker;

-- A new secret; the present one works until p_until.  The API's role only reaches the tenant of its transaction.
create function SERVICE.rotate_key(p_tenant uuid, p_key text, p_secret bytea, p_until timestamptz) returns boolean
language plpgsql security definer set search_path = SERVICE, pg_temp
as $$
begin
    if session_user = 'rucor_SERVICE_api' and p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'another tenant''s key' using errcode = 'insufficient_privilege';
    end if;
    update SERVICE.api_key set old_secret_sha256 = secret_sha256, old_until = p_until, secret_sha256 = p_secret
    where tenant_id = p_tenant and key_id = p_key and revoked_at is null and (expires_at is null or expires_at > now());
    return found;
end $$;
revoke all on function SERVICE.rotate_key from public;
grant execute on function SERVICE.rotate_key to rucor_SERVICE_api, rucor_SERVICE_worker;
