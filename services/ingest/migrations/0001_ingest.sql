-- Schema ingest: API keys, the quarantine, the position on the quarantine topic.

create table ingest.api_key (
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
alter table ingest.api_key enable row level security;
alter table ingest.api_key force row level security;
create policy api_key_tenant on ingest.api_key to rucor_ingest_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy api_key_worker on ingest.api_key to rucor_ingest_worker using (true) with check (true);
-- The owner reads for authenticate() below, nothing else.
create policy api_key_owner on ingest.api_key for select to rucor_ingest_owner using (true);
grant select, insert, update on ingest.api_key to rucor_ingest_worker;

create function ingest.authenticate(wanted text)
returns table (tenant_id uuid, secret_sha256 bytea, scopes text[], revoked boolean)
language sql stable security definer set search_path = ingest, pg_temp
as $$
    select k.tenant_id, k.secret_sha256, k.scopes, k.revoked_at is not null from ingest.api_key k where k.key_id = wanted
$$;
revoke all on function ingest.authenticate(text) from public;
grant execute on function ingest.authenticate(text) to rucor_ingest_api, rucor_ingest_worker;

create table ingest.stream_position (
    topic text not null,
    partition int not null constraint stream_position_partition_check check (partition >= 0),
    topic_id text not null,
    next_offset bigint not null constraint stream_position_next_offset_check check (next_offset >= 0),
    last_crc bigint constraint stream_position_last_crc_check check (last_crc between 0 and 4294967295),
    version bigint not null constraint stream_position_version_check check (version >= 0),
    constraint stream_position_pkey primary key (topic, partition)
);
grant select, insert, update on ingest.stream_position to rucor_ingest_worker;

-- Rows that were refused or could not be processed, with their bytes (design G7).  Personal data, as pings are.
create table ingest.quarantine (
    tenant_id uuid not null,
    -- A topic and the place in it, or `http:<digest of the request>` with 0, 0 for rows refused at the edge.
    origin text not null,
    origin_partition int not null,
    origin_offset bigint not null,
    origin_row int not null,
    -- Newest last; what a page of the API continues from.
    id bigint generated always as identity,
    device_id text not null,
    code text not null,
    detail text not null,
    body bytea not null,
    received_at timestamptz not null,
    code_version text not null,
    stored_at timestamptz not null default now(),
    constraint quarantine_pkey primary key (tenant_id, origin, origin_partition, origin_offset, origin_row),
    constraint quarantine_id_unique unique (tenant_id, id)
);
alter table ingest.quarantine enable row level security;
alter table ingest.quarantine force row level security;
create policy quarantine_tenant on ingest.quarantine to rucor_ingest_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy quarantine_worker on ingest.quarantine to rucor_ingest_worker using (true) with check (true);
grant select on ingest.quarantine to rucor_ingest_api;
grant select, insert on ingest.quarantine to rucor_ingest_worker;
