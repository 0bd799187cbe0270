-- Tables of the shared library (shared/db/tables.sql): positions of the stream, outbox, API keys.

-- Positions
create table claims.stream_position (
    topic text not null,
    partition int not null constraint stream_position_partition_check check (partition >= 0),
    topic_id text not null,
    next_offset bigint not null constraint stream_position_next_offset_check check (next_offset >= 0),
    last_crc bigint constraint stream_position_last_crc_check check (last_crc between 0 and 4294967295),
    version bigint not null constraint stream_position_version_check check (version >= 0),
    constraint stream_position_pkey primary key (topic, partition)
);
grant select, insert, update on claims.stream_position to rucor_claims_worker;

-- Outbox: written in the effect's own transaction, emptied by the relay.
create table claims.outbox (
    id bigint generated always as identity constraint outbox_pkey primary key,
    topic text not null,
    partition int not null constraint outbox_partition_check check (partition >= 0),
    frame bytea not null,
    created_at timestamptz not null default now()
);
-- Frames are compressed already.
alter table claims.outbox alter column frame set storage external;
grant select, insert, delete on claims.outbox to rucor_claims_worker;
-- An API transaction may add to the outbox; it holds all tenants' frames, so the API role can't read it.
grant insert on claims.outbox to rucor_claims_api;

-- API keys
create table claims.api_key (
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
alter table claims.api_key enable row level security;
alter table claims.api_key force row level security;
create policy api_key_tenant on claims.api_key to rucor_claims_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy api_key_worker on claims.api_key to rucor_claims_worker using (true) with check (true);
-- The owner reads for authenticate() below, nothing else.
create policy api_key_owner on claims.api_key for select to rucor_claims_owner using (true);
grant select, insert, update on claims.api_key to rucor_claims_worker;

create function claims.authenticate(wanted text)
returns table (tenant_id uuid, secret_sha256 bytea, scopes text[], revoked boolean)
language sql stable security definer set search_path = claims, pg_temp
as $$
    select k.tenant_id, k.secret_sha256, k.scopes, k.revoked_at is not null from claims.api_key k where k.key_id = wanted
$$;
revoke all on function claims.authenticate(text) from public;
grant execute on function claims.authenticate(text) to rucor_claims_api, rucor_claims_worker;
