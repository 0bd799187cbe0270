-- A reading may name the file that proves it (rule VE3), and a person may log what a gap hides (rule LI8).

alter table claims.reading add column attachment_id uuid;
alter table claims.reading add constraint reading_attachment_fk
    foreign key (tenant_id, attachment_id) references claims.attachment not valid;
alter table claims.reading validate constraint reading_attachment_fk;

-- A manual log entry: off-road travel of one licence on one NZ day that no fix shows.  It counts at most what of that day is
-- unknown when the statement is read.  Never changed; taken back at most once, and not once the licence is claimed.
create table claims.log_entry (
    tenant_id uuid not null,
    id uuid not null,
    licence_id uuid not null,
    on_day date not null,
    logged_mm bigint not null constraint log_entry_some check (logged_mm > 0),
    reason text not null constraint log_entry_reason_given check (reason <> ''),
    attachment_id uuid not null,
    actor text not null constraint log_entry_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    withdrawn_at timestamptz,
    withdrawn_by text not null default '',
    withdrawn_reason text not null default '',
    constraint log_entry_pk primary key (tenant_id, id),
    constraint log_entry_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint log_entry_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment,
    constraint log_entry_withdrawn_whole
        check ((withdrawn_at is null) = (withdrawn_by = '') and (withdrawn_at is null) = (withdrawn_reason = ''))
);
create unique index log_entry_once on claims.log_entry (tenant_id, licence_id, on_day) where withdrawn_at is null;

alter table claims.log_entry enable row level security;
alter table claims.log_entry force row level security;
create policy of_this_tenant on claims.log_entry to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.log_entry to rucor_claims_worker using (true) with check (true);
grant select, insert, update (withdrawn_at, withdrawn_by, withdrawn_reason) on claims.log_entry to rucor_claims_api;
