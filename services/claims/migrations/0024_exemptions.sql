-- The section 40 exemption of a vehicle: application, grant, duties, exceptions (rules EX1 to EX4).  Steps are only ever added.

create table claims.exemption (
    tenant_id uuid not null constraint exemption_tenant_fk references claims.tenant,
    id uuid not null,
    ref text,
    vehicle_id uuid not null,
    state text not null constraint exemption_state_known
        check (state in ('draft', 'sent', 'granted', 'declined', 'withdrawn', 'ended')),
    details jsonb not null,  -- what form RUCEX asks
    boundary jsonb not null,  -- the legal boundary of the address, GeoJSON
    from_at timestamptz,  -- granted from
    until_at timestamptz,  -- revoked, expired or sold
    created_at timestamptz not null,
    constraint exemption_pk primary key (tenant_id, id),
    constraint exemption_ref_unique unique (tenant_id, ref),
    constraint exemption_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint exemption_granted_from check ((state in ('granted', 'ended')) = (from_at is not null)),
    constraint exemption_ended_at check ((state = 'ended') = (until_at is not null)),
    constraint exemption_ends_later check (until_at > from_at)
);
create unique index exemption_one_at_a_time on claims.exemption (tenant_id, vehicle_id) where state in ('draft', 'sent', 'granted');
create index exemption_by_time on claims.exemption (tenant_id, created_at, id);

create table claims.exemption_step (
    tenant_id uuid not null,
    id uuid not null,
    exemption_id uuid not null,
    seq int not null constraint exemption_step_seq_positive check (seq > 0),
    kind text not null constraint exemption_step_kind_known check (kind in ('drafted', 'amended', 'sent', 'granted', 'declined',
        'withdrawn', 'changed', 'reading_requested', 'ended', 'done')),
    on_day date not null,
    code text not null,  -- of the duty that is done; why it ended
    reference text not null,
    reason text not null,
    reading bigint constraint exemption_step_reading_not_negative check (reading >= 0),
    cents bigint constraint exemption_step_cents_not_negative check (cents >= 0),  -- the fee paid
    attachment_id uuid,
    actor text not null constraint exemption_step_actor_given check (actor <> ''),
    created_at timestamptz not null,
    constraint exemption_step_pk primary key (tenant_id, id),
    constraint exemption_step_seq_unique unique (tenant_id, exemption_id, seq),
    constraint exemption_step_exemption_fk foreign key (tenant_id, exemption_id) references claims.exemption,
    constraint exemption_step_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment
);

-- Travel beyond the reach that the conditions allow (rule EX3), with its evidence; a person's look at the route comes later.
create table claims.exemption_exception (
    tenant_id uuid not null,
    id uuid not null,
    exemption_id uuid not null,
    kind text not null constraint exemption_exception_kind_known
        check (kind in ('inspection', 'repair', 'constable', 'civil_defence', 'sale')),
    during tstzrange not null constraint exemption_exception_some check (not isempty(during)),
    back boolean not null,
    destination text not null constraint exemption_exception_destination_given check (destination <> ''),
    attachment_id uuid not null,
    actor text not null constraint exemption_exception_actor_given check (actor <> ''),
    looked_by text not null default '',
    looked_words text not null default '',
    created_at timestamptz not null,
    constraint exemption_exception_pk primary key (tenant_id, id),
    constraint exemption_exception_exemption_fk foreign key (tenant_id, exemption_id) references claims.exemption,
    constraint exemption_exception_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment
);
create index exemption_exception_of on claims.exemption_exception (tenant_id, exemption_id);

do $$
declare
    name text;
begin
    foreach name in array array['exemption', 'exemption_step', 'exemption_exception']
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

grant select, insert on claims.exemption, claims.exemption_step, claims.exemption_exception to rucor_claims_api;
grant update (state, details, boundary, from_at, until_at) on claims.exemption to rucor_claims_api;
grant update (looked_by, looked_words) on claims.exemption_exception to rucor_claims_api;
