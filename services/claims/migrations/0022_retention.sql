-- Rule RE1: until when the records of each licence are held, and what may go when they are not.  All by the database's clock and
-- New Zealand's days: who asks may have a wrong clock.  Days are days since 1970-01-01.

-- 1. Holds -----------------------------------------------------------------------------------------------------------------
-- Why records must stay longer, beside audits.  legal: a dispute, a request of the Agency.  needed: opened and released by the service
-- itself, so that the classifier, which keeps every fix for four years, keeps longer what rule RE1 holds longer: where an application
-- was late or a disclosure is open.  `told_…`: the classifier has been told.
create table claims.retention_hold (
    tenant_id uuid not null constraint retention_hold_tenant_fk references claims.tenant,
    id uuid not null,
    kind text not null constraint retention_hold_kind_known check (kind in ('legal', 'needed')),
    licence_id uuid,  -- null: everything of the tenant
    from_day int not null,
    to_day int not null,
    reason text not null constraint retention_hold_reason_given check (reason <> ''),
    actor text not null constraint retention_hold_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    released_at timestamptz,
    released_by text not null default '',
    released_reason text not null default '',
    told_at timestamptz,
    told_released_at timestamptz,
    constraint retention_hold_pk primary key (tenant_id, id),
    constraint retention_hold_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint retention_hold_order check (from_day <= to_day),
    constraint retention_hold_released_whole check ((released_at is null) = (released_by = ''))
);
create unique index retention_hold_needed_once on claims.retention_hold (tenant_id, licence_id)
    where kind = 'needed' and released_at is null;
create index retention_hold_to_tell on claims.retention_hold (created_at)
    where told_at is null or (released_at is not null and told_released_at is null);
alter table claims.retention_hold enable row level security;
alter table claims.retention_hold force row level security;
create policy of_this_tenant on claims.retention_hold to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.retention_hold to rucor_claims_worker using (true) with check (true);
grant select, insert, update (released_at, released_by, released_reason) on claims.retention_hold to rucor_claims_api;
grant select, insert, update (released_at, released_by, released_reason, told_at, told_released_at)
    on claims.retention_hold to rucor_claims_worker;

-- 2. Until when --------------------------------------------------------------------------------------------------------------
create function claims.nz_today() returns date language sql stable set search_path = pg_catalog, pg_temp as $$
    select (now() at time zone 'Pacific/Auckland')::date
$$;

-- The last day of two years: for 29 February the later one, since records are held rather too long than too short.
create function claims.two_years_after(p_day date) returns date
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select (p_day + interval '2 years')::date + (to_char(p_day, 'MMDD') = '0229')::int
$$;

-- Every licence: records of `from_day` to `to_day` (null: no end is known) are held until the end of `held_until`; null while
-- something open holds them.  An application is what was sent or lodged; one that was withdrawn unsent is none.
create view claims.licence_retention with (security_invoker = true) as
select l.tenant_id, l.id as licence_id, l.vehicle_id, l.recorder_id, l.claimant_id, issued.on_day as issued_on, applied.on_day as applied_on,
    case when held.by is null then claims.two_years_after(greatest(issued.on_day, applied.on_day)) end as held_until,
    coalesce(held.by, case when applied.on_day > issued.on_day then 'application' else 'issue' end) as held_by,
    least(issued.on_day, r.first_on) - date '1970-01-01' as from_day,
    r.last_on - date '1970-01-01' as to_day
from claims.licence l
cross join lateral (select (l.issued_at at time zone 'Pacific/Auckland')::date as on_day) issued
cross join lateral (
    select greatest(
        (select max(greatest(c.lodged_on, s.on_day)) from claims.claim_line cl
            join claims.claim c on c.tenant_id = cl.tenant_id and c.id = cl.claim_id
            left join claims.claim_step s on s.tenant_id = c.tenant_id and s.claim_id = c.id and s.kind in ('sent', 'received', 'returned')
            where cl.tenant_id = l.tenant_id and cl.licence_id = l.id and (c.state <> 'withdrawn' or s.id is not null)),
        (select max(o.claimed_on) from claims.claimed_outside o where o.tenant_id = l.tenant_id and o.licence_id = l.id),
        (select max(s.on_day) from claims.application a
            join claims.application_step s on s.tenant_id = a.tenant_id and s.application_id = a.id and s.kind in ('sent', 'received')
            where a.tenant_id = l.tenant_id and a.vehicle_id = l.vehicle_id and coalesce(a.licence_id, l.id) = l.id)
    ) as on_day
) applied
cross join lateral (
    select case
        when exists (select from claims.audit_hold h
            where h.tenant_id = l.tenant_id and h.licence_id = l.id and h.released_at is null) then 'audit'
        when exists (select from claims.retention_hold h where h.tenant_id = l.tenant_id and h.kind = 'legal'
            and coalesce(h.licence_id, l.id) = l.id and h.released_at is null) then 'hold'
        when exists (select from claims.disclosure d
            where d.tenant_id = l.tenant_id and d.licence_id = l.id and d.closed_on is null) then 'disclosure'
    end as by
) held
-- The readings round its range, as the statement takes them: the first at its start, else the last below, else the first of all; and
-- the first at or beyond its end.  A recorder that rolls over: all.
cross join lateral (
    select (coalesce(
            min(g.at) filter (where g.value = l.start_reading and c.rollover_at is null),
            max(g.at) filter (where g.value < l.start_reading and c.rollover_at is null),
            min(g.at)) at time zone 'Pacific/Auckland')::date as first_on,
        (min(g.at) filter (where g.value >= l.end_reading and c.rollover_at is null) at time zone 'Pacific/Auckland')::date as last_on
    from claims.recorder c
    left join claims.reading g on g.tenant_id = c.tenant_id and g.recorder_id = c.id
    where c.tenant_id = l.tenant_id and c.id = l.recorder_id
) r;
grant select on claims.licence_retention to rucor_claims_api, rucor_claims_worker;

-- Licences whose records are held today, with their days.
create view claims.held_licence with (security_invoker = true) as
select * from claims.licence_retention where held_until is null or held_until >= claims.nz_today();
grant select on claims.held_licence to rucor_claims_worker;

-- Device-days that they need: of the devices on their vehicle, or on what tows it (rule VE1), and exactly those a claim stands on.
create view claims.held_day with (security_invoker = true) as
select r.tenant_id, a.device,
    greatest(r.from_day, coalesce((lower(a.period) at time zone 'Pacific/Auckland')::date - date '1970-01-01', r.from_day)) - 1 as from_day,
    least(coalesce(r.to_day, 2147483000), coalesce((upper(a.period) at time zone 'Pacific/Auckland')::date - date '1970-01-01', 2147483000))
        + 1 as to_day
from claims.held_licence r
join claims.device_assignment a on a.tenant_id = r.tenant_id and (a.vehicle_id = r.vehicle_id or a.vehicle_id in (
    select c.vehicle_id from claims.coupling c where c.tenant_id = r.tenant_id and c.trailer_id = r.vehicle_id))
union all
select d.tenant_id, d.device, d.day, d.day
from claims.held_licence r
join claims.claim_line_day d on d.tenant_id = r.tenant_id and d.licence_id = r.licence_id;

-- What else they need, thing by thing.
create view claims.held_thing with (security_invoker = true) as
select r.tenant_id, 'licence' as what, r.licence_id as id from claims.held_licence r
union select r.tenant_id, 'vehicle', r.vehicle_id from claims.held_licence r
union select r.tenant_id, 'vehicle', c.vehicle_id from claims.held_licence r
    join claims.coupling c on c.tenant_id = r.tenant_id and c.trailer_id = r.vehicle_id
union select r.tenant_id, 'recorder', c.id from claims.held_licence r
    join claims.recorder c on c.tenant_id = r.tenant_id and c.vehicle_id = r.vehicle_id
union select r.tenant_id, 'claimant', r.claimant_id from claims.held_licence r
union select r.tenant_id, 'claim', l.claim_id from claims.held_licence r
    join claims.claim_line l on l.tenant_id = r.tenant_id and l.licence_id = r.licence_id
union select r.tenant_id, 'audit_case', l.case_id from claims.held_licence r
    join claims.audit_case_line l on l.tenant_id = r.tenant_id and l.licence_id = r.licence_id
union select r.tenant_id, 'application', a.id from claims.held_licence r
    join claims.application a on a.tenant_id = r.tenant_id and a.vehicle_id = r.vehicle_id
        and coalesce(a.licence_id, r.licence_id) = r.licence_id;

-- 3. Purging what no hold covers, of a tenant that stays --------------------------------------------------------------------------
-- A file whose bytes are gone keeps its name and hash.
alter table claims.attachment add column purged_at timestamptz;
-- squawk-ignore require-concurrent-index-deletion
drop index claims.attachment_by_key;
create index attachment_by_key on claims.attachment (substring(sealed, 2, 4)) where purged_at is null;

-- Which attachments something still needs: referenced by a row about a held thing.
create view claims.held_attachment with (security_invoker = true) as
select g.tenant_id, g.attachment_id as id from claims.reading g
    join claims.held_thing h on h.tenant_id = g.tenant_id and h.what = 'recorder' and h.id = g.recorder_id
union select e.tenant_id, e.attachment_id from claims.log_entry e
    join claims.held_thing h on h.tenant_id = e.tenant_id and h.what = 'licence' and h.id = e.licence_id
union select s.tenant_id, s.attachment_id from claims.claim_step s
    join claims.held_thing h on h.tenant_id = s.tenant_id and h.what = 'claim' and h.id = s.claim_id
union select s.tenant_id, s.attachment_id from claims.application_step s
    join claims.held_thing h on h.tenant_id = s.tenant_id and h.what = 'application' and h.id = s.application_id
union select e.tenant_id, e.attachment_id from claims.audit_event e
    join claims.held_thing h on h.tenant_id = e.tenant_id and h.what = 'audit_case' and h.id = e.case_id;

-- One table of one tenant, at most `p_limit` rows; how many went, or would go.  The only way in which these rows ever go while the
-- tenant stays, and the rule is here, not with the caller.  A licence may be typed in until two years after its issue: so long every
-- device-day stays.
create function claims.purge(p_tenant uuid, p_table text, p_limit int, p_dry boolean) returns bigint
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
    elsif p_table in ('snapshot', 'document', 'render_job') then
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
revoke all on function claims.purge from public;
grant execute on function claims.purge to rucor_claims_worker;

-- Expired previews, and the revisions that only they named (no claim stands on them, and no preview is left that may).
grant update (named) on claims.device_day to rucor_claims_worker;
grant select on claims.claimed_outside, claims.claim_step, claims.disclosure, claims.reading, claims.recorder, claims.application,
    claims.application_step, claims.device_assignment, claims.coupling, claims.vehicle to rucor_claims_worker;
