-- Evidence for years: frames become chunks of one device-day, by month, kept by rule RE1.

-- 1. Frames that wait ----------------------------------------------------------------------------------------------------
-- `day` is the last NZ day that a frame holds fixes of, `tick_ms` its partition's tick when it came: both tell when it may
-- be compacted.  The table holds what has come since the last compaction only.
-- squawk-ignore adding-required-field
alter table classifier.evidence_frame add column tick_ms bigint not null default 0;
alter table classifier.evidence_frame add column day int;
alter table classifier.evidence_frame no force row level security;
alter table classifier.evidence_span no force row level security;
update classifier.evidence_frame as f set day = (
    select max(s.day) from classifier.evidence_span as s
    where (s.tenant_id, s.partition, s.rev, s.part) = (f.tenant_id, f.partition, f.rev, f.part)
);
alter table classifier.evidence_frame force row level security;
alter table classifier.evidence_span force row level security;
-- squawk-ignore adding-not-nullable-field
alter table classifier.evidence_frame alter column day set not null;
create index evidence_frame_waiting on classifier.evidence_frame (partition, day, tenant_id, rev, part);
-- For its foreign key, when a frame goes: spans of one frame lie side by side.
create index evidence_span_frame on classifier.evidence_span (tenant_id, partition, rev, part);

-- 2. Chunks ----------------------------------------------------------------------------------------------------------------
-- Fixes of one device and NZ day (`shared.contracts.chunk`), each with the revision under which it came, so that those a
-- revision r was computed from can still be told.  `rev` is the revision of the transaction that wrote the chunk: never
-- used again, so a chunk that was listed and is gone has been merged into another.  A device-day may have several.
create table classifier.fix_chunk (
    tenant_id uuid not null,
    device_id text not null,
    day int not null,
    rev bigint not null constraint fix_chunk_rev_check check (rev > 0),
    partition int not null constraint fix_chunk_partition_check check (partition >= 0),
    rows int not null constraint fix_chunk_rows_check check (rows > 0),
    first_ms bigint not null,
    last_ms bigint not null,
    chunk bytea not null,
    constraint fix_chunk_pkey primary key (tenant_id, device_id, day, rev),
    constraint fix_chunk_order_check check (first_ms <= last_ms)
) partition by range (day);
-- Chunks are compressed already.
alter table classifier.fix_chunk alter column chunk set storage external;
alter table classifier.fix_chunk enable row level security;
alter table classifier.fix_chunk force row level security;
create policy fix_chunk_tenant on classifier.fix_chunk for select to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy fix_chunk_worker on classifier.fix_chunk for select to rucor_classifier_worker using (true);
create policy fix_chunk_owner on classifier.fix_chunk to rucor_classifier_owner using (true) with check (true);
create policy evidence_frame_owner on classifier.evidence_frame to rucor_classifier_owner using (true);
create policy evidence_span_owner on classifier.evidence_span to rucor_classifier_owner using (true);
grant select on classifier.fix_chunk to rucor_classifier_api, rucor_classifier_worker;

-- Which device-days have fixes, wherever they are kept, some of them several times; with the rights of whoever asks.
create view classifier.evidence_day with (security_invoker = true) as
select tenant_id, device_id, day, partition from classifier.evidence_span
union all
select tenant_id, device_id, day, partition from classifier.fix_chunk;
grant select on classifier.evidence_day to rucor_classifier_api, rucor_classifier_worker;

-- The only way in which evidence is ever taken away by the worker: frames and chunks in exchange for chunks with exactly as
-- many fixes.  Frames go whole, with all their spans.
create function classifier.compact(
    f_tenant uuid[], f_partition int[], f_rev bigint[], f_part int[],
    o_tenant uuid[], o_device text[], o_day int[], o_rev bigint[],
    n_tenant uuid[], n_device text[], n_day int[], n_rev bigint[], n_partition int[],
    n_rows int[], n_first_ms bigint[], n_last_ms bigint[], n_chunk bytea[]
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    taken bigint;
    taken_rows bigint;
    merged bigint;
    merged_rows bigint;
    given_rows bigint;
begin
    delete from classifier.evidence_span as s
    using unnest(f_tenant, f_partition, f_rev, f_part) as w (tenant_id, partition, rev, part)
    where (s.tenant_id, s.partition, s.rev, s.part) = (w.tenant_id, w.partition, w.rev, w.part);
    with gone as (
        delete from classifier.evidence_frame as f
        using unnest(f_tenant, f_partition, f_rev, f_part) as w (tenant_id, partition, rev, part)
        where (f.tenant_id, f.partition, f.rev, f.part) = (w.tenant_id, w.partition, w.rev, w.part)
        returning f.rows
    )
    select count(*), coalesce(sum(gone.rows), 0) into taken, taken_rows from gone;
    with gone as (
        delete from classifier.fix_chunk as c
        using unnest(o_tenant, o_device, o_day, o_rev) as w (tenant_id, device_id, day, rev)
        where (c.tenant_id, c.device_id, c.day, c.rev) = (w.tenant_id, w.device_id, w.day, w.rev)
        returning c.rows
    )
    select count(*), coalesce(sum(gone.rows), 0) into merged, merged_rows from gone;
    with come as (
        insert into classifier.fix_chunk
            (tenant_id, device_id, day, rev, partition, rows, first_ms, last_ms, chunk)
        select * from unnest(
            n_tenant, n_device, n_day, n_rev, n_partition, n_rows, n_first_ms, n_last_ms, n_chunk)
        returning rows
    )
    select coalesce(sum(come.rows), 0) into given_rows from come;
    if taken <> cardinality(f_rev) or merged <> cardinality(o_rev) or given_rows <> taken_rows + merged_rows then
        raise exception 'compaction takes % frames of % and % chunks of %, % fixes for %',
            taken, cardinality(f_rev), merged, cardinality(o_rev), taken_rows + merged_rows, given_rows
            using errcode = 'restrict_violation';
    end if;
end $$;
revoke all on function classifier.compact from public;
grant execute on function classifier.compact to rucor_classifier_worker;

-- 3. Months ----------------------------------------------------------------------------------------------------------------
-- One partition a calendar month, made ahead by this function, for the worker makes no tables.  There is no default
-- partition: a chunk without its month is a fault that shows.
create function classifier.make_chunk_month(p_day int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    day date := date '1970-01-01' + p_day;
    month date := day - (extract(day from day)::int - 1);
    name text := 'fix_chunk_' || to_char(month, 'YYYY_MM');
begin
    if day < '2000-01-01' or day >= '2100-01-01' then
        raise exception 'no month is kept for day %', p_day using errcode = 'datetime_field_overflow';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rucor.classifier.fix_chunk', 0));
    if to_regclass('classifier.' || name) is not null then
        return;
    end if;
    -- attached, not made in place: that would lock readers out
    execute format('create table classifier.%I (like classifier.fix_chunk including all)', name);
    execute format('alter table classifier.%I enable row level security', name);
    execute format('alter table classifier.%I force row level security', name);
    execute format(
        'alter table classifier.fix_chunk attach partition classifier.%I for values from (%s) to (%s)',
        name, month - date '1970-01-01', (month + interval '1 month')::date - date '1970-01-01'
    );
end $$;
revoke all on function classifier.make_chunk_month from public;
grant execute on function classifier.make_chunk_month to rucor_classifier_worker;

-- Where each month lies.
create view classifier.chunk_month as
select to_date(right(c.relname, 7), 'YYYY_MM') as month, c.oid as relid
from pg_catalog.pg_inherits as i join pg_catalog.pg_class as c on c.oid = i.inhrelid
where i.inhparent = 'classifier.fix_chunk'::regclass;
grant select on classifier.chunk_month to rucor_classifier_worker;

-- 4. Retention (rule RE1) --------------------------------------------------------------------------------------------------
-- Why fixes of these days must stay: an open audit, a dispute, a request of the Agency.  Days are days since 1970-01-01.
create table classifier.retention_hold (
    tenant_id uuid not null,
    id uuid not null,
    from_day int not null,
    to_day int not null,
    reason text not null constraint retention_hold_reason_check check (reason <> ''),
    opened_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint retention_hold_pkey primary key (tenant_id, id),
    constraint retention_hold_order_check check (from_day <= to_day)
);
alter table classifier.retention_hold enable row level security;
alter table classifier.retention_hold force row level security;
create policy retention_hold_tenant on classifier.retention_hold for select to rucor_classifier_api
    using (tenant_id = nullif(current_setting('rucor.tenant', true), '')::uuid);
create policy retention_hold_worker on classifier.retention_hold to rucor_classifier_worker using (true) with check (true);
create policy retention_hold_owner on classifier.retention_hold for select to rucor_classifier_owner using (true);
grant select on classifier.retention_hold to rucor_classifier_api;
grant select, insert, update (closed_at) on classifier.retention_hold to rucor_classifier_worker;

-- What rule RE1 says of a month on a day: 'young', 'held' or 'over'.  A fix belongs to a licence issued on its day or before;
-- the licence is applied for within two years of its issue, and records are held for two years after that: four years after
-- the month's last day nothing can need it but a hold.  A month has all tenants' fixes: one tenant's hold keeps it whole.
-- A day in the future does not count: who asks may have a wrong clock.
create function classifier.retention_of(p_month date, p_today date) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when least(p_today, (now() at time zone 'UTC')::date)
            <= ((p_month + interval '1 month')::date - 1 + interval '4 years')::date then 'young'
        when exists (
            select from classifier.retention_hold as h
            where h.closed_at is null and h.from_day < (p_month + interval '1 month')::date - date '1970-01-01'
                and h.to_day >= p_month - date '1970-01-01'
        ) then 'held'
        else 'over'
    end
$$;
revoke all on function classifier.retention_of from public;
grant execute on function classifier.retention_of to rucor_classifier_worker;

create function classifier.drop_chunk_month(p_month date, p_today date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    name text := 'fix_chunk_' || to_char(p_month, 'YYYY_MM');
    verdict text;
begin
    if extract(day from p_month) <> 1 then
        raise exception '% is not the first day of a month', p_month using errcode = 'datetime_field_overflow';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('rucor.classifier.fix_chunk', 0));
    lock table classifier.retention_hold in share mode;  -- a hold that is being opened is waited for
    verdict := classifier.retention_of(p_month, p_today);
    if verdict <> 'over' then
        raise exception 'rule RE1 keeps % on %: it is %', to_char(p_month, 'YYYY-MM'), p_today, verdict
            using errcode = 'restrict_violation', constraint = 'retention_keeps';
    end if;
    execute format('drop table if exists classifier.%I', name);  -- another process may have been quicker
end $$;
revoke all on function classifier.drop_chunk_month from public;
grant execute on function classifier.drop_chunk_month to rucor_classifier_worker;
