-- Rule RE1: what claims holds may be told a moment before a month goes.  So none goes unless claims has said, minutes ago, that it has
-- told everything: while that is not known, everything is kept.
create table classifier.claims_told (
    only_row boolean constraint claims_told_pkey primary key default true constraint claims_told_only_row_check check (only_row),
    told_at timestamptz not null
);
grant select, insert, update on classifier.claims_told to rucor_classifier_api;
grant select on classifier.claims_told to rucor_classifier_worker;

-- 'young', 'held', 'unknown' (what claims holds is not known at this moment) or 'over'.
create or replace function classifier.retention_of(p_month date, p_today date) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case
        when least(p_today, (now() at time zone 'UTC')::date)
            <= ((p_month + interval '1 month')::date - 1 + interval '4 years')::date then 'young'
        when exists (
            select from classifier.retention_hold as h
            where h.closed_at is null and h.from_day < (p_month + interval '1 month')::date - date '1970-01-01'
                and h.to_day >= p_month - date '1970-01-01'
        ) then 'held'
        when not exists (select from classifier.claims_told as t where t.told_at > now() - interval '15 minutes') then 'unknown'
        else 'over'
    end
$$;
