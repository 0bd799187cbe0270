-- Rule CL7: vehicles whose register an import moved and whose claims are still to be held against their statements.  The import does
-- that itself at its end and takes the row out; should it die before, the worker does.
create table claims.review_due (
    tenant_id uuid not null,
    vehicle_id uuid not null,
    due_at timestamptz not null,  -- also the lease
    constraint review_due_pk primary key (tenant_id, vehicle_id),
    constraint review_due_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle
);
create index review_due_next on claims.review_due (due_at);
alter table claims.review_due enable row level security;
alter table claims.review_due force row level security;
create policy of_this_tenant on claims.review_due to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.review_due to rucor_claims_worker using (true) with check (true);
grant select, insert, delete on claims.review_due to rucor_claims_api;
grant select, update (due_at) on claims.review_due to rucor_claims_worker;
