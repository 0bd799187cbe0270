-- Policy data as operators changed it: rates, fees, reason codes, thresholds.  An edition is the exact text of its files, named by
-- their hash, which every claim names too (design G5); nothing here is ever edited or dropped.  It belongs to nobody's tenant.

create table claims.policy_edition (
    name text constraint policy_edition_pk primary key constraint policy_edition_name_known check (name ~ '^[0-9a-f]{16}$'),
    rates text not null,
    fees text not null,
    reason_codes text not null,
    rate_rises text not null,
    constants text not null,
    created_at timestamptz not null default now()
);

-- Which edition holds, one change after the other.  `follows` makes the history a line: of two changes to the same edition one fails.
create table claims.policy_change (
    seq bigint constraint policy_change_pk primary key,
    follows bigint not null constraint policy_change_once unique,
    edition text not null constraint policy_change_edition_fk references claims.policy_edition,
    shipped text not null constraint policy_change_shipped_fk references claims.policy_edition,  -- what the release brought then
    actor text not null constraint policy_change_actor_given check (actor <> ''),
    reason text not null constraint policy_change_reason_given check (reason <> ''),
    created_at timestamptz not null default now(),
    constraint policy_change_in_line check (seq = follows + 1)
);

grant select on claims.policy_edition, claims.policy_change to rucor_claims_api;
grant select, insert on claims.policy_edition, claims.policy_change to rucor_claims_worker;
-- Which rates are asked for and not known, over all tenants: these columns and no others.
grant select (tenant_id, id, vehicle_id, kind, ruc_type, gross_kg, gross_cents, purchased_at) on claims.licence to rucor_claims_worker;
grant select (tenant_id, id, ruc_type, gross_kg) on claims.vehicle to rucor_claims_worker;
