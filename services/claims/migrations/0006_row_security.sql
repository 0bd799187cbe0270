-- Design G6: a tenant never sees another's rows, even where a query forgets its WHERE.  The API role sees the tenant of its transaction and,
-- without one, nothing; the worker role spans tenants.  The owner, which runs the SECURITY DEFINER functions, is bound like the API role.

do $$
declare
    name text;
begin
    foreach name in array array[
        'tenant', 'idempotency', 'claimant', 'vehicle', 'vehicle_plate', 'vehicle_ending', 'device_assignment', 'coupling', 'recorder',
        'reading', 'licence', 'waiver', 'device_day', 'device_day_history', 'hold', 'claim_preview', 'claim', 'claim_line', 'claim_line_day',
        'claimed_outside', 'lodged_licence', 'snapshot', 'document', 'render_job']
    loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api, rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
    end loop;
end $$;
