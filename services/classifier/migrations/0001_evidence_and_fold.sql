-- The classifier's own truth: fixes as evidence, how far the fold has come, and what it still owes.

-- 1. Positions and outbox (shared library) ------------------------------------------------------------------------------
create table classifier.stream_position (
    topic text not null,
    partition int not null constraint stream_position_partition_check check (partition >= 0),
    topic_id text not null,
    next_offset bigint not null constraint stream_position_next_offset_check check (next_offset >= 0),
    last_crc bigint constraint stream_position_last_crc_check check (last_crc between 0 and 4294967295),
    version bigint not null constraint stream_position_version_check check (version >= 0),
    constraint stream_position_pkey primary key (topic, partition)
);
grant select, insert, update on classifier.stream_position to rucor_classifier_worker;

create table classifier.outbox (
    id bigint generated always as identity constraint outbox_pkey primary key,
    topic text not null,
    partition int not null constraint outbox_partition_check check (partition >= 0),
    frame bytea not null,
    created_at timestamptz not null default now()
);
-- Frames are compressed already.
alter table classifier.outbox alter column frame set storage external;
grant select, insert, delete on classifier.outbox to rucor_classifier_worker;

-- 2. Evidence -----------------------------------------------------------------------------------------------------------
-- One frame holds the fixes of one tenant (never two: design G6) that one transaction of one partition added, each
-- identity once.  `rev` is that transaction's (restore epoch, position version), so the fixes a revision r was computed
-- from are exactly those with rev <= r.  Rows are inserted and read, never changed: no update or delete is granted.
create table classifier.evidence_frame (
    tenant_id uuid not null,
    partition int not null constraint evidence_frame_partition_check check (partition >= 0),
    rev bigint not null constraint evidence_frame_rev_check check (rev > 0),
    part int not null constraint evidence_frame_part_check check (part >= 0),
    rows int not null constraint evidence_frame_rows_check check (rows > 0),
    frame bytea not null,
    stored_at timestamptz not null default now(),
    constraint evidence_frame_pkey primary key (tenant_id, partition, rev, part)
);
alter table classifier.evidence_frame alter column frame set storage external;

-- Which frames hold fixes of a device-day.  `day` is the NZ day as days since 1970-01-01 (shared.nz_days).
create table classifier.evidence_span (
    tenant_id uuid not null,
    device_id text not null,
    day int not null,
    partition int not null,
    rev bigint not null,
    part int not null,
    rows int not null constraint evidence_span_rows_check check (rows > 0),
    first_ms bigint not null,
    last_ms bigint not null,
    constraint evidence_span_pkey primary key (tenant_id, device_id, day, rev, part),
    constraint evidence_span_order_check check (first_ms <= last_ms),
    constraint evidence_span_frame_fkey foreign key (tenant_id, partition, rev, part)
        references classifier.evidence_frame (tenant_id, partition, rev, part)
);

-- 3. What is owed -------------------------------------------------------------------------------------------------------
-- A device-day that must be computed again once its partition's tick has reached `due_ms`:
--   settle  its revisions so far were unsettled; due at the day's end plus the gap limit
--   failed  the kernel could not compute it (a hold is open); tried again later
create table classifier.day_due (
    tenant_id uuid not null,
    device_id text not null,
    day int not null,
    cause text not null constraint day_due_cause_check check (cause in ('settle', 'failed')),
    partition int not null constraint day_due_partition_check check (partition >= 0),
    due_ms bigint not null,
    constraint day_due_pkey primary key (tenant_id, device_id, day, cause)
);
create index day_due_order on classifier.day_due (partition, due_ms);

-- 4. Row-level security: the API role sees one tenant at a time, the worker all -------------------------------------------
alter table classifier.evidence_frame enable row level security;
alter table classifier.evidence_frame force row level security;
alter table classifier.evidence_span enable row level security;
alter table classifier.evidence_span force row level security;
alter table classifier.day_due enable row level security;
alter table classifier.day_due force row level security;

create policy evidence_frame_tenant on classifier.evidence_frame for select to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy evidence_span_tenant on classifier.evidence_span for select to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy evidence_frame_worker on classifier.evidence_frame to rucor_classifier_worker using (true) with check (true);
create policy evidence_span_worker on classifier.evidence_span to rucor_classifier_worker using (true) with check (true);
create policy day_due_worker on classifier.day_due to rucor_classifier_worker using (true) with check (true);

grant select on classifier.evidence_frame, classifier.evidence_span to rucor_classifier_api;
grant select, insert on classifier.evidence_frame, classifier.evidence_span to rucor_classifier_worker;
grant select, insert, update, delete on classifier.day_due to rucor_classifier_worker;

-- 5. Partitions and restores: no tenant's data ----------------------------------------------------------------------------
create table classifier.partition_tick (
    partition int constraint partition_tick_pkey primary key,
    tick_ms bigint not null
);
grant select, insert, update on classifier.partition_tick to rucor_classifier_worker;

-- A restored backup raises the epoch: revisions after it are above all revisions that claims saw before it.
create table classifier.restore_epoch (
    only_row boolean constraint restore_epoch_pkey primary key default true
        constraint restore_epoch_only_row_check check (only_row),
    epoch int not null constraint restore_epoch_epoch_check check (epoch >= 0)
);
insert into classifier.restore_epoch (epoch) values (0);
grant select on classifier.restore_epoch to rucor_classifier_worker;
