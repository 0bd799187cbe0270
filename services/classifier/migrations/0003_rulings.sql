-- What people have said that the scheme must heed: declared land (rule SU7) and exclusions of faulty data, with API keys for those who say it.

-- 1. API keys (shared library) ---------------------------------------------------------------------------------------------
create table classifier.api_key (
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
alter table classifier.api_key enable row level security;
alter table classifier.api_key force row level security;
create policy api_key_tenant on classifier.api_key to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy api_key_worker on classifier.api_key to rucor_classifier_worker using (true) with check (true);
-- The owner reads for authenticate() below, nothing else.
create policy api_key_owner on classifier.api_key for select to rucor_classifier_owner using (true);
grant select, insert, update on classifier.api_key to rucor_classifier_worker;

create function classifier.authenticate(wanted text)
returns table (tenant_id uuid, secret_sha256 bytea, scopes text[], revoked boolean)
language sql stable security definer set search_path = classifier, pg_temp
as $$
    select k.tenant_id, k.secret_sha256, k.scopes, k.revoked_at is not null from classifier.api_key k where k.key_id = wanted
$$;
revoke all on function classifier.authenticate(text) from public;
grant execute on function classifier.authenticate(text) to rucor_classifier_api, rucor_classifier_worker;

-- First answers of commands that carried an Idempotency-Key.
create table classifier.idempotency (
    tenant_id uuid not null,
    key text not null,
    request_hash bytea not null,
    status int,
    body bytea,
    created_at timestamptz not null default now(),
    constraint idempotency_pk primary key (tenant_id, key)
);
alter table classifier.idempotency enable row level security;
alter table classifier.idempotency force row level security;
create policy idempotency_tenant on classifier.idempotency to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy idempotency_worker on classifier.idempotency to rucor_classifier_worker using (true) with check (true);
grant select, insert, update on classifier.idempotency to rucor_classifier_api;

-- 2. The order in which rulings were made ------------------------------------------------------------------------------------
-- Raised by every change of a ruling, in the change's own transaction, under an advisory lock that makes the numbers rise in
-- the order of commits.  It says when to read the rulings again, and a round of the fold commits only if it has not moved.
create table classifier.ruling_counter (
    only_row boolean constraint ruling_counter_pkey primary key default true
        constraint ruling_counter_only_row_check check (only_row),
    value bigint not null constraint ruling_counter_value_check check (value >= 0)
);
insert into classifier.ruling_counter (value) values (0);
grant select on classifier.ruling_counter to rucor_classifier_worker;

-- The API role can raise it and nothing else: it tells how often other tenants change theirs.
create function classifier.raise_ruling_counter() returns bigint
language sql volatile security definer set search_path = classifier, pg_temp
as $$
    update classifier.ruling_counter set value = value + 1 returning value
$$;
revoke all on function classifier.raise_ruling_counter() from public;
grant execute on function classifier.raise_ruling_counter() to rucor_classifier_api, rucor_classifier_worker;

-- 3. Versions of rulings: inserted, never changed -------------------------------------------------------------------------------
-- What was in force at counter c is, of each thing, the version with the highest `entered` <= c.  So every set of rulings that a
-- revision has ever named can be found again (design G5), although no set is stored.
create table classifier.land_version (
    tenant_id uuid not null,
    land_id uuid not null,
    version int not null constraint land_version_version_check check (version > 0),
    entered bigint not null,
    state text not null constraint land_version_state_check check (state in ('declared', 'withdrawn')),
    kind text not null constraint land_version_kind_check
        check (kind in ('owned', 'leased', 'licensed', 'closed_works_site', 'map_error', 'other')),
    name text not null,
    address text not null,
    first_day int not null,  -- NZ days since 1970-01-01, both included
    last_day int not null,
    over_public boolean not null,
    reason text not null,
    change_reason text not null,  -- why this version took the place of the one before
    actor text not null,
    key_id text not null,
    wkb bytea not null,  -- whole micro-degrees, longitude first
    south_e6 int not null,
    west_e6 int not null,
    north_e6 int not null,
    east_e6 int not null,
    created_at timestamptz not null,  -- of the first version: what lists go by
    written_at timestamptz not null default now(),
    constraint land_version_pkey primary key (tenant_id, land_id, version),
    constraint land_version_entered_unique unique (tenant_id, entered),
    constraint land_version_days_check check (first_day <= last_day),
    -- Rule SU7: over a public road only by kind and written reason.
    constraint land_version_over_public_check
        check (not over_public or (kind in ('closed_works_site', 'map_error') and length(reason) >= 20))
);
alter table classifier.land_version alter column wkb set storage external;

create table classifier.exclusion_version (
    tenant_id uuid not null,
    exclusion_id uuid not null,
    version int not null constraint exclusion_version_version_check check (version > 0),
    entered bigint not null,
    state text not null constraint exclusion_version_state_check check (state in ('proposed', 'active', 'lifted')),
    device text not null,  -- "": every device of the tenant, then inside a polygon only
    from_ms bigint not null,  -- both included
    to_ms bigint not null,
    reason text not null,
    change_reason text not null,
    actor text not null,
    key_id text not null,
    wkb bytea not null,  -- empty: the device's fixes in that time, wherever they are
    south_e6 int not null,
    west_e6 int not null,
    north_e6 int not null,
    east_e6 int not null,
    created_at timestamptz not null,
    written_at timestamptz not null default now(),
    constraint exclusion_version_pkey primary key (tenant_id, exclusion_id, version),
    constraint exclusion_version_entered_unique unique (tenant_id, entered),
    constraint exclusion_version_time_check check (from_ms <= to_ms),
    constraint exclusion_version_target_check check (device <> '' or octet_length(wkb) > 0)
);
alter table classifier.exclusion_version alter column wkb set storage external;

alter table classifier.land_version enable row level security;
alter table classifier.land_version force row level security;
alter table classifier.exclusion_version enable row level security;
alter table classifier.exclusion_version force row level security;
create policy land_version_tenant on classifier.land_version to rucor_classifier_api
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy exclusion_version_tenant on classifier.exclusion_version to rucor_classifier_api
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy land_version_worker on classifier.land_version for select to rucor_classifier_worker using (true);
create policy exclusion_version_worker on classifier.exclusion_version for select to rucor_classifier_worker using (true);
grant select, insert on classifier.land_version, classifier.exclusion_version to rucor_classifier_api;
grant select on classifier.land_version, classifier.exclusion_version to rucor_classifier_worker;

-- 4. Device-days asked for that are too many for one transaction ---------------------------------------------------------------
-- Those of a device ("": of all) from `first_day` to `last_day` behind (after_device, after_day).  Any process makes the next
-- ones due, in short transactions, and deletes the row at the end.
create table classifier.recompute_waiting (
    tenant_id uuid not null,
    waiting_id uuid not null,
    cause text not null constraint recompute_waiting_cause_check check (cause in ('dirty', 'reprocess')),
    device_id text not null,
    first_day int not null,
    last_day int not null,
    after_device text not null,
    after_day int not null,
    asked_at timestamptz not null default now(),
    constraint recompute_waiting_pkey primary key (tenant_id, waiting_id),
    constraint recompute_waiting_days_check check (first_day <= last_day)
);
create index recompute_waiting_order on classifier.recompute_waiting (asked_at, tenant_id, waiting_id);
alter table classifier.recompute_waiting enable row level security;
alter table classifier.recompute_waiting force row level security;
create policy recompute_waiting_tenant on classifier.recompute_waiting to rucor_classifier_api
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy recompute_waiting_worker on classifier.recompute_waiting to rucor_classifier_worker using (true);
grant select, insert on classifier.recompute_waiting to rucor_classifier_api;
grant select, update, delete on classifier.recompute_waiting to rucor_classifier_worker;
