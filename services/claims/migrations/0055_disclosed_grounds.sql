-- Rule CL7: a disclosure says what the line was worth when it was lodged and what it is worth now, and which rules would refuse it today
-- (`grounds`: why, one for each of `rules`).  Of the kilometres none need be missing.

alter table claims.disclosure
    add column claimed_cents bigint,
    add column now_cents bigint,
    add column settled_cents bigint not null default 0,
    add column rules text[] not null default '{}',
    add column grounds text[] not null default '{}';
-- squawk-ignore ban-drop-constraint
alter table claims.disclosure drop constraint disclosure_less;
-- squawk-ignore constraint-missing-not-valid
alter table claims.disclosure add constraint disclosure_less check (now_km <= claimed_km);
-- squawk-ignore constraint-missing-not-valid
alter table claims.disclosure add constraint disclosure_cents_not_negative
    check (claimed_cents >= 0 and now_cents >= 0 and settled_cents >= 0);
-- squawk-ignore constraint-missing-not-valid
alter table claims.disclosure add constraint disclosure_grounds_paired check (cardinality(rules) = cardinality(grounds));
