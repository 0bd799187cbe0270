-- The ledger stays in device space (design section 2): one current revision per device-day, its predecessors append-only.
-- No foreign key to tenant here: the stream may be ahead of the register.

create table claims.device_day (
    tenant_id uuid not null,
    device text not null,
    day int not null,
    rev bigint not null,
    settled boolean not null,
    named boolean not null default false,  -- a preview or a claim stands on this revision: it may never be lost
    hash bytea not null,
    summary bytea not null,  -- DeviceDay without segments, MessagePack
    segments bytea not null,  -- its segments; read only for days with a boundary inside
    constraint device_day_pk primary key (tenant_id, device, day)
);

create table claims.device_day_history (
    tenant_id uuid not null,
    device text not null,
    day int not null,
    rev bigint not null,
    settled boolean not null,
    named boolean not null,
    hash bytea not null,
    summary bytea not null,
    segments bytea not null,
    replaced_at timestamptz not null default now(),
    constraint device_day_history_pk primary key (tenant_id, device, day, rev)
);

create function claims.keep_replaced_day() returns trigger language plpgsql as $$
begin
    if new.rev <> old.rev and (old.settled or old.named) then
        insert into claims.device_day_history (tenant_id, device, day, rev, settled, named, hash, summary, segments)
        values (old.tenant_id, old.device, old.day, old.rev, old.settled, old.named, old.hash, old.summary, old.segments)
        on conflict on constraint device_day_history_pk do nothing;
    end if;
    return new;
end $$;
create trigger keep_replaced_day before update on claims.device_day
    for each row execute function claims.keep_replaced_day();

create table claims.hold (
    tenant_id uuid not null,
    device text not null,
    day int not null,
    kind text not null,
    open boolean not null,
    rev bigint not null,
    constraint hold_pk primary key (tenant_id, device, day, kind)
);

-- Of the partitions, not of a tenant: no row-level security, nothing but a clock in it.
create table claims.progress (
    partition int constraint progress_pk primary key,
    tick_ms bigint not null
);

grant select, update (named) on claims.device_day to rucor_claims_api;
grant select on claims.device_day_history, claims.hold, claims.progress to rucor_claims_api;
grant select, insert, update on claims.device_day, claims.hold, claims.progress to rucor_claims_worker;
grant select, insert on claims.device_day_history to rucor_claims_worker;
