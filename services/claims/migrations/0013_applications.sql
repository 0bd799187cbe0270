-- Applications to the Agency other than off-road claims (rules OT2, OT3, OT4; a kind more, and another refund or exemption finds
-- its place), and what of a licence was ever refunded: no kilometre twice.

create table claims.application (
    tenant_id uuid not null constraint application_tenant_fk references claims.tenant,
    id uuid not null,
    ref text,
    kind text not null constraint application_kind_known check (kind in ('surrender', 'recorder_change', 'cancelled_vehicle')),
    state text not null constraint application_state_known
        check (state in ('draft', 'ready', 'sent', 'received', 'granted', 'declined', 'withdrawn')),
    vehicle_id uuid not null,
    licence_id uuid,  -- whose unused distance is asked for; null for what concerns the vehicle alone
    claimant_id uuid,
    details bytea not null,  -- what its kind asks, JSON
    -- frozen when it was made ready, null before and after a change
    amount_cents bigint constraint application_amount_not_negative check (amount_cents >= 0),
    from_reading bigint constraint application_reading_not_negative check (from_reading >= 0),
    effective_at timestamptz,  -- from this instant and reading on the licence is given back
    inputs_sha256 bytea,
    created_at timestamptz not null,
    constraint application_pk primary key (tenant_id, id),
    constraint application_ref_unique unique (tenant_id, ref),
    constraint application_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint application_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint application_claimant_fk foreign key (tenant_id, claimant_id) references claims.claimant
);
-- One standing application for a licence, whatever its kind: each of them refunds the same unused kilometres.
create unique index application_standing_once on claims.application (tenant_id, licence_id)
    where licence_id is not null and state not in ('declined', 'withdrawn');
create index application_by_vehicle on claims.application (tenant_id, vehicle_id);
create index application_by_time on claims.application (tenant_id, created_at, id);

-- Everything that happened to an application, only ever added; application.state is the last one's, for lists.
create table claims.application_step (
    tenant_id uuid not null,
    id uuid not null,
    application_id uuid not null,
    seq int not null constraint application_step_seq_positive check (seq > 0),
    kind text not null constraint application_step_kind_known check (kind in ('drafted', 'amended', 'document', 'ready', 'sent',
        'received', 'granted', 'declined', 'withdrawn', 'paid', 'set_off', 'recovered', 'duty')),
    state text not null,  -- after it
    on_day date not null,
    channel text constraint application_step_channel_known check (channel in ('online', 'email', 'post', 'agent', 'phone')),
    reference text not null,
    reason text not null,
    cents bigint constraint application_step_cents_not_negative check (cents >= 0),
    code text not null,  -- which document or duty
    shows text[] not null,  -- what is to be seen on the document
    attachment_id uuid,
    inputs bytea,  -- 'ready': the exact JSON that the application stands on
    actor text not null constraint application_step_actor_given check (actor <> ''),
    created_at timestamptz not null,
    constraint application_step_pk primary key (tenant_id, id),
    constraint application_step_seq_unique unique (tenant_id, application_id, seq),
    constraint application_step_application_fk foreign key (tenant_id, application_id) references claims.application,
    constraint application_step_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment,
    constraint application_step_inputs_when_ready check ((kind = 'ready') = (inputs is not null))
);

-- Which part of a licence's range was refunded, or is asked for: as off road by a claim, as unused by an application, as credit of
-- a licence bought to overlap it.  The constraint is the guarantee that no kilometre of a licence is refunded twice.
create table claims.refunded_range (
    tenant_id uuid not null,
    id uuid not null,
    licence_id uuid not null,
    refunded int8range not null constraint refunded_range_some check (not isempty(refunded)),
    kind text not null constraint refunded_range_kind_known check (kind in ('off_road', 'unused', 'credit')),
    source_id uuid not null,  -- the lodged_licence row, the application, the overlapping licence
    taken_at timestamptz not null default now(),
    released_at timestamptz,
    constraint refunded_range_pk primary key (tenant_id, id),
    constraint refunded_range_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint refunded_range_once exclude using gist (tenant_id with =, licence_id with =, refunded with &&)
        where (released_at is null)
);
create index refunded_range_by_source on claims.refunded_range (tenant_id, source_id);

-- Rows come by these functions alone.
create function claims.take_range(p_tenant uuid, p_id uuid, p_licence uuid, p_refunded int8range, p_kind text, p_source uuid)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_kind not in ('unused', 'credit') then
        raise exception 'only a claim takes what is off road' using errcode = 'restrict_violation';
    end if;
    insert into claims.refunded_range (tenant_id, id, licence_id, refunded, kind, source_id)
    values (p_tenant, p_id, p_licence, p_refunded, p_kind, p_source);
end $$;

create function claims.release_range(p_tenant uuid, p_application uuid)
returns int language sql security definer set search_path = pg_catalog, pg_temp as $$
    with released as (
        update claims.refunded_range set released_at = now()
        where tenant_id = p_tenant and source_id = p_application and kind = 'unused' and released_at is null returning 1)
    select count(*)::int from released
$$;

create function claims.follow_lodged_licence() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into claims.refunded_range (tenant_id, id, licence_id, refunded, kind, source_id)
        values (new.tenant_id, new.id, new.licence_id, new.claimed, 'off_road', new.id);
    else
        update claims.refunded_range set released_at = new.released_at
        where tenant_id = new.tenant_id and source_id = new.id and kind = 'off_road' and released_at is null;
    end if;
    return new;
end $$;
create trigger follow_lodged_licence after insert or update of released_at on claims.lodged_licence
    for each row execute function claims.follow_lodged_licence();

revoke all on function claims.take_range from public;
revoke all on function claims.release_range from public;
grant execute on function claims.take_range, claims.release_range to rucor_claims_api;

-- What was lodged or credited before this table was there.
alter table claims.lodged_licence no force row level security;
alter table claims.licence no force row level security;
insert into claims.refunded_range (tenant_id, id, licence_id, refunded, kind, source_id, taken_at, released_at)
select tenant_id, id, licence_id, claimed, 'off_road', id, lodged_at, released_at from claims.lodged_licence;
insert into claims.refunded_range (tenant_id, id, licence_id, refunded, kind, source_id)
select l.tenant_id, gen_random_uuid(), l.id, int8range(l.claimable_end_reading, l.end_reading, '(]'), 'credit', by_it.id
from claims.licence as l
cross join lateral (
    select o.id from claims.licence as o
    where o.tenant_id = l.tenant_id and o.recorder_id = l.recorder_id and o.overlap and o.id <> l.id
        and o.start_reading = l.claimable_end_reading
    order by o.issued_at, o.id limit 1
) as by_it
where l.ended_by = 'overlap' and l.claimable_end_reading < l.end_reading
on conflict do nothing;
alter table claims.lodged_licence force row level security;
alter table claims.licence force row level security;

-- squawk-ignore ban-drop-constraint
alter table claims.licence drop constraint licence_ended_by_known;
alter table claims.licence add constraint licence_ended_by_known
    check (ended_by in ('overlap', 'sale', 'deregistration', 'recorder_change', 'surrender')) not valid;
alter table claims.licence validate constraint licence_ended_by_known;

do $$
declare
    name text;
begin
    foreach name in array array['application', 'application_step', 'refunded_range']
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

grant select, insert on claims.application, claims.application_step to rucor_claims_api;
grant select on claims.refunded_range to rucor_claims_api;
grant update (state, details, amount_cents, from_reading, effective_at, inputs_sha256) on claims.application to rucor_claims_api;
