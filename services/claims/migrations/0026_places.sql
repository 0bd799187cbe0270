-- Where off-road metres lie, in words (rule DI6): names only, beside the ledger; no metre and no hash depends on them.  They go with
-- the device-day that they speak of (rule RE1).

-- One row a device-day: the millimetres of its off-road segments by place and basis.  It speaks for the revision whose content has
-- this hash, and for no other.
create table claims.day_place (
    tenant_id uuid not null,
    device text not null,
    day int not null,
    hash bytea not null,
    places bytea not null,  -- [(kind, place, basis, mm)], MessagePack
    constraint day_place_pk primary key (tenant_id, device, day),
    constraint day_place_day_fk foreign key (tenant_id, device, day) references claims.device_day on delete cascade
);

-- Device-days whose places are to be asked for; gone once they are named.
create table claims.place_due (
    tenant_id uuid not null,
    device text not null,
    day int not null,
    due_at timestamptz not null default now(),  -- also the lease: a worker moves it ahead before it asks
    constraint place_due_pk primary key (tenant_id, device, day),
    constraint place_due_day_fk foreign key (tenant_id, device, day) references claims.device_day on delete cascade
);
create index place_due_next on claims.place_due (due_at);

do $$
declare
    name text;
begin
    foreach name in array array['day_place', 'place_due']
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

grant select on claims.day_place, claims.place_due to rucor_claims_api;
grant select, insert, update, delete on claims.day_place, claims.place_due to rucor_claims_worker;
