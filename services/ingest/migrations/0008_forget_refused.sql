-- Rule RE2: refused rows of a device that came on days which claims has let go of, at most `p_limit`; how many went, or (`p_dry`) would go.
create function ingest.forget_refused(p_tenant uuid, p_device text, p_from int, p_to int, p_limit int, p_dry boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    went bigint;
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'forget_refused works on the tenant of its transaction' using errcode = 'insufficient_privilege';
    end if;
    with past as (
        select q.ctid from ingest.quarantine q
        where q.tenant_id = p_tenant and q.device_id = p_device
            and q.received_at >= (date '1970-01-01' + p_from)::timestamp at time zone 'Pacific/Auckland'
            and q.received_at < (date '1970-01-01' + p_to + 1)::timestamp at time zone 'Pacific/Auckland'
        limit p_limit
    ), gone as (
        delete from ingest.quarantine q using past where q.ctid = past.ctid and not p_dry returning 1
    )
    select case when p_dry then (select count(*) from past) else (select count(*) from gone) end into went;
    return went;
end $$;
revoke all on function ingest.forget_refused from public;
grant execute on function ingest.forget_refused to rucor_ingest_worker;
