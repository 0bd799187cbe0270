-- Who may ask for a device-day to be computed again, and which road data sets are in use.

-- 1. What is owed ------------------------------------------------------------------------------------------------------
--   settle     its revisions so far were unsettled; due at the day's end plus the gap limit
--   dirty      a ruling or an exclusion touches it, or the kernel could not compute it (then due again later)
--   reprocess  another road data set counts for it, or a person asked
-- Behind every dirty or reprocess row stands an open hold of the same kind.  `id` is drawn anew by every request, while
-- the row is locked: so for one row a later request has a higher id, and who computed an earlier one does not clear it.
-- The table holds what is owed at this moment only, some thousands of rows: rewriting it takes milliseconds.
-- squawk-ignore adding-field-with-default
alter table classifier.day_due add column id bigint generated always as identity;
-- squawk-ignore ban-drop-constraint
alter table classifier.day_due drop constraint day_due_cause_check;
update classifier.day_due set cause = 'dirty' where cause = 'failed';
-- squawk-ignore constraint-missing-not-valid
alter table classifier.day_due add constraint day_due_cause_check check (cause in ('settle', 'dirty', 'reprocess'));
-- squawk-ignore require-concurrent-index-deletion
drop index classifier.day_due_order;
create index day_due_order on classifier.day_due (partition, cause, due_ms, id);

create policy day_due_tenant on classifier.day_due to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid)
    with check (
        tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid and cause in ('dirty', 'reprocess')
    );
grant select, insert, update (id, due_ms) on classifier.day_due to rucor_classifier_api;
-- The hold that a request opens.  The table has all tenants' frames, so the API role cannot read it.
grant insert on classifier.outbox to rucor_classifier_api;
grant select on classifier.restore_epoch to rucor_classifier_api;

-- 2. Road data sets (rule SU9): no tenant's data -----------------------------------------------------------------------
-- Sets that some process has opened, in the order of their registration; never changed, never deleted: device-days name
-- them.  All processes judge by this table alone which set counts for which day.
create table classifier.road_set (
    seq bigint generated always as identity constraint road_set_pkey primary key,
    name text not null constraint road_set_name_unique unique,
    valid_from_day int,
    supersedes text not null,
    registered_at timestamptz not null default now(),
    constraint road_set_supersedes_check check (supersedes <> name)
);
grant select, insert on classifier.road_set to rucor_classifier_worker;
grant select on classifier.road_set to rucor_classifier_api;

-- Device-days from `first_day` to `last_day` have another set since `seq` was registered: the owner of the partition makes
-- them due, device by device behind (tenant_id, device_id), and deletes the row at the end.
create table classifier.road_set_sweep (
    partition int not null constraint road_set_sweep_partition_check check (partition >= 0),
    seq bigint not null constraint road_set_sweep_seq_fkey references classifier.road_set (seq),
    first_day int not null,
    last_day int not null,
    tenant_id uuid not null default '00000000-0000-0000-0000-000000000000',
    device_id text not null default '',
    constraint road_set_sweep_pkey primary key (partition, seq, first_day),
    constraint road_set_sweep_order_check check (first_day <= last_day)
);
grant select, insert, update, delete on classifier.road_set_sweep to rucor_classifier_worker;
