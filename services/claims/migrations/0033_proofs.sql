-- Rule RE2: what was lodged stays checkable when its papers are gone, and a person or claimant is forgotten when no hold covers them.

-- 1. Proofs (ADR on salted leaves) ---------------------------------------------------------------------------------------------------
-- Of every frozen snapshot: the Merkle root over one salted hash a field, and the leaves.  Fields that are nobody's have salt and value
-- with them; of the others the hash alone, which tells nothing without its salt.  Never changed, kept when the snapshot is purged.
create table claims.proof (
    tenant_id uuid not null,
    claim_id uuid not null,
    kind text not null constraint proof_kind_known check (kind in ('form', 'report')),
    subject_id uuid not null,
    edition int not null constraint proof_edition_positive check (edition > 0),
    root bytea not null constraint proof_root_length check (octet_length(root) = 32),
    leaves jsonb not null,
    created_at timestamptz not null default now(),
    constraint proof_pk primary key (tenant_id, claim_id, kind, subject_id, edition),
    constraint proof_claim_fk foreign key (tenant_id, claim_id) references claims.claim
);
-- What the leaves' salts are made from; purged with the snapshot (rule RE1).
create table claims.proof_salt (
    tenant_id uuid not null,
    claim_id uuid not null,
    kind text not null,
    subject_id uuid not null,
    edition int not null,
    sealed bytea not null,  -- AES-GCM over 32 random bytes
    constraint proof_salt_pk primary key (tenant_id, claim_id, kind, subject_id, edition),
    constraint proof_salt_proof_fk foreign key (tenant_id, claim_id, kind, subject_id, edition) references claims.proof
);
create index proof_salt_by_key on claims.proof_salt (substring(sealed, 2, 4));

-- 2. Requests to be forgotten ----------------------------------------------------------------------------------------------------------
create table claims.erasure_request (
    tenant_id uuid not null constraint erasure_request_tenant_fk references claims.tenant,
    id uuid not null,
    kind text not null constraint erasure_request_kind_known check (kind in ('claimant', 'person')),
    subject_id uuid not null,  -- no foreign key: the subject may go first
    reason text not null constraint erasure_request_reason_given check (reason <> ''),
    actor text not null constraint erasure_request_actor_given check (actor <> ''),
    created_at timestamptz not null,
    done_at timestamptz,
    constraint erasure_request_pk primary key (tenant_id, id)
);
create unique index erasure_request_once on claims.erasure_request (tenant_id, kind, subject_id) where done_at is null;

do $$
declare
    name text;
begin
    foreach name in array array['proof', 'proof_salt', 'erasure_request'] loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api, rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
    end loop;
    -- Names of who did something are put away in every table, as the tenant of the transaction.
    for name in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relnamespace = 'claims'::regnamespace and c.relkind = 'r' loop
        execute format('create policy to_forget on claims.%I for update to rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
    end loop;
end $$;
grant select, insert on claims.proof, claims.proof_salt, claims.erasure_request to rucor_claims_api;
grant select on claims.proof, claims.erasure_request to rucor_claims_worker;
grant select, update (sealed) on claims.proof_salt to rucor_claims_worker;

-- As before, with the salts of proofs.
create or replace function claims.purge(p_tenant uuid, p_table text, p_limit int, p_dry boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    referring record;
    kept uuid[] := '{}';
    more uuid[];
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
        -- a table that this rule does not know and that refers to files keeps them: unknown is kept
        for referring in
            select c.conrelid::regclass as name, a.attname as column
            from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) and a.attname <> 'tenant_id'
            where c.contype = 'f' and c.confrelid = 'claims.attachment'::regclass and c.conrelid not in (
                'claims.reading'::regclass, 'claims.log_entry'::regclass, 'claims.claim_step'::regclass,
                'claims.application_step'::regclass, 'claims.audit_event'::regclass)
        loop
            execute format('select array_agg(t.%I) from %s t where t.tenant_id = $1 and t.%I is not null',
                referring.column, referring.name, referring.column) into more using p_tenant;
            kept := kept || coalesce(more, '{}');
        end loop;
        with held as materialized (select h.id from claims.held_attachment h where h.tenant_id = p_tenant and h.id is not null),
        over as (select t.id from claims.attachment t where t.tenant_id = p_tenant and t.purged_at is null
            and t.created_at < now() - interval '2 years' - interval '1 day' and t.id not in (select held.id from held)
            and t.id <> all(kept) limit p_limit),
        gone as (update claims.attachment t set sealed = ''::bytea, purged_at = now() from over
            where t.tenant_id = p_tenant and t.id = over.id and not p_dry returning 1)
        select case when p_dry then (select count(*) from over) else (select count(*) from gone) end into gone;
    else
        raise exception 'no rule lets rows of % go', p_table using errcode = 'restrict_violation';
    end if;
    return gone;
end $$;

-- Do what a request asks, unless rule RE1 still holds a record about its subject; true when it is done.  A claimant: everything but that
-- it was there.  A person: who they are, and their name wherever they did something.  The log of accesses and the history of corrections keep
-- their own time.
create function claims.forget(p_tenant uuid, p_request uuid) returns boolean
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
revoke all on function claims.forget from public;
grant execute on function claims.forget to rucor_claims_api, rucor_claims_worker;

-- Until when a request waits at most: null while something open holds its subject.
create function claims.forget_after(p_tenant uuid, p_request uuid) returns date
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case when bool_or(h.held_until is null) then null else max(h.held_until) end
    from claims.erasure_request r join claims.held_licence h on h.tenant_id = r.tenant_id
        and (r.kind = 'person' or h.claimant_id = r.subject_id)
    where r.tenant_id = p_tenant and r.id = p_request
$$;
revoke all on function claims.forget_after from public;
grant execute on function claims.forget_after to rucor_claims_api, rucor_claims_worker;
