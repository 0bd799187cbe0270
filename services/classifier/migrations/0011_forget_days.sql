-- Rule RE2: claims tells which days of a device nothing holds any more; their fixes go.  How many device-days of fixes are left:
-- those of a day that a hold here keeps, and those in a frame that has other days too, until it is compacted.
create function classifier.forget_days(p_tenant uuid, p_device text, p_from int, p_to int) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    days_left bigint;
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'forget_days works on the tenant of its transaction' using errcode = 'insufficient_privilege';
    end if;
    lock table classifier.retention_hold in share mode;  -- a hold that is being opened is waited for
    delete from classifier.fix_chunk c
    where c.tenant_id = p_tenant and c.device_id = p_device and c.day between p_from and p_to and not exists (
        select from classifier.retention_hold h
        where h.tenant_id = p_tenant and h.closed_at is null and c.day between h.from_day and h.to_day);
    with whole as materialized (
        select f.partition, f.rev, f.part from classifier.evidence_frame f
        where f.tenant_id = p_tenant and exists (
            select from classifier.evidence_span s
            where (s.tenant_id, s.partition, s.rev, s.part) = (f.tenant_id, f.partition, f.rev, f.part)
                and s.device_id = p_device and s.day between p_from and p_to)
        and not exists (
            select from classifier.evidence_span s
            where (s.tenant_id, s.partition, s.rev, s.part) = (f.tenant_id, f.partition, f.rev, f.part)
                and (s.device_id <> p_device or s.day not between p_from and p_to or exists (
                    select from classifier.retention_hold h
                    where h.tenant_id = p_tenant and h.closed_at is null and s.day between h.from_day and h.to_day)))
    ), spans as (
        delete from classifier.evidence_span s using whole w
        where s.tenant_id = p_tenant and (s.partition, s.rev, s.part) = (w.partition, w.rev, w.part)
    )
    delete from classifier.evidence_frame f using whole w
    where f.tenant_id = p_tenant and (f.partition, f.rev, f.part) = (w.partition, w.rev, w.part);
    select count(distinct e.day) into days_left from classifier.evidence_day e
    where e.tenant_id = p_tenant and e.device_id = p_device and e.day between p_from and p_to;
    return days_left;
end $$;
revoke all on function classifier.forget_days from public;
grant execute on function classifier.forget_days to rucor_classifier_api;
