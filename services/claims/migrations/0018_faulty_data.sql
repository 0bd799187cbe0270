-- Faulty data (smartrak-rucor-claim.txt line 32): a person marks a stretch, an operator accepts or refuses it, the classifier takes
-- it out.  Steps are only ever added; faulty_mark.state is the last step's, for lists and for what holds a claim back (rule EL4).

create table claims.faulty_mark (
    tenant_id uuid not null constraint faulty_mark_tenant_fk references claims.tenant,
    id uuid not null,
    ref text,
    licence_id uuid,
    vehicle_id uuid,
    device text,
    from_at timestamptz not null,  -- both included
    to_at timestamptz not null,
    reason text not null constraint faulty_mark_reason_given check (reason <> ''),
    attachment_id uuid,
    actor text not null constraint faulty_mark_actor_given check (actor <> ''),
    state text not null constraint faulty_mark_state_known
        check (state in ('marked', 'accepted', 'refused', 'withdrawn', 'excluded', 'applied', 'lifted')),
    created_at timestamptz not null,
    constraint faulty_mark_pk primary key (tenant_id, id),
    constraint faulty_mark_ref_unique unique (tenant_id, ref),
    constraint faulty_mark_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint faulty_mark_vehicle_fk foreign key (tenant_id, vehicle_id) references claims.vehicle,
    constraint faulty_mark_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment,
    constraint faulty_mark_of_one_thing check (num_nonnulls(licence_id, vehicle_id, device) = 1),
    constraint faulty_mark_time check (from_at <= to_at)
);
create index faulty_mark_queue on claims.faulty_mark (created_at, id) where state = 'marked';

-- What the mark comes to in device space, decided once when it was made.  `exclusion_id` is what the classifier knows it by.
create table claims.faulty_stretch (
    tenant_id uuid not null,
    mark_id uuid not null,
    exclusion_id uuid not null,
    device text not null,
    from_ms bigint not null,
    to_ms bigint not null,
    first_day int not null,  -- NZ days whose revisions it may change, both included
    last_day int not null,
    constraint faulty_stretch_pk primary key (tenant_id, mark_id, exclusion_id),
    constraint faulty_stretch_mark_fk foreign key (tenant_id, mark_id) references claims.faulty_mark,
    constraint faulty_stretch_time check (from_ms <= to_ms and first_day <= last_day)
);
create index faulty_stretch_by_device on claims.faulty_stretch (tenant_id, device, first_day);

create table claims.faulty_step (
    tenant_id uuid not null,
    id uuid not null,
    mark_id uuid not null,
    seq int not null constraint faulty_step_seq_positive check (seq > 0),
    kind text not null constraint faulty_step_kind_known
        check (kind in ('marked', 'accepted', 'refused', 'withdrawn', 'excluded', 'applied', 'lifted')),
    reason text not null,
    actor text not null constraint faulty_step_actor_given check (actor <> ''),
    created_at timestamptz not null,
    constraint faulty_step_pk primary key (tenant_id, id),
    constraint faulty_step_seq_unique unique (tenant_id, mark_id, seq),
    constraint faulty_step_mark_fk foreign key (tenant_id, mark_id) references claims.faulty_mark
);

-- Written with the acceptance, gone with the last step: the classifier is told until it has it (the outbox of this matter).
create table claims.faulty_job (
    tenant_id uuid not null,
    mark_id uuid not null,
    attempts int not null default 0,
    due_at timestamptz not null default now(),  -- also the lease
    last_error text not null default '',
    constraint faulty_job_pk primary key (tenant_id, mark_id),
    constraint faulty_job_mark_fk foreign key (tenant_id, mark_id) references claims.faulty_mark
);
create index faulty_job_due on claims.faulty_job (due_at);

-- Claims that stood on the stretch, held against their statements once it was out (rule CL7).
create table claims.faulty_review (
    tenant_id uuid not null,
    mark_id uuid not null,
    claim_id uuid not null,
    over_claimed int not null constraint faulty_review_not_negative check (over_claimed >= 0),
    created_at timestamptz not null,
    constraint faulty_review_pk primary key (tenant_id, mark_id, claim_id),
    constraint faulty_review_mark_fk foreign key (tenant_id, mark_id) references claims.faulty_mark,
    constraint faulty_review_claim_fk foreign key (tenant_id, claim_id) references claims.claim
);
create index faulty_review_by_claim on claims.faulty_review (tenant_id, claim_id);

do $$
declare
    name text;
begin
    foreach name in array array['faulty_mark', 'faulty_stretch', 'faulty_step', 'faulty_job', 'faulty_review']
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

grant select, insert on claims.faulty_mark, claims.faulty_stretch, claims.faulty_step, claims.faulty_job to rucor_claims_api;
grant update (state) on claims.faulty_mark to rucor_claims_api;
grant select on claims.faulty_review to rucor_claims_api;
grant select on claims.faulty_mark, claims.faulty_stretch, claims.faulty_step to rucor_claims_worker;
grant update (state) on claims.faulty_mark to rucor_claims_worker;
grant insert on claims.faulty_step to rucor_claims_worker;
grant select, update, delete on claims.faulty_job to rucor_claims_worker;
grant select, insert on claims.faulty_review to rucor_claims_worker;
