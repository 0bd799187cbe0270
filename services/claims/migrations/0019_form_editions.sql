-- A form that came back is corrected and sent again as the same claim (rule CL6).  Each correction makes another edition of the form's
-- snapshot and document; the first is what was lodged, and every edition's exact bytes are kept (rule FO3).

alter table claims.snapshot add column edition int not null default 1 constraint snapshot_edition_positive check (edition > 0);
alter table claims.document add column edition int not null default 1 constraint document_edition_positive check (edition > 0);
alter table claims.render_job add column edition int not null default 1
    constraint render_job_edition_positive check (edition > 0);
alter table claims.render_job add column refused boolean not null default false;  -- pdf cannot print it as it is: a person must look

-- squawk-ignore ban-drop-constraint
alter table claims.snapshot drop constraint snapshot_pk;
-- squawk-ignore adding-serial-primary-key-field, disallowed-unique-constraint, constraint-missing-not-valid
alter table claims.snapshot add constraint snapshot_pk primary key (tenant_id, claim_id, kind, subject_id, edition);
-- squawk-ignore ban-drop-constraint
alter table claims.document drop constraint document_pk;
-- squawk-ignore adding-serial-primary-key-field, disallowed-unique-constraint, constraint-missing-not-valid
alter table claims.document add constraint document_pk primary key (tenant_id, claim_id, kind, edition);
-- squawk-ignore ban-drop-constraint
alter table claims.render_job drop constraint render_job_pk;
-- squawk-ignore adding-serial-primary-key-field, disallowed-unique-constraint, constraint-missing-not-valid
alter table claims.render_job add constraint render_job_pk primary key (tenant_id, claim_id, kind, edition);

-- squawk-ignore ban-drop-constraint
alter table claims.claim_step drop constraint claim_step_kind_known;
-- squawk-ignore constraint-missing-not-valid
alter table claims.claim_step add constraint claim_step_kind_known
    check (kind in ('sent', 'received', 'returned', 'corrected', 'withdrawn', 'decided', 'consent'));

-- Whether a form waits, and why: the job's row is the worker's, but a tenant may see its own.
grant select on claims.render_job to rucor_claims_api;
