-- Audit cases (rule PA4): who asks, about which claimed licences, what was given, and what must be kept meanwhile (rule RE1).

create table claims.audit_case (
    tenant_id uuid not null constraint audit_case_tenant_fk references claims.tenant,
    id uuid not null,
    reference text not null constraint audit_case_reference_given check (reference <> ''),  -- the Agency's own
    organisation text not null constraint audit_case_organisation_given check (organisation <> ''),
    officer text not null constraint audit_case_officer_given check (officer <> ''),
    contact text not null,
    subject text not null,
    opened_on date not null,
    due_on date,
    legal_hold boolean not null,  -- what the case covers is kept even when it is closed
    closed_on date,
    outcome text not null default '',
    created_at timestamptz not null default now(),
    constraint audit_case_pk primary key (tenant_id, id),
    constraint audit_case_reference_unique unique (tenant_id, reference),
    constraint audit_case_closed_after check (closed_on >= opened_on)
);
create index audit_case_by_time on claims.audit_case (tenant_id, created_at, id);

-- The scope: lines of lodged claims, and the NZ days (since 1970-01-01) of the evidence they stand on.
create table claims.audit_case_line (
    tenant_id uuid not null,
    case_id uuid not null,
    claim_id uuid not null,
    licence_id uuid not null,
    from_day int not null,
    to_day int not null,
    added_at timestamptz not null default now(),
    constraint audit_case_line_pk primary key (tenant_id, case_id, claim_id, licence_id),
    constraint audit_case_line_case_fk foreign key (tenant_id, case_id) references claims.audit_case,
    constraint audit_case_line_line_fk foreign key (tenant_id, claim_id, licence_id) references claims.claim_line,
    constraint audit_case_line_order check (from_day <= to_day)
);
create index audit_case_line_by_licence on claims.audit_case_line (tenant_id, licence_id);

-- The history: added to, never changed.
create table claims.audit_event (
    tenant_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    seq int not null constraint audit_event_seq_positive check (seq > 0),
    kind text not null constraint audit_event_kind_known check (kind in
        ('opened', 'scope_added', 'given', 'hold_set', 'hold_lifted', 'link_made', 'link_revoked', 'closed')),
    on_day date not null,
    words text not null,
    attachment_id uuid,
    actor text not null constraint audit_event_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint audit_event_pk primary key (tenant_id, id),
    constraint audit_event_seq_unique unique (tenant_id, case_id, seq),
    constraint audit_event_case_fk foreign key (tenant_id, case_id) references claims.audit_case,
    constraint audit_event_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment
);

-- Why days must be kept: one row a line for as long as its case is open or under a legal hold.  `told_…`: the classifier, which
-- keeps the fixes, has been told.
create table claims.audit_hold (
    tenant_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    claim_id uuid not null,
    licence_id uuid not null,
    opened_at timestamptz not null default now(),
    released_at timestamptz,
    told_at timestamptz,
    told_released_at timestamptz,
    constraint audit_hold_pk primary key (tenant_id, id),
    constraint audit_hold_line_fk foreign key (tenant_id, case_id, claim_id, licence_id) references claims.audit_case_line
);
create unique index audit_hold_once on claims.audit_hold (tenant_id, case_id, claim_id, licence_id) where released_at is null;
create index audit_hold_to_tell on claims.audit_hold (opened_at)
    where told_at is null or (released_at is not null and told_released_at is null);

do $$
declare
    name text;
begin
    foreach name in array array['audit_case', 'audit_case_line', 'audit_event', 'audit_hold'] loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api, rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
    end loop;
end $$;

grant select, insert on claims.audit_case, claims.audit_case_line, claims.audit_event, claims.audit_hold to rucor_claims_api;
grant update (legal_hold, closed_on, outcome) on claims.audit_case to rucor_claims_api;
grant update (released_at) on claims.audit_hold to rucor_claims_api;
grant select on claims.audit_case, claims.audit_case_line, claims.audit_hold to rucor_claims_worker;
grant update (told_at, told_released_at) on claims.audit_hold to rucor_claims_worker;
