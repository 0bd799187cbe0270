-- Tenants and what belongs to the HTTP edge: stored answers of idempotent requests.
-- The tables of keys, positions and outbox are in 0002 (shared definitions, one text for every service).

create table claims.tenant (
    tenant_id uuid constraint tenant_pk primary key,
    name text not null constraint tenant_name_given check (name <> ''),
    claim_seq bigint not null default 0,  -- the last claim number given out; raised inside the lodging transaction
    created_at timestamptz not null default now()
);

create table claims.idempotency (
    tenant_id uuid not null constraint idempotency_tenant_fk references claims.tenant,
    key text not null constraint idempotency_key_length check (length(key) between 1 and 255),
    request_hash bytea not null,
    status int,  -- null only while its transaction is open: nobody else ever sees it so
    body bytea,
    created_at timestamptz not null default now(),
    constraint idempotency_pk primary key (tenant_id, key)
);

grant select, update (claim_seq) on claims.tenant to rucor_claims_api;
grant select, insert on claims.tenant to rucor_claims_worker;
grant select, insert, update (status, body) on claims.idempotency to rucor_claims_api;
grant select, delete on claims.idempotency to rucor_claims_worker;
