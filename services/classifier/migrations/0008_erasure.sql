-- Rule RE2: the fixes and rulings of a tenant that leaves are erased, but for the days that claims, or a hold here, still keeps (rule RE1).

do $$
declare
    name text;
begin
    for name in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'classifier'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition loop
        execute format('create policy to_erase on classifier.%I for delete to rucor_classifier_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy to_give_out on classifier.%I for select to rucor_classifier_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
    end loop;
end $$;

create function classifier.tenant_tables() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'classifier'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
$$;
create function classifier.give_rows(p_tenant uuid, p_table text, p_after tid, p_limit int) returns table (place tid, body text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fields text;
begin
    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) into fields
    from pg_attribute a where a.attrelid = format('classifier.%I', p_table)::regclass and a.attnum > 0 and not a.attisdropped
        and a.attname not like '%sealed%' and a.attname not like '%secret%';
    return query execute format(
        'select t.ctid, (select to_jsonb(x)::text from (select %s) x) from classifier.%I t '
        'where t.tenant_id = $1 and t.ctid > $2 order by t.ctid limit $3', fields, p_table)
    using p_tenant, p_after, p_limit;
end $$;

-- `p_device`, `p_from`, `p_to`: days that are kept, besides those of holds that stand here.  A frame goes when none of its days is
-- kept; it has several until it is compacted.  Rulings, holds and the log of who saw it go with the last day.
-- At most `p_limit` rows of a table; how many went.
create function classifier.erase(p_tenant uuid, p_device text[], p_from int[], p_to int[], p_limit int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    total bigint := 0;
    went bigint;
    name text;
    holds boolean := exists (select from classifier.retention_hold h where h.tenant_id = p_tenant and h.closed_at is null);
begin
    with kept as materialized (
        select * from unnest(p_device, p_from, p_to) as k (device, from_day, to_day)
        union all select null, h.from_day, h.to_day from classifier.retention_hold h where h.tenant_id = p_tenant and h.closed_at is null
    ), past as materialized (
        select f.partition, f.rev, f.part from classifier.evidence_frame f
        where f.tenant_id = p_tenant and not exists (
            select from classifier.evidence_span s join kept k
                on (k.device is null or k.device = s.device_id) and s.day between k.from_day and k.to_day
            where (s.tenant_id, s.partition, s.rev, s.part) = (f.tenant_id, f.partition, f.rev, f.part)) limit p_limit
    ), spans as (
        delete from classifier.evidence_span s using past p
        where s.tenant_id = p_tenant and (s.partition, s.rev, s.part) = (p.partition, p.rev, p.part) returning 1
    ), frames as (
        delete from classifier.evidence_frame f using past p
        where f.tenant_id = p_tenant and (f.partition, f.rev, f.part) = (p.partition, p.rev, p.part) returning 1
    )
    select (select count(*) from spans) + (select count(*) from frames) into total;
    with kept as materialized (
        select * from unnest(p_device, p_from, p_to) as k (device, from_day, to_day)
        union all select null, h.from_day, h.to_day from classifier.retention_hold h where h.tenant_id = p_tenant and h.closed_at is null
    ), past as (
        select c.device_id, c.day, c.rev from classifier.fix_chunk c where c.tenant_id = p_tenant and not exists (
            select from kept k where (k.device is null or k.device = c.device_id) and c.day between k.from_day and k.to_day)
        limit p_limit
    ), gone as (
        delete from classifier.fix_chunk c using past p
        where c.tenant_id = p_tenant and (c.device_id, c.day, c.rev) = (p.device_id, p.day, p.rev) returning 1
    )
    select count(*) into went from gone;
    total := total + went;
    for name in select t from classifier.tenant_tables() t where t not in ('evidence_frame', 'evidence_span', 'fix_chunk') loop
        if name in ('land_version', 'exclusion_version', 'retention_hold', 'audit_log') and (cardinality(p_device) > 0 or holds) then
            continue;
        end if;
        execute format(
            'with past as (select t.ctid from classifier.%1$I t where t.tenant_id = $1 limit $2), '
            'gone as (delete from classifier.%1$I t using past where t.ctid = past.ctid returning 1) select count(*) from gone', name)
        into went using p_tenant, p_limit;
        total := total + went;
    end loop;
    return total;
end $$;
revoke all on function classifier.tenant_tables from public;
revoke all on function classifier.give_rows from public;
revoke all on function classifier.erase from public;
grant execute on function classifier.tenant_tables, classifier.give_rows, classifier.erase to rucor_classifier_worker;
