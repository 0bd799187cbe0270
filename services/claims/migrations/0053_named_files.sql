-- Rule RE1: an attached file is held while a row that names it is about something held, whatever table the row stands in.  Files that marks of
-- faulty data or exemptions named were never let go, for the purge knew five tables and kept what any other one named.

-- As before, and a mark of a licence is held with it: where no device was on the vehicle it has no stretch.
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
union select m.tenant_id, 'faulty_mark', m.id from claims.held_licence r
    join claims.faulty_mark m on m.tenant_id = r.tenant_id and m.licence_id = r.licence_id
union select e.tenant_id, 'exemption', e.id from claims.held_licence r
    join claims.exemption e on e.tenant_id = r.tenant_id and e.vehicle_id = r.vehicle_id;

-- As before, but for files: of every table that names them, the rows that claims.held_condition holds.  A row of which it cannot tell what it is
-- about keeps its file: unknown is kept.
create or replace function claims.purge(p_tenant uuid, p_table text, p_limit int, p_dry boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    naming record;
    free text := '';
    oldest int := (claims.nz_today() - interval '2 years' - interval '1 day')::date - date '1970-01-01';
    gone bigint;
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'purge works on the tenant of its transaction' using errcode = 'insufficient_privilege';
    end if;
    if p_table in ('device_day', 'device_day_history', 'hold') then
        execute format(
            'with held as materialized (select device, from_day, to_day from claims.held_day where tenant_id = $1), '
            'over as (select t.ctid from claims.%I t where t.tenant_id = $1 and t.day < $2 and not exists ( '
            'select from held h where h.device = t.device and t.day between h.from_day and h.to_day) limit $3), '
            'gone as (delete from claims.%I t using over where t.ctid = over.ctid and not $4 returning 1) '
            'select case when $4 then (select count(*) from over) else (select count(*) from gone) end', p_table, p_table)
        into gone using p_tenant, oldest, p_limit, p_dry;
    elsif p_table in ('snapshot', 'document', 'render_job', 'proof_salt') then
        execute format(
            'with held as materialized (select id from claims.held_thing where tenant_id = $1 and what = ''claim''), '
            'over as (select t.ctid from claims.%I t where t.tenant_id = $1 and t.claim_id not in (select id from held) limit $2), '
            'gone as (delete from claims.%I t using over where t.ctid = over.ctid and not $3 returning 1) '
            'select case when $3 then (select count(*) from over) else (select count(*) from gone) end', p_table, p_table)
        into gone using p_tenant, p_limit, p_dry;
    elsif p_table = 'attachment' then
        for naming in
            select c.conrelid::regclass::text as name, a.attname as field,
                coalesce(nullif(claims.held_condition(r.relname::text), 'false'), 'true') as held
            from pg_constraint c join pg_class r on r.oid = c.conrelid
            join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) and a.attname <> 'tenant_id'
            where c.contype = 'f' and c.confrelid = 'claims.attachment'::regclass
        loop
            free := free || format(' and not exists (select from %s t where t.tenant_id = $1 and t.%I = f.id and (%s))',
                naming.name, naming.field, naming.held);
        end loop;
        execute
            'with held as materialized (select what, id from claims.held_thing where tenant_id = $1), '
            'days as materialized (select device, from_day, to_day from claims.held_day where tenant_id = $1), '
            'over as (select f.id from claims.attachment f where f.tenant_id = $1 and f.purged_at is null '
            'and f.created_at < now() - interval ''2 years'' - interval ''1 day''' || free || ' limit $2), '
            'gone as (update claims.attachment f set sealed = ''''::bytea, purged_at = now() from over '
            'where f.tenant_id = $1 and f.id = over.id and not $3 returning 1) '
            'select case when $3 then (select count(*) from over) else (select count(*) from gone) end'
        into gone using p_tenant, p_limit, p_dry;
    else
        raise exception 'no rule lets rows of % go', p_table using errcode = 'restrict_violation';
    end if;
    return gone;
end $$;

-- only the function above asked it
-- squawk-ignore ban-drop-view
drop view claims.held_attachment;
