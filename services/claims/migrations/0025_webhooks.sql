-- Webhooks by the Standard Webhooks scheme (docs/guide/webhooks.md, ADR on webhooks from the outbox).  An event is written in the
-- transaction of what it tells of; a worker fans it out to the tenant's endpoints and delivers, at least once.

create table claims.webhook_event (
    tenant_id uuid not null constraint webhook_event_tenant_fk references claims.tenant,
    id uuid not null,
    type text not null constraint webhook_event_type_form check (type ~ '^[a-z_]+(\.[a-z_]+)+$'),
    data text not null,  -- JSON, ids and kinds only
    created_at timestamptz not null default now(),
    fanned_at timestamptz,  -- null: no delivery has been made of it yet
    constraint webhook_event_pk primary key (tenant_id, id)
);
create index webhook_event_to_fan on claims.webhook_event (created_at) where fanned_at is null;
create index webhook_event_by_time on claims.webhook_event (tenant_id, created_at);

create table claims.webhook_endpoint (
    tenant_id uuid not null constraint webhook_endpoint_tenant_fk references claims.tenant,
    id uuid not null,
    ref text,
    url text not null,
    description text not null,
    types text[] not null,  -- empty: all
    state text not null constraint webhook_endpoint_state_known check (state in ('enabled', 'disabled')),
    disabled_reason text not null default '',
    disabled_at timestamptz,
    failing_since timestamptz,  -- the first failure since the last success
    created_at timestamptz not null,
    constraint webhook_endpoint_pk primary key (tenant_id, id),
    constraint webhook_endpoint_ref_unique unique (tenant_id, ref),
    constraint webhook_endpoint_disabled_whole check ((state = 'disabled') = (disabled_at is not null))
);

create table claims.webhook_secret (
    tenant_id uuid not null,
    id uuid not null,
    endpoint_id uuid not null,
    sealed bytea not null,  -- AES-GCM over the secret's bytes (rule RE3)
    created_at timestamptz not null,
    expires_at timestamptz,  -- null: until the next rotation
    constraint webhook_secret_pk primary key (tenant_id, id),
    constraint webhook_secret_endpoint_fk foreign key (tenant_id, endpoint_id) references claims.webhook_endpoint
);
create index webhook_secret_by_endpoint on claims.webhook_secret (tenant_id, endpoint_id);
create index webhook_secret_by_key on claims.webhook_secret (substring(sealed, 2, 4));

create table claims.webhook_delivery (
    tenant_id uuid not null,
    id uuid not null,
    endpoint_id uuid not null,
    event_id uuid not null,
    round int not null constraint webhook_delivery_round_positive check (round > 0),  -- 2, 3 …: somebody asked for it again
    state text not null constraint webhook_delivery_state_known check (state in ('waiting', 'delivered', 'failed')),
    attempts int not null default 0,
    due_at timestamptz not null default now(),  -- also the lease
    leased_until timestamptz,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint webhook_delivery_pk primary key (tenant_id, id),
    constraint webhook_delivery_once unique (tenant_id, endpoint_id, event_id, round),
    constraint webhook_delivery_endpoint_fk foreign key (tenant_id, endpoint_id) references claims.webhook_endpoint,
    constraint webhook_delivery_event_fk foreign key (tenant_id, event_id) references claims.webhook_event
);
create index webhook_delivery_due on claims.webhook_delivery (tenant_id, endpoint_id, due_at) where state = 'waiting';
create index webhook_delivery_leased on claims.webhook_delivery (leased_until) where leased_until is not null;
create index webhook_delivery_log on claims.webhook_delivery (tenant_id, endpoint_id, created_at, id);
create index webhook_delivery_by_event on claims.webhook_delivery (tenant_id, event_id);

create table claims.webhook_attempt (
    tenant_id uuid not null,
    delivery_id uuid not null,
    no int not null constraint webhook_attempt_no_positive check (no > 0),
    status int,  -- of HTTP; null: there was no answer
    error text not null,  -- '' on success; never what was sent or answered
    took_ms int not null,
    created_at timestamptz not null default now(),
    constraint webhook_attempt_pk primary key (tenant_id, delivery_id, no),
    constraint webhook_attempt_delivery_fk foreign key (tenant_id, delivery_id) references claims.webhook_delivery
);

-- Alerts of licences are events once each (rule LI6).
create table claims.licence_alert (
    tenant_id uuid not null,
    licence_id uuid not null,
    kind text not null,
    told_at timestamptz not null default now(),
    constraint licence_alert_pk primary key (tenant_id, licence_id, kind),
    constraint licence_alert_licence_fk foreign key (tenant_id, licence_id) references claims.licence
);
create table claims.alert_sweep (
    tenant_id uuid not null constraint alert_sweep_tenant_fk references claims.tenant,
    due_at timestamptz not null default now(),  -- also the lease
    constraint alert_sweep_pk primary key (tenant_id)
);

do $$
declare
    name text;
begin
    foreach name in array array['webhook_event', 'webhook_endpoint', 'webhook_secret', 'webhook_delivery', 'webhook_attempt',
        'licence_alert', 'alert_sweep']
    loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api, rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
    end loop;
end $$;

grant select, insert on claims.webhook_event, claims.webhook_endpoint, claims.webhook_secret, claims.webhook_delivery,
    claims.licence_alert to rucor_claims_api;
grant select on claims.webhook_attempt to rucor_claims_api;
grant update (url, description, types, state, disabled_reason, disabled_at, failing_since) on claims.webhook_endpoint
    to rucor_claims_api;
grant update (expires_at) on claims.webhook_secret to rucor_claims_api;
grant select, insert, update (fanned_at), delete on claims.webhook_event to rucor_claims_worker;
grant select, update (state, disabled_reason, disabled_at, failing_since) on claims.webhook_endpoint to rucor_claims_worker;
grant select, update (sealed) on claims.webhook_secret to rucor_claims_worker;
grant select, insert, update (state, attempts, due_at, leased_until, finished_at), delete on claims.webhook_delivery
    to rucor_claims_worker;
grant select, insert, delete on claims.webhook_attempt to rucor_claims_worker;
grant select, insert, update (due_at) on claims.alert_sweep to rucor_claims_worker;
grant select on claims.alert_sweep to rucor_claims_api;
