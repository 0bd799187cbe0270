-- Rule RE2: a request to forget where a vehicle went.  Its device-days, and the positions that the classifier and refused rows that
-- ingest keep of the devices on it, go as soon as rule RE1 no longer holds their day; the day is judged here, and the others are told.
-- Licences, readings, claims and proofs stay: they are what keeps a kilometre from being claimed twice.

-- squawk-ignore ban-drop-constraint
alter table claims.erasure_request drop constraint erasure_request_kind_known;
alter table claims.erasure_request add constraint erasure_request_kind_known
    check (kind in ('claimant', 'person', 'vehicle')) not valid;
alter table claims.erasure_request validate constraint erasure_request_kind_known;
-- Every day of a vehicle is let go of; the other services have not all said that it is gone.
alter table claims.erasure_request add column let_go_at timestamptz;

-- Days of a device (NZ days since 1970-01-01, both included) that were let go of, for a request.
create table claims.erasure_stretch (
    tenant_id uuid not null,
    request_id uuid not null,
    id uuid not null,
    device text not null,
    from_day int not null,
    to_day int not null,
    let_go_at timestamptz not null default now(),
    asked_at timestamptz,  -- of the classifier, last
    positions_gone_at timestamptz,  -- the classifier has none of these days any more
    refused_gone_at timestamptz,  -- nor has ingest
    constraint erasure_stretch_pk primary key (tenant_id, id),
    constraint erasure_stretch_request_fk foreign key (tenant_id, request_id) references claims.erasure_request,
    constraint erasure_stretch_order check (from_day <= to_day)
);
create index erasure_stretch_by_request on claims.erasure_stretch (tenant_id, request_id);
create index erasure_stretch_to_tell on claims.erasure_stretch (let_go_at) where positions_gone_at is null;
alter table claims.erasure_stretch enable row level security;
alter table claims.erasure_stretch force row level security;
create policy of_this_tenant on claims.erasure_stretch to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.erasure_stretch to rucor_claims_worker using (true) with check (true);
grant select on claims.erasure_stretch to rucor_claims_api;
grant select, update (asked_at, positions_gone_at, refused_gone_at) on claims.erasure_stretch to rucor_claims_worker;

-- Device-days that were the vehicle's alone: a day on which the device was on another vehicle too is both's, and stays.
create function claims.vehicle_days(p_tenant uuid, p_vehicle uuid) returns table (device text, day int)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.device, d.day from claims.device_assignment a
    cross join lateral generate_series(
        coalesce((lower(a.period) at time zone 'Pacific/Auckland')::date, date '2000-01-01') - date '1970-01-01',
        coalesce((upper(a.period) at time zone 'Pacific/Auckland')::date, claims.nz_today()) - date '1970-01-01') as d (day)
    where a.tenant_id = p_tenant and a.vehicle_id = p_vehicle and not exists (
        select from claims.device_assignment b
        where b.tenant_id = a.tenant_id and b.device = a.device and b.vehicle_id <> a.vehicle_id and b.period && tstzrange(
            (date '1970-01-01' + d.day)::timestamp at time zone 'Pacific/Auckland',
            (date '1970-01-01' + d.day + 1)::timestamp at time zone 'Pacific/Auckland'))
$$;
revoke all on function claims.vehicle_days from public;

-- Let go of what nothing holds; true when nothing is left anywhere.  Nothing goes while a device is on the vehicle, for more would
-- come, or while a hold covers everything of the tenant.
create function claims.forget_vehicle(p_tenant uuid, p_request uuid, p_vehicle uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    held_still boolean;
begin
    if exists (select from claims.device_assignment a where a.tenant_id = p_tenant and a.vehicle_id = p_vehicle
            and coalesce(upper(a.period) > now(), true))
        or exists (select from claims.retention_hold h
            where h.tenant_id = p_tenant and h.kind = 'legal' and h.licence_id is null and h.released_at is null) then
        return false;
    end if;
    with held as materialized (
        select h.device, h.from_day, h.to_day from claims.held_day h where h.tenant_id = p_tenant
    ), fresh as materialized (
        select d.device, d.day from claims.vehicle_days(p_tenant, p_vehicle) d
        where not exists (select from held h where h.device = d.device and d.day between h.from_day and h.to_day)
            and not exists (select from claims.erasure_stretch s where s.tenant_id = p_tenant and s.request_id = p_request
                and s.device = d.device and d.day between s.from_day and s.to_day)
    ), islands as (
        select f.device, f.day, f.day - row_number() over (partition by f.device order by f.day) as island
        from (select distinct device, day from fresh) f
    )
    insert into claims.erasure_stretch (tenant_id, request_id, id, device, from_day, to_day)
    select p_tenant, p_request, gen_random_uuid(), i.device, min(i.day), max(i.day) from islands i group by i.device, i.island;
    -- also what came since for a day that was let go of before
    delete from claims.device_day t using claims.erasure_stretch s
    where s.tenant_id = p_tenant and s.request_id = p_request and t.tenant_id = p_tenant and t.device = s.device
        and t.day between s.from_day and s.to_day;
    delete from claims.device_day_history t using claims.erasure_stretch s
    where s.tenant_id = p_tenant and s.request_id = p_request and t.tenant_id = p_tenant and t.device = s.device
        and t.day between s.from_day and s.to_day;
    delete from claims.hold t using claims.erasure_stretch s
    where s.tenant_id = p_tenant and s.request_id = p_request and t.tenant_id = p_tenant and t.device = s.device
        and t.day between s.from_day and s.to_day;
    select exists (
        select from claims.vehicle_days(p_tenant, p_vehicle) d
        join claims.held_day h on h.tenant_id = p_tenant and h.device = d.device and d.day between h.from_day and h.to_day
    ) into held_still;
    if held_still then
        return false;
    end if;
    update claims.vehicle set ref = null, description = '' where tenant_id = p_tenant and id = p_vehicle;
    update claims.erasure_request set let_go_at = coalesce(let_go_at, now()) where tenant_id = p_tenant and id = p_request;
    return not exists (select from claims.erasure_stretch s where s.tenant_id = p_tenant and s.request_id = p_request
        and (s.positions_gone_at is null or s.refused_gone_at is null));
end $$;
revoke all on function claims.forget_vehicle from public;

-- As before, with vehicles.
create or replace function claims.forget(p_tenant uuid, p_request uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    request record;
    called text;
    place record;
    held boolean;
    names text[] := array['actor', 'by', 'created_by', 'ended_by', 'closed_by', 'released_by', 'withdrawn_by', 'revoked_by'];
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'forget works on the tenant of its transaction' using errcode = 'insufficient_privilege';
    end if;
    select * into request from claims.erasure_request r where r.tenant_id = p_tenant and r.id = p_request for update;
    if request.done_at is not null then
        return true;
    elsif request.kind = 'claimant' then
        if exists (select from claims.held_thing h where h.tenant_id = p_tenant and h.what = 'claimant' and h.id = request.subject_id) then
            return false;
        end if;
        update claims.claimant set ref = null, name = 'erased', name_key = 'erased ' || id, customer_number = '', bank_sealed = null,
            bank_tail = '', bank_account_name = '', address = '', phone = '', email = '', contact_person = '', default_travel_description = ''
        where tenant_id = p_tenant and id = request.subject_id;
    elsif request.kind = 'vehicle' then
        if not claims.forget_vehicle(p_tenant, p_request, request.subject_id) then
            return false;
        end if;
    else
        select p.name into called from claims.person p where p.tenant_id = p_tenant and p.id = request.subject_id;
        for place in select c.relname as name, a.attname as field from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = any(names) and a.atttypid = 'text'::regtype
            join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
            where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r' and c.relname not in ('audit_log', 'register_change')
        loop
            execute format(
                'with held as materialized (select what, id from claims.held_thing where tenant_id = $1), '
                'days as materialized (select device, from_day, to_day from claims.held_day where tenant_id = $1) '
                'select exists (select from claims.%I t where t.tenant_id = $1 and t.%I = $2 and (%s))',
                place.name, place.field, claims.held_condition(place.name)) into held using p_tenant, called;
            if held then
                return false;
            end if;
        end loop;
        for place in select c.relname as name, a.attname as field from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = any(names) and a.atttypid = 'text'::regtype
            join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
            where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r' and c.relname not in ('audit_log', 'register_change')
        loop
            execute format('update claims.%I t set %I = $3 where t.tenant_id = $1 and t.%I = $2', place.name, place.field, place.field)
            using p_tenant, called, 'erased ' || left(request.subject_id::text, 8);
        end loop;
        delete from claims.person_identity where tenant_id = p_tenant and person_id = request.subject_id;
        delete from claims.person_correction where tenant_id = p_tenant and person_id = request.subject_id;
        update claims.person set ref = null, name = 'erased ' || left(id::text, 8), email = '', email_key = 'erased ' || id
        where tenant_id = p_tenant and id = request.subject_id;
    end if;
    update claims.erasure_request set done_at = now() where tenant_id = p_tenant and id = p_request;
    return true;
end $$;

create or replace function claims.forget_after(p_tenant uuid, p_request uuid) returns date
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case when bool_or(h.held_until is null) then null else max(h.held_until) end
    from claims.erasure_request r join claims.held_licence h on h.tenant_id = r.tenant_id
        and (r.kind = 'person' or (r.kind = 'claimant' and h.claimant_id = r.subject_id) or (r.kind = 'vehicle' and (
            h.vehicle_id = r.subject_id or exists (select from claims.coupling c where c.tenant_id = r.tenant_id
                and c.vehicle_id = r.subject_id and c.trailer_id = h.vehicle_id))))
    where r.tenant_id = p_tenant and r.id = p_request and r.let_go_at is null
        and not (r.kind = 'vehicle' and exists (select from claims.device_assignment a where a.tenant_id = r.tenant_id
            and a.vehicle_id = r.subject_id and coalesce(upper(a.period) > now(), true)))
$$;
