-- Rule RE2: a person is forgotten under every name they had and in every column that says who did something; a name that somebody else of the
-- tenant bears too is left where nothing tells whose deed it was, and goes with its last bearer.

-- Somebody else bears a name of the person who was forgotten: what was done under it stays.
alter table claims.erasure_request add column namesake boolean not null default false;

-- Columns that say who did something.  The log of accesses and the histories of corrections keep their own time; a licence is ended by an event.
create function claims.name_columns() returns table (name text, field text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.relname::text, a.attname::text from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.atttypid = 'text'::regtype and not a.attisdropped and a.attname in (
        'actor', 'by', 'created_by', 'ended_by', 'closed_by', 'released_by', 'withdrawn_by', 'revoked_by', 'granted_by', 'looked_by', 'given_to')
    join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
    where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r' and c.relname not in ('audit_log', 'register_change')
        and (c.relname, a.attname) <> ('licence', 'ended_by')
    order by 1, 2
$$;
revoke all on function claims.name_columns from public;

-- First answers of commands that say one of these words are kept no longer; that the command was done stays, so a retry does not do it again.
create function claims.forget_answers(p_tenant uuid, p_words text[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update claims.idempotency t set body = ''::bytea where t.tenant_id = p_tenant and exists (
        select from unnest(p_words) as said (word) where position(convert_to(said.word, 'UTF8') in t.body) > 0)
$$;
revoke all on function claims.forget_answers from public;

-- False while rule RE1 holds something that they did, or that somebody did under a name of theirs.
create function claims.forget_person(p_tenant uuid, p_request uuid, p_person uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    put_away text := 'erased ' || left(p_person::text, 8);
    borne text[];  -- every name that they have had
    own text[];  -- of these, what nobody else of the tenant has been called
    addresses text[];
    place record;
    theirs text;
    held boolean;
begin
    with called as (
        select p.id, p.name from claims.person p where p.tenant_id = p_tenant
        union select c.person_id, c.name_before from claims.person_correction c where c.tenant_id = p_tenant
    )
    select array_agg(c.name), coalesce(array_agg(c.name) filter (
        where not exists (select from called o where o.name = c.name and o.id <> p_person)), '{}')
    into borne, own from called c where c.id = p_person;
    select array_agg(x.email) into addresses from (
        select p.email from claims.person p where p.tenant_id = p_tenant and p.id = p_person
        union select c.email_before from claims.person_correction c where c.tenant_id = p_tenant and c.person_id = p_person) x
    where x.email <> '';

    for place in select n.name, n.field from claims.name_columns() n loop
        -- a verification knows its person; elsewhere the name is all there is
        theirs := case when place.name = 'verification' then '(t.person_id = $3 or t.person_id is null and t.actor = any($2))'
            else format('t.%I = any($2)', place.field) end;
        execute format(
            'with held as materialized (select what, id from claims.held_thing where tenant_id = $1), '
            'days as materialized (select device, from_day, to_day from claims.held_day where tenant_id = $1) '
            'select exists (select from claims.%I t where t.tenant_id = $1 and %s and (%s))',
            place.name, theirs, claims.held_condition(place.name)) into held using p_tenant, borne, p_person;
        if held then
            return false;
        end if;
    end loop;
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
        select to_json(w.word)::text from unnest(own || coalesce(addresses, '{}') || p_person::text) as w (word)));
    delete from claims.person_identity where tenant_id = p_tenant and person_id = p_person;
    delete from claims.person_correction where tenant_id = p_tenant and person_id = p_person;
    update claims.person_leave set reason = 'erased' where tenant_id = p_tenant and person_id = p_person;
    update claims.person set ref = null, name = put_away, email = '', email_key = 'erased ' || id
    where tenant_id = p_tenant and id = p_person;
    update claims.erasure_request set namesake = cardinality(own) < cardinality(borne) where tenant_id = p_tenant and id = p_request;
    return true;
end $$;
revoke all on function claims.forget_person from public;

-- As before, with people as above, and without the stored answers about a claimant.
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
