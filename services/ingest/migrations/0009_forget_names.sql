-- Rule RE2: a name that claims has put away goes from who gave and took back consents (rule PA3), which no licence needs.
create policy to_put_away on ingest.provider_consent for update to rucor_ingest_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));

create function ingest.forget_name(p_tenant uuid, p_name text, p_put_away text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'forget_name works on the tenant of its transaction' using errcode = 'insufficient_privilege';
    end if;
    update ingest.provider_consent c set
        granted_by = case when c.granted_by = p_name then p_put_away else c.granted_by end,
        revoked_by = case when c.revoked_by = p_name then p_put_away else c.revoked_by end
    where c.tenant_id = p_tenant and p_name in (c.granted_by, c.revoked_by);
end $$;
revoke all on function ingest.forget_name from public;
grant execute on function ingest.forget_name to rucor_ingest_worker;
