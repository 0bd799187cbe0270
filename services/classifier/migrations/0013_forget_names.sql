-- Rule RE2: claims tells which names it has put away; they go from the rulings that no held licence and no hold here needs any more.  A ruling
-- itself never changes: what it decides, and the name of the set that it belongs to (design G5), have no author in them.
do $$
declare
    name text;
begin
    foreach name in array array['land_version', 'exclusion_version', 'idempotency'] loop
        execute format('create policy to_put_away on classifier.%I for update to rucor_classifier_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
    end loop;
end $$;

-- As claims.word_pattern: a name of one word is put away where it is all that was written.
create function classifier.word_pattern(p_name text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when p_name ~ '[\s@]' then '(?i)(?<![[:alnum:]])' || said.pattern || '(?![[:alnum:]])' else '^' || said.pattern || '$' end
    from (select regexp_replace(regexp_replace(p_name, '([^[:alnum:]\s])', '\\\1', 'g'), '\s+', '\\s+', 'g') as pattern) said
$$;
revoke all on function classifier.word_pattern from public;

-- `p_from`, `p_to`: NZ days that stay as they are, besides those of holds that stand here.  How many versions still have the name.
create function classifier.forget_name(p_tenant uuid, p_name text, p_put_away text, p_from int[], p_to int[]) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    pattern text := classifier.word_pattern(p_name);
    first_days int[];
    last_days int[];
    still bigint;
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'forget_name works on the tenant of its transaction' using errcode = 'insufficient_privilege';
    end if;
    lock table classifier.retention_hold in share mode;  -- a hold that is being opened is waited for
    select p_from || coalesce(array_agg(h.from_day), '{}'), p_to || coalesce(array_agg(h.to_day), '{}') into first_days, last_days
    from classifier.retention_hold h where h.tenant_id = p_tenant and h.closed_at is null;
    update classifier.land_version v set
        actor = case when v.actor = p_name then p_put_away else v.actor end,
        -- over a public road a reason has its least length (rule SU7)
        reason = case when v.reason ~ pattern then rpad(regexp_replace(v.reason, pattern, p_put_away, 'g'),
            greatest(length(regexp_replace(v.reason, pattern, p_put_away, 'g')), case when v.over_public then 20 else 0 end), '.') else v.reason end,
        change_reason = regexp_replace(v.change_reason, pattern, p_put_away, 'g')
    where v.tenant_id = p_tenant and (v.actor = p_name or v.reason ~ pattern or v.change_reason ~ pattern) and not exists (
        select from unnest(first_days, last_days) as k (from_day, to_day) where v.first_day <= k.to_day and v.last_day >= k.from_day);
    -- an NZ day begins up to thirteen hours before the day of UTC
    update classifier.exclusion_version v set
        actor = case when v.actor = p_name then p_put_away else v.actor end,
        reason = regexp_replace(v.reason, pattern, p_put_away, 'g'),
        change_reason = regexp_replace(v.change_reason, pattern, p_put_away, 'g')
    where v.tenant_id = p_tenant and (v.actor = p_name or v.reason ~ pattern or v.change_reason ~ pattern) and not exists (
        select from unnest(first_days, last_days) as k (from_day, to_day)
        where v.from_ms / 86400000 <= k.to_day and v.to_ms / 86400000 + 1 >= k.from_day);
    update classifier.idempotency i set body = ''::bytea
    where i.tenant_id = p_tenant and position(convert_to(to_json(p_name)::text, 'UTF8') in i.body) > 0;
    select (select count(*) from classifier.land_version v
            where v.tenant_id = p_tenant and (v.actor = p_name or v.reason ~ pattern or v.change_reason ~ pattern))
        + (select count(*) from classifier.exclusion_version v
            where v.tenant_id = p_tenant and (v.actor = p_name or v.reason ~ pattern or v.change_reason ~ pattern))
    into still;
    return still;
end $$;
revoke all on function classifier.forget_name from public;
grant execute on function classifier.forget_name to rucor_classifier_api;
