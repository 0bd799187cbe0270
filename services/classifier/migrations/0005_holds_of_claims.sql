-- Claims tell which days an audit or a legal hold keeps (rules PA4, RE1), through the API's role: of one tenant at a time.

create policy retention_hold_open on classifier.retention_hold for insert to rucor_classifier_api
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy retention_hold_close on classifier.retention_hold for update to rucor_classifier_api
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
grant insert, update (closed_at) on classifier.retention_hold to rucor_classifier_api;
