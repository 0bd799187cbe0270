-- Rule RE1: refused rows are personal data too, and are kept as long as fixes: four years after they came, longer where the tenant
-- has a hold or an open audit, of which claims knows.  This function is the only way in which they go, and it has the rule.

create policy quarantine_owner on ingest.quarantine to rucor_ingest_owner using (true);
create index quarantine_by_time on ingest.quarantine (received_at);

-- `p_kept`: tenants of which everything is kept.  How many rows went, or (`p_dry`) would go.
create function ingest.purge_quarantine(p_kept uuid[], p_limit int, p_dry boolean) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp as $$
    with past as (
        select q.ctid from ingest.quarantine q
        where q.received_at < now() - interval '4 years' - interval '1 day' and q.tenant_id <> all(p_kept) limit p_limit
    ), gone as (
        delete from ingest.quarantine q using past where q.ctid = past.ctid and not p_dry returning 1
    )
    select case when p_dry then (select count(*) from past) else (select count(*) from gone) end
$$;
revoke all on function ingest.purge_quarantine from public;
grant execute on function ingest.purge_quarantine to rucor_ingest_worker;
