-- Rule RE2: a person is forgotten in free words too, and in the rulings of the classifier and the consents of ingest, which keep who made them.

-- 1. Free words --------------------------------------------------------------------------------------------------------------------------
-- As before; and what was shown before a claim is held with the claim that was lodged by it.
create or replace function claims.held_condition(p_table text) returns text
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
        return 'exists (select from claims.claim c join held h on h.what = ''claim'' and h.id = c.id '
            'where c.tenant_id = t.tenant_id and c.preview_id = t.id)';
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

-- Columns in which people write what they like, as text and back again.  Of a claimant and of a person every field is put away with them; the
-- history of corrections keeps its own time, and an attached file keeps its name.
create function claims.word_columns() returns table (name text, field text, as_text text, as_kept text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.relname::text, a.attname::text,
        case y.typname when 'bytea' then format('convert_from(t.%I, ''UTF8'')', a.attname) else format('t.%I::text', a.attname) end,
        case y.typname when 'bytea' then 'convert_to(%s, ''UTF8'')' when 'jsonb' then '(%s)::jsonb' else '%s' end
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and not a.attisdropped and (
        a.attname in ('reason', 'words', 'looked_words', 'released_reason', 'withdrawn_reason', 'disabled_reason', 'exempt_reason', 'note', 'letter',
            'description', 'destination', 'outcome', 'contact', 'reference', 'closed_reference', 'details', 'inputs')
        or (c.relname, a.attname) = ('claim_preview', 'body'))
    join pg_type y on y.oid = a.atttypid
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
    where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r' and c.relname not in ('register_change', 'person_correction', 'person_leave')
    order by 1, 2
$$;
revoke all on function claims.word_columns from public;

-- What finds a name of several words, or an address, inside other words, in any case; a name of one word (Will, Mark) is looked for only where
-- it is all that was written, also as a text of a JSON document.
create function claims.word_pattern(p_name text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when p_name ~ '[\s@]' then '(?i)(?<![[:alnum:]])' || said.pattern || '(?![[:alnum:]])'
        else '(?:^|(?<="))' || said.pattern || '(?=$|")' end
    from (select regexp_replace(regexp_replace(p_name, '([^[:alnum:]\s])', '\\\1', 'g'), '\s+', '\\s+', 'g') as pattern) said
$$;
revoke all on function claims.word_pattern from public;

-- Whether rule RE1 holds one of the rows of a table of which the condition on its alias t is true.  Mostly there is none, and what is held need
-- not be worked out.
create function claims.is_held(p_tenant uuid, p_table text, p_condition text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_one boolean;
begin
    execute format('select exists (select from claims.%I t where t.tenant_id = $1 and (%s))', p_table, p_condition) into found_one using p_tenant;
    if found_one then
        execute format(
            'with held as materialized (select what, id from claims.held_thing where tenant_id = $1), '
            'days as materialized (select device, from_day, to_day from claims.held_day where tenant_id = $1) '
            'select exists (select from claims.%I t where t.tenant_id = $1 and (%s) and (%s))',
            p_table, p_condition, claims.held_condition(p_table)) into found_one using p_tenant;
    end if;
    return found_one;
end $$;
revoke all on function claims.is_held from public;

-- Names and addresses are put away wherever they stand in free words; false, and nothing changed, while rule RE1 holds one of the rows.
create function claims.forget_words(p_tenant uuid, p_names text[], p_put_away text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    place record;
begin
    for place in
        select w.name, w.as_text, claims.word_pattern(n.name) as pattern
        from claims.word_columns() w cross join unnest(p_names) as n (name)
    loop
        if claims.is_held(p_tenant, place.name, format('%s ~ %L', place.as_text, place.pattern)) then
            return false;
        end if;
    end loop;
    for place in
        select w.*, claims.word_pattern(n.name) as pattern from claims.word_columns() w cross join unnest(p_names) as n (name)
    loop
        execute format('update claims.%I t set %I = %s where t.tenant_id = $1 and %s ~ $2', place.name, place.field,
            format(place.as_kept, format('regexp_replace(%s, $2, $3, ''g'')', place.as_text)), place.as_text)
        using p_tenant, place.pattern, p_put_away;
    end loop;
    return true;
end $$;
revoke all on function claims.forget_words from public;

-- 2. Names that other services keep ----------------------------------------------------------------------------------------------------------
-- What was put away here and the classifier (rulings) and ingest (consents) have yet to; a row goes when both have.
create table claims.erasure_name (
    tenant_id uuid not null,
    request_id uuid not null,
    id uuid not null,
    name text not null,
    put_away text not null,
    let_go_at timestamptz not null default now(),
    asked_at timestamptz,  -- of the classifier, last
    rulings_gone_at timestamptz,
    consents_gone_at timestamptz,
    constraint erasure_name_pk primary key (tenant_id, id),
    constraint erasure_name_request_fk foreign key (tenant_id, request_id) references claims.erasure_request
);
create index erasure_name_by_request on claims.erasure_name (tenant_id, request_id);
create index erasure_name_to_tell on claims.erasure_name (let_go_at) where rulings_gone_at is null;
alter table claims.erasure_name enable row level security;
alter table claims.erasure_name force row level security;
create policy of_this_tenant on claims.erasure_name to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.erasure_name to rucor_claims_worker using (true) with check (true);
grant select on claims.erasure_name to rucor_claims_api;
grant select, delete, update (asked_at, rulings_gone_at, consents_gone_at) on claims.erasure_name to rucor_claims_worker;

-- As before; words and names elsewhere besides.  True when it has gone everywhere.
create or replace function claims.forget_person(p_tenant uuid, p_request uuid, p_person uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    put_away text := 'erased ' || left(p_person::text, 8);
    borne text[];  -- every name that they have had
    own text[];  -- of these, what nobody else of the tenant has been called
    addresses text[];
    place record;
    theirs text;
begin
    if exists (select from claims.erasure_request r where r.tenant_id = p_tenant and r.id = p_request and r.let_go_at is not null) then
        return not exists (select from claims.erasure_name n where n.tenant_id = p_tenant and n.request_id = p_request);
    end if;
    with called as (
        select p.id, p.name from claims.person p where p.tenant_id = p_tenant
        union select c.person_id, c.name_before from claims.person_correction c where c.tenant_id = p_tenant
    )
    select array_agg(c.name), coalesce(array_agg(c.name) filter (
        where not exists (select from called o where o.name = c.name and o.id <> p_person)), '{}')
    into borne, own from called c where c.id = p_person;
    select coalesce(array_agg(x.email), '{}') into addresses from (
        select p.email from claims.person p where p.tenant_id = p_tenant and p.id = p_person
        union select c.email_before from claims.person_correction c where c.tenant_id = p_tenant and c.person_id = p_person) x
    where x.email <> '';

    for place in select n.name, n.field from claims.name_columns() n loop
        -- a verification knows its person; elsewhere the name is all there is
        theirs := case when place.name = 'verification' then format('t.person_id = %L or t.person_id is null and t.actor = any(%L)', p_person, borne)
            else format('t.%I = any(%L)', place.field, borne) end;
        if claims.is_held(p_tenant, place.name, theirs) then
            return false;
        end if;
    end loop;
    if not claims.forget_words(p_tenant, own || addresses, put_away) then
        return false;
    end if;
    for place in select n.name, n.field from claims.name_columns() n loop
        theirs := case when place.name = 'verification' then '(t.person_id = $3 or t.person_id is null and t.actor = any($2))'
            else format('t.%I = any($2)', place.field) end;
        execute format('update claims.%I t set %I = $4 where t.tenant_id = $1 and %s', place.name, place.field, theirs)
        using p_tenant, own, p_person, put_away;
    end loop;
    if p_tenant = '00000000-0000-0000-0000-000000000000' then
        update claims.policy_change set actor = put_away where actor = any(own);  -- the operator's people change it, for everybody
    end if;
    perform claims.forget_answers(p_tenant, array(
        select to_json(w.word)::text from unnest(own || addresses || p_person::text) as w (word)));
    insert into claims.erasure_name (tenant_id, request_id, id, name, put_away)
    select p_tenant, p_request, gen_random_uuid(), w.word, put_away from unnest(own || addresses) as w (word);
    delete from claims.person_identity where tenant_id = p_tenant and person_id = p_person;
    delete from claims.person_correction where tenant_id = p_tenant and person_id = p_person;
    update claims.person_leave set reason = 'erased' where tenant_id = p_tenant and person_id = p_person;
    update claims.person set ref = null, name = put_away, email = '', email_key = 'erased ' || id
    where tenant_id = p_tenant and id = p_person;
    update claims.erasure_request set namesake = cardinality(own) < cardinality(borne), let_go_at = now()
    where tenant_id = p_tenant and id = p_request;
    return cardinality(own || addresses) = 0;
end $$;

-- As before, and of a claimant also what a claim said instead of the claimant's own fields.
create or replace function claims.forget(p_tenant uuid, p_request uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    request record;
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
        perform claims.forget_answers(p_tenant, array[request.subject_id::text]);
        update claims.claim_preview set body = convert_to((convert_from(body, 'UTF8')::jsonb
            #- '{request,email}' #- '{request,phone}' #- '{request,address}' #- '{request,travel_description}')::text, 'UTF8')
        where tenant_id = p_tenant and claimant_id = request.subject_id;
        update claims.claimant set ref = null, name = 'erased', name_key = 'erased ' || id, customer_number = '', bank_sealed = null,
            bank_tail = '', bank_account_name = '', address = '', phone = '', email = '', contact_person = '', default_travel_description = ''
        where tenant_id = p_tenant and id = request.subject_id;
    elsif request.kind = 'vehicle' then
        if not claims.forget_vehicle(p_tenant, p_request, request.subject_id) then
            return false;
        end if;
    elsif not claims.forget_person(p_tenant, p_request, request.subject_id) then
        return false;
    end if;
    update claims.erasure_request set done_at = now() where tenant_id = p_tenant and id = p_request;
    return true;
end $$;

-- Days that some held licence needs, of whatever device: a ruling that touches one stays as it is.
create function claims.held_stretches(p_tenant uuid) returns table (from_day int, to_day int)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select lower(x.days), upper(x.days) - 1 from (
        select unnest(range_agg(int4range(least(h.from_day, h.to_day), h.to_day, '[]'))) as days
        from claims.held_day h where h.tenant_id = p_tenant) x order by 1
$$;
revoke all on function claims.held_stretches from public;
grant execute on function claims.held_stretches to rucor_claims_worker;
