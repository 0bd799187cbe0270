-- A person's name or e-mail is put right (rules PA2, RE2): how it read before stays, with who changed it and why.

create table claims.person_correction (
    tenant_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    name_before text not null,
    email_before text not null,
    reason text not null constraint person_correction_reason_given check (reason <> ''),
    since timestamptz not null,
    by text not null,
    constraint person_correction_pk primary key (tenant_id, id),
    constraint person_correction_person_fk foreign key (tenant_id, person_id) references claims.person
);
alter table claims.person_correction enable row level security;
alter table claims.person_correction force row level security;
create policy of_this_tenant on claims.person_correction to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.person_correction to rucor_claims_worker using (true) with check (true);
grant select, insert on claims.person_correction to rucor_claims_api;
grant update (name, email, email_key) on claims.person to rucor_claims_api;
