-- Rule RE2: what is held of a tenant can be given out, and a tenant that leaves is erased, but for what rule RE1 still holds.

-- What was done for whom: the operator's record.  It names the tenant by its id alone.
create table claims.offboarding (
    tenant_id uuid not null constraint offboarding_tenant_fk references claims.tenant,
    leaver uuid not null,
    reason text not null constraint offboarding_reason_given check (reason <> ''),
    actor text not null constraint offboarding_actor_given check (actor <> ''),
    begun_at timestamptz not null default now(),
    export_sha256 bytea,
    rounds int not null default 0,
    rows_gone bigint not null default 0,
    held_until date,  -- of what is left; null: nothing is, or something open holds it
    done_at timestamptz,  -- nothing is left
    constraint offboarding_pk primary key (tenant_id, leaver),
    constraint offboarding_operator check (tenant_id = '00000000-0000-0000-0000-000000000000')
);
alter table claims.offboarding enable row level security;
alter table claims.offboarding force row level security;
create policy of_this_tenant on claims.offboarding to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.offboarding to rucor_claims_worker using (true) with check (true);
grant select, insert, update on claims.offboarding to rucor_claims_worker;

-- Marks of faulty data and exemptions are part of what a claim stands on.
create or replace view claims.held_thing with (security_invoker = true) as
select r.tenant_id, 'licence' as what, r.licence_id as id from claims.held_licence r
union select r.tenant_id, 'vehicle', r.vehicle_id from claims.held_licence r
union select r.tenant_id, 'vehicle', c.vehicle_id from claims.held_licence r
    join claims.coupling c on c.tenant_id = r.tenant_id and c.trailer_id = r.vehicle_id
union select r.tenant_id, 'recorder', c.id from claims.held_licence r
    join claims.recorder c on c.tenant_id = r.tenant_id and c.vehicle_id = r.vehicle_id
union select r.tenant_id, 'claimant', r.claimant_id from claims.held_licence r
union select r.tenant_id, 'claim', l.claim_id from claims.held_licence r
    join claims.claim_line l on l.tenant_id = r.tenant_id and l.licence_id = r.licence_id
union select r.tenant_id, 'audit_case', l.case_id from claims.held_licence r
    join claims.audit_case_line l on l.tenant_id = r.tenant_id and l.licence_id = r.licence_id
union select r.tenant_id, 'application', a.id from claims.held_licence r
    join claims.application a on a.tenant_id = r.tenant_id and a.vehicle_id = r.vehicle_id
        and coalesce(a.licence_id, r.licence_id) = r.licence_id
union select s.tenant_id, 'faulty_mark', s.mark_id from claims.held_day h
    join claims.faulty_stretch s on s.tenant_id = h.tenant_id and s.device = h.device
        and s.first_day <= h.to_day and s.last_day >= h.from_day
union select e.tenant_id, 'exemption', e.id from claims.held_licence r
    join claims.exemption e on e.tenant_id = r.tenant_id and e.vehicle_id = r.vehicle_id;

-- The owner, which runs the functions below, reads and erases as the tenant of its transaction.
do $$
declare
    name text;
begin
    for name in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r' loop
        execute format('create policy to_erase on claims.%I for delete to rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy to_give_out on claims.%I for select to rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
    end loop;
end $$;

-- As before, but that a row may be erased with its tenant when nothing holds it: only claims.erase says so.
create or replace function claims.guard_lodged_licence() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if current_user = 'rucor_claims_owner' and current_setting('rucor.erasing', true) = old.tenant_id::text then
            return old;
        end if;
        raise exception 'lodged_licence rows are never deleted' using errcode = 'restrict_violation';
    end if;
    if old.released_at is not null or new.released_at is null
        or (new.tenant_id, new.id, new.licence_id, new.recorder_id, new.claimed, new.licence_hash, new.plate_licence_hash,
            new.kind, new.source_id, new.lodged_at)
        is distinct from
           (old.tenant_id, old.id, old.licence_id, old.recorder_id, old.claimed, old.licence_hash, old.plate_licence_hash,
            old.kind, old.source_id, old.lodged_at) then
        raise exception 'lodged_licence rows change once only, by release' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- Tables with rows of tenants.
create function claims.tenant_tables() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'claims'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
$$;
revoke all on function claims.tenant_tables from public;
grant execute on function claims.tenant_tables to rucor_claims_worker;

-- Rows of one table of the transaction's tenant behind a place, as JSON; what is sealed or secret is left out.
create function claims.give_rows(p_tenant uuid, p_table text, p_after tid, p_limit int) returns table (place tid, body text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fields text;
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'rows are given of the tenant of the transaction' using errcode = 'insufficient_privilege';
    end if;
    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) into fields
    from pg_attribute a where a.attrelid = format('claims.%I', p_table)::regclass and a.attnum > 0 and not a.attisdropped
        and a.attname not like '%sealed%' and a.attname not like '%secret%';
    return query execute format(
        'select t.ctid, (select to_jsonb(x)::text from (select %s) x) from claims.%I t '
        'where t.tenant_id = $1 and t.ctid > $2 order by t.ctid limit $3', fields, p_table)
    using p_tenant, p_after, p_limit;
end $$;
revoke all on function claims.give_rows from public;
grant execute on function claims.give_rows to rucor_claims_worker;

-- Which rows of a table rule RE1 holds, as a condition on its alias t: by what the row is about.
create function claims.held_condition(p_table text) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    entities text[] := array['licence', 'claim', 'vehicle', 'recorder', 'claimant', 'audit_case', 'application', 'faulty_mark', 'exemption'];
    -- column, what it names; the first that a row has decides
    keys text[] := array[['claim_id', 'claim'], ['licence_id', 'licence'], ['application_id', 'application'], ['mark_id', 'faulty_mark'],
        ['exemption_id', 'exemption'], ['case_id', 'audit_case'], ['recorder_id', 'recorder'], ['vehicle_id', 'vehicle'], ['trailer_id', 'vehicle'],
        ['claimant_id', 'claimant']];
    found text[];
    said text := '';
    i int;
begin
    select array_agg(a.attname::text) into found from pg_attribute a
    where a.attrelid = format('claims.%I', p_table)::regclass and a.attnum > 0 and not a.attisdropped;
    if p_table = any(entities) then
        return format('exists (select from held h where h.what = %L and h.id = t.id)', p_table);
    elsif p_table = 'claim_preview' then
        return 'false';  -- only the claim that was lodged with it keeps it
    elsif p_table in ('audit_log', 'register_change') then
        return 'exists (select from held)';  -- who saw and who corrected what is held, for as long as it is
    elsif p_table = 'retention_hold' then
        return 't.released_at is null';
    elsif 'device' = any(found) and 'day' = any(found) and not 'claim_id' = any(found) then
        return 'exists (select from days h where h.device = t.device and t.day between h.from_day and h.to_day)';
    end if;
    for i in 1 .. array_length(keys, 1) loop
        if keys[i][1] = any(found) then
            said := said || format(' when t.%I is not null then exists (select from held h where h.what = %L and h.id = t.%I)',
                keys[i][1], keys[i][2], keys[i][1]);
        end if;
    end loop;
    return case when said = '' then 'false' else 'case' || said || ' else false end' end;
end $$;

-- Erase at most `p_limit` rows of one table of a tenant that leaves: those that nothing holds and no row that stays refers to; how
-- many went.  Called over all tables until nothing goes: what refers goes before what is referred to.
create function claims.erase(p_tenant uuid, p_table text, p_limit int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    referring record;
    free text := '';
    gone bigint;
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid
        or p_tenant = '00000000-0000-0000-0000-000000000000' then
        raise exception 'a tenant is erased in a transaction of its own' using errcode = 'insufficient_privilege';
    end if;
    if exists (select from claims.retention_hold h
            where h.tenant_id = p_tenant and h.kind = 'legal' and h.licence_id is null and h.released_at is null) then
        return 0;  -- a hold over everything
    end if;
    for referring in
        select c.conrelid::regclass::text as name,
            (select string_agg(format('r.%I = t.%I', x.attname, y.attname), ' and ')
                from unnest(c.conkey, c.confkey) as k (mine, theirs)
                join pg_attribute x on x.attrelid = c.conrelid and x.attnum = k.mine
                join pg_attribute y on y.attrelid = c.confrelid and y.attnum = k.theirs) as joined
        from pg_constraint c where c.contype = 'f' and c.confrelid = format('claims.%I', p_table)::regclass
    loop
        free := free || format(' and not exists (select from %s r where %s)', referring.name, referring.joined);
    end loop;
    perform set_config('rucor.erasing', p_tenant::text, true);
    execute format(
        'with held as materialized (select what, id from claims.held_thing where tenant_id = $1), '
        'days as materialized (select device, from_day, to_day from claims.held_day where tenant_id = $1), '
        'past as (select t.ctid from claims.%1$I t where t.tenant_id = $1 and not (%2$s)%3$s limit $2), '
        'erased as (delete from claims.%1$I t using past where t.ctid = past.ctid returning 1) select count(*) from erased',
        p_table, claims.held_condition(p_table), free)
    into gone using p_tenant, p_limit;
    return gone;
end $$;
revoke all on function claims.held_condition from public;
revoke all on function claims.erase from public;
grant execute on function claims.erase to rucor_claims_worker;

-- What is left of a tenant, and until when: null where something open holds it.
create function claims.left_until(p_tenant uuid) returns date
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case when bool_or(held_until is null) then null else max(held_until) end from claims.held_licence where tenant_id = p_tenant
$$;
create function claims.days_held(p_tenant uuid) returns table (device text, from_day int, to_day int)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select h.device, h.from_day, h.to_day from claims.held_day h where h.tenant_id = p_tenant
$$;
revoke all on function claims.left_until from public;
revoke all on function claims.days_held from public;
grant execute on function claims.left_until, claims.days_held to rucor_claims_worker;
