-- A provider's one credential for many tenants, each of which consents (rule PA3).  A provider's keys are rows of api_key whose tenant_id is the
-- provider's own id.

create table ingest.provider (
    provider_id uuid constraint provider_pk primary key,
    name text not null constraint provider_name_given check (name <> ''),
    created_at timestamptz not null default now()
);
grant select on ingest.provider to rucor_ingest_api;
grant select, insert on ingest.provider to rucor_ingest_worker;

-- A tenant's consent: given, and taken back at most once.
create table ingest.provider_consent (
    tenant_id uuid not null,
    id uuid not null,
    provider_id uuid not null constraint provider_consent_provider_fk references ingest.provider,
    granted_at timestamptz not null,
    granted_by text not null constraint provider_consent_by_given check (granted_by <> ''),
    revoked_at timestamptz,
    revoked_by text not null default '',
    constraint provider_consent_pk primary key (tenant_id, id),
    constraint provider_consent_revoked_whole check ((revoked_at is null) = (revoked_by = ''))
);
create unique index provider_consent_once on ingest.provider_consent (tenant_id, provider_id) where revoked_at is null;
create index provider_consent_by_provider on ingest.provider_consent (provider_id);

-- In which hours (UTC) a device of a tenant sent something through a provider: bit 0 is 00:00 to 01:00.  A set, so neither order nor repetition
-- matters; kept for 90 days.
create table ingest.provider_device_day (
    tenant_id uuid not null,
    provider_id uuid not null constraint provider_device_day_provider_fk references ingest.provider,
    device_id text not null,
    day date not null,
    hours int not null constraint provider_device_day_hours check (hours between 1 and 16777215),
    last_ts timestamptz not null,
    last_received_at timestamptz not null,
    constraint provider_device_day_pk primary key (tenant_id, provider_id, device_id, day)
);
create index provider_device_day_by_day on ingest.provider_device_day (day);

do $$
declare
    name text;
begin
    foreach name in array array['provider_consent', 'provider_device_day'] loop
        execute format('alter table ingest.%I enable row level security', name);
        execute format('alter table ingest.%I force row level security', name);
        execute format('create policy of_this_tenant on ingest.%I to rucor_ingest_api '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on ingest.%I to rucor_ingest_worker using (true) with check (true)', name);
        -- As 0004 has it for every tenant's table (rule RE2).
        execute format('create policy to_erase on ingest.%I for delete to rucor_ingest_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy to_give_out on ingest.%I for select to rucor_ingest_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
    end loop;
end $$;
-- A provider sees who has consented to it, in a transaction of its own.
create policy of_this_provider on ingest.provider_consent for select to rucor_ingest_api
    using (provider_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
grant select, insert, update (revoked_at, revoked_by) on ingest.provider_consent to rucor_ingest_api;
grant select on ingest.provider_consent to rucor_ingest_worker;
grant select on ingest.provider_device_day to rucor_ingest_api;
grant select, insert, update, delete on ingest.provider_device_day to rucor_ingest_worker;
