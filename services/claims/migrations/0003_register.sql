-- The register: who pays, what drives, what measures (rules PA, VE, LI).  Every key and foreign key carries the tenant.
-- Periods are half-open, [from, to); an open end is "still so".

create table claims.claimant (
    tenant_id uuid not null constraint claimant_tenant_fk references claims.tenant,
    id uuid not null,
    ref text,
    name text not null constraint claimant_name_given check (name <> ''),
    name_key text not null,
    customer_number text not null constraint claimant_customer_number_form check (customer_number ~ '^([0-9]{9,10})?$'),
    first_claim boolean not null,
    bank_sealed bytea,  -- AES-GCM, opened only for the form (rule RE3)
    bank_tail text not null,
    bank_account_name text not null,
    address text not null,
    phone text not null,
    email text not null,
    contact_person text not null,
    default_reason_code int constraint claimant_reason_code_range check (default_reason_code between 1 and 18),
    default_travel_description text not null,
    created_at timestamptz not null default now(),
    constraint claimant_pk primary key (tenant_id, id),
    constraint claimant_ref_unique unique (tenant_id, ref),
    constraint claimant_name_unique unique (tenant_id, name_key)
);

create table claims.vehicle (
    tenant_id uuid not null constraint vehicle_tenant_fk references claims.tenant,
    id uuid not null,
    ref text,
    description text not null,
    powered boolean not null,
    ruc_type text not null,
    gross_kg int constraint vehicle_gross_positive check (gross_kg > 0),
    exempt boolean not null,
    exempt_reason text not null,
    created_at timestamptz not null default now(),
    constraint vehicle_pk primary key (tenant_id, id),
    constraint vehicle_ref_unique unique (tenant_id, ref)
);

create table claims.vehicle_plate (
    tenant_id uuid not null,
    id uuid not null,
    vehicle_id uuid not null,
    plate text not null constraint plate_form check (plate ~ '^[A-Z0-9]{1,6}$'),
    period tstzrange not null constraint plate_period_some check (not isempty(period)),
    constraint vehicle_plate_pk primary key (tenant_id, id),
    constraint vehicle_plate_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint plate_on_one_vehicle exclude using gist (tenant_id with =, plate with =, period with &&),
    constraint vehicle_has_one_plate exclude using gist (tenant_id with =, vehicle_id with =, period with &&)
);

create table claims.device_assignment (
    tenant_id uuid not null,
    id uuid not null,
    ref text,
    device text not null constraint device_given check (device <> ''),
    vehicle_id uuid not null,
    period tstzrange not null constraint assignment_period_some check (not isempty(period)),
    is_primary boolean not null,
    gps_type text not null,
    created_at timestamptz not null default now(),
    constraint device_assignment_pk primary key (tenant_id, id),
    constraint device_assignment_ref_unique unique (tenant_id, ref),
    constraint device_assignment_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint device_on_one_vehicle exclude using gist (tenant_id with =, device with =, period with &&),
    constraint one_primary_device exclude using gist (tenant_id with =, vehicle_id with =, period with &&) where (is_primary)
);

create table claims.coupling (
    tenant_id uuid not null,
    id uuid not null,
    ref text,
    trailer_id uuid not null,
    vehicle_id uuid not null,
    period tstzrange not null constraint coupling_period_some check (not isempty(period)),
    created_at timestamptz not null default now(),
    constraint coupling_pk primary key (tenant_id, id),
    constraint coupling_ref_unique unique (tenant_id, ref),
    constraint coupling_trailer_fk foreign key (tenant_id, trailer_id) references claims.vehicle,
    constraint coupling_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint coupling_not_itself check (trailer_id <> vehicle_id),
    constraint trailer_behind_one_vehicle exclude using gist (tenant_id with =, trailer_id with =, period with &&)
);
create index coupling_by_vehicle on claims.coupling (tenant_id, vehicle_id);

create table claims.recorder (
    tenant_id uuid not null,
    id uuid not null,
    ref text,
    vehicle_id uuid not null,
    kind text not null constraint recorder_kind_known check (kind in ('odometer', 'hubodometer')),
    serial text not null,
    serial_key text not null,
    unit text not null constraint recorder_unit_known check (unit in ('km', 'mi')),
    period tstzrange not null constraint recorder_period_some check (not isempty(period)),
    rollover_at bigint constraint recorder_rollover_positive check (rollover_at > 0),
    created_at timestamptz not null default now(),
    constraint recorder_pk primary key (tenant_id, id),
    constraint recorder_ref_unique unique (tenant_id, ref),
    constraint recorder_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint recorder_serial_unique unique (tenant_id, vehicle_id, serial_key),
    constraint one_recorder_per_vehicle exclude using gist (tenant_id with =, vehicle_id with =, period with &&)
);

create table claims.reading (
    tenant_id uuid not null,
    id uuid not null,
    ref text,
    recorder_id uuid not null,
    at timestamptz not null,
    value bigint not null constraint reading_not_negative check (value >= 0),
    source text not null constraint reading_source_known
        check (source in ('person', 'inspection', 'photo', 'provider', 'licence_purchase')),
    note text not null,
    label text not null,
    created_at timestamptz not null default now(),
    constraint reading_pk primary key (tenant_id, id),
    constraint reading_ref_unique unique (tenant_id, ref),
    constraint reading_recorder_fk foreign key (tenant_id, recorder_id) references claims.recorder,
    constraint reading_once unique (tenant_id, recorder_id, at, source)
);

create table claims.licence (
    tenant_id uuid not null,
    id uuid not null,
    ref text,
    claimant_id uuid not null,
    vehicle_id uuid not null,
    recorder_id uuid not null,
    number text not null,
    number_key text not null constraint licence_number_given check (number_key <> ''),
    kind text not null constraint licence_kind_known check (kind in ('D', 'H', 'additional')),
    start_reading bigint not null constraint licence_start_not_negative check (start_reading >= 0),
    end_reading bigint not null,
    claimable_end_reading bigint not null,
    ended_by text constraint licence_ended_by_known
        check (ended_by in ('overlap', 'sale', 'deregistration', 'recorder_change')),
    -- (start, end] on the recorder; empty for additional licences, which never end another and are never claimable (LI1)
    claimable int8range not null generated always as (
        case when kind = 'additional' then 'empty'::int8range
        else int8range(start_reading, claimable_end_reading, '(]') end) stored,
    issued_at timestamptz not null,
    purchased_at timestamptz not null,
    units int constraint licence_units_positive check (units > 0),
    gross_cents bigint constraint licence_gross_not_negative check (gross_cents >= 0),
    credit_cents bigint not null constraint licence_credit_not_negative check (credit_cents >= 0),
    fee_cents bigint not null constraint licence_fee_not_negative check (fee_cents >= 0),
    ruc_type text,  -- as on the paper where it differs from the vehicle's
    gross_kg int constraint licence_gross_kg_positive check (gross_kg > 0),
    overlap boolean not null,
    created_at timestamptz not null default now(),
    constraint licence_pk primary key (tenant_id, id),
    constraint licence_ref_unique unique (tenant_id, ref),
    constraint licence_number_unique unique (tenant_id, number_key),
    constraint licence_claimant_fk foreign key (tenant_id, claimant_id) references claims.claimant,
    constraint licence_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint licence_recorder_fk foreign key (tenant_id, recorder_id) references claims.recorder,
    constraint licence_range_order check (start_reading < end_reading),
    constraint licence_claimable_inside check (claimable_end_reading between start_reading and end_reading),
    constraint licence_ranges_apart exclude using gist (tenant_id with =, recorder_id with =, claimable with &&)
);
create index licence_by_vehicle on claims.licence (tenant_id, vehicle_id);
create index licence_by_creation on claims.licence (tenant_id, created_at, id);

create table claims.waiver (
    tenant_id uuid not null,
    id uuid not null,
    rule text not null constraint waiver_rule_known check (rule in ('EL4', 'EL8')),
    licence_id uuid,
    claimant_id uuid,
    reason text not null constraint waiver_reason_given check (reason <> ''),
    actor text not null constraint waiver_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint waiver_pk primary key (tenant_id, id),
    constraint waiver_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint waiver_claimant_fk foreign key (tenant_id, claimant_id) references claims.claimant,
    constraint waiver_of_one_thing check (num_nonnulls(licence_id, claimant_id) = 1),
    constraint waiver_once unique nulls not distinct (tenant_id, rule, licence_id, claimant_id)
);

-- What ends every licence of a vehicle (rules LI2, EL5).
create table claims.vehicle_ending (
    tenant_id uuid not null,
    id uuid not null,
    vehicle_id uuid not null,
    kind text not null constraint ending_kind_known check (kind in ('sold', 'deregistered')),
    at timestamptz not null,
    recorder_id uuid not null,
    reading bigint not null constraint ending_reading_not_negative check (reading >= 0),
    reason text not null,
    actor text not null,
    created_at timestamptz not null default now(),
    constraint vehicle_ending_pk primary key (tenant_id, id),
    constraint vehicle_ending_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint vehicle_ending_recorder_fk foreign key (tenant_id, recorder_id) references claims.recorder,
    constraint vehicle_ending_once unique (tenant_id, vehicle_id)
);

grant select, insert on claims.vehicle_ending, claims.claimant, claims.vehicle, claims.vehicle_plate, claims.device_assignment, claims.coupling,
    claims.recorder, claims.reading, claims.licence, claims.waiver to rucor_claims_api;
-- `for update` on a row needs a column that may be updated: locks serialise what happens to one vehicle.
grant update (description) on claims.vehicle to rucor_claims_api;
grant update (period) on claims.vehicle_plate, claims.device_assignment, claims.coupling, claims.recorder to rucor_claims_api;
grant update (claimable_end_reading, ended_by) on claims.licence to rucor_claims_api;
