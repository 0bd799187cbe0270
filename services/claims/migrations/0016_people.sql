-- People (rule PA2): they sign in as themselves, with roles.  Nothing here is edited: what is over gets an end, with who ended it.

create table claims.person (
    tenant_id uuid not null,
    id uuid not null,
    ref text,
    name text not null constraint person_name_given check (name <> ''),
    email text not null,
    email_key text not null constraint person_email_given check (email_key <> ''),
    created_by text not null constraint person_creator_given check (created_by <> ''),
    created_at timestamptz not null,
    constraint person_pk primary key (tenant_id, id),
    constraint person_tenant_fk foreign key (tenant_id) references claims.tenant,
    constraint person_email_unique unique (tenant_id, email_key),
    constraint person_ref_unique unique (tenant_id, ref)
);

-- Who the person is to an OpenID provider.  Given beforehand, or kept at the first sign-in by a verified e-mail.
create table claims.person_identity (
    tenant_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    issuer text not null constraint person_identity_issuer_given check (issuer <> ''),
    subject text not null constraint person_identity_subject_given check (subject <> ''),
    since timestamptz not null,
    by text not null,
    ended_at timestamptz,
    ended_by text not null default '',
    constraint person_identity_pk primary key (tenant_id, id),
    constraint person_identity_person_fk foreign key (tenant_id, person_id) references claims.person,
    constraint person_identity_end_whole check ((ended_at is null) = (ended_by = ''))
);
create unique index person_identity_one on claims.person_identity (tenant_id, person_id) where ended_at is null;
create unique index person_identity_unique on claims.person_identity (tenant_id, issuer, subject) where ended_at is null;
create index person_identity_subject on claims.person_identity (issuer, subject) where ended_at is null;

create table claims.person_role (
    tenant_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    role text not null constraint person_role_known check (role in ('preparer', 'verifier', 'viewer', 'auditor', 'ops')),
    since timestamptz not null,
    by text not null,
    ended_at timestamptz,
    ended_by text not null default '',
    constraint person_role_pk primary key (tenant_id, id),
    constraint person_role_person_fk foreign key (tenant_id, person_id) references claims.person,
    constraint person_role_end_whole check ((ended_at is null) = (ended_by = '')),
    -- Only those who run the system are ops, and they are nothing else (rule PA4).
    constraint person_role_ops_at_home check ((role = 'ops') = (tenant_id = '00000000-0000-0000-0000-000000000000'))
);
create unique index person_role_once on claims.person_role (tenant_id, person_id, role) where ended_at is null;

-- A time in which the person may not sign in; it lasts until it is ended.
create table claims.person_leave (
    tenant_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    reason text not null constraint person_leave_reason_given check (reason <> ''),
    since timestamptz not null,
    by text not null,
    ended_at timestamptz,
    ended_by text not null default '',
    constraint person_leave_pk primary key (tenant_id, id),
    constraint person_leave_person_fk foreign key (tenant_id, person_id) references claims.person,
    constraint person_leave_end_whole check ((ended_at is null) = (ended_by = ''))
);
create unique index person_leave_one on claims.person_leave (tenant_id, person_id) where ended_at is null;
create index person_email on claims.person (email_key);

do $$
declare
    name text;
begin
    foreach name in array array['person', 'person_identity', 'person_role', 'person_leave'] loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
        -- The owner reads for people_who_are() below, nothing else.
        execute format('create policy to_sign_in on claims.%I for select to rucor_claims_owner using (true)', name);
    end loop;
end $$;
grant select, insert on claims.person to rucor_claims_api, rucor_claims_worker;
grant select, insert, update (ended_at, ended_by) on claims.person_identity to rucor_claims_api, rucor_claims_worker;
grant select, insert, update (ended_at, ended_by) on claims.person_role to rucor_claims_api, rucor_claims_worker;
grant select, insert, update (ended_at, ended_by) on claims.person_leave to rucor_claims_api, rucor_claims_worker;

-- Who signs in is not yet of any tenant: the person's places in all tenants, found by exactly this identity, else by exactly this
-- e-mail (in lower case; null unless the provider has verified it) where no identity is known yet.
create function claims.people_who_are(the_issuer text, the_subject text, the_email_key text)
returns table (tenant_id uuid, person_id uuid, name text, linked boolean)
language sql stable security definer set search_path = claims, pg_temp
as $$
    select p.tenant_id, p.id, p.name, true
    from claims.person_identity i join claims.person p on p.tenant_id = i.tenant_id and p.id = i.person_id
    where i.issuer = the_issuer and i.subject = the_subject and i.ended_at is null
    union all
    select p.tenant_id, p.id, p.name, false
    from claims.person p
    where p.email_key = the_email_key and not exists (
        select from claims.person_identity i
        where i.tenant_id = p.tenant_id and i.ended_at is null
            and (i.person_id = p.id or (i.issuer = the_issuer and i.subject = the_subject)))
    order by 1
$$;
revoke all on function claims.people_who_are(text, text, text) from public;
grant execute on function claims.people_who_are(text, text, text) to rucor_claims_api;
