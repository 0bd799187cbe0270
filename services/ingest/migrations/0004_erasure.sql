-- Rule RE2: refused rows and keys of a tenant that leaves are erased, but for rows of devices that claims still holds (rule RE1).

do $$
declare
    name text;
begin
    for name in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'ingest'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition loop
        execute format('create policy to_erase on ingest.%I for delete to rucor_ingest_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy to_give_out on ingest.%I for select to rucor_ingest_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
    end loop;
end $$;

create function ingest.tenant_tables() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'ingest'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
$$;
create function ingest.give_rows(p_tenant uuid, p_table text, p_after tid, p_limit int) returns table (place tid, body text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fields text;
begin
    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) into fields
    from pg_attribute a where a.attrelid = format('ingest.%I', p_table)::regclass and a.attnum > 0 and not a.attisdropped
        and a.attname not like '%sealed%' and a.attname not like '%secret%';
    return query execute format(
        'select t.ctid, (select to_jsonb(x)::text from (select %s) x) from ingest.%I t '
        'where t.tenant_id = $1 and t.ctid > $2 order by t.ctid limit $3', fields, p_table)
    using p_tenant, p_after, p_limit;
end $$;

create function ingest.erase(p_tenant uuid, p_devices text[], p_limit int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    total bigint := 0;
    went bigint;
    name text;
begin
    for name in select t from ingest.tenant_tables() t loop
        continue when name = 'audit_log' and cardinality(p_devices) > 0;  -- who saw what is held, for as long as it is
        execute format(
            'with past as (select t.ctid from ingest.%1$I t where t.tenant_id = $1 %2$s limit $3), '
            'gone as (delete from ingest.%1$I t using past where t.ctid = past.ctid returning 1) select count(*) from gone',
            name, case name when 'quarantine' then 'and t.device_id <> all($2)' else 'and $2 is not null' end)
        into went using p_tenant, p_devices, p_limit;
        total := total + went;
    end loop;
    return total;
end $$;
revoke all on function ingest.tenant_tables from public;
revoke all on function ingest.give_rows from public;
revoke all on function ingest.erase from public;
grant execute on function ingest.tenant_tables, ingest.give_rows, ingest.erase to rucor_ingest_worker;
